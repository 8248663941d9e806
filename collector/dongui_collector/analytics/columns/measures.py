"""What each report counts over columns, and how its figures become rows. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import reduce
from operator import add
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics import metrics
from dongui_collector.analytics.columns import count, event_properties, journeys
from dongui_collector.analytics.columns.choosing import column_of, value_of
from dongui_collector.analytics.columns.count import Figures
from dongui_collector.analytics.columns.table import TablePart
from dongui_collector.analytics.columns.words import Glossary, Ints, Longs
from dongui_collector.analytics.filters import Filter
from dongui_collector.analytics.intervals import Interval, label, labels
from dongui_collector.analytics.metrics import Json, Key, Metrics
from dongui_collector.analytics.reports import BREAKDOWNS, NEIGHBOURS
from dongui_collector.core.clock import start_of

_QUARTER_MS = 900_000

# Figure → the sums that it is made of (numerator, denominator), and the digits that it is rounded to: to know
# beforehand which rows can be among the first. What is shown is worked out by ``reports/parts.py``.
_AT = {name: row for row, name in enumerate((*count.SUMS, "converted", "revenue", "unpriced"))}
_FIGURES: dict[str, tuple[str, str | None, int]] = {
    "visitors": ("visitors", None, 0),
    "visits": ("visits", None, 0),
    **dict.fromkeys(("page_views", "events", "searches"), ("views", None, 0)),
    "views_per_visit": ("views", "visits", 2),
    "bounce_rate": ("bounced", "viewed", 4),
    "visit_duration": ("milliseconds", "visits", 1),
    "engaged_time": ("engaged", "engagements", 1),
    "exit_rate": ("visits", "views", 4),
    "conversions": ("converted", None, 0),
    "conversion_rate": ("converted", "visits", 4),
    "revenue": ("revenue", None, 2),
    "unpriced": ("unpriced", None, 0),
    "rate": ("visits", None, 4),  # of the same number of visits in every row
}
_UNIT = {"revenue": 100, "milliseconds": 1000, "engaged": 1000}


@dataclass(frozen=True, slots=True)
class Measure:
    """A report over columns. ``names`` tell rows apart, ``label`` says by what; ``whole``: also rows of nothing.

    ``key`` is the same for the same way of counting.
    """

    key: tuple[Any, ...]
    names: tuple[str, ...]
    figures: tuple[str, ...]
    count: Callable[[TablePart, Glossary], Longs]
    label: Callable[[Glossary], Sequence[tuple[Any, ...]]]
    whole: bool = False
    sort: str = ""

    def figures_of(self, part: TablePart, words: Glossary) -> Figures:
        return Figures(count.total(part), self.count(part, words))


def measure_of(
    name: str,
    interval: Interval,
    first: date,
    last: date,
    steps: Sequence[Filter],
    zone: ZoneInfo,
    event: str = "",
    property: str = "",
    page: str = "",
) -> Measure:
    """How a report (other than ``vitals`` and ``consent``) is counted."""
    if name == "timeseries":
        return _timeseries(interval, first, last, zone)
    if name == "weekdays":
        return _weekdays(first, last, zone)
    if name in NEIGHBOURS:
        return _neighbours(name, page)
    if name == "funnel":
        return _funnel(steps)
    if name == "retention":
        return _retention(first, last)
    if name in BREAKDOWNS:
        return _breakdown(name)
    if name == "properties":
        return _properties(event)
    if name == "property_values":
        return _property_values(event, property)
    return _FIXED[name]


def _one_row(_words: Glossary) -> Sequence[tuple[Any, ...]]:
    return [()]


def _paged(words: Glossary) -> Sequence[tuple[Any, ...]]:
    return list(zip(words.pages.values, strict=True))


_OCCURRED = ("visitors", "visits", "events", "rate")
HEADLINE = (
    "visitors",
    "visits",
    "page_views",
    "views_per_visit",
    "bounce_rate",
    "visit_duration",
    "engaged_time",
)
_EDGE = ("visitors", "visits", "bounce_rate", "visit_duration")
_FIXED = {
    "overview": Measure(
        ("overview",), (), HEADLINE, lambda part, _: count.headline(part, None, 1), _one_row, whole=True
    ),
    "now": Measure(
        ("now",), (), ("visitors", "visits"), lambda part, _: count.headline(part, None, 1), _one_row, whole=True
    ),
    "pages": Measure(("pages",), ("page",), ("visitors", "visits", "page_views", "engaged_time"), count.pages, _paged),
    "entry_pages": Measure(
        ("entry_pages",), ("page",), _EDGE, lambda part, words: count.edges(part, part.entry, len(words.pages)), _paged
    ),
    "exit_pages": Measure(("exit_pages",), ("page",), ("visitors", "visits", "exit_rate"), count.exits, _paged),
    "events": Measure(
        ("events",),
        ("event",),
        _OCCURRED,
        count.events,
        lambda words: list(zip(words.names.values, strict=True)),
    ),
    "searches": Measure(
        ("searches",),
        ("search",),
        ("visitors", "visits", "searches"),
        count.searches,
        lambda words: list(zip(words.terms.values, strict=True)),
    ),
}


def _breakdown(name: str) -> Measure:
    dimensions = BREAKDOWNS[name]

    def counted(part: TablePart, words: Glossary) -> Longs:
        rows = words.rows(name)
        column, known = column_of(dimensions[0], words)
        codes = known.table(name, lambda word: rows.code(tuple(value_of(d, word) for d in dimensions)))
        return count.headline(part, codes[getattr(part, column)], len(rows))

    return Measure((name,), dimensions, HEADLINE, counted, lambda words: words.rows(name).values)


def _properties(event: str) -> Measure:
    return Measure(
        ("properties", event),
        ("event", "property"),
        _OCCURRED,
        lambda part, words: event_properties.properties(part, words, event),
        lambda words: words.rows("properties").values,
    )


def _property_values(event: str, name: str) -> Measure:
    return Measure(
        ("property_values", event, name),
        ("value",),
        _OCCURRED,
        lambda part, words: event_properties.values(part, words, event, name),
        lambda words: event_properties.value_rows(words, name).values,
    )


def _timeseries(interval: Interval, first: date, last: date, zone: ZoneInfo) -> Measure:
    names = labels(interval, first, last, zone)
    at = {name: code for code, name in enumerate(names)}
    begins = np.array([start_of(day, zone) for day in _days(first, last)], np.int64)
    named = label(interval, zone)
    if interval == "hour":
        until = start_of(last + timedelta(days=1), zone)
        moments = range(int(begins[0]), until, _QUARTER_MS)
        codes: Ints = np.fromiter((at[named(moment)] for moment in moments), np.int32)
    else:
        codes = np.fromiter((at[named(int(begin))] for begin in begins), np.int32)

    def counted(part: TablePart, _words: Glossary) -> Longs:
        day = part.day - first.toordinal()
        if interval == "hour":
            return count.headline(part, codes[(begins[day] + part.start - begins[0]) // _QUARTER_MS], len(names))
        return count.headline(part, codes[day], len(names))

    key = ("timeseries", interval, first, last)
    return Measure(key, ("time",), HEADLINE, counted, lambda _: [(n,) for n in names], whole=True, sort="time")


def _weekdays(first: date, last: date, zone: ZoneInfo) -> Measure:
    """By the weekday (Monday is 1) and the hour of the clock at which visits began."""
    begins = np.array([start_of(day, zone) for day in _days(first, last)], np.int64)
    moments = range(int(begins[0]), start_of(last + timedelta(days=1), zone), _QUARTER_MS)
    hours: Ints = np.fromiter((datetime.fromtimestamp(moment / 1000, zone).hour for moment in moments), np.int32)

    def counted(part: TablePart, _words: Glossary) -> Longs:
        hour = hours[(begins[part.day - first.toordinal()] + part.start - begins[0]) // _QUARTER_MS]
        return count.headline(part, (part.day - 1) % 7 * 24 + hour, 7 * 24)

    said = [(day, hour) for day in range(1, 8) for hour in range(24)]
    return Measure(
        ("weekdays", first, last),
        ("weekday", "hour"),
        ("visitors", "visits", "page_views"),
        counted,
        lambda _: said,
        sort="weekday",
    )


def _neighbours(name: str, page: str) -> Measure:
    return Measure(
        (name, page),
        ("page",),
        ("visitors", "visits", "page_views"),
        lambda part, words: journeys.neighbours(part, words, page, after=name == "next_pages"),
        lambda words: [(None,), *zip(words.pages.values, strict=True)],
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _funnel(steps: Sequence[Filter]) -> Measure:
    said = [(n + 1, s.text) for n, s in enumerate(steps)]
    return Measure(
        ("funnel", *steps),
        ("step", "filter"),
        ("visitors", "visits", "share"),
        lambda part, words: journeys.funnel(part, words, steps),
        lambda _: said,
        whole=True,
        sort="step",
    )


def _retention(first: date, last: date) -> Measure:
    monday = first - timedelta(days=first.weekday())
    weeks = (last - monday).days // 7 + 1
    rows = [(w, a) for w in range(weeks) for a in range(weeks - w)]
    said = [((monday + timedelta(weeks=w)).isoformat(), after) for w, after in rows]
    return Measure(
        ("retention", monday, weeks),
        ("week", "after"),
        ("visitors", "returned"),
        lambda part, _: journeys.retention(part, monday.toordinal(), weeks),
        lambda _: said,
        sort="week",
    )


# --- rows ------------------------------------------------------------------------------------------------------------


def parts_of(
    measure: Measure, found: Figures, words: Glossary, sort: str, *, ascending: bool, most: int
) -> tuple[dict[Key, Metrics], int]:
    """Rows by their names, at least those that come first in an order, and how many there are in all."""
    sums = found.sums
    there = np.arange(sums.shape[1]) if measure.whole else np.flatnonzero(sums[_AT["visits"]] > 0)
    codes = there if sort in measure.names else there[_foremost(sums[:, there], sort, ascending, most)]
    said = measure.label(words)
    chosen = zip(codes.tolist(), sums[:, codes].T.tolist(), strict=True)
    return {tuple(said[code]): Metrics(*column) for code, column in chosen}, len(there)


def all_parts(measure: Measure, parts: Sequence[TablePart], words: Glossary) -> dict[Key, Metrics]:
    """Every row of some visits."""
    figures = reduce(add, (measure.figures_of(part, words) for part in parts))
    most = figures.sums.shape[1]
    return parts_of(measure, figures, words, measure.figures[0], ascending=False, most=most)[0]


def rows_of(measure: Measure, rows: Mapping[Key, Metrics], visits: int) -> list[Json]:
    """Rows as they are shown; ``visits`` are all that the report is about."""
    return metrics.rows_of(measure.names, measure.figures, rows, visits)


def _foremost(sums: Longs, sort: str, ascending: bool, most: int) -> Longs:
    """Rows of which the first ``most`` certainly are some: not every row of a long report is spelt out."""
    size = sums.shape[1]
    if size <= most or sort not in _FIGURES:
        return np.arange(size)
    part, whole, digits = _FIGURES[sort]
    values: npt.NDArray[np.float64] = sums[_AT[part]] / _UNIT.get(part, 1)
    if whole is not None:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(sums[_AT[whole]] > 0, values / sums[_AT[whole]], np.nan)
    values = values if ascending else -values
    known = np.flatnonzero(~np.isnan(values))
    if len(known) <= most:
        return np.arange(size)
    edge = np.partition(values[known], most - 1)[most - 1]
    return np.flatnonzero(values <= edge + 10.0**-digits)  # what is told apart only before it is rounded, too
