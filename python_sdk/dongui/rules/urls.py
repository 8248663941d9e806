"""What of a URL or a text may be recorded: no credentials, fragments, unknown query keys, patterns that name a person.

Every function takes any text at all, never raises and works in time linear in its length. The patterns are best
effort (``dongui.rules.personal``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Container, Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

from dongui.policy.builtin import AD_KEYS, QUERY_KEYS
from dongui.policy.globs import matches
from dongui.rules.personal import scrub_path, scrub_text

__all__ = ["AD_KEYS", "QUERY_KEYS", "ScrubbedUrl", "percent_encoded", "scrub_props", "scrub_text", "scrub_url"]

DEEPEST = 16  # levels of nested properties that are kept; the browser's twin uses the same number


class ScrubbedUrl(NamedTuple):
    """A URL fit to be recorded, and the advertising IDs that were in its query (another item, so apart)."""

    url: str
    ad_ids: dict[str, str]


_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SESSION = re.compile(r";jsessionid=[^/;]*", re.IGNORECASE)


def scrub_url(url: str, query_keys: Container[str] = QUERY_KEYS, unsearched: Iterable[str] = ()) -> ScrubbedUrl:
    """``scheme://host[:port]/path`` of a URL, absolute or relative, with the allowlisted query keys in their order.

    Escapes are written in one way: those of letters, digits and ``-._~`` are undone, all others get capital letters
    (RFC 3986, 6.2.2).
    User info, fragment, session ids and all other query keys are dropped, of ``mailto:`` and its like all but the
    scheme; ad-click keys become ``ad_ids`` (decoded; the first of a name) even if the allowlist names them; personal
    patterns are replaced, but not in paths that fit one of the globs ``unsearched``. Idempotent.
    """
    place, mark, query = url.partition("#")[0].partition("?")
    place = _normalized(_without_secrets(place))
    if not unsearched or not _fits(place, unsearched):
        place = scrub_path(place)
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
            kept.append(key + equals + scrub_text(_normalized(value)))
    return ScrubbedUrl(f"{place}?{'&'.join(kept)}" if kept else place, ad_ids)


def _fits(place: str, globs: Iterable[str]) -> bool:
    path = percent_encoded(_ORIGIN.sub("", place, count=1))
    return any(matches(glob, path) for glob in globs)


_ORIGIN = re.compile(r"^(?:[^/:]+:)?//[^/]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[0-9A-Za-z._~-]")
_BEYOND_ASCII = re.compile(r"[\u0080-\ud7ff\ue000-\U0010ffff]+")
_HOST = re.compile(r"(?:[^/]*//)?[^/]*")


def _normalized(address: str) -> str:
    return _ESCAPE.sub(_unescaped, address) if "%" in address else address


def _unescaped(match: re.Match[str]) -> str:
    character = chr(int(match[1], 16))
    return character if _UNRESERVED.match(character) else match[0].upper()


def percent_encoded(url: str) -> str:
    """The form in which an address is recorded, as browsers write it: what is beyond ASCII escaped, save in the host.

    ``/가`` and ``/%EA%B0%80`` are one page and lie in the same words (RFC 3987, 3.1).
    """
    if url.isascii():
        return url
    host = _HOST.match(url) if "//" in url[:16] else None
    start = host.end() if host else 0
    return url[:start] + _BEYOND_ASCII.sub(lambda match: quote(match[0]), url[start:])


_scrubbed_name = lru_cache(maxsize=1024)(scrub_text)  # members have few names


def scrub_props(value: Any, unsearched: Container[str] = (), *, depth: int = 0) -> Any:
    """A JSON value with every text in it scrubbed, names of members included, but for the texts and numbers of members
    that ``unsearched`` names.

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
        return {
            _scrubbed_name(_text(key)): member
            if isinstance(member, str) and key in unsearched
            else scrub_props(member, unsearched, depth=depth + 1)
            for key, member in value.items()
        }
    if isinstance(value, list | tuple):
        return [scrub_props(member, unsearched, depth=depth + 1) for member in value]
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
