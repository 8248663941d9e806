"""Business transfers (매각·합병; S4.2a, PIPA 27, Decree 29): nothing is handed over before everybody could say no.

Planned → notices logged → the period for opting out is over → handed over. No step can be skipped: what is missing is
said. Left out are those who opted out, those who withdrew any consent since the plan was recorded, and whose processing
is suspended; a member with every visitor joined to it. Engineering input, not legal advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from typing import Annotated, Any, cast

import msgspec
from dongui.rules.periods import Period, last_day

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import (
    AttributedRequest,
    Field,
    Request,
    SignedRequest,
    SiteName,
    operation,
)
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.exports.export import Entitlement, export_events
from dongui_collector.ledger.disclosure_subjects import Disclosed
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import disclosures
from dongui_collector.rights.disclosures import DisclosureBegun, DisclosureView
from dongui_collector.rights.manual_disclosures import subject_keys, with_linked
from dongui_collector.storage.contract.disclosures import Disclosure, DisclosureFacts, TransferNotice
from dongui_collector.storage.contract.values import Json

MEANS = ("letter", "email", "text_message", "telephone", "website")
ON_SITE_ALONE = Period(
    days=30
)  # Decree 29(2): a notice on the web site, where a person cannot be reached, stands so long


class PlanTransfer(SignedRequest[DisclosureView], frozen=True):
    """Record the plan. Nothing moves; withdrawals from now on count as a no."""

    recipient: Annotated[str, Field("The successor.", metavar="NAME")]
    address: Annotated[str, Field("The successor's address.")]
    contact: Annotated[str, Field("The successor's telephone and other contact.")]
    fact: Annotated[str, Field("What happens: sale, merger, division …")]
    opt_out: Annotated[str, Field("How one may say no, as the notice says it.", metavar="HOW")]
    until: Annotated[str, Field("The last day for saying no.", metavar="DAY")]
    country: Annotated[str, Field("The successor's country [default: the controller's].")] = ""
    purposes: Annotated[Sequence[str], Field("Only what stands on this purpose; repeatable.", option="--purpose")] = ()
    site: SiteName = None


@operation("transfers.plan", right="approve", audit="disclosure")
def plan(core: Installation, request: PlanTransfer) -> DisclosureView:
    """Record a planned transfer: the ``fact`` (sale, merger, …), the successor with address and contact, how and until
    which day one may opt out. Nothing moves. ``purposes`` empty: all that the site has consents for.
    """
    found = find_site(core, request.site)
    policy = core.registry.in_force(found.ref, core.clock.now()).policy
    known = list(core.storage.ledger.bits(found.ref))
    if unknown := [p for p in request.purposes if p not in known]:
        raise CollectorError(f"{unknown[0]!r} is no consent purpose of {found.name}; there are {', '.join(known)}")
    last = disclosures.day(request.until, "the last day for opting out")
    if last is None or last <= core.retention.today():
        raise CollectorError("the last day for opting out must lie in the future: notices come first (PIPA 27)")
    wanted = list(dict.fromkeys(request.purposes)) or known
    entry = Disclosure(
        way="transfer",
        state="planned",
        site_ref=found.ref,
        party="successor",
        by=request.by,
        country=request.country or policy.controller.country,
        purposes=wanted,
        items=sorted({i for p in wanted if p in policy.purposes for i in policy.purposes[p].items}),
        recipient=disclosures.words(request.recipient, "recipient"),
        address=disclosures.words(request.address, "address"),
        contact=disclosures.words(request.contact, "contact"),
        fact=disclosures.words(request.fact, "fact"),
        opt_out=disclosures.words(request.opt_out, "opt_out"),
        until=last.isoformat(),
        notices=[],
    )
    return status(core, ShowTransfer(disclosures.begin(core, entry)))


class LogNotice(SignedRequest[DisclosureView], frozen=True):
    """Log that the notice was given."""

    id: Annotated[int, Field(argument=True)]
    means: Annotated[str, Field("How it was given.", choices=MEANS)]
    proof: Annotated[str, Field("What proves it: a link, a file's digest, a dispatch number.")]
    on: Annotated[str | None, Field("The day on which it was given [default: today].", metavar="DAY")] = None


@operation("transfers.notice", right="approve", audit="disclosure")
def notice(core: Installation, request: LogNotice) -> DisclosureView:
    """Log that the notice was given: by which ``means``, on which day, and what proves it (a link, a file's digest).

    Several notices may be logged. Raises :class:`CollectorError` for means that are none or a day in the future.
    """
    if request.means not in MEANS:
        raise CollectorError(f"a notice is given by one of {', '.join(MEANS)}")
    given = disclosures.day(request.on, "the day of the notice") or core.retention.today()
    if given > core.retention.today():
        raise CollectorError("a notice is logged once it has been given, not before")
    proof = disclosures.words(request.proof, "what proves it")
    logged = TransferNotice(request.means, given.isoformat(), proof, request.by)
    with core.storage.ledger.writing():
        entry = _transfer(core, request.id, "planned")
        entry.notices = [*(entry.notices or ()), logged]
        core.storage.disclosures.change(entry)
        disclosures.note(core, entry, "noticed", msgspec.to_builtins(logged))
    return status(core, ShowTransfer(request.id))


class OptOut(SignedRequest[DisclosureView], frozen=True):
    """Leave people out; a member with every visitor joined to it."""

    id: Annotated[int, Field(argument=True)]
    members: Annotated[
        Sequence[str], Field("A member's reference; repeatable.", option="--member", metavar="REF", reads="people")
    ] = ()
    visitors: Annotated[
        Sequence[str],
        Field("A visitor's id, - to read it; repeatable.", option="--visitor", metavar="ID", reads="people"),
    ] = ()


@operation("transfers.opt_out", right="approve", audit="disclosure")
def opt_out(core: Installation, request: OptOut) -> DisclosureView:
    """Leave people out for good; a member with every visitor joined to it. Only keyed hashes of them are kept."""
    if not (request.members or request.visitors):
        raise CollectorError("say who opts out: --member or --visitor")
    with core.storage.ledger.writing():
        entry = _transfer(core, request.id, "planned")
        keys = with_linked(
            core, subject_keys(core, core.registry.site_by_ref(entry.site_ref), request.members, request.visitors)
        )
        core.storage.disclosures.add_people(request.id, Disclosed(core.keyring).hashes(request.id, keys, "out"))
        number = len(request.members) + len(request.visitors)
        entry.opted_out = (entry.opted_out or 0) + number
        core.storage.disclosures.change(entry)
        disclosures.note(core, entry, "opted_out", {"number": number, "by": request.by})
    return status(core, ShowTransfer(request.id))


class CancelTransfer(SignedRequest[DisclosureView], frozen=True):
    """Cancel a planned transfer."""

    id: Annotated[int, Field(argument=True)]


@operation("transfers.cancel", right="approve", audit="disclosure")
def cancel(core: Installation, request: CancelTransfer) -> DisclosureView:
    """The transfer does not come: nothing was and nothing will be handed over."""
    with core.storage.ledger.writing():
        entry = _transfer(core, request.id, "planned")
        entry.state, entry.done_at = "cancelled", core.clock.now()
        core.storage.disclosures.change(entry)
        disclosures.note(core, entry, "cancelled", {"by": request.by})
    return disclosures.public_view(core, entry)


class BeginTransfer(AttributedRequest[DisclosureBegun], frozen=True):
    """Begin the hand-over of a transfer whose time has come."""

    id: int


@operation("transfers.begin", right="approve", audit="disclosure")
def begin(core: Installation, request: BeginTransfer) -> DisclosureBegun:
    """Begin the hand-over. Raises :class:`NotAllowed`, saying all that is missing, before the notices are logged and
    the period for opting out is over.
    """
    with core.storage.ledger.writing():
        entry = _transfer(core, request.id, "planned")
        if lacks := missing(entry, core.retention.today()):
            raise NotAllowed(f"transfer {request.id} cannot be carried out: {'; '.join(lacks)}")
        return disclosures.hand_over(core, entry, request.by)


class ShowTransfer(Request[DisclosureView], frozen=True):
    """Show a transfer and what is missing before it may be carried out."""

    id: Annotated[int, Field(argument=True)]


@operation("transfers.status", right="read", changes=False)
def status(core: Installation, request: ShowTransfer) -> DisclosureView:
    """A transfer, with what is ``missing`` before it may be carried out."""
    entry = _transfer(core, request.id)
    return disclosures.public_view(core, entry, missing(entry, core.retention.today()))


def missing(entry: DisclosureFacts, today: date) -> list[str]:
    """What stands between a planned transfer and its hand-over, in words; empty when nothing does, and for all that is
    no planned transfer. Pure."""
    if entry.way != "transfer" or entry.state != "planned":
        return []
    until = date.fromisoformat(str(entry.until))
    notices = [(n.means, date.fromisoformat(n.on)) for n in entry.notices or ()]
    found = []
    if not notices:
        found.append(f"no notice is logged; give it, then: dongui transfer notice {entry.id} --means … --proof …")
    elif all(on >= until for _, on in notices):
        found.append(f"every notice came when opting out had already ended ({until}): plan it anew, with a later day")
    elif all(means == "website" for means, _ in notices):
        stood = last_day(min(on for _, on in notices), ON_SITE_ALONE)
        if stood > until:
            found.append(
                f"a notice on the web site alone must stand 30 days, until {stood}, but opting out ends on {until}:"
                " give it to the people too, or plan it anew with a later day"
            )
    if today <= until:
        found.append(f"people may opt out until {until}; from {until + timedelta(days=1)} on it may be carried out")
    return found


def _transfer(core: Installation, id: int, *states: str) -> Disclosure:
    entry = disclosures.load(core, id, *states)
    if entry.way != "transfer":
        raise CollectorError(f"disclosure {id} is no transfer")
    return entry


# --- what goes -------------------------------------------------------------------------------------------------------


def staying(core: Installation, entry: Disclosure) -> Callable[[bytes], bool]:
    """Who is left out of a transfer, as a test of a visitor's or member's key."""
    hashes, ledger, sets = Disclosed(core.keyring), core.storage.ledger, core.storage.disclosures
    known: dict[bytes, bool] = {}

    def says_no(key: bytes) -> bool:
        visitor = ledger.visitor(key)
        if visitor is not None and visitor.suspended:
            return True
        words = visitor.standings.values() if visitor else ()
        since = any(s.state == "withdrawn" and s.at >= entry.at for s in words)
        return since or bool(sets.known([hashes.hash(entry.id, key, "out")]))

    def out(key: bytes) -> bool:
        if key not in known:
            whole = with_linked(core, [key])
            answer = any(says_no(one) for one in whole)
            known.update(dict.fromkeys(whole, answer))
        return known[key]

    return out


def handed_over(core: Installation, entry: Disclosure, before: Callable[[Sequence[bytes]], None]) -> Iterator[Json]:
    """What a transfer hands over, one object each: events as exports have them, then records of other classes.

    Under pseudonyms of the transfer's own; ``subject`` of a record is the member's reference as the site gave it. What
    lies in the archive stays: it may serve its own obligation only (S3.1).
    """
    site, out = core.registry.site_by_ref(entry.site_ref), staying(core, entry)
    reader = Entitlement(f"transfer:{entry.id}", site, tuple(entry.purposes))
    for row in export_events(core, reader, date.min, date.max, before=before, only=lambda key: not out(key)):
        yield {"kind": "event", **row}
    names, today = Pseudonyms(core.keyring, reader.consumer), core.retention.today()
    for site_ref, class_id, last, _ in core.storage.records.groups():
        if site_ref != site.ref or last < today:
            continue
        found = core.storage.records.of_group(site_ref, class_id, last)
        ended = {intent.visitor for intent in core.storage.ledger.intents()}
        going = [r for r in found if r.subject not in ended and not out(r.subject)]
        if going:
            before([r.subject for r in going])
        for record in going:
            opened = core.retention.records.opened(record)
            said = {"class": class_id, "at": record.at, "source": record.source, "kept_until": last.isoformat()}
            whose = {"visitor": names.visitor(record.subject), "subject": cast(Any, opened.get("subject"))}
            yield {"kind": "record", **said, **whose, "data": opened.get("data")}
