"""What reading leaves on the ledger: who was given what (S4, K12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from dongui_collector.analytics.imports.days import READERS
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import operation
from dongui_collector.exports.export import Entitlement, entitle
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.withdrawal import CONSUMERS
from dongui_collector.rights import disclosures
from dongui_collector.storage.contract.values import Json


@operation("export.audit")
def audit_export(
    core: Installation,
    purposes: Sequence[str],
    first: str,
    last: str,
    format: str,
    site: str | None = None,
    recipient: str | None = None,
    by: str = "command line",
    precise: bool = False,
) -> dict[str, Any]:
    """Decide and write down an export before its first row is read. Raises what :func:`entitle` raises.

    With a ``recipient`` it is a hand-over: ``disclosure`` in the answer is the number of its entry, which whoever reads
    closes (:class:`~dongui_collector.rights.disclosures.Handover`); None for the controller's own use.
    """
    reader = entitle(core, find_site(core, site), purposes, recipient=recipient, precise=precise)
    days = (date.fromisoformat(first), date.fromisoformat(last))
    id = note_export(core, reader, *days, format=format, by=by, way="export")
    return {"consumer": reader.consumer, "site": reader.site.id, "disclosure": id}


@operation("export.note")
def note_token_export(
    core: Installation,
    consumer: str,
    site: str,
    purposes: Sequence[str],
    first: str,
    last: str,
    format: str,
    by: str,
    recipient: str | None = None,
    precise: bool = False,
) -> dict[str, Any]:
    """The same for a token's export, whose purposes and recipient the token itself names."""
    reader = Entitlement(consumer, find_site(core, site), tuple(purposes), recipient, precise)
    days = (date.fromisoformat(first), date.fromisoformat(last))
    return {"consumer": consumer, "disclosure": note_export(core, reader, *days, format=format, by=by, way="token")}


def note_export(
    core: Installation, reader: Entitlement, first: date, last: date, *, format: str, by: str, way: str
) -> int | None:
    """On the ledger: who reads what; and in the list of those whom the erasure feed must tell.

    Returns the number of the disclosure that a hand-over begins. Raises :class:`NotAllowed` for a recipient whom the
    notice in force does not name for this (S4.1).
    """
    office = core.storage.office
    entry: Json = {
        "action": "export",
        "consumer": reader.consumer,
        "recipient": reader.recipient,
        "purposes": list(reader.purposes),
        "from": first.isoformat(),
        "to": last.isoformat(),
        "format": format,
        "by": by,
    }
    if reader.precise:
        entry["precise"] = True
    with core.storage.ledger.writing():
        core.storage.ledger.append("audit", core.clock.now(), entry, site_ref=reader.site.ref)
        consumers: Json = office.setting(CONSUMERS) or {}
        had = consumers.get(reader.consumer, {"purposes": []})
        consumers[reader.consumer] = {
            "purposes": sorted({*had["purposes"], *reader.purposes}),
            # More than one site: told of every site's endings; a name it does not know means nothing to it.
            "site": reader.site.ref if had.get("site", reader.site.ref) == reader.site.ref else None,
        }
        office.put_setting(CONSUMERS, consumers)
        if reader.recipient is None:
            return None
        said: Json = {name: entry[name] for name in ("from", "to", "format", "by", "precise") if name in entry}
        return disclosures.begin(
            core, disclosures.to_party(core, reader.site.ref, reader.recipient, reader.purposes) | {"way": way, **said}
        )


@operation("aggregates.import")
def import_aggregates(
    core: Installation,
    source: str,
    purpose: str,
    days: Mapping[str, Mapping[str, Json]],
    site: str | None = None,
    by: str = "command line",
) -> dict[str, Any]:
    """Keep another product's numbers of days, all of them or none, for readers of ``purpose``.

    A day that this product's numbers are there of already stays as it is. Raises :class:`Unknown` for a purpose that
    the site never had, :class:`CollectorError` for a source that is none, or a day that has not ended.
    """
    found = find_site(core, site)
    if source not in READERS:
        raise CollectorError(f"numbers are imported from {', '.join(READERS)}")
    entitle(core, found, (purpose,))
    today = core.clock.today(core.registry.in_force(found.ref, core.clock.now()).zone)
    if open_ := [day for day in days if not date.fromisoformat(day) < today]:
        raise CollectorError(f"{open_[0]} has not ended: export days that are over")
    taken = 0
    with core.storage.ledger.writing():
        for day, reports in days.items():
            taken += len(core.storage.ledger.freeze(date.fromisoformat(day), found.ref, source, {purpose: reports}))
        said = {"action": "import", "source": source, "purpose": purpose, "days": taken, "by": by}
        said |= {"from": min(days, default=None), "to": max(days, default=None)}
        core.storage.ledger.append("audit", core.clock.now(), said, site_ref=found.ref)
    return {"source": source, "days": taken, "already": len(days) - taken, "from": said["from"], "to": said["to"]}
