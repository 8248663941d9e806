"""The readable page of a breach plan, in Korean and English, with drafts of the notices. Plain values in, HTML out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from dongui.policy import Policy
from dongui.policy.words import citation

from dongui_collector.storage.contract.values import Json

WORDS: Mapping[str, Mapping[str, str]] = {
    "ko": {
        "title": "개인정보 유출등 대응 자료",
        "caveat": "지금 보관 중인 데이터로 계산한 자료이며 법률 자문이 아닙니다. 판단은 개인정보 보호책임자가 합니다.",
        "period": "대상 기간",
        "files": "유출된 파일",
        "learned": "알게 된 때",
        "concerned": "해당 정보주체",
        "members": "회원",
        "visitors": "회원이 아닌 방문자",
        "keys_lost": "암호화 키도 유출됨: 암호화된 항목도 읽을 수 있는 것으로 봅니다.",
        "keys_safe": "암호화 키는 유출되지 않음: 암호화된 항목은 읽을 수 없습니다.",
        "items": "항목",
        "file": "파일",
        "people": "명",
        "readable": "읽을 수 있음",
        "encrypted": "암호화됨",
        "duties": "해야 할 일",
        "tell_people": "정보주체에게 알리기",
        "report": "개인정보 보호위원회 또는 한국인터넷진흥원에 신고",
        "publish": "연락처를 모르는 사람을 위해 홈페이지에 30일 이상 게시",
        "record": "피해 최소화 조치와 그 기록",
        "by": "기한",
        "not_due": "해당 없음",
        "overdue": "기한이 지났습니다",
        "destroyed": "그 기간의 데이터 중 이미 파기된 날 (유출이 그보다 먼저라면 함께 유출된 것입니다)",
        "draft": "통지문 초안",
    },
    "en": {
        "title": "Breach of personal data: what to do",
        "caveat": "Computed from what is held now. This is not legal advice; the privacy officer decides.",
        "period": "Period of the data",
        "files": "Files that got out",
        "learned": "Learned of at",
        "concerned": "People concerned",
        "members": "members",
        "visitors": "visitors who are no members",
        "keys_lost": "The keys got out too: what is encrypted counts as readable.",
        "keys_safe": "The keys did not get out: what is encrypted cannot be read.",
        "items": "Items",
        "file": "file",
        "people": "people",
        "readable": "readable",
        "encrypted": "encrypted",
        "duties": "What to do",
        "tell_people": "Tell the people",
        "report": "Report to the PIPC or KISA",
        "publish": "Publish on the web site for at least 30 days, for those whom you cannot reach",
        "record": "Limit the damage, and record what was done",
        "by": "by",
        "not_due": "does not apply",
        "overdue": "overdue",
        "destroyed": "Days of that period destroyed already (if the breach came before, they got out too)",
        "draft": "Draft of the notice",
    },
}
_DRAFT: Mapping[str, str] = {
    "ko": """개인정보 유출 사실을 알려 드립니다.

1. 유출된 개인정보 항목: {items}
2. 유출된 시점과 경위: [언제, 어떻게 유출되었는지 적어 주세요] ({period}의 데이터)
3. 피해를 줄이기 위해 하실 수 있는 일: [비밀번호 변경, 의심스러운 연락 주의 등]
4. 저희의 대응과 피해 구제 절차: [취한 조치와 앞으로의 조치, 구제 절차]
5. 문의: {officer}, {contact}

{controller}""",
    "en": """We have to tell you of a breach of personal data.

1. What got out: {items}
2. When and how: [say when and how it happened] (data of {period})
3. What you can do: [change your password, beware of suspicious calls and mails …]
4. What we do, and how damage is made good: [measures taken and planned, procedure]
5. Whom to ask: {officer}, {contact}

{controller}""",
}


def draft(plan: Json, policy: Policy, lang: str) -> str:
    """The notice with everything that PIPA 34(1) lists; what only people know stands in brackets."""
    names = dict.fromkeys(_text(i["label"], lang) for i in plan["items"] if i["readable"])
    hidden = dict.fromkeys(_text(i["label"], lang) for i in plan["items"] if not i["readable"])
    sealed = WORDS[lang]["encrypted"]
    items = [*names, *(f"{name} ({sealed})" for name in hidden if name not in names)]
    return _DRAFT[lang].format(
        items=", ".join(items) or "–",
        period=f"{plan['from']} – {plan['to']}",
        officer=_text(policy.officer.title, lang),
        contact=", ".join(filter(None, (policy.officer.telephone, policy.officer.contact))),
        controller=policy.controller.name,
    )


def page(plan: Json, policy: Policy, zone: Any) -> str:
    """One HTML page in both languages; no script, no outside resource."""
    parts = [_section(plan, policy, zone, lang) for lang in WORDS]
    head = '<!doctype html><html lang="ko"><meta charset="utf-8"><title>dongui breach</title>'
    return head + '<meta name="robots" content="noindex">' + "".join(parts) + "</html>\n"


def _section(plan: Json, policy: Policy, zone: Any, lang: str) -> str:
    w = WORDS[lang]
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


def _item(item: Json, w: Mapping[str, str], lang: str) -> str:
    how = w["readable" if item["readable"] else "encrypted"]
    said = f"{_text(item['label'], lang)} – {item['people']} {w['people']}, {how} ({w['file']}: {item['file']})"
    return f"<li>{escape(said)}</li>"


def _duty(duty: Json, w: Mapping[str, str], lang: str, zone: Any) -> str:
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
