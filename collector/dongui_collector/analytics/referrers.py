"""The hosts that visitors come from and what they are, from ``referrers.toml``. Read once, at import."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Any, NamedTuple


class Referrer(NamedTuple):
    """A source and its kind: a channel's name, ``search``, ``portal``, or empty where it is not known.

    ``paid``: only a paid click leads through it.
    """

    name: str
    kind: str = ""
    paid: bool = False


def known_host(host: str) -> Referrer | None:
    """What a host (lower case, without ``www.``) is; None for one that is not known."""
    if exact := _SEARCHES.get(host) or _SEARCHES.get(host.removeprefix("m.")):
        return exact
    labels = host.split(".")
    ends = (".".join(labels[start:]) for start in range(len(labels)))
    return next((found for end in ends if (found := _HOSTS.get(end))), None)


def known_tag(text: str) -> Referrer | None:
    """What a ``utm_source`` means; None for one that is neither a name that is known nor a host."""
    return _TAGS.get(text.lower()) or known_host(text.lower().removeprefix("www."))


_DATA: Mapping[str, Any] = tomllib.loads(files(__package__).joinpath("referrers.toml").read_text(encoding="utf-8"))
# Kinds of advertisements as people write them into utm_medium or utm_source, without what joins their parts.
PAID_TAGS: frozenset[str] = frozenset(_DATA["paid_tags"]["names"].split())
_NO_HOSTS = ("search", "search_ads", "search_countries", "tags", "paid_tags")


def _searches() -> Iterator[tuple[str, Referrer]]:
    for table, paid in (("search", False), ("search_ads", True)):
        for name, hosts in _DATA[table].items():
            yield from ((host, Referrer(name, "search", paid)) for host in hosts if not host.startswith("*."))
    for name, countries in _DATA["search_countries"].items():
        yield from ((f"{name.lower()}.{country}", Referrer(name, "search")) for country in countries.split())


def _hosts() -> Iterator[tuple[str, Referrer]]:
    for name, hosts in _DATA["search"].items():
        yield from ((host[2:], Referrer(name, "search")) for host in hosts if host.startswith("*."))
    for kind, table in _DATA.items():
        if kind not in _NO_HOSTS:
            yield from ((host, Referrer(name, kind)) for name, hosts in table.items() for host in hosts)


def _tags() -> Iterator[tuple[str, Referrer]]:
    """Names as they are, then what stands for them: a portal's name means its search."""
    for kind, table in _DATA.items():
        if kind not in ("portal", "search_ads", "search_countries", "tags", "paid_tags"):
            yield from ((name.lower(), Referrer(name, kind)) for name in table)
    for kind, table in _DATA["tags"].items():
        yield from ((text, Referrer(name, kind)) for name, texts in table.items() for text in texts)


_SEARCHES, _HOSTS, _TAGS = dict(_searches()), dict(_hosts()), dict(_tags())
