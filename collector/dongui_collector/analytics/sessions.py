"""Events as reports see them, and how they become visits. Pure; ``docs/api.md`` has the definitions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import cached_property, lru_cache
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from dongui_collector.analytics.attribution import DIRECT, Origin, origin_of
from dongui_collector.analytics.properties import Property
from dongui_collector.analytics.site_rules import SiteRules

GAP_MS = 30 * 60 * 1000  # a longer silence ends a visit; exactly this one does not
PAGE_VIEWS = frozenset({"pageview", "page_view"})
# What a page reports by itself, without the visitor having done anything new: no sign that somebody stayed.
PASSIVE = frozenset({"engagement", "scroll", "vital", "missing"})
ENGAGEMENT = "engagement"
VITAL = "vital"
MEASUREMENTS = frozenset({ENGAGEMENT, VITAL})  # their properties have reports of their own
METRICS = ("LCP", "INP", "CLS", "FCP", "TTFB")  # what a vital measures: ms, but for CLS, which is a score
LONGEST_S = 24 * 60 * 60  # a page's report of more seconds than a day has is a mistake

NO_RULES = SiteRules()
_VERSION = re.compile(r"\s+[\d.]+$")


class VisitEvent(NamedTuple):
    """One event, cut to what its reader may see. ``seconds`` is what an ``engagement`` event reports, ``vital`` the
    metric and value of a ``vital`` one.

    ``clicks`` are the kinds of click ids, such as ``gclid``, never their values.
    """

    visitor: bytes
    at: int
    name: str | None = None
    url: str | None = None
    referrer: str | None = None
    search: str | None = None
    seconds: float | None = None
    country: str | None = None
    city: str | None = None
    browser: str | None = None
    os: str | None = None
    device: str | None = None
    language: str | None = None
    screen: str | None = None
    clicks: tuple[str, ...] = ()
    vital: tuple[str, float] | None = None
    properties: tuple[Property, ...] = ()


class Visit:
    """A visit (a session), with everything that reports count of it."""

    # What only some reports ask for is worked out when they do: addresses take longer than all the rest.
    def __init__(self, events: list[VisitEvent], site: SiteRules) -> None:
        self.events = events
        self.site = site
        self._seen = [e for e in events if e.name in PAGE_VIEWS]
        spent = [milliseconds(e.seconds) for e in events if e.seconds is not None]
        self.engaged: int | None = sum(spent) if spent else None  # ms: whole numbers, whatever order they are added in

    @cached_property
    def pages(self) -> list[str]:
        """The pages of its page views, in order."""
        return [page for e in self._seen if (page := self.site.page(e.url)) is not None]

    @cached_property
    def origin(self) -> Origin:
        """Where it came from, by its first page view."""
        first = self._seen[0] if self._seen else None
        return origin_of(first.url, first.referrer, first.clicks, self.site) if first else DIRECT

    @property
    def visitor(self) -> bytes:
        return self.events[0].visitor

    @property
    def start(self) -> int:
        return self.events[0].at

    @property
    def duration(self) -> int:
        """Milliseconds from its first to its last event."""
        return self.events[-1].at - self.events[0].at

    @property
    def views(self) -> int:
        return len(self._seen)

    @property
    def bounced(self) -> bool:
        """One page view, and nothing that the visitor did on it."""
        return len(self._seen) == 1 and all(e.name in PAGE_VIEWS or e.name in PASSIVE for e in self.events)

    def trait(self, name: str) -> str | None:
        """The first that any of its events says of ``country``, ``browser`` and the like."""
        read = attrgetter(name)
        return next((value for e in self.events if (value := read(e)) is not None), None)


def visits_of(events: Iterable[VisitEvent], site: SiteRules = NO_RULES) -> Iterator[Visit]:
    """The visits of one day of a site, by visitor and time; ``events`` are all of that day's, in any order.

    Events of the same instant keep the order in which they are given. A day's end is a visit's end: events of two days
    must not be given together.
    """
    ordered = sorted(events, key=itemgetter(0, 1))
    for _, theirs in groupby(ordered, key=itemgetter(0)):
        open_: list[VisitEvent] = []
        for event in theirs:
            if open_ and event.at - open_[-1].at > GAP_MS:
                yield Visit(open_, site)
                open_ = []
            open_.append(event)
        yield Visit(open_, site)


def milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def seconds_of(props: str | None) -> float | None:
    """The seconds in use that a page reported in an event's properties (JSON); None for what is no such report."""
    said = _loaded(props).get("seconds")
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if 0 <= said <= LONGEST_S else None


def vital_of(props: str | None) -> tuple[str, float] | None:
    """The metric and the value that a page reported in an event's properties; None for what is no such report."""
    said = _loaded(props)
    name, value = said.get("name"), said.get("value")
    if name not in METRICS or isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return (name, float(value)) if 0 <= value <= LONGEST_S * 1000 else None


def _loaded(props: str | None) -> dict[str, Any]:
    said = json.loads(props) if props else None
    return said if isinstance(said, dict) else {}


def family(name: str | None) -> str | None:
    """A browser's or system's name without its version: ``Chrome 131`` → ``Chrome``."""
    return _VERSION.sub("", name) or name if name else name


def term(search: str | None) -> str | None:
    """A search as it is counted: case and blanks make no difference."""
    return " ".join(search.split()).casefold() or None if search else None


@lru_cache(maxsize=1024)
def language_tag(language: str | None) -> str | None:
    """A language as BCP 47 (RFC 5646, 2.1.1) writes it, since case makes no difference: ``KO_KR`` → ``ko-KR``."""
    if not language:
        return language
    first, *rest = language.replace("_", "-").split("-")
    parts = [part.title() if len(part) == 4 else part.upper() if len(part) == 2 else part.lower() for part in rest]
    return "-".join((first.lower(), *parts))
