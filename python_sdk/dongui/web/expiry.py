"""Ending cookies that a withdrawal left behind. Pure.

A request tells a cookie's name, never its path or domain, and a cookie ends only where it was set (RFC 6265bis). So it
is ended at every place where a page like this one can have it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import NamedTuple
from urllib.parse import quote

from dongui.web.domains import domains_above
from dongui.web.set_cookie import Headers, attributes, cookie_name

_MOST = 30  # lines of one answer: proxies refuse heads of some 4 KB
_DEEPEST = 4
_MOST_PLACES = 4  # remembered of one name
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token (RFC 6265): what may be written into a Set-Cookie of ours


class Place(NamedTuple):
    """Where a cookie lies: ``domain`` is empty for the host alone."""

    path: str = "/"
    domain: str = ""
    partitioned: bool = False


def expire(
    names: Iterable[str],
    host: str,
    path: str = "/",
    *,
    https: bool = False,
    known: Mapping[str, Sequence[Place]] | None = None,
    turn: int = 0,
) -> Headers:
    """``Set-Cookie`` headers that end cookies at the places that a page at ``path`` of ``host`` may have them.

    Names that a header could not carry are left alone; browsers ignore the domains that nobody may set cookies at.
    ``known``: places where a name was seen being set, which come first. Where there are more than fit, each ``turn``
    brings others.
    """
    guessed = places(host, path, https=https)
    each = [
        list(dict.fromkeys(line for place in [*(known or {}).get(name, ()), *guessed] if (line := _end(name, place))))
        for name in names
        if _NAME.fullmatch(name)
    ]
    lines = [line for row in zip_longest(*each) for line in row if line]
    if len(lines) > _MOST:
        first, rest = lines[: _MOST // 2], lines[_MOST // 2 :]
        start = turn * (_MOST - len(first)) % len(rest)
        lines = [*first, *(rest[start:] + rest[:start])[: _MOST - len(first)]]
    return [("Set-Cookie", line) for line in lines]


def places(host: str, path: str, *, https: bool) -> list[Place]:
    """Where a cookie that a page at ``path`` of ``host`` sends can lie, likely places first."""
    domains, paths = ["", *domains_above(host)], _levels(path)
    found = [Place("/", domain) for domain in domains]
    found += [Place(level) for level in paths]
    if https:
        found += [Place(level, "", True) for level in ["/", *paths]]
    found += [Place(level, domain) for domain in domains[1:] for level in paths]
    if https:
        found += [Place("/", domain, True) for domain in domains[1:]]
    return found


def place_of(set_cookie: str, path: str) -> Place:
    """The place at which a ``Set-Cookie`` of an answer at ``path`` puts its cookie."""
    said = attributes(set_cookie)
    given = said.get("path", "")
    where = given if given.startswith("/") else _default_path(path)
    return Place(where, said.get("domain", "").lstrip(".").lower(), "partitioned" in said)


class SeenPlaces:
    """Where this process has seen cookies being set. Bounded, since an application may invent a name a request."""

    def __init__(self, most: int = 200) -> None:
        self._most = most
        self.places: dict[str, list[Place]] = {}

    def add(self, set_cookie: str, path: str) -> None:
        """Remembers the place of one ``Set-Cookie``."""
        name, place = cookie_name(set_cookie), place_of(set_cookie, path)
        if name not in self.places and len(self.places) >= self._most:
            return
        seen = self.places.setdefault(name, [])
        if place not in seen and len(seen) < _MOST_PLACES:
            seen.append(place)


def _levels(path: str) -> list[str]:
    """The paths below ``/`` that hold this one, each with and without its last slash; the default path goes first."""
    encoded = quote(path.encode("latin-1", "replace"), safe="/!$&'()*+,=:@~%")
    parts = [part for part in encoded.split("/") if part][:_DEEPEST]
    levels = ["/" + "/".join(parts[:end]) for end in range(len(parts), 0, -1)]
    found = [_default_path(encoded), *(form for level in levels for form in (level, level + "/"))]
    return [level for level in dict.fromkeys(found) if level != "/"]


def _default_path(path: str) -> str:
    """Where a cookie without a path lies (RFC 6265bis, section 5.1.4)."""
    above = path.rpartition("/")[0]
    return above if above.startswith("/") else "/"


def _end(name: str, place: Place) -> str:
    """What ends one cookie at one place; empty where it cannot lie there, as names with a prefix say."""
    prefix = name.lower()
    if prefix.startswith("__host-") and (place.path != "/" or place.domain):
        return ""
    if any(character in place.path + place.domain for character in ";\r\n\0"):
        return ""
    secure = "; Secure" if place.partitioned or prefix.startswith(("__host-", "__secure-")) else ""
    domain = f"; Domain={place.domain}" if place.domain else ""
    partitioned = "; Partitioned" if place.partitioned else ""
    return f"{name}=; Max-Age=0; Path={place.path}{domain}{secure}{partitioned}"
