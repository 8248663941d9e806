"""The reports over visits: what each counts, and how its rows are told apart and ordered. Pure.

Each table takes visits one by one, in any order, and gives its rows at the end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from dongui_collector.reading.reports.attribution import parts_of
from dongui_collector.reading.reports.filters import DIMENSIONS
from dongui_collector.reading.reports.visits import ENGAGEMENT, PAGE_VIEWS, Visit, term

Json = dict[str, Any]


class Table(Protocol):
    """Counts visits into rows. ``names`` are the columns that tell rows apart, ``figures`` those that are counted."""

    names: tuple[str, ...]
    figures: tuple[str, ...]

    def add(self, visit: Visit) -> None: ...
    def rows(self) -> list[Json]:
        """In no particular order."""


class Sum:
    """The headline figures of some visits."""

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
        self.engaged = 0.0

    def add(self, visit: Visit) -> None:
        views = visit.views
        self.visitors.add(visit.visitor)
        self.visits += 1
        self.views += views
        self.viewed += views > 0
        self.bounced += visit.bounced
        self.milliseconds += visit.duration
        if visit.engaged is not None:
            self.engaged += visit.engaged
            self.engagements += 1

    def figures(self) -> Json:
        return {
            "visitors": len(self.visitors),
            "visits": self.visits,
            "page_views": self.views,
            "views_per_visit": ratio(self.views, self.visits, 2),
            "bounce_rate": ratio(self.bounced, self.viewed),
            "visit_duration": ratio(self.milliseconds, self.visits * 1000, 1),
            "engaged_time": ratio(self.engaged, self.engagements, 1),
        }


def ratio(part: float, whole: float, digits: int = 4) -> float | None:
    """``part / whole``, rounded; None where there is no whole to speak of."""
    return round(part / whole, digits) if whole else None


class Headline:
    """``overview``: one row of the headline figures."""

    names: tuple[str, ...] = ()
    figures: tuple[str, ...] = Sum.FIGURES

    def __init__(self) -> None:
        self.sum = Sum()

    def add(self, visit: Visit) -> None:
        self.sum.add(visit)

    def rows(self) -> list[Json]:
        return [self.sum.figures()]


class Breakdown:
    """The headline figures by one or several single-valued dimensions, or by whatever ``key`` says of a visit."""

    figures: tuple[str, ...] = Sum.FIGURES

    def __init__(
        self, *names: str, key: Callable[[Visit], tuple[str | None, ...]] | None = None, empty: Iterable[str] = ()
    ) -> None:
        self.names: tuple[str, ...] = names
        self._key = key or _key_of(names)
        self._sums: dict[tuple[str | None, ...], Sum] = {(name,): Sum() for name in empty}

    def add(self, visit: Visit) -> None:
        key = self._key(visit)
        found = self._sums.get(key)
        if found is None:
            found = self._sums[key] = Sum()
        found.add(visit)

    def rows(self) -> list[Json]:
        return [
            dict(zip(self.names, key, strict=True)) | {name: total.figures()[name] for name in self.figures}
            for key, total in self._sums.items()
        ]


def _key_of(names: tuple[str, ...]) -> Callable[[Visit], tuple[str | None, ...]]:
    values = [DIMENSIONS[name].values for name in names]

    def key(visit: Visit) -> tuple[str | None, ...]:
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


class Pages:
    """``pages``: every page of a visit, with the time in use that was reported from it."""

    names: tuple[str, ...] = ("page",)
    figures: tuple[str, ...] = ("visitors", "visits", "page_views", "engaged_time")

    def __init__(self) -> None:
        self._pages: dict[str, Sum] = {}

    def add(self, visit: Visit) -> None:
        spent: dict[str, float] = {}
        for event in visit.events:
            if event.name == ENGAGEMENT and event.seconds is not None and (path := parts_of(event.url)[1]):
                spent[path] = spent.get(path, 0.0) + event.seconds
        for page in dict.fromkeys(visit.pages):
            found = self._pages.get(page)
            if found is None:
                found = self._pages[page] = Sum()
            found.visitors.add(visit.visitor)
            found.visits += 1
            found.views += visit.pages.count(page)
            if page in spent:
                found.engaged += spent[page]
                found.engagements += 1

    def rows(self) -> list[Json]:
        return [
            {"page": page} | {name: total.figures()[name] for name in self.figures}
            for page, total in self._pages.items()
        ]


class Exits:
    """``exit_pages``; the rate is the share of a page's views that were a visit's last."""

    names: tuple[str, ...] = ("page",)
    figures: tuple[str, ...] = ("visitors", "visits", "exit_rate")

    def __init__(self) -> None:
        self._views: dict[str, int] = {}
        self._exits: dict[str, Sum] = {}

    def add(self, visit: Visit) -> None:
        for page in visit.pages:
            self._views[page] = self._views.get(page, 0) + 1
        if visit.pages:
            found = self._exits.setdefault(visit.pages[-1], Sum())
            found.visitors.add(visit.visitor)
            found.visits += 1

    def rows(self) -> list[Json]:
        return [
            {
                "page": page,
                "visitors": len(found.visitors),
                "visits": found.visits,
                "exit_rate": ratio(found.visits, self._views[page]),
            }
            for page, found in self._exits.items()
        ]


class Counted:
    """``events`` and ``searches``: something that occurs in visits, any number of times."""

    def __init__(self, name: str, figure: str, read: Callable[[Visit], Iterable[str]], *, rate: bool) -> None:
        self.names: tuple[str, ...] = (name,)
        self.figures: tuple[str, ...] = ("visitors", "visits", figure, *(["rate"] if rate else []))
        self._read = read
        self._found: dict[str, Sum] = {}
        self._all = 0

    def add(self, visit: Visit) -> None:
        self._all += 1
        counts: dict[str, int] = {}
        for value in self._read(visit):
            counts[value] = counts.get(value, 0) + 1
        for value, number in counts.items():
            found = self._found.setdefault(value, Sum())
            found.visitors.add(visit.visitor)
            found.visits += 1
            found.views += number

    def rows(self) -> list[Json]:
        made = []
        for value, found in self._found.items():
            figures = (len(found.visitors), found.visits, found.views, ratio(found.visits, self._all))
            made.append(dict(zip((*self.names, *self.figures), (value, *figures), strict=False)))
        return made


def events_table() -> Counted:
    """Named events (goals) and in what share of the visits they occurred; page views are in ``pages``."""
    return Counted(
        "event",
        "events",
        lambda visit: (e.name for e in visit.events if e.name and e.name not in PAGE_VIEWS),
        rate=True,
    )


def searches_table() -> Counted:
    """What was searched for on the site (S6.1)."""
    return Counted(
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
_OTHERS: Mapping[str, Callable[[], Table]] = {
    "overview": Headline,
    "pages": Pages,
    "entry_pages": Entries,
    "exit_pages": Exits,
    "events": events_table,
    "searches": searches_table,
}


def table(name: str) -> Table:
    """The table of a report other than ``timeseries`` and ``consent``."""
    return _OTHERS[name]() if name in _OTHERS else Breakdown(*BREAKDOWNS[name])


REPORTS = ("overview", "timeseries", *(name for name in _OTHERS if name != "overview"), *BREAKDOWNS, "consent")


def ordered(rows: list[Json], table: Table, sort: str, *, ascending: bool) -> list[Json]:
    """Rows by a figure or a name, what is not known last; then by their names, so that the order is always the same."""

    def names(row: Json) -> tuple[tuple[bool, str], ...]:
        return tuple((row[name] is None, row[name] or "") for name in table.names)

    rows = sorted(rows, key=names)
    known = [row for row in rows if row[sort] is not None]
    known.sort(key=lambda row: row[sort], reverse=not ascending)
    return known + [row for row in rows if row[sort] is None]
