"""Hand-overs to investigators and courts (S4.2c, PIPA 18): statute, procedure and demand first, then exactly that.

Recording the demand and handing over are two steps: nothing goes before the demand is on the ledger. Nothing goes that
was not asked: items, days and persons are the demand's. Whether the demand is lawful is for people to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import Annotated

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import (
    AttributedRequest,
    Field,
    SignedRequest,
    SiteName,
    operation,
)
from dongui_collector.exports.export import FIELDS_OF, Entitlement, export_events
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.rights.disclosures import DisclosureBegun, DisclosureView
from dongui_collector.rights.manual_disclosures import subject_keys, with_linked
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.values import Json


class RecordDemand(SignedRequest[DisclosureView], frozen=True):
    """Record a demand. Nothing is handed over yet."""

    authority: Annotated[str, Field("Who demands it.")]
    statute: Annotated[str, Field("The provision that it rests on.")]
    procedure: Annotated[str, Field("By which procedure: a warrant, a court's order …")]
    document: Annotated[str, Field("The demand's reference.")]
    items: Annotated[Sequence[str], Field(option="--item", choices=tuple(FIELDS_OF))]
    first: Annotated[str, Field("The first day of the data.", option="--from", metavar="DAY")]
    last: Annotated[str, Field("The last day, included.", option="--to", metavar="DAY")]
    members: Annotated[
        Sequence[str], Field("Whom it names: a member; repeatable.", option="--member", metavar="REF", reads="people")
    ] = ()
    visitors: Annotated[
        Sequence[str],
        Field("Whom it names: a visitor's id, - to read it.", option="--visitor", metavar="ID", reads="people"),
    ] = ()
    everyone: Annotated[bool, Field("It names a period only.")] = False
    secret_until: Annotated[str | None, Field("A law forbids telling the person until then.", metavar="DAY")] = None
    secret_law: Annotated[str, Field("That law.")] = ""
    site: SiteName = None


@operation("investigations.record", right="approve", audit="disclosure")
def record(core: Installation, request: RecordDemand) -> DisclosureView:
    """Record a demand: which ``authority``, under which ``statute``, by which ``procedure`` (a warrant, say), and the
    reference of its ``document``; which ``items`` of which days of whom.

    ``members`` and ``visitors`` say whom it names (a member with every visitor joined to it; kept as keyed hashes), or
    ``everyone`` in those days. ``secret_until`` with ``secret_law``: a law that forbids telling the person until then.
    Raises :class:`CollectorError` for a demand that is not whole (S4.2c).
    """
    found = find_site(core, request.site)
    days = (disclosures.day(request.first, "the first day"), disclosures.day(request.last, "the last day"))
    if days[0] is None or days[1] is None or days[1] < days[0]:
        raise CollectorError("a demand says from which day to which; --from must not lie behind --to")
    if not request.items or not set(request.items) <= FIELDS_OF.keys():
        raise CollectorError(f"a demand names the items that it asks for: {', '.join(FIELDS_OF)}" + _not(request.items))
    if request.everyone == bool(request.members or request.visitors):
        raise CollectorError("say whom it names (--member, --visitor), or --everyone if it names a period only")
    secret = disclosures.day(request.secret_until, "the end of secrecy")
    if bool(secret) != bool(request.secret_law.strip()):
        raise CollectorError("secrecy towards the person needs its law and its last day: --secret-law, --secret-until")
    entry = Disclosure(
        way="investigation",
        state="planned",
        site_ref=found.ref,
        party="authority",
        by=request.by,
        purposes=[],
        country=core.registry.in_force(found.ref, core.clock.now()).policy.controller.country,
        items=sorted(set(request.items)),
        first=days[0].isoformat(),
        last=days[1].isoformat(),
        recipient=disclosures.words(request.authority, "recipient"),
        statute=disclosures.words(request.statute, "statute"),
        procedure=disclosures.words(request.procedure, "procedure"),
        document=disclosures.words(request.document, "document"),
        of_everyone=request.everyone,
        secret_until=secret.isoformat() if secret else None,
        secret_law=request.secret_law.strip(),
    )
    keys = with_linked(core, subject_keys(core, found, request.members, request.visitors))
    with core.storage.ledger.writing():
        id = disclosures.begin(core, entry)
        core.storage.disclosures.add_people(id, Disclosed(core.keyring).hashes(id, keys, "asked"))
    return disclosures.public_view(core, disclosures.load(core, id))


def _not(items: Sequence[str]) -> str:
    unknown = [item for item in items if item not in FIELDS_OF]
    return f"; not {unknown[0]!r}" if unknown else ""


class BeginInvestigation(AttributedRequest[DisclosureBegun], frozen=True):
    """Begin the hand-over of a demand that is recorded."""

    id: int


@operation("investigations.begin", right="approve", audit="disclosure")
def begin(core: Installation, request: BeginInvestigation) -> DisclosureBegun:
    """Begin the hand-over of a demand that is recorded."""
    with core.storage.ledger.writing():
        entry = disclosures.load(core, request.id, "planned")
        if entry.way != "investigation":
            raise CollectorError(f"disclosure {request.id} is no demand of an investigator")
        return disclosures.hand_over(core, entry, request.by)


def demanded(core: Installation, entry: Disclosure, before: Callable[[Sequence[bytes]], None]) -> Iterator[Json]:
    """Exactly what a demand asks for: its days, its persons, its items; all else is null.

    What is withdrawn, erased, suspended or past its period is not in it: it is no more, or nobody may read it.
    """
    hashes, sets, id = Disclosed(core.keyring), core.storage.disclosures, entry.id
    asked: dict[bytes, bool] = {}

    def named(key: bytes) -> bool:
        if key not in asked:
            asked[key] = bool(sets.known([hashes.hash(id, key, "asked")]))
        return asked[key]

    site = core.registry.site_by_ref(entry.site_ref)
    reader = Entitlement(f"investigation:{id}", site, tuple(core.storage.ledger.bits(site.ref)))
    first, last = date.fromisoformat(entry.first or ""), date.fromisoformat(entry.last or "")
    only = None if entry.of_everyone else named
    hidden = [field for item, fields in FIELDS_OF.items() if item not in entry.items for field in fields]
    for row in export_events(core, reader, first, last, before=before, only=only):
        yield row | dict.fromkeys(hidden)
