"""What one request is worth recording: whether it is a page view, whose, and what of it may be said. Pure."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import quote, unquote_plus

from dongui.rules.addresses import parse_ip
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.rules.crawlers import is_crawler
from dongui.rules.events import MOST_TEXT, Cut, fit_event
from dongui.rules.gate import gate_items
from dongui.web.consent import Consent

PAGE_VIEW = "pageview"

# An entry that ends in "/" covers all below it.
NOT_PAGES = ("/static/", "/assets/", "/health", "/healthz", "/livez", "/readyz", "/ping", "/metrics", "/.well-known/")

_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._~!$&'()*+,;=:@-]*")
_REMEMBERED_AGENTS = 4096
_QUOTE_SAFE = "/!$&'()*+,;=:@~"


def is_html_page(content_type: str) -> bool:
    """Whether a content type is that of a page."""
    return content_type[:9].lower() == "text/html" and content_type[9:10] in ("", ";", " ")


class RequestFacts(NamedTuple):
    """What a request says that a page view may need. Headers as they came, empty where missing."""

    url: str
    referrer: str
    user_agent: str
    language: str
    query: str


class Meant:
    """Whether a person asked to see a page: no prefetch (``Sec-Purpose``), no fragment that a script fetches
    (``Sec-Fetch-Dest``), no bot that says so, no path that ``exclude`` names. Headers as they came, empty
    where missing.
    """

    def __init__(self, exclude: Sequence[str] = NOT_PAGES) -> None:
        self._below = tuple(entry for entry in exclude if entry.endswith("/"))
        self._exactly = frozenset(exclude)
        self._bots: dict[str, bool] = {}

    def __call__(self, path: str, user_agent: str, fetch_dest: str, purpose: str) -> bool:
        return (
            not (purpose and ("prefetch" in purpose or "preview" in purpose))
            and fetch_dest in ("", "document")
            and path not in self._exactly
            and not path.startswith(self._below)
            and not self._is_bot(user_agent)
        )

    def _is_bot(self, user_agent: str) -> bool:
        try:
            return self._bots[user_agent]
        except KeyError:
            bot = is_crawler(user_agent)
            if len(self._bots) < _REMEMBERED_AGENTS and len(user_agent) <= MOST_TEXT["user_agent"]:
                self._bots[user_agent] = bot
            return bot


def page_view(
    consent: Consent, facts: RequestFacts, *, now_ms: int, ip: str | None, search: str = ""
) -> tuple[str, dict[str, Any]] | None:
    """(visitor, event) of a page view, reduced to what the visitor granted; None when there is nothing to record.

    ``now_ms`` in epoch milliseconds; ``search`` is the query key of the site's own search (S6.1).
    """
    purposes = consent.effective()
    visitor = consent.subject() if purposes else None
    if visitor is None:
        return None
    terms = consent.terms
    event: dict[str, Any] = {
        "name": PAGE_VIEW,
        "at": now_ms,
        "url": facts.url,
        "user_agent": text_of(facts.user_agent),
        "ip": ip,
    }
    if facts.referrer:
        event["referrer"] = text_of(facts.referrer)
    if facts.language:
        event["environment"] = {"language": first_language(facts.language)}
    if search and f"{search}=" in facts.query and (wanted := sought(facts.query, search)):
        event["search"] = wanted
    if terms.records_cookies:
        event["cookies"] = {name: text_of(value) for name, value in consent.pairs() if terms.records(name)}
    return visitor, gated(event, purposes, terms, now_ms)


def gated(
    event: dict[str, Any], purposes: frozenset[str], terms: CompiledPolicy, now_ms: int, cut: Cut = str
) -> dict[str, Any]:
    """An event with an id, reduced to what ``purposes`` (granted by consent) allow, within the wire's limits."""
    items = terms.items(purposes)
    # A time-ordered id tells the time, so it is for those who agreed to have their time of visit recorded.
    event["id"] = time_ordered_id(now_ms) if "visit_time" in items else str(uuid.uuid4())
    return fit_event(gate_items(event, items, purposes, terms.policy, now_ms), now_ms, cut)


def time_ordered_id(now_ms: int) -> str:
    """A UUIDv7 (RFC 9562)."""
    number = now_ms << 80 | int.from_bytes(os.urandom(10), "big")
    number = number & ~(0xF << 76 | 0x3 << 62) | 0x7 << 76 | 0x2 << 62
    digits = f"{number:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def sought(query: str, key: str) -> str:
    """What a query asks the site's search for; empty when it does not."""
    for pair in query.split("&"):
        name, _, value = pair.partition("=")
        if name == key:
            return unquote_plus(value, errors="replace").replace("\0", "").strip()
    return ""


def first_language(accept_language: str) -> str:
    """The language that an ``Accept-Language`` header names first."""
    return accept_language.partition(",")[0].partition(";")[0].strip()[:35]


def text_of(header: str) -> str:
    """A header's text as its sender meant it: servers hand over bytes as Latin-1, browsers send UTF-8."""
    if header.isascii():
        return header
    return header.encode("latin-1", "replace").decode("utf-8", "replace")


def url_of(scheme: str, host: str, path: str, query: str) -> str:
    """The address of a page; ``path`` is decoded to Latin-1 as WSGI has it."""
    if not _PLAIN_PATH.fullmatch(path):
        path = quote(path.encode("latin-1", "replace"), safe=_QUOTE_SAFE)
    if query:
        return f"{scheme}://{host}{path}?{query if query.isascii() else quote(query, safe='%&=+', encoding='latin-1')}"
    return f"{scheme}://{host}{path}"


def authority(server: str, port: str | int) -> str:
    """How a server calls itself, for requests without ``Host``."""
    return server if str(port) in ("", "80", "443") else f"{server}:{port}"


def from_the_right(header: str, hops: int) -> str | None:
    """The entry of a comma-separated ``X-Forwarded-…`` header that the outermost of ``hops`` trusted proxies wrote.

    What stands further left was written by strangers and is never looked at. With fewer entries than hops the request
    did not come through all the proxies; its leftmost entry is then the one that a trusted hand wrote.
    """
    entries = [entry for part in header.split(",") if (entry := part.strip())]
    return entries[-min(hops, len(entries))] if hops > 0 and entries else None


def address_of(remote: str, forwarded: str, hops: int) -> str | None:
    """The visitor's address in canonical form: the socket's, or ``X-Forwarded-For`` counted from the right."""
    text = from_the_right(forwarded, hops) if hops and forwarded else None
    return parse_ip(text or remote)
