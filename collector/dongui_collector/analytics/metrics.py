"""What figures are worked out from: whole numbers that can be added and kept, of which no rate is lost. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
Key = tuple[str | None, ...]


class Metrics(NamedTuple):
    """Of some visits: how many, how many saw a page, page views (or whatever a report counts), and so on.

    ``milliseconds`` is what the visits lasted, ``engaged`` (ms) what ``engagements`` of them reported as time in use.
    Where a goal is asked about, ``converted`` visits met it, for ``revenue`` in hundredths; of ``unpriced`` more of its
    events nobody knows what their amount is worth.
    """

    visitors: int = 0
    visits: int = 0
    viewed: int = 0
    views: int = 0
    bounced: int = 0
    milliseconds: int = 0
    engaged: int = 0
    engagements: int = 0
    converted: int = 0
    revenue: int = 0
    unpriced: int = 0


def plus(one: Metrics, other: Metrics) -> Metrics:
    """Of both together. The same visitors may be in both: of different days, ``visitors`` is then an upper bound."""
    return Metrics(*(a + b for a, b in zip(one, other, strict=True)))


def added(*several: Mapping[Key, Metrics]) -> dict[Key, Metrics]:
    """Rows of several tables, those with the same key together."""
    found: dict[Key, Metrics] = {}
    for parts in several:
        for key, part in parts.items():
            found[key] = plus(found[key], part) if key in found else part
    return found


def ratio(part: float, whole: float, digits: int = 4) -> float | None:
    """``part / whole``, rounded; None where there is no whole to speak of."""
    return round(part / whole, digits) if whole else None


# Every figure there is, from a row's parts and the number of all visits that the report is about.
FIGURES: Mapping[str, Callable[[Metrics, int], int | float | None]] = {
    "visitors": lambda p, _: p.visitors,
    "visits": lambda p, _: p.visits,
    "page_views": lambda p, _: p.views,
    "events": lambda p, _: p.views,
    "searches": lambda p, _: p.views,
    "views_per_visit": lambda p, _: ratio(p.views, p.visits, 2),
    "bounce_rate": lambda p, _: ratio(p.bounced, p.viewed),
    "visit_duration": lambda p, _: ratio(p.milliseconds, p.visits * 1000, 1),
    "engaged_time": lambda p, _: ratio(p.engaged, p.engagements * 1000, 1),
    "exit_rate": lambda p, _: ratio(p.visits, p.views),
    "rate": lambda p, visits: ratio(p.visits, visits),
    # Of a funnel and of retention: ``viewed`` is what a share is of.
    "share": lambda p, _: ratio(p.visits, p.viewed),
    "conversions": lambda p, _: p.converted,
    "conversion_rate": lambda p, _: ratio(p.converted, p.visits),
    "revenue": lambda p, _: p.revenue / 100,
    "unpriced": lambda p, _: p.unpriced,
    "returned": lambda p, _: ratio(p.visitors, p.viewed),
}


FIGURES_OF_GOAL = ("conversions", "conversion_rate")
FIGURES_OF_VALUE = ("revenue", "unpriced")
COUNTS = frozenset({"visitors", "visits", "page_views", "events", "searches"})  # all others are worked out of several


def rows_of(names: tuple[str, ...], figures: tuple[str, ...], parts: Mapping[Key, Metrics], visits: int) -> list[Json]:
    """Rows as a report shows them; ``visits`` are all that the report is about."""
    return [
        dict(zip(names, key, strict=True)) | {name: FIGURES[name](part, visits) for name in figures}
        for key, part in parts.items()
    ]


def ordered(rows: list[Json], names: Sequence[str], sort: str, *, ascending: bool) -> list[Json]:
    """Rows by a figure or a name, what is not known last; then by ``names``, so that the order is always the same."""

    def named(row: Json) -> tuple[tuple[bool, Any], ...]:
        return tuple((row[name] is None, "" if row[name] is None else row[name]) for name in names)

    rows = sorted(rows, key=named)
    known = [row for row in rows if row[sort] is not None]
    known.sort(key=lambda row: row[sort], reverse=not ascending)
    return known + [row for row in rows if row[sort] is None]
