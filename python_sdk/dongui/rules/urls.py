"""What of a URL or a text may be recorded: no credentials, fragments, unknown query keys, patterns that name a person.

Every function takes any text at all, never raises and works in time linear in its length. The patterns are best
effort: they find what people commonly put into addresses by mistake, plain or percent-encoded, and rather replace too
much.
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote

from dongui.policy.builtin import AD_KEYS, QUERY_KEYS

__all__ = ["AD_KEYS", "QUERY_KEYS", "ScrubbedUrl", "scrub_props", "scrub_text", "scrub_url"]

DEEPEST = 16  # levels of nested properties that are kept; the browser's twin uses the same number


class ScrubbedUrl(NamedTuple):
    """A URL fit to be recorded, and the advertising IDs that were in its query (another item, so apart)."""

    url: str
    ad_ids: dict[str, str]


# E-mail: local part, "@" (or %40, %2540 …), a domain whose last label is not a number ("react@18.2.0" is none). The
# look-behind lets a match start only where a run of local-part characters starts, so that a long run without an "@" is
# scanned once, not once from each of its characters.
_STOP = r"""\x00-\x20@/\\?#&=:;,<>"'()\[\]{}|`"""
_LABEL = r"A-Za-z0-9\-\u00a1-\U0010ffff"
_EMAIL = re.compile(
    rf"(?<![^{_STOP}])[^{_STOP}]+(?:@|%(?:25)*40)[{_LABEL}]+(?:\.[{_LABEL}]+)*\.[A-Za-z\u00a1-\U0010ffff][{_LABEL}]+"
)

# Numbers: not inside a percent-encoded byte, but right after one; not inside a longer number or a coordinate.
_GAP = r"(?:[-. ()\u00a0\u2010-\u2015]|%2[089DEde])"
_LEFT = r"(?<!%)(?<!%[0-9A-Fa-f])(?:(?<![0-9])(?<![0-9]\.)|(?<=%[0-9A-Fa-f]{2}))"
_RIGHT = r"(?![0-9])"

# Resident number: date of birth, then seven digits of which the first is 1 to 8 (the other six perhaps starred).
_RRN = re.compile(
    rf"{_LEFT}[0-9]{{2}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:{_GAP}|\+)?[1-8](?:[0-9]{{6}}|\*{{6}}){_RIGHT}"
)

# Telephone: Korean mobile and area codes, with or without country code; any other country's behind a "+"; 555-123-4567.
_JOIN = rf"(?:{_GAP}|[+_]){{0,2}}"
_PHONE = re.compile(
    rf"{_LEFT}(?:"
    rf"(?:82{_JOIN}0?1[016789]|(?:\+|%2[Bb])82{_JOIN}0?{_JOIN}[1-7][0-9]?|0(?:1[016789]|2|[3-6][1-5]|50[2-8]?|70|80))"
    rf"{_JOIN}[0-9]{{3,4}}{_JOIN}[0-9]{{4}}"
    rf"|(?:\+|%2[Bb])[1-9][0-9]?(?:{_GAP}{{0,2}}[0-9]){{8,13}}"
    rf"|[2-9][0-9]{{2}}{_GAP}{{1,2}}[0-9]{{3}}{_GAP}[0-9]{{4}}"
    rf"){_RIGHT}"
)

# The cheap tests before the dear ones: most texts hold no pattern. Every number above has four digits in a row or a
# plus sign; and nine digits in all, or a star.
_ANY_HINT = re.compile(r"[0-9@%]")
_FOUR_DIGITS = re.compile(r"[0-9]{4}")
_NINE_DIGITS = re.compile(r"(?:[^0-9]*[0-9]){9}")
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SESSION = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)


def scrub_text(text: str) -> str:
    """``text`` with e-mail addresses, telephone and resident numbers as ``[email]``, ``[phone]`` and ``[rrn]``."""
    if not _ANY_HINT.search(text):
        return text
    if _may_hold_a_number(text):
        text = _PHONE.sub("[phone]", _RRN.sub("[rrn]", text))
    if "@" in text or ("%" in text and "40" in text):
        text = _EMAIL.sub("[email]", text)
    return text


def _may_hold_a_number(text: str) -> bool:
    if not (_FOUR_DIGITS.search(text) or "+" in text or "%2B" in text or "%2b" in text):
        return False
    return "*" in text or _NINE_DIGITS.match(text) is not None


def scrub_url(url: str, query_keys: Container[str] = QUERY_KEYS) -> ScrubbedUrl:
    """``scheme://host[:port]/path`` of a URL, absolute or relative, with the allowlisted query keys in their order.

    User info, fragment, session ids and all other query keys are dropped, of ``mailto:`` and its like all but the
    scheme; ad-click keys become ``ad_ids`` (decoded; the first of a name) even if the allowlist names them; personal
    patterns are replaced. Idempotent.
    """
    place, mark, query = url.partition("#")[0].partition("?")
    place = scrub_text(_without_secrets(place))
    if not mark:
        return ScrubbedUrl(place, {})
    kept: list[str] = []
    ad_ids: dict[str, str] = {}
    for pair in query.split("&"):
        key, equals, value = pair.partition("=")
        if key in AD_KEYS:
            if value:
                ad_ids.setdefault(key, _decoded(value))
        elif key in query_keys:
            kept.append(key + equals + scrub_text(value))
    return ScrubbedUrl(f"{place}?{'&'.join(kept)}" if kept else place, ad_ids)


_scrubbed_name = lru_cache(maxsize=1024)(scrub_text)  # members have few names


def scrub_props(value: Any, *, depth: int = 0) -> Any:
    """A JSON value with every text in it scrubbed, names of members included.

    What JSON has no word for becomes its scrubbed text, numbers that are none (NaN) and what is nested deeper than
    ``DEEPEST`` levels become None.
    """
    if isinstance(value, str):
        return scrub_text(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if depth >= DEEPEST:
        return None
    if isinstance(value, dict | Mapping):  # the plain type first: the abstract test is ten times slower
        return {_scrubbed_name(_text(key)): scrub_props(member, depth=depth + 1) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [scrub_props(member, depth=depth + 1) for member in value]
    return scrub_text(_text(value))


def _text(value: object) -> str:
    """``str(value)``; nothing where the value's own code fails, since a host application's object must not break us."""
    if isinstance(value, str):
        return value
    try:
        return str(value)
    except Exception:
        return ""


def _without_secrets(place: str) -> str:
    """A URL up to its query, without user info and session ids; the scheme alone where no ``//`` follows it."""
    if ";" in place:
        place = _SESSION.sub("", place)
    colon = place.find(":")
    if colon > 0 and not place.startswith("//", colon + 1) and "/" not in place[:colon]:
        return place[: colon + 1]
    if "@" not in place:
        return place
    start = place.find("//")
    if start < 0 or "/" in place[:start]:
        return place
    end = min((at for at in (place.find("/", start + 2), place.find("\\", start + 2)) if at >= 0), default=len(place))
    return place[: start + 2] + place[start + 2 : end].rpartition("@")[2] + place[end:]


def _decoded(value: str) -> str:
    """A percent-decoded value; unchanged where it is not valid UTF-8 or would bring in control characters."""
    if "%" not in value or _BAD_ESCAPE.search(value):
        return value
    try:
        decoded = unquote(value, errors="strict")
    except UnicodeDecodeError:
        return value
    return value if _CONTROL.search(decoded) else decoded
