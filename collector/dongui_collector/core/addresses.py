"""Addresses of pages as people read them, so that one page has one name however it was recorded. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from urllib.parse import quote, urlsplit

_BARE = re.compile(r"%(?![0-9A-Fa-f]{2})")  # a percent sign that begins no escape
_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
# What an escape in a path may stand for beside letters of any script: RFC 3986 calls the first line unreserved, the
# second may stand in a path segment as it is, and of the third every browser and server escapes another part.
_PLAIN = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"  # RFC 3986, 2.3
    "!$&'()*+,;=:@"  # RFC 3986, 3.3
    '"<>^`{|}[]'
)
_RAW = re.compile(r"[^!-~]|\\")  # what an address holds in the clear, though it should be escaped


@lru_cache(maxsize=16_384)  # a site's visitors look at the same pages
def readable_path(path: str) -> str:
    """The path of a page with its escapes read: ``/%EA%B0%80``, ``/%ea%b0%80`` and ``/가`` are all ``/가``.

    Escapes that stand for something else than the character itself stay, in capitals: ``%2F``, ``%3F``, ``%23`` and
    ``%25``, blanks, control and format characters (which could reorder or hide text), and bytes that are no UTF-8.
    Text is composed (NFC), as macOS is alone in not doing. Takes any text, never raises; idempotent.
    """
    if "%" not in path and path.isascii() and not _RAW.search(path):
        return path
    escaped = _BARE.sub("%25", path)  # else what is read beside it could make an escape of it
    text = unicodedata.normalize("NFC", _ESCAPES.sub(lambda found: _read(found.group()), escaped))
    return _RAW.sub(lambda found: found.group() if _is_clear(found.group()) else _escaped(found.group()), text)


def _read(escapes: str) -> str:
    """A run of escapes as text, byte by byte where it is no UTF-8."""
    data = bytes.fromhex(escapes.replace("%", ""))
    found = data.decode("utf-8", "surrogateescape")
    return "".join(one if _is_clear(one) else _escaped(one) for one in found)


def _is_clear(one: str) -> bool:
    """Whether a character is read, not escaped: letters, marks, digits, punctuation and symbols of any script."""
    return one in _PLAIN if one.isascii() else unicodedata.category(one)[0] not in "CZ"


def _escaped(one: str) -> str:
    return quote(one.encode("utf-8", "surrogateescape" if "\udc80" <= one <= "\udcff" else "surrogatepass"), safe="")


@lru_cache(maxsize=16_384)
def parts_of(url: str | None) -> tuple[str | None, str | None, str]:
    """(host without ``www.``, readable path, query) of an address or a mere path; None for what it does not say."""
    if not url:
        return None, None, ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None, None, ""
    return (host.lower().removeprefix("www.") if host else None), readable_path(parts.path or "/"), parts.query
