"""Reports counted visit by visit: what those over columns must equal (``test_columns.py``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, Protocol

from dongui_collector.analytics.attribution import DIRECT, Origin, origin_of
from dongui_collector.analytics.columns.measures import HEADLINE
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import Filter
from dongui_collector.analytics.metrics import Key, Metrics, rows_of
from dongui_collector.analytics.properties import Property, properties_of
from dongui_collector.analytics.reports import BREAKDOWNS
from dongui_collector.analytics.sessions import (
    ENGAGEMENT,
    GAP_MS,
    MEASUREMENTS,
    PAGE_VIEWS,
    PASSIVE,
    VITAL,
    family,
    language_tag,
    milliseconds,
    seconds_of,
    term,
    vital_of,
)
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of
from dongui_collector.storage.contract.values import Fact

Json = dict[str, Any]
NO_RULES = SiteRules()


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


def visits(covered: EntitledEvents, day: date) -> Iterator[Visit]:
    """The visits of one of the site's days."""
    return visits_of(events(covered, day), covered.rules)


def events(covered: EntitledEvents, day: date) -> Iterator[VisitEvent]:
    """The events of one of the site's days."""
    return (_event(covered, fact, items) for fact, items in covered.seen(day, properties=True))


def _event(covered: EntitledEvents, fact: Fact, allowed: frozenset[str]) -> VisitEvent:
    area, environment = "ip_address" in allowed, "access_environment" in allowed
    return VisitEvent(
        fact.visitor,
        fact.at,
        fact.name,
        fact.url,
        fact.referrer,
        fact.search,
        seconds_of(fact.props) if fact.name == ENGAGEMENT else None,
        fact.country if area else None,
        fact.city if area else None,
        fact.browser if environment else None,
        fact.os if environment else None,
        fact.device if environment else None,
        fact.language if environment else None,
        fact.screen if environment else None,
        covered.clicks(fact) if fact.ads is not None and "advertising_id" in allowed else (),
        vital_of(fact.props) if fact.name == VITAL else None,
        () if fact.name in MEASUREMENTS else tuple(properties_of(fact.props)),
    )


Values = Callable[[Visit], Iterable[str | None]]


def _one(read: Callable[[Visit], str | None]) -> Values:
    return lambda visit: (read(visit),)


def _distinct(read: Callable[[Visit], Iterable[str | None]]) -> Values:
    def values(visit: Visit) -> Iterable[str | None]:
        return dict.fromkeys(v for v in read(visit) if v is not None) or (None,)

    return values


def place_of(visit: Visit, event: VisitEvent) -> str | None:
    """An event and the page on which it was."""
    page = visit.site.page(event.url)
    return f"{event.name}={page}" if event.name is not None and page is not None else None


def _origin(name: str) -> Values:
    return _one(lambda visit: getattr(visit.origin, name))


def _trait(name: str, then: Callable[[str | None], str | None] = lambda value: value) -> Values:
    return _one(lambda visit: then(visit.trait(name)))


VALUES: dict[str, Values] = {
    "page": _distinct(lambda visit: visit.pages),
    "entry_page": _one(lambda visit: visit.pages[0] if visit.pages else None),
    "exit_page": _one(lambda visit: visit.pages[-1] if visit.pages else None),
    "hostname": _distinct(lambda visit: (parts_of(e.url)[0] for e in visit.events)),
    "event": _distinct(lambda visit: (e.name for e in visit.events)),
    "event_page": _distinct(lambda visit: (place_of(visit, e) for e in visit.events)),
    "prop": _distinct(lambda visit: (f"{p.name}={p.value}" for e in visit.events for p in e.properties)),
    "search": _distinct(lambda visit: (term(e.search) for e in visit.events)),
    **{name: _origin(name) for name in ("channel", "source", "referrer", "medium", "campaign", "term", "content")},
    "click_id": _one(lambda visit: next((k for e in visit.events for k in e.clicks), None)),
    "country": _trait("country"),
    "city": _trait("city"),
    "device": _trait("device"),
    "browser": _trait("browser", family),
    "browser_version": _trait("browser"),
    "os": _trait("os", family),
    "os_version": _trait("os"),
    "language": _trait("language", language_tag),
    "screen": _trait("screen"),
}


def chosen(filters: Sequence[Filter]) -> Callable[[Visit], bool]:
    """Whether a visit meets filters: any of those of the same group, all groups, and no negated one."""
    wanted: dict[str, list[Filter]] = {}
    for one in filters:
        if not one.negated and not one.others:
            wanted.setdefault(one.group, []).append(one)
    unwanted = [one for one in filters if one.negated and not one.others]
    several = [one.alternatives for one in filters if one.others]

    def choose(visit: Visit) -> bool:
        if not all(any(matches(f, visit) is not f.negated for f in some) for some in several):
            return False
        return all(any(matches(f, visit) for f in some) for some in wanted.values()) and not any(
            matches(f, visit) for f in unwanted
        )

    return choose


def matches(one: Filter, visit: Visit) -> bool:
    """Whether a filter, as if not negated, holds of a visit."""
    return one.holds(VALUES[one.dimension](visit))


class Report(Protocol):
    """Counts visits into rows. ``names`` are the columns that tell rows apart, ``figures`` those that are counted."""

    names: tuple[str, ...]
    figures: tuple[str, ...]

    def add(self, visit: Visit) -> None: ...
    def rows(self) -> list[Json]: ...
    def parts(self) -> dict[Key, Metrics]:
        """What its figures are worked out from, by what tells its rows apart; in no particular order."""


class Sum:
    """The parts of some visits, as they are counted."""

    __slots__ = ("bounced", "engaged", "engagements", "milliseconds", "viewed", "views", "visitors", "visits")

    def __init__(self) -> None:
        self.visitors: set[bytes] = set()
        self.visits = self.viewed = self.views = self.bounced = self.milliseconds = self.engagements = 0
        self.engaged = 0

    def add(self, visit: Visit) -> None:
        views = visit.views
        self.count(visit, views)
        self.viewed += views > 0
        self.bounced += visit.bounced
        self.milliseconds += visit.duration
        if visit.engaged is not None:
            self.spend(visit.engaged)

    def count(self, visit: Visit, views: int = 0) -> None:
        """A visit in which something occurred so many times."""
        self.visitors.add(visit.visitor)
        self.visits += 1
        self.views += views

    def spend(self, engaged: int) -> None:
        """A visit's time in use (ms)."""
        self.engaged += engaged
        self.engagements += 1

    def parts(self) -> Metrics:
        numbers = (self.visits, self.viewed, self.views, self.bounced, self.milliseconds, self.engaged)
        return Metrics(len(self.visitors), *numbers, self.engagements)


class Grouped:
    """Visits by keys."""

    names: tuple[str, ...]
    figures: tuple[str, ...] = HEADLINE

    def __init__(self, *names: str) -> None:
        self.names = names
        self._visits = 0  # all that were added, where a figure asks for it
        self._sums: dict[Key, Sum] = {}

    def of(self, key: Key) -> Sum:
        """The sum of a key, begun where it is new."""
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = Sum()
        return found

    def parts(self) -> dict[Key, Metrics]:
        return {key: found.parts() for key, found in self._sums.items()}

    def rows(self) -> list[Json]:
        """In no particular order."""
        return rows_of(self.names, self.figures, self.parts(), self._visits)


class HeadlineReport(Grouped):
    """``overview``: one row of the headline figures."""

    def __init__(self) -> None:
        super().__init__()
        self.of(())

    def add(self, visit: Visit) -> None:
        self.of(()).add(visit)


class Breakdown(Grouped):
    """The headline figures by one or several single-valued dimensions, or by whatever ``key`` says of a visit."""

    def __init__(self, *names: str, key: Callable[[Visit], Key] | None = None, empty: Iterable[str] = ()) -> None:
        super().__init__(*names)
        self._key = key or _key_of(names)
        for name in empty:
            self.of((name,))

    def add(self, visit: Visit) -> None:
        self.of(self._key(visit)).add(visit)


def _key_of(names: tuple[str, ...]) -> Callable[[Visit], Key]:
    values = [VALUES[name] for name in names]

    def key(visit: Visit) -> Key:
        return tuple(next(iter(read(visit))) for read in values)

    return key


class Entries(Breakdown):
    """``entry_pages``; visits without a page view entered nowhere."""

    figures: tuple[str, ...] = ("visitors", "visits", "bounce_rate", "visit_duration")

    def __init__(self) -> None:
        super().__init__("page", key=lambda visit: (visit.pages[0],))

    def add(self, visit: Visit) -> None:
        if visit.pages:
            super().add(visit)


class Pages(Grouped):
    """``pages``: every page of a visit, with the time in use that was reported from it."""

    figures: tuple[str, ...] = ("visitors", "visits", "page_views", "engaged_time")

    def __init__(self) -> None:
        super().__init__("page")

    def add(self, visit: Visit) -> None:
        spent: dict[str, int] = {}
        for event in visit.events:
            if event.name == ENGAGEMENT and event.seconds is not None and (path := visit.site.page(event.url)):
                spent[path] = spent.get(path, 0) + milliseconds(event.seconds)
        for page in dict.fromkeys(visit.pages):
            found = self.of((page,))
            found.count(visit, visit.pages.count(page))
            if page in spent:
                found.spend(spent[page])


class Exits(Grouped):
    """``exit_pages``; the rate is the share of a page's views that were a visit's last."""

    figures: tuple[str, ...] = ("visitors", "visits", "exit_rate")

    def __init__(self) -> None:
        super().__init__("page")
        self._views: dict[str, int] = {}

    def add(self, visit: Visit) -> None:
        for page in visit.pages:
            self._views[page] = self._views.get(page, 0) + 1
        if visit.pages:
            self.of((visit.pages[-1],)).count(visit)

    def parts(self) -> dict[Key, Metrics]:
        return {key: part._replace(views=self._views[key[0] or ""]) for key, part in super().parts().items()}


class OccurrenceReport(Grouped):
    """``events`` and ``searches``: something that occurs in visits, any number of times."""

    def __init__(self, name: str, figure: str, read: Callable[[Visit], Iterable[str]], *, rate: bool) -> None:
        super().__init__(name)
        self.figures: tuple[str, ...] = ("visitors", "visits", figure, *(["rate"] if rate else []))
        self._read = read

    def add(self, visit: Visit) -> None:
        self._visits += 1
        counts: dict[str, int] = {}
        for value in self._read(visit):
            counts[value] = counts.get(value, 0) + 1
        for value, number in counts.items():
            self.of((value,)).count(visit, number)


def events_table() -> OccurrenceReport:
    """Named events (goals) and in what share of the visits they occurred; page views are in ``pages``."""
    return OccurrenceReport(
        "event",
        "events",
        lambda visit: (e.name for e in visit.events if e.name and e.name not in PAGE_VIEWS),
        rate=True,
    )


def searches_table() -> OccurrenceReport:
    """What was searched for on the site (S6.1)."""
    return OccurrenceReport(
        "search", "searches", lambda visit: (t for e in visit.events if (t := term(e.search)) is not None), rate=False
    )


_OTHERS: Mapping[str, Callable[[], Report]] = {
    "overview": HeadlineReport,
    "pages": Pages,
    "entry_pages": Entries,
    "exit_pages": Exits,
    "events": events_table,
    "searches": searches_table,
}


def table(name: str) -> Report:
    """The table of a report that counts visits one by one: the headline, pages, events, searches, breakdowns."""
    return _OTHERS[name]() if name in _OTHERS else Breakdown(*BREAKDOWNS[name])
