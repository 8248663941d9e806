"""The rules: pure functions, values in, values out. The browser's copy in ``sdk_js/src/rules`` has the same names.

``policy`` is everywhere the compiled mapping of ``GET /v1/policy`` (``dongui.policy.compiled``); ``tests/vectors`` hold
the cases that both languages run.
"""

from dongui.rules.consent import (
    Choice,
    agreed_choice,
    decode_choice,
    effective_purposes,
    encode_choice,
    newest_choice,
)
from dongui.rules.cookies import classify, cookie_verdict
from dongui.rules.crawlers import is_crawler
from dongui.rules.decisions import choice_after, classify_answer, overlay
from dongui.rules.gate import gate_event, gate_items, items_allowed
from dongui.rules.own_cookies import VisitorIds, cookie_prefix, read_choice, visitor_ids
from dongui.rules.periods import Period, destroy_at, last_day
from dongui.rules.urls import AD_KEYS, QUERY_KEYS, ScrubbedUrl, percent_encoded, scrub_props, scrub_text, scrub_url

__all__ = [
    "AD_KEYS",
    "QUERY_KEYS",
    "Choice",
    "Period",
    "ScrubbedUrl",
    "VisitorIds",
    "agreed_choice",
    "choice_after",
    "classify",
    "classify_answer",
    "cookie_prefix",
    "cookie_verdict",
    "decode_choice",
    "destroy_at",
    "effective_purposes",
    "encode_choice",
    "gate_event",
    "gate_items",
    "is_crawler",
    "items_allowed",
    "last_day",
    "newest_choice",
    "overlay",
    "percent_encoded",
    "read_choice",
    "scrub_props",
    "scrub_text",
    "scrub_url",
    "visitor_ids",
]
