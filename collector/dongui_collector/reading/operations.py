"""What reading leaves on the ledger: who was given what (S4, K12)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from dongui_collector.control import operation
from dongui_collector.core import Core
from dongui_collector.ledger.finishing import CONSUMERS
from dongui_collector.publishing import find_site
from dongui_collector.reading.export import Entitlement, entitle


@operation("export.audit")
def audit_export(
    core: Core,
    purposes: Sequence[str],
    first: str,
    last: str,
    format: str,
    site: str | None = None,
    recipient: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Decide and write down an export before its first row is read. Raises what :func:`entitle` raises."""
    reader = entitle(core, find_site(core, site), purposes, recipient=recipient)
    days = (date.fromisoformat(first), date.fromisoformat(last))
    note_export(core, reader, *days, format=format, by=by)
    return {"consumer": reader.consumer, "site": reader.site.id}


@operation("export.note")
def note_token_export(
    core: Core, consumer: str, site: str, purposes: Sequence[str], first: str, last: str, format: str, by: str
) -> dict[str, Any]:
    """The same for a token's export, whose purposes the token itself names."""
    reader = Entitlement(consumer, find_site(core, site), tuple(purposes))
    note_export(core, reader, date.fromisoformat(first), date.fromisoformat(last), format=format, by=by)
    return {"consumer": consumer}


def note_export(core: Core, reader: Entitlement, first: date, last: date, *, format: str, by: str) -> None:
    """On the ledger: who reads what; and in the list of those whom the erasure feed must tell."""
    office = core.storage.office
    entry = {
        "action": "export",
        "consumer": reader.consumer,
        "recipient": reader.recipient,
        "purposes": list(reader.purposes),
        "from": first.isoformat(),
        "to": last.isoformat(),
        "format": format,
        "by": by,
    }
    with core.storage.ledger.writing():
        core.storage.ledger.append("audit", core.clock.now(), entry, site_ref=reader.site.ref)
        consumers = office.setting(CONSUMERS) or {}
        had = consumers.get(reader.consumer, {"purposes": []})
        consumers[reader.consumer] = {
            "purposes": sorted({*had["purposes"], *reader.purposes}),
            # More than one site: told of every site's endings; a name it does not know means nothing to it.
            "site": reader.site.ref if had.get("site", reader.site.ref) == reader.site.ref else None,
        }
        office.put_setting(CONSUMERS, consumers)
