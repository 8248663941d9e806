"""The erasure feed: what consumers must destroy in their own copies, under their own names for the visitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dongui_collector.storage.contract.values import Json

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

LIMIT = 1000


def erasures(core: LedgerInstallation, consumer: str, after: int = 0, limit: int = LIMIT) -> Json:
    """What ended since ``after``, oldest first: ``{entries: [{cursor, at, kind, …}], next}``.

    ``kind`` is ``withdrawal`` or ``erasure`` (with ``visitor``, as this consumer knows them, and the ``purposes`` that
    ended), ``suspension`` or ``resumption`` (likewise: copies are kept, and not used in between), or ``aged_out`` (with
    the ``day`` and, where only some ended, the ``purposes``). ``next`` is the ``after`` of the next call. Visitors are
    named for 90 days, so a consumer asks at least that often.
    """
    found = core.storage.admin.feed(consumer, after, min(max(1, limit), LIMIT))
    entries = [{"cursor": n, "at": at, **entry} for n, at, entry in found]
    return {"entries": entries, "next": entries[-1]["cursor"] if entries else after}
