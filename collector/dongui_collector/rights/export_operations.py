"""What reading leaves on the ledger: who was given what (S4, K12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from dongui_collector.analytics.imports.days import READERS
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import AttributedRequest, Request, operation
from dongui_collector.exports.export import Entitlement, entitle
from dongui_collector.ledger.erasure_feed import CONSUMERS
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.storage.contract.values import Json


class ExportNoted(msgspec.Struct, frozen=True):
    """Under which name it is read, and the number of the disclosure that a hand-over begins."""

    consumer: str
    disclosure: int | None


class AuditExport(AttributedRequest[ExportNoted], frozen=True):
    """Decide and write down an export before its first row is read."""

    purposes: Sequence[str]
    first: date
    last: date
    format: str
    site: str | None = None
    recipient: str | None = None
    precise: bool = False


@operation("export.audit", right="export", audit="export")
def audit_export(core: Installation, request: AuditExport) -> ExportNoted:
    """Decide and write down an export before its first row is read. Raises what :func:`entitle` raises.

    With a ``recipient`` it is a hand-over: ``disclosure`` in the answer is the number of its entry, which whoever reads
    closes (:class:`~dongui_collector.rights.disclosures.Handover`); None for the controller's own use.
    """
    reader = entitle(
        core, find_site(core, request.site), request.purposes, recipient=request.recipient, precise=request.precise
    )
    days = (request.first, request.last)
    id = note_export(core, reader, *days, format=request.format, by=request.by, way="export")
    return ExportNoted(reader.consumer, id)


class NoteTokenExport(Request[ExportNoted], frozen=True):
    """The same for a token's export, whose purposes and recipient the token itself names."""

    consumer: str
    site: str
    purposes: Sequence[str]
    first: date
    last: date
    format: str
    by: str
    recipient: str | None = None
    precise: bool = False


@operation("export.note", audit="export")
def note_token_export(core: Installation, request: NoteTokenExport) -> ExportNoted:
    """The same for a token's export, whose purposes and recipient the token itself names."""
    reader = Entitlement(
        request.consumer, find_site(core, request.site), tuple(request.purposes), request.recipient, request.precise
    )
    days = (request.first, request.last)
    return ExportNoted(
        consumer=request.consumer,
        disclosure=note_export(core, reader, *days, format=request.format, by=request.by, way="token"),
    )


def note_export(
    core: Installation, reader: Entitlement, first: date, last: date, *, format: str, by: str, way: str
) -> int | None:
    """On the ledger: who reads what; and in the list of those whom the erasure feed must tell.

    Returns the number of the disclosure that a hand-over begins. Raises :class:`NotAllowed` for a recipient whom the
    notice in force does not name for this (S4.1).
    """
    admin = core.storage.admin
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
        consumers: Json = admin.setting(CONSUMERS) or {}
        had = consumers.get(reader.consumer, {"purposes": []})
        consumers[reader.consumer] = {
            "purposes": sorted({*had["purposes"], *reader.purposes}),
            # More than one site: told of every site's endings; a name it does not know means nothing to it.
            "site": reader.site.ref if had.get("site", reader.site.ref) == reader.site.ref else None,
        }
        admin.put_setting(CONSUMERS, consumers)
        if reader.recipient is None:
            return None
        begun = disclosures.to_party(core, reader.site.ref, reader.recipient, reader.purposes, way=way, by=by)
        begun.first, begun.last, begun.format = first.isoformat(), last.isoformat(), format
        if reader.precise:
            begun.precise = True
        return disclosures.begin(core, begun)


class AggregatesImported(msgspec.Struct, frozen=True):
    """How many days were taken, how many were there already, and the first and last of them all."""

    source: str
    days: int
    already: int
    first: str | None = msgspec.field(name="from")
    last: str | None = msgspec.field(name="to")


class ImportAggregates(AttributedRequest[AggregatesImported], frozen=True):
    """Keep another product's numbers of days, all of them or none, for readers of one purpose."""

    source: str
    purpose: str
    days: Mapping[str, Mapping[str, Json]]
    site: str | None = None


@operation("aggregates.import", right="publish", audit="import")
def import_aggregates(core: Installation, request: ImportAggregates) -> AggregatesImported:
    """Keep another product's numbers of days, all of them or none, for readers of ``purpose``.

    A day that this product's numbers are there of already stays as it is. Raises :class:`Unknown` for a purpose that
    the site never had, :class:`CollectorError` for a source that is none, or a day that has not ended.
    """
    found = find_site(core, request.site)
    if request.source not in READERS:
        raise CollectorError(f"numbers are imported from {', '.join(READERS)}")
    entitle(core, found, (request.purpose,))
    today = core.clock.today(core.settings.zone)
    if open_ := [day for day in request.days if not date.fromisoformat(day) < today]:
        raise CollectorError(f"{open_[0]} has not ended: export days that are over")
    taken = 0
    with core.storage.ledger.writing():
        for day, reports in request.days.items():
            taken += len(
                core.storage.ledger.freeze(
                    date.fromisoformat(day), found.ref, request.source, {request.purpose: reports}
                )
            )
        said: Json = {"action": "import", "source": request.source, "purpose": request.purpose}
        said |= {"days": taken, "by": request.by}
        said |= {"from": min(request.days, default=None), "to": max(request.days, default=None)}
        core.storage.ledger.append("audit", core.clock.now(), said, site_ref=found.ref)
    days = len(request.days)
    return AggregatesImported(request.source, taken, days - taken, said["from"], said["to"])
