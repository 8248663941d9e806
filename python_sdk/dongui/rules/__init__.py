"""The rules: pure functions, values in, values out. The browser's copy in ``sdk_js/src/rules`` has the same names.

``policy`` is everywhere the compiled mapping of ``GET /v1/policy`` (``dongui.policy.compiled``); ``tests/vectors`` hold
the cases that both languages run.
"""

from dongui.rules.consent import Choice, decode_choice, effective_purposes, encode_choice, newest_choice
from dongui.rules.cookies import classify, cookie_verdict
from dongui.rules.crawlers import is_crawler
from dongui.rules.gate import gate_event, gate_items, items_allowed
from dongui.rules.periods import Period, destroy_at, last_day
from dongui.rules.urls import AD_KEYS, QUERY_KEYS, ScrubbedUrl, percent_encoded, scrub_props, scrub_text, scrub_url

__all__ = [
    "AD_KEYS",
    "QUERY_KEYS",
    "Choice",
    "Period",
    "ScrubbedUrl",
    "classify",
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
    "percent_encoded",
    "scrub_props",
    "scrub_text",
    "scrub_url",
]
