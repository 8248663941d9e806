"""Privacy requests (열람등요구) as operations: received, identity checked, answered and carried out, in time.

The order is the law's and no role can change it: before the check of who asks is on record nothing about the person is
shown, handed over or done (S9.6). Command line, console and the public door share these functions. Sources: S9, K10,
K10a, K11.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec

from dongui_collector.access import audit_log
from dongui_collector.core.clock import day_of
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import COMMAND_LINE, By, Field, Request, SiteName, operation
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import duplicates, files, fulfilment
from dongui_collector.rights.grounds import (
    CHANNELS,
    GROUNDS,
    KINDS,
    OUTCOMES,
    PROOFS,
    Ground,
    due_day,
    grounds_for,
    kind_of,
    named_in,
    urgency,
)
from dongui_collector.rights.records import records_shown
from dongui_collector.rights.subjects import Subject, named, subject_of
from dongui_collector.storage.contract.values import Json, Visitor

_LONGEST = {"name": 200, "contact": 200, "text": 4000, "reason": 4000, "note": 1000, "attorney": 1000}


# --- received --------------------------------------------------------------------------------------------------------


class FiledRequest(msgspec.Struct, frozen=True):
    """A request that was filed: its number, kind, and the last day for its answer."""

    id: int
    kind: str
    due: str


class FileRequest(Request[FiledRequest], frozen=True):
    """File a request that came by e-mail, letter or telephone. Its clock runs from the day it was received."""

    kind: Annotated[str, Field(choices=tuple(KINDS))]
    channel: Annotated[str, Field("How it came.", choices=CHANNELS, default="email")] = "email"
    name: Annotated[str, Field("Who asks. Kept sealed, like everything that names a person.")] = ""
    contact: Annotated[str, Field("Where the answer goes.")] = ""
    text: Annotated[str, Field("What they wrote; - reads it from standard input.", reads="text")] = ""
    member: Annotated[str | None, Field("Whom it is about: the site's own reference of a member.")] = None
    visitor: Annotated[str | None, Field("Whom it is about: a visitor id; - asks for it.", reads="secret")] = None
    agent: Annotated[bool, Field("Somebody asks for the person, under a power of attorney.")] = False
    received: Annotated[str | None, Field("The day on which it came in [default: today].", metavar="DAY")] = None
    by: By = COMMAND_LINE
    site: SiteName = None


@operation("requests.add", right="requests", audit="request")
def add(core: Installation, form: FileRequest) -> FiledRequest:
    """File a request that came by e-mail, letter, telephone or in person; its clock runs from the day it ``received``.

    ``member`` is the site's reference, ``visitor`` a visitor id; either may be left to the check of the identity.
    ``agent`` says that somebody asks for the person (K11). Returns ``{id, kind, due}``.
    """
    found = find_site(core, form.site)
    known = _kind(form.kind)
    if form.channel not in CHANNELS:
        raise CollectorError(f"a request comes by one of {', '.join(CHANNELS)}")
    now = core.clock.now()
    day = _received(form.received, day_of(now, core.registry.in_force(found.ref, now).zone))
    entry = {
        **_entry(found.ref, known, form.kind, form.channel, now, day),
        **named(core, found, visitor=form.visitor, member=form.member),
        "agent": form.agent,
    }
    secret = {
        "name": _short("name", form.name),
        "contact": _short("contact", form.contact),
        "text": _short("text", form.text),
    }
    return _filed(core, entry, {**secret, **({"reference": form.member} if form.member else {})}, form.by)


def received_online(core: Installation, visitor: Visitor, asked: str, text: str | None) -> FiledRequest:
    """File a request of a visitor's own: the id that it came with is the proof of who asks (S9.6).

    Asked again while the first is open, it joins that one and keeps its clock.
    """
    now = core.clock.now()
    day = day_of(now, core.registry.in_force(visitor.site_ref, now).zone)
    identity = {"result": "confirmed", "how": "visitor_id", "at": now, "by": "visitor"}
    entry = {
        **_entry(visitor.site_ref, _kind(asked), asked, "online", now, day),
        "visitor": visitor.key.hex(),
        "identity": identity,
    }
    words = _short("text", text or "")
    with core.storage.ledger.writing():
        if first := duplicates.join(core, visitor, entry["kind"], asked, words):
            return FiledRequest(first["id"], first["kind"], first["due"])
        return _filed(core, entry, {"text": words}, "visitor")


def _entry(site_ref: int, kind: str, asked: str, channel: str, now: int, day: date) -> Json:
    return {
        "site_ref": site_ref,
        "kind": kind,
        "asked": asked,
        "channel": channel,
        "at": now,
        "received": day.isoformat(),
        "due": due_day(kind, day).isoformat(),
        "state": "open",
    }


def _filed(core: Installation, entry: Json, secret: Json, by: str) -> FiledRequest:
    with core.storage.ledger.writing():
        id = files.add(core, entry, {key: value for key, value in secret.items() if value})
        files.noted(core, {**entry, "id": id}, "received", by, channel=entry["channel"])
    return FiledRequest(id, entry["kind"], entry["due"])


def _kind(word: str) -> str:
    kind = kind_of(word)
    if kind is None:
        raise CollectorError(f"a request is one of {', '.join(KINDS)}")
    return kind


def _received(text: str | None, today: date) -> date:
    if text is None:
        return today
    day = _day(text, "the day on which it was received")
    if day > today:
        raise CollectorError("a request cannot have been received in the future")
    return day


def _short(name: str, text: str) -> str:
    if len(text) > _LONGEST[name]:
        raise CollectorError(f"{name} has at most {_LONGEST[name]} characters")
    return text.strip()


# --- who asks (S9.6) -------------------------------------------------------------------------------------------------


class IdentityRecorded(msgspec.Struct, frozen=True):
    """The result of a check: ``confirmed`` or ``failed``."""

    id: int
    identity: str


class RecordIdentity(Request[IdentityRecorded], frozen=True):
    """Record that it was checked who asks. Nothing is shown or done before."""

    id: Annotated[int, Field(argument=True)]
    how: Annotated[str, Field("How it was checked.", choices=PROOFS)]
    by: By = COMMAND_LINE
    failed: Annotated[bool, Field("It could not be confirmed.")] = False
    note: Annotated[str, Field("What was seen; never a copy of a document.")] = ""
    attorney: Annotated[str, Field("Which power of attorney an agent showed.")] = ""
    member: Annotated[str | None, Field("Whom it is about, where the request does not say yet.")] = None
    visitor: Annotated[str | None, Field("The same by a visitor id; - asks for it.", reads="secret")] = None


@operation("requests.identity", right="requests", audit="request")
def identity(core: Installation, form: RecordIdentity) -> IdentityRecorded:
    """Record that the requester was checked: ``how``, by whom, and whether it was the person (or not: ``failed``).

    An agent needs a power of attorney as well: ``attorney`` says which was seen (K11). ``member`` or ``visitor`` say
    whom the check was about where the request does not yet. It may be repeated while the request is open.
    """
    if form.how not in PROOFS:
        raise CollectorError(f"an identity is checked by one of {', '.join(PROOFS)}")
    with core.storage.ledger.writing():
        request = open_request(core, form.id)
        site = core.registry.site_by_ref(request["site_ref"])
        about = named(core, site, visitor=form.visitor, member=form.member)
        if request.get("agent") and not form.failed and not form.attorney.strip():
            raise NotAllowed("an agent acts under a power of attorney; say which one was seen with --attorney")
        if form.how == "visitor_id" and not (form.visitor or request.get("visitor")):
            raise CollectorError("a visitor id proves who asks only where it was given; say it with --visitor")
        result = "failed" if form.failed else "confirmed"
        secret = files.private(core, request) | {"identity_note": _short("note", form.note)}
        secret |= {"attorney": _short("attorney", form.attorney)} if form.attorney else {}
        secret |= {"reference": form.member} if form.member else {}
        if about:  # another subject takes the place of the former
            about = {"visitor": None, "member": None} | about
        checked = {"result": result, "how": form.how, "at": core.clock.now(), "by": form.by}
        files.change(core, form.id, {**about, "identity": checked}, secret)
        facts = {"attorney": True} if form.attorney else {}
        files.noted(core, request, "identity", form.by, how=form.how, result=result, **facts)
    core.storage.ledger.scrub()
    return IdentityRecorded(id=form.id, identity=result)


def must_be_proved(request: Json) -> None:
    """Raises :class:`NotAllowed` unless who asks was checked and confirmed. Nothing goes round it (S9.6)."""
    checked = request.get("identity")
    if checked is None:
        remedy = f"record the check first: dongui requests identity {request['id']} --how …"
        raise NotAllowed(f"who asks has not been checked; {remedy}")
    if checked["result"] != "confirmed":
        raise NotAllowed("the identity of who asks could not be confirmed: it can only be refused, under DECREE 46(1)")


# --- answered (K10) --------------------------------------------------------------------------------------------------


class RequestAnswered(msgspec.Struct, frozen=True):
    """An answer: its new due day and ground where it has one, what was destroyed, and what other law keeps."""

    id: int
    outcome: str
    due: date | None
    ground: str | None
    rows_destroyed: int | None
    kept: list[Json]


class AnswerRequest(Request[RequestAnswered], frozen=True):
    """Answer a request. Granting an erasure or a suspension carries it out."""

    id: Annotated[int, Field(argument=True)]
    outcome: Annotated[str, Field(choices=OUTCOMES)]
    ground: Annotated[
        str | None, Field("The provision that a refusal or a postponement rests on.", metavar="ARTICLE")
    ] = None
    reason: Annotated[str, Field("Needed where the request is refused or postponed.")] = ""
    until: Annotated[str | None, Field("The new due day of a postponement.", metavar="DAY")] = None
    by: By = COMMAND_LINE


@operation("requests.answer", right="requests", audit="request")
def answer(core: Installation, form: AnswerRequest) -> RequestAnswered:
    """Answer a request: ``granted`` (what was asked is carried out before this returns), ``refused``, ``postponed``.

    Refusing and postponing name the provision that they rest on, as ``ground`` or in the words of ``reason``; where the
    law leaves only one for this kind and outcome, that one is taken. Postponing names also the day ``until`` which.
    The outcome and its ground go on the ledger, the words stay sealed with the
    request. Raises :class:`NotAllowed` before the identity was checked and for a request that is closed,
    :class:`CollectorError` for an answer that is not whole.
    """
    with core.storage.ledger.writing():
        request = open_request(core, form.id)
        rests_on, due = _checked(core, request, form.outcome, _short("reason", form.reason), form.until, form.ground)
        now = core.clock.now()
        given: Json = {"outcome": form.outcome, "ground": rests_on and rests_on.id, "at": now, "by": form.by}
        given |= {"until": due.isoformat()} if due else {}
        seqs, changes = _decide(core, request, form.outcome)
        secret = files.private(core, request)
        secret["reasons"] = [*secret.get("reasons", []), form.reason.strip()]
        changes |= {"answers": [*request.get("answers", []), given | ({"endings": seqs} if seqs else {})]}
        changes |= {"state": form.outcome, **({"due": due.isoformat()} if due else {"closed_at": now})}
        files.change(core, form.id, changes, secret)
        files.noted(core, request, "answered", form.by, outcome=form.outcome, ground=rests_on and rests_on.id)
    destroyed = fulfilment.finish(core, seqs) if seqs else None
    kept = settle(core, form.id)
    core.storage.ledger.scrub()
    return RequestAnswered(form.id, form.outcome, due, rests_on.id if rests_on else None, destroyed, kept)


def _checked(
    core: Installation, request: Json, outcome: str, reason: str, until: str | None, ground: str | None
) -> tuple[Ground | None, date | None]:
    """The ground of an answer and the new due day of a postponement, each None where there is none."""
    if outcome not in OUTCOMES:
        raise CollectorError(f"an answer is one of {', '.join(OUTCOMES)}")
    proved = (request.get("identity") or {}).get("result") == "confirmed"
    if outcome != "refused" or request.get("identity") is None:
        must_be_proved(request)
    if outcome == "granted":
        if request["kind"] == "explanation" and not reason:
            raise CollectorError("granting an explanation means giving it; write it with --reason")
        return None, None
    if not reason:
        raise CollectorError(f"an answer that is {outcome} needs a reason; say it with --reason")
    open_to = grounds_for(request["kind"], outcome, proved=proved)
    rests_on = named_in(ground or reason, open_to)
    if rests_on is None and len(open_to) == 1 and not ground and named_in(reason, GROUNDS) is None:
        rests_on = open_to[0]  # no other is open, and no other was named
    if rests_on is None:
        choice = ", ".join(g.id for g in open_to)
        what = f"a request for {request['kind']} is {outcome} only on a ground that the law knows"
        raise CollectorError(f"{what}; name one with --ground: {choice}" if choice else f"{what}: there is none")
    return rests_on, _postponed(core, until) if outcome == "postponed" else None


def _postponed(core: Installation, until: str | None) -> date:
    day = _day(until or "", "a postponement's end, --until,")
    if day <= core.clock.today(core.settings.zone):
        raise CollectorError("a postponement needs a day to come")
    return day


def _decide(core: Installation, request: Json, outcome: str) -> tuple[list[int], Json]:
    """Decide what a granted request does: the endings that it begins, and what changes in its file."""
    kind = request["kind"]
    if outcome != "granted" or kind not in ("erasure", "suspension", "resumption"):
        return [], {}
    subject = subject_of(core, request)
    if kind == "erasure":
        fulfilment.must_be_erasable(core, subject)
        settling = {"member": request.get("member"), "visitors": [key.hex() for key in subject.visitors]}
        return fulfilment.decide_erasure(core, subject), {"settling": settling}
    fulfilment.suspend(core, subject, kind == "suspension")
    return [], {}


def settle(core: Installation, id: int) -> list[Json]:
    """After an erasure: note what other law keeps, and forget whose request it was once nothing is open any more.

    Idempotent; :func:`resume` comes back for what a crash or a legal hold left open. Returns what is kept.
    """
    request = files.load(core, id)
    settling = request.get("settling")
    if not settling:
        return []
    member = bytes.fromhex(settling["member"]) if settling["member"] else None
    subject = Subject(request["site_ref"], member, tuple(bytes.fromhex(key) for key in settling["visitors"]))
    seqs = set(request["answers"][-1].get("endings", ()))
    unfinished = any(intent.seq in seqs for intent in core.storage.ledger.intents())
    kept = fulfilment.kept_by_law(core, subject) + (fulfilment.kept_by_holds(core, subject) if unfinished else [])
    secret = files.private(core, request)
    if unfinished and secret.get("kept") == kept:
        return kept
    forgotten: Json = {} if unfinished else {"settling": None, "visitor": None, "member": None}
    with core.storage.ledger.writing():
        files.change(core, id, forgotten, secret | {"kept": kept})
    return kept


def resume(core: Installation) -> None:
    """Settle erasures that a crash interrupted, or a hold kept open. For every start and now and then."""
    for request in core.storage.admin.requests():
        if request.get("settling"):
            settle(core, request["id"])
            core.storage.ledger.scrub()


# --- shown -----------------------------------------------------------------------------------------------------------


def listed(core: Installation, *, closed: bool = False) -> list[Json]:
    """The requests, the most urgent first; with ``closed`` those already answered for good, too. Names nobody."""
    found = [summary(core, r) for r in core.storage.admin.requests(open_only=not closed)]
    return sorted(found, key=lambda r: (r["urgency"] == "closed", r["due"], r["id"]))


class ListRequests(Request[list[Json]], frozen=True):
    """List the open requests, the most urgent first."""

    closed: Annotated[bool, Field("Also those that are closed.", option="--all")] = False


@operation("requests.list", right="read", changes=False)
def list_requests(core: Installation, form: ListRequests) -> list[Json]:
    """Names nobody."""
    return listed(core, closed=form.closed)


def waiting(core: Installation) -> dict[str, int]:
    """How many are open, due soon and overdue. For the menu, ``dongui doctor`` and the metrics."""
    counts = {"open": 0, "due_soon": 0, "overdue": 0}
    for request in listed(core):
        counts[request["urgency"]] += 1
    return counts


def summary(core: Installation, request: Json) -> Json:
    """What a list says of a request."""
    due, closed = date.fromisoformat(request["due"]), bool(request.get("closed_at"))
    today = core.clock.today(core.settings.zone)
    return {
        "id": request["id"],
        "site": core.registry.site_by_ref(request["site_ref"]).name,
        "kind": kind_of(request["kind"]) or request["kind"],
        "channel": request.get("channel", "online"),
        "agent": bool(request.get("agent")),
        "at": request["at"],
        "received": request.get("received"),
        "due": request["due"],
        "days_left": None if closed else (due - today).days,
        "urgency": urgency(due, today, closed=closed),
        "state": request.get("state", "open"),
        "identity": (request.get("identity") or {}).get("result"),
    }


class ShowRequest(Request[Json], frozen=True):
    """Show one request and who asks; how much is held only once the identity was checked. The look is audited."""

    id: Annotated[int, Field(argument=True)]
    by: By = COMMAND_LINE
    address: str = ""


@operation("requests.show", right="requests", audit="request.show")
def show(core: Installation, form: ShowRequest) -> Json:
    """One request with who asks, its words and its answers; audited. What is held only once the identity is proved."""
    request = files.load(core, form.id)
    subject = subject_of(core, request)
    proved = (request.get("identity") or {}).get("result") == "confirmed"
    audit_log.record_access(
        core,
        action="request.show",
        by=form.by,
        reason=f"privacy request {form.id}",
        site_ref=request["site_ref"],
        visitor=next(iter(subject.keys), None),
        address=form.address,
    )
    secret = files.private(core, request)
    reasons = secret.get("reasons", [])
    answers = [a | {"reason": r} for a, r in zip(request.get("answers", []), reasons, strict=False)]
    asker = {name: secret.get(name) for name in ("name", "contact", "text", "reference", "attorney", "identity_note")}
    shown = {**summary(core, request), **asker, "checked": request.get("identity"), "answers": answers}
    shown |= {"kept": secret.get("kept", []), "corrected": secret.get("corrected", [])}
    shown |= {"held": _held(core, subject) if proved else None}
    correctable = proved and shown["kind"] == "correction" and shown["urgency"] != "closed"
    return shown | ({"records": records_shown(core, subject, whole=True)} if correctable else {})


def _held(core: Installation, subject: Subject) -> Json | None:
    """How much there is; None where it is known of nobody any more."""
    records = fulfilment.records_of(core, subject)
    if not subject.visitors and not records:
        return None
    classes: dict[str, int] = {}
    for record, _ in records:
        classes[record.class_id] = classes.get(record.class_id, 0) + 1
    return {
        "visitors": len(subject.visitors),
        "rows": fulfilment.rows_of(core, subject),
        "records": classes,
        "suspended": fulfilment.is_suspended(core, subject),
    }


# --- helpers ---------------------------------------------------------------------------------------------------------


def open_request(core: Installation, id: int) -> Json:
    """The open part of a request that may still be answered. Raises :class:`NotAllowed` for a closed one."""
    request = files.load(core, id)
    if request.get("closed_at"):
        raise NotAllowed(f"request {id} is closed already; see `dongui requests show {id}`")
    return {**request, "kind": kind_of(request["kind"]) or request["kind"]}


def _day(text: str, what: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise CollectorError(f"{what} must be a day such as 2026-11-23") from None
