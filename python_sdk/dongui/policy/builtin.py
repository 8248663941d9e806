"""What a policy may take for granted: built-in items, and which query keys are harmless or an advertising ID."""

from __future__ import annotations

import re

from dongui.policy.model import Item

LANGUAGES = ("ko", "en")
"""What a notice can be published in: the page's own words exist in these (``dongui.policy.words``)."""

ID = re.compile(r"[a-z][a-z0-9_]{0,63}")
"""Purposes, items and record classes."""

VERSION = re.compile(r"[A-Za-z0-9-]{1,64}")
"""Notice versions."""

EVENT_ITEMS = (
    "cookie",
    "visit_time",
    "ip_address",
    "advertising_id",
    "service_usage",
    "access_environment",
)
"""The items that ``/v1/events`` can carry, each gated on its own (S2.1b)."""

ITEMS: dict[str, Item] = {
    item.id: item
    for item in (
        Item("cookie", {"ko": "쿠키", "en": "Cookies"}, "automatic", "pseudonym"),
        Item("visit_time", {"ko": "방문 일시", "en": "Date and time of the visit"}, "automatic", "plain"),
        Item("ip_address", {"ko": "IP 주소", "en": "IP address"}, "automatic", "encrypt"),
        Item("advertising_id", {"ko": "광고 ID", "en": "Advertising ID"}, "automatic", "encrypt"),
        Item("service_usage", {"ko": "서비스 이용 기록", "en": "Service usage record"}, "automatic", "plain"),
        Item("access_environment", {"ko": "접속 환경", "en": "Access environment"}, "automatic", "plain"),
        Item("abuse_record", {"ko": "불량 이용 기록", "en": "Abuse record"}, "automatic", "encrypt"),
        Item("member_reference", {"ko": "회원 식별값", "en": "Member reference"}, "automatic", "pseudonym"),
        Item("nickname", {"ko": "닉네임", "en": "Nickname"}, "signup", "encrypt"),
        Item("password", {"ko": "비밀번호", "en": "Password"}, "signup", "pseudonym"),
        Item("phone", {"ko": "전화번호", "en": "Telephone number"}, "signup", "encrypt"),
        Item("email", {"ko": "이메일 주소", "en": "E-mail address"}, "signup", "encrypt"),
    )
}
"""Items that a policy may list without declaring them; a declaration in the file outweighs."""

QUERY_KEYS = (
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "utm_id",
    "n_media",
    "n_query",
    "n_keyword",
    "n_campaign_type",
    "n_ad",
    "n_ad_group",
    "n_rank",
    "n_match",
)
"""Campaign keys of a query string that name no person; every other key is dropped unless the policy adds it."""

AD_KEYS = frozenset(
    {
        "gclid",
        "gbraid",
        "wbraid",
        "dclid",
        "fbclid",
        "msclkid",
        "ttclid",
        "twclid",
        "li_fat_id",
        "yclid",
        "NaPm",
    }
)
"""Ad-click keys: they identify a click and so a person; the item ``advertising_id``, never part of a recorded URL."""
