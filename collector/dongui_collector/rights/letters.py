"""The answer to a request in words (열람등요구 결과 통지): what was decided, on which ground, what is left, and where
else to turn. In Korean or English, as plain text to send; nothing of it is kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any

from dongui.policy.words import citation, long_date

from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.installation import Installation
from dongui_collector.core.operations import operation
from dongui_collector.rights import files
from dongui_collector.rights.access_package_words import WORDS
from dongui_collector.rights.own_requests import objection
from dongui_collector.rights.requests import show
from dongui_collector.storage.contract.values import Json

_KO = {
    "title": "개인정보 {kind} 요구에 대한 결과 통지",
    "received": "접수일: {day} (접수번호 {id})",
    "outcome": "결과: {outcome}",
    "ground": "근거: {ground}",
    "reason": "사유: {reason}",
    "until": "연기된 기한: {day}",
    "kept": "다른 법령에 따라 다음은 그 기한까지 보존하며, 그 밖의 것은 파기하였습니다.",
    "kept_one": "- {label} ({law}), {until}까지",
    "facts": "서비스 이용 중에 기록된 이용 기록은 있었던 사실이므로 정정하지 않습니다. 삭제를 요구하실 수 있습니다.",
    "objection": "이 결과에 이의가 있으시면 다음으로 이의를 제기하시거나 구제를 받으실 수 있습니다.",
    "dated": "{day} {controller}",
    "hold": "법령에 따라 보존이 명해진 것",
    "open_end": "사유가 끝날 때",
}
_EN = {
    "title": "Answer to your request for {kind} of personal data",
    "received": "Received on {day} (number {id})",
    "outcome": "Outcome: {outcome}",
    "ground": "Ground: {ground}",
    "reason": "Reason: {reason}",
    "until": "Postponed until {day}",
    "kept": "Under other law the following is kept until the date given; everything else was destroyed.",
    "kept_one": "- {label} ({law}), until {until}",
    "facts": "Events recorded while the service was used are facts and are not corrected. You may have them erased.",
    "objection": "If you object to this answer, or seek a remedy, you can turn to:",
    "dated": "{day}, {controller}",
    "hold": "What a law demands to be kept",
    "open_end": "the reason ends",
}
_TEXTS: Mapping[str, Mapping[str, str]] = {"ko": _KO, "en": _EN}


@operation("requests.letter")
def letter(
    core: Installation, id: int, lang: str = "ko", by: str = "command line", address: str = ""
) -> dict[str, Any]:
    """The newest answer as a text to send, with the route of objection (K10); audited like :func:`show`.

    Raises :class:`NotAllowed` while there is none, :class:`CollectorError` for a language that has no words.
    """
    if lang not in _TEXTS:
        raise CollectorError(f"a letter is written in one of {', '.join(_TEXTS)}")
    shown = show(core, id, by=by, address=address)
    if not shown["answers"]:
        raise NotAllowed(f"request {id} has not been answered yet")
    site_ref = files.load(core, id)["site_ref"]
    controller = core.registry.in_force(site_ref, core.clock.now()).policy.controller.name
    lines = _lines(shown, lang, controller, objection(core, site_ref), core.settings.zone)
    return {"id": id, "lang": lang, "text": "\n".join(lines) + "\n"}


def _lines(shown: Json, lang: str, controller: str, remedies: list[Json], zone: Any) -> Iterator[str]:
    say, words, answer = _TEXTS[lang], WORDS[lang], shown["answers"][-1]

    def day(at: int) -> str:
        return long_date(datetime.fromtimestamp(at / 1000, zone).date(), lang)

    yield say["title"].format(kind=words[f"kind_{shown['kind']}"])
    yield ""
    received = shown.get("received")  # a letter counts from the day it came, not from when it was typed in
    came = long_date(date.fromisoformat(received), lang) if received else day(shown["at"])
    yield say["received"].format(day=came, id=shown["id"])
    yield say["outcome"].format(outcome=words[answer["outcome"]])
    if answer["ground"]:
        yield say["ground"].format(ground=citation(answer["ground"], lang))
    if answer["reason"]:
        yield say["reason"].format(reason=answer["reason"])
    if answer.get("until"):
        yield say["until"].format(day=long_date(date.fromisoformat(answer["until"]), lang))
    if shown["kind"] == "correction":
        yield say["facts"]
    if shown["kept"]:
        yield say["kept"]
        yield from (_kept(one, say, lang) for one in shown["kept"])
    yield ""
    yield say["objection"]
    for place in remedies:
        ways = [way for name in ("contact", "telephone", "url") if (way := place.get(name))]
        yield f"- {_text(place['name'], lang)}: {', '.join(ways)}"
    yield ""
    yield say["dated"].format(day=day(answer["at"]), controller=controller)


def _kept(one: Json, say: Mapping[str, str], lang: str) -> str:
    label = _text(one["label"], lang) if "label" in one else say["hold"]
    law = _text(one["law"], lang) if one["law"] else "–"
    until = long_date(date.fromisoformat(one["until"]), lang) if one["until"] else say["open_end"]
    return say["kept_one"].format(label=label, law=law, until=until)


def _text(text: Mapping[str, str], lang: str) -> str:
    return text.get(lang) or next(iter(text.values()), "–")
