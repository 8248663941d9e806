"""What a policy may take for granted: built-in items, and which query keys are harmless or an advertising ID."""

from __future__ import annotations

import re

from dongui.i18n import texts
from dongui.policy.model import Item

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
        Item("cookie", texts("item", "cookie"), "automatic", "pseudonym"),
        Item("visit_time", texts("item", "visit_time"), "automatic", "plain"),
        Item("ip_address", texts("item", "ip_address"), "automatic", "encrypt"),
        Item("advertising_id", texts("item", "advertising_id"), "automatic", "encrypt"),
        Item("service_usage", texts("item", "service_usage"), "automatic", "plain"),
        Item("access_environment", texts("item", "access_environment"), "automatic", "plain"),
        Item("abuse_record", texts("item", "abuse_record"), "automatic", "encrypt"),
        Item("member_reference", texts("item", "member_reference"), "automatic", "pseudonym"),
        Item("nickname", texts("item", "nickname"), "signup", "encrypt"),
        Item("password", texts("item", "password"), "signup", "pseudonym"),
        Item("phone", texts("item", "phone"), "signup", "encrypt"),
        Item("email", texts("item", "email"), "signup", "encrypt"),
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
