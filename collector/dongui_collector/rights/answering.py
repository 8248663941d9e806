"""Answers to privacy requests: granted and carried out, refused or postponed on a ground that the law knows (K10).

One request is answered, or many alike; each goes through the same checks, so that no answer to many is a way around
them. Sources: K10, K10a.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import COMMAND_LINE, By, Field, R, Request, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files, fulfilment
from dongui_collector.rights.grounds import GROUNDS, OUTCOMES, Ground, grounds_for, named_in
from dongui_collector.rights.identity import must_be_proved
from dongui_collector.rights.request_fields import text_of, written_day
from dongui_collector.rights.settling import settle
from dongui_collector.rights.subjects import subject_of
from dongui_collector.storage.contract.requests import GivenAnswer, Settling, StoredRequest
from dongui_collector.storage.contract.values import Json


class RequestAnswered(msgspec.Struct, frozen=True):
    """An answer: its new due day and ground where it has one, what was destroyed, and what other law keeps."""

    id: int
    outcome: str
    due: date | None
    ground: str | None
    rows_destroyed: int | None
    kept: list[Json]


class _Answer(Request[R], frozen=True, kw_only=True):
    outcome: Annotated[str, Field(choices=OUTCOMES)]
    ground: Annotated[
        str | None, Field("The provision that a refusal or a postponement rests on.", metavar="ARTICLE")
    ] = None
    reason: Annotated[str, Field("Needed where what was asked is refused or postponed.")] = ""
    until: Annotated[str | None, Field("The new due day of a postponement.", metavar="DAY")] = None
    by: By = COMMAND_LINE


class AnswerRequest(_Answer[RequestAnswered], frozen=True, kw_only=True):
    """Answer a request. Granting an erasure or a suspension carries it out."""

    id: Annotated[int, Field(argument=True)]


@operation("requests.answer", right="requests", audit="request")
def answer(core: Installation, form: AnswerRequest) -> RequestAnswered:
    """Answer a request: ``granted`` (what was asked is carried out before this returns), ``refused``, ``postponed``.

    Refusing and postponing name the provision that they rest on, as ``ground`` or in the words of ``reason``; where the
    law leaves only one for this kind and outcome, that one is taken. Postponing names also the day ``until`` which.
    The outcome and its ground go on the ledger, the words stay sealed with the
    request. Raises :class:`NotAllowed` before the identity was checked and for a request that is closed,
    :class:`CollectorError` for an answer that is not whole.
    """
    decided = _decided(core, form.id, form)
    destroyed = fulfilment.finish(core, decided.endings) if decided.endings else None
    kept = settle(core, form.id)
    core.storage.ledger.scrub()
    ground = decided.ground.id if decided.ground else None
    return RequestAnswered(form.id, form.outcome, decided.due, ground, destroyed, kept)


class NotAnswered(msgspec.Struct, frozen=True):
    """Why a request of many could not be answered so."""

    id: int
    reason: str


class RequestsAnswered(msgspec.Struct, frozen=True):
    """Which of many requests were answered, and which were not and why; the rows that their erasures destroyed."""

    answered: list[int]
    not_answered: list[NotAnswered]
    rows_destroyed: int


class AnswerRequests(_Answer[RequestsAnswered], frozen=True, kw_only=True):
    """Give many requests one answer. Each is checked by itself; those that cannot be answered so stay as they are."""

    ids: Annotated[list[int], Field(argument=True)]


@operation("requests.answer_many", right="requests", audit="request")
def answer_many(core: Installation, form: AnswerRequests) -> RequestsAnswered:
    """Answer each request as :func:`answer` does; what their erasures destroy is destroyed in one go."""
    answered, not_answered, endings = list[int](), list[NotAnswered](), list[int]()
    for id in dict.fromkeys(form.ids):
        try:
            endings += _decided(core, id, form).endings
        except CollectorError as error:
            not_answered.append(NotAnswered(id, str(error)))
        else:
            answered.append(id)
    destroyed = fulfilment.finish(core, endings) if endings else 0
    for id in answered:
        settle(core, id)
    core.storage.ledger.scrub()
    return RequestsAnswered(answered, not_answered, destroyed)


class _Decided(msgspec.Struct, frozen=True):
    ground: Ground | None
    due: date | None
    endings: list[int]


def _decided(core: Installation, id: int, form: _Answer[Any]) -> _Decided:
    """Put an answer on record, with the endings that it begins."""
    with core.storage.ledger.writing():
        request = files.load_open(core, id)
        rests_on, due = _checked(core, request, form.outcome, text_of("reason", form.reason), form.until, form.ground)
        now = core.clock.now()
        seqs = _decide(core, request, form.outcome)
        ground, until = rests_on.id if rests_on else None, due.isoformat() if due else None
        secret = files.private(core, request)
        secret["reasons"] = [*secret.get("reasons", []), form.reason.strip()]
        request.answers = [*request.answers, GivenAnswer(form.outcome, ground, now, form.by, until, seqs)]
        request.state, request.due = form.outcome, until or request.due
        request.closed_at = None if until else now
        files.save(core, request, secret)
        files.noted(core, request, "answered", form.by, outcome=form.outcome, ground=ground)
    return _Decided(rests_on, due, seqs)


def _checked(
    core: Installation, request: StoredRequest, outcome: str, reason: str, until: str | None, ground: str | None
) -> tuple[Ground | None, date | None]:
    """The ground of an answer and the new due day of a postponement, each None where there is none."""
    if outcome not in OUTCOMES:
        raise CollectorError(f"an answer is one of {', '.join(OUTCOMES)}")
    if outcome != "refused" or request.identity is None:
        must_be_proved(request)
    if outcome == "granted":
        if request.kind == "explanation" and not reason:
            raise CollectorError("granting an explanation means giving it; write it with --reason")
        return None, None
    if not reason:
        raise CollectorError(f"an answer that is {outcome} needs a reason; say it with --reason")
    open_to = grounds_for(request.kind, outcome, proved=request.proved)
    rests_on = named_in(ground or reason, open_to)
    if rests_on is None and len(open_to) == 1 and not ground and named_in(reason, GROUNDS) is None:
        rests_on = open_to[0]  # no other is open, and no other was named
    if rests_on is None:
        choice = ", ".join(g.id for g in open_to)
        what = f"a request for {request.kind} is {outcome} only on a ground that the law knows"
        raise CollectorError(f"{what}; name one with --ground: {choice}" if choice else f"{what}: there is none")
    return rests_on, _postponed(core, until) if outcome == "postponed" else None


def _postponed(core: Installation, until: str | None) -> date:
    day = written_day(until or "", "a postponement's end, --until,")
    if day <= core.clock.today(core.settings.zone):
        raise CollectorError("a postponement needs a day to come")
    return day


def _decide(core: Installation, request: StoredRequest, outcome: str) -> list[int]:
    """Decide what a granted request does: the endings that it begins."""
    kind = request.kind
    if outcome != "granted" or kind not in ("erasure", "suspension", "resumption"):
        return []
    subject = subject_of(core, request)
    if kind == "erasure":
        fulfilment.must_be_erasable(core, subject)
        request.settling = Settling(request.member, [key.hex() for key in subject.visitors])
        return fulfilment.decide_erasure(core, subject)
    fulfilment.suspend(core, subject, kind == "suspension")
    return []
