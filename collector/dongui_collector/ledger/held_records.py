"""What legal holds keep of the ledger's own records of a visitor. Pure but for the notices' time zones."""

from __future__ import annotations

from collections.abc import Sequence

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.storage.contract.values import Hold, LedgerRecord


def unheld(records: Sequence[LedgerRecord], holds: Sequence[Hold], registry: NoticeRegistry) -> list[int]:
    """The numbers of those ledger records of one visitor whose content none of these holds keeps."""
    return [r.seq for r in records if not any(_covers(h, r, registry) for h in holds)]


def _covers(hold: Hold, record: LedgerRecord, registry: NoticeRegistry) -> bool:
    if record.site_ref is None:
        return False
    day = day_of(record.at, registry.in_force(record.site_ref, record.at).zone)
    return hold.touches(record.site_ref, "consent_record", day)
