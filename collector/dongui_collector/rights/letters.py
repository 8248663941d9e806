"""The answer to a request in words (열람등요구 결과 통지): what was decided, on which ground, what is left, and where
else to turn. In Korean or English, as plain text to send; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from dongui.i18n import LANGUAGES, Words
from dongui.i18n import words as words_of
from dongui.policy.words import citation, long_date

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import AccessRequest, Field, operation
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import files
from dongui_collector.rights.own_requests import objection
from dongui_collector.rights.request_view import RequestDetails, ShowRequest, show
from dongui_collector.storage.contract.values import Json


class Letter(msgspec.Struct, frozen=True):
    """An answer as a text to send."""

    id: int
    lang: str
    text: str


class WriteLetter(AccessRequest[Letter], frozen=True):
    """Print the newest answer as a letter: outcome, ground, what is kept and until when, and the route of objection."""

    id: Annotated[int, Field(argument=True)]
    lang: Annotated[str, Field(choices=("ko", "en"), default="ko")] = "ko"


@operation("requests.letter", right="requests", audit="request.show")
def letter(core: Installation, request: WriteLetter) -> Letter:
    """The newest answer as a text to send, with the route of objection (K10); audited like :func:`show`.

    Raises :class:`NotAllowed` while there is none, :class:`CollectorError` for a language that has no words.
    """
    if request.lang not in LANGUAGES:
        raise CollectorError(f"a letter is written in one of {', '.join(LANGUAGES)}")
    shown = show(core, ShowRequest(request.id, by=request.by, address=request.address))
    if not shown.answers:
        raise NotAllowed(f"request {request.id} has not been answered yet")
    site_ref = files.load(core, request.id).site_ref
    controller = core.registry.in_force(site_ref, core.clock.now()).policy.controller.name
    lines = _lines(shown, request.lang, controller, objection(core, site_ref), core.settings.zone)
    return Letter(request.id, request.lang, "\n".join(lines) + "\n")


def _lines(shown: RequestDetails, lang: str, controller: str, remedies: list[Json], zone: Any) -> Iterator[str]:
    say, words, answer = words_of(lang, "letter"), words_of(lang, "access package"), shown.answers[-1]

    def day(at: int) -> str:
        return long_date(datetime.fromtimestamp(at / 1000, zone).date(), lang)

    yield say["title"].format(kind=words[f"kind_{shown.kind}"])
    yield ""
    received = shown.received  # a letter counts from the day it came, not from when it was typed in
    came = long_date(date.fromisoformat(received), lang) if received else day(shown.at or 0)
    yield say["received"].format(day=came, id=shown.id)
    yield say["outcome"].format(outcome=words[answer.outcome])
    if answer.ground:
        yield say["ground"].format(ground=citation(answer.ground, lang))
    if answer.reason:
        yield say["reason"].format(reason=answer.reason)
    if answer.until:
        yield say["until"].format(day=long_date(date.fromisoformat(answer.until), lang))
    if shown.kind == "correction":
        yield say["facts"]
    if shown.kept:
        yield say["kept"]
        yield from (_kept(one, say, lang) for one in shown.kept)
    yield ""
    yield say["objection"]
    for place in remedies:
        ways = [way for name in ("contact", "telephone", "url") if (way := place.get(name))]
        yield f"- {_text(place['name'], lang)}: {', '.join(ways)}"
    yield ""
    yield say["dated"].format(day=day(answer.at), controller=controller)


def _kept(one: Json, say: Words, lang: str) -> str:
    label = _text(one["label"], lang) if "label" in one else say["hold"]
    law = _text(one["law"], lang) if one["law"] else "–"
    until = long_date(date.fromisoformat(one["until"]), lang) if one["until"] else say["open_end"]
    return say["kept_one"].format(label=label, law=law, until=until)


def _text(text: Mapping[str, str], lang: str) -> str:
    return text.get(lang) or next(iter(text.values()), "–")
