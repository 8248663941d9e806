"""The reports over visits: what each counts, and how its rows are told apart and ordered. Pure.

Each table takes visits one by one, in any order, and gives at the end what the figures of its rows are worked out from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from dongui_collector.analytics.filters import DIMENSIONS
from dongui_collector.analytics.metrics import Key, Metrics, rows_of
from dongui_collector.analytics.sessions import ENGAGEMENT, PAGE_VIEWS, Visit, milliseconds, term

Json = dict[str, Any]


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

    FIGURES = (
        "visitors",
        "visits",
        "page_views",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
        "engaged_time",
    )

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
    figures: tuple[str, ...] = Sum.FIGURES

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
    values = [DIMENSIONS[name].values for name in names]

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


# Reports that are a breakdown by these dimensions, in this order.
BREAKDOWNS: Mapping[str, tuple[str, ...]] = {
    "sources": ("source", "channel"),
    "channels": ("channel",),
    "referrers": ("referrer",),
    "campaigns": ("campaign", "source", "medium"),
    "mediums": ("medium",),
    "terms": ("term",),
    "contents": ("content",),
    "click_ids": ("click_id",),
    "countries": ("country",),
    "locations": ("country", "city"),
    "devices": ("device",),
    "browsers": ("browser",),
    "os": ("os",),
    "languages": ("language",),
    "screens": ("screen",),
}
PAGE_REPORTS = ("pages", "entry_pages", "exit_pages")
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


# What is counted over columns alone (``analytics/columns``), and does not outlive its day.
OTHERS = ("now", "funnel", "retention", "vitals", "properties", "property_values")
REPORTS = (
    "overview",
    "timeseries",
    *(name for name in _OTHERS if name != "overview"),
    *BREAKDOWNS,
    *OTHERS,
    "consent",
)
