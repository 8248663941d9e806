"""The readable page of a breach plan, in Korean and English, with drafts of the notices. Values for its template."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from dongui.i18n import LANGUAGES, Words, words
from dongui.policy import Policy
from dongui.policy.words import citation

from dongui_collector.rights.rendering import rendered
from dongui_collector.storage.contract.values import Json


def draft(plan: Json, policy: Policy, lang: str) -> str:
    """The notice with everything that PIPA 34(1) lists; what only people know stands in brackets."""
    names = dict.fromkeys(_text(i["label"], lang) for i in plan["items"] if i["readable"])
    hidden = dict.fromkeys(_text(i["label"], lang) for i in plan["items"] if not i["readable"])
    w = words(lang, "breach")
    sealed = w["encrypted"]
    items = [*names, *(f"{name} ({sealed})" for name in hidden if name not in names)]
    return w["draft_text"].format(
        items=", ".join(items) or "–",
        period=f"{plan['from']} – {plan['to']}",
        officer=_text(policy.officer.title, lang),
        contact=", ".join(filter(None, (policy.officer.telephone, policy.officer.contact))),
        controller=policy.controller.name,
    )


def page(plan: Json, policy: Policy, zone: ZoneInfo) -> str:
    """One HTML page in both languages; no script, no outside resource."""
    destroyed = [day["day"] for day in plan["destroyed_since"]]
    parts = [_part(plan, policy, zone, lang) for lang in LANGUAGES]
    return rendered("breach.html", parts=parts, keys_lost=plan["keys_lost"], destroyed=destroyed)


def _part(plan: Json, policy: Policy, zone: ZoneInfo, lang: str) -> dict[str, Any]:
    """The values of one language."""
    w, people = words(lang, "breach"), plan["people"]
    concerned = f"{w['members']} {people['members']}, {w['visitors']} {people['visitors_without_member']}"
    facts = (
        (w["period"], f"{plan['from']} – {plan['to']}"),
        (w["files"], ", ".join(plan["files"])),
        (w["learned"], _time(plan["learned_at"], zone)),
        (w["concerned"], f"{people['number']} ({concerned})"),
    )
    return {
        "lang": lang,
        "words": w,
        "facts": facts,
        "found": [_item(item, w, lang) for item in plan["items"]],
        "duties": [_duty(duty, w, lang, zone) for duty in plan["duties"]],
        "draft": draft(plan, policy, lang),
    }


def _item(item: Json, w: Words, lang: str) -> str:
    how = w["readable" if item["readable"] else "encrypted"]
    return f"{_text(item['label'], lang)} – {item['people']} {w['people']}, {how} ({w['file']}: {item['file']})"


def _duty(duty: Json, w: Words, lang: str, zone: ZoneInfo) -> str:
    said = f"{w[duty['id']]} ({citation(duty['law'], lang)})"
    if not duty["applies"]:
        said += f": {w['not_due']}"
    elif duty["by"] is not None:
        said += f": {w['by']} {_time(duty['by'], zone)}" + (f" – {w['overdue']}" if duty["overdue"] else "")
    return said


def _time(at: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M %Z")


def _text(value: Mapping[str, str], lang: str) -> str:
    return value.get(lang) or next(iter(value.values()), "")
