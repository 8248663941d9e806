"""The readable page of a breach plan, in Korean and English, with drafts of the notices. Plain values in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from dongui.i18n import LANGUAGES, Words, words
from dongui.policy import Policy
from dongui.policy.words import citation

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


def page(plan: Json, policy: Policy, zone: Any) -> str:
    """One HTML page in both languages; no script, no outside resource."""
    parts = [_section(plan, policy, zone, lang) for lang in LANGUAGES]
    head = '<!doctype html><html lang="ko"><meta charset="utf-8"><title>dongui breach</title>'
    return head + '<meta name="robots" content="noindex">' + "".join(parts) + "</html>\n"


def _section(plan: Json, policy: Policy, zone: Any, lang: str) -> str:
    w = words(lang, "breach")
    people = plan["people"]
    facts = (
        (w["period"], f"{plan['from']} – {plan['to']}"),
        (w["files"], ", ".join(plan["files"])),
        (w["learned"], _time(plan["learned_at"], zone)),
        (
            w["concerned"],
            f"{people['number']} ({w['members']} {people['members']}, "
            f"{w['visitors']} {people['visitors_without_member']})",
        ),
    )
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)
    items = "".join(_item(item, w, lang) for item in plan["items"])
    tasks = "".join(_duty(duty, w, lang, zone) for duty in plan["duties"])
    gone = ", ".join(d["day"] for d in plan["destroyed_since"])
    lost = f"<h2>{escape(w['destroyed'])}</h2><p>{escape(gone)}</p>" if gone else ""
    return (
        f'<section lang="{lang}"><h1>{escape(w["title"])}</h1><p>{escape(w["caveat"])}</p><dl>{rows}</dl>'
        f"<p>{escape(w['keys_lost' if plan['keys_lost'] else 'keys_safe'])}</p>"
        f"<h2>{escape(w['items'])}</h2><ul>{items}</ul><h2>{escape(w['duties'])}</h2><ul>{tasks}</ul>{lost}"
        f"<h2>{escape(w['draft'])}</h2><pre>{escape(draft(plan, policy, lang))}</pre></section>"
    )


def _item(item: Json, w: Words, lang: str) -> str:
    how = w["readable" if item["readable"] else "encrypted"]
    said = f"{_text(item['label'], lang)} – {item['people']} {w['people']}, {how} ({w['file']}: {item['file']})"
    return f"<li>{escape(said)}</li>"


def _duty(duty: Json, w: Words, lang: str, zone: Any) -> str:
    said = f"{w[duty['id']]} ({citation(duty['law'], lang)})"
    if not duty["applies"]:
        said += f": {w['not_due']}"
    elif duty["by"] is not None:
        said += f": {w['by']} {_time(duty['by'], zone)}" + (f" – {w['overdue']}" if duty["overdue"] else "")
    return f"<li>{escape(said)}</li>"


def _time(at: int, zone: Any) -> str:
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M %Z")


def _text(value: Mapping[str, str], lang: str) -> str:
    return value.get(lang) or next(iter(value.values()), "")
