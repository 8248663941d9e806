"""What is held and when it goes: sums, a calendar by month, the next dates. Pure: portions in, plain values out.

A portion is a number of things of one record class that end together. What counts as one thing differs by class (a
row, a record, a link of the ledger); numbers of different classes are never added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

Place = Literal["events", "records", "archive", "ledger", "office"]
MONTHS = 13
_SHADES = 4


@dataclass(frozen=True, slots=True)
class Portion:
    """Things that end together. ``first`` and ``last`` are the days that they are of, None where that is not asked for.

    ``ends_on`` is the first day on which none may be held any more, None while that is open; ``exact`` False: the
    earliest day on which one of them may end. ``holds`` keep them from ending.
    """

    class_id: str
    place: Place
    count: int
    first: date | None
    last: date | None
    ends_on: date | None
    items: frozenset[str] = frozenset()
    holds: frozenset[int] = frozenset()
    exact: bool = True


@dataclass(frozen=True, slots=True)
class HoldingTotals:
    """What is held of one class in one place, or of one item: how much, since when, what goes next, until when.

    ``held`` counts what a legal hold keeps; with any of it, or of what has no end yet, ``last_on`` is None.
    """

    key: str
    place: Place | None
    count: int
    first: date | None
    next_on: date | None
    next_count: int
    last_on: date | None
    exact: bool
    held: int


def by_class(portions: Iterable[Portion]) -> list[HoldingTotals]:
    """One line a class and place, in the order of classes' names; what is kept apart has a line of its own."""
    groups: dict[tuple[str, Place], list[Portion]] = {}
    for portion in portions:
        groups.setdefault((portion.class_id, portion.place), []).append(portion)
    return [_sum(class_id, place, some) for (class_id, place), some in sorted(groups.items())]


def by_item(portions: Iterable[Portion]) -> list[HoldingTotals]:
    """One line an item: in how many rows or records it may stand (an upper bound), and until when."""
    groups: dict[str, list[Portion]] = {}
    for portion in portions:
        for item in portion.items:
            groups.setdefault(item, []).append(portion)
    return sorted((_sum(item, None, some) for item, some in groups.items()), key=lambda held: (-held.count, held.key))


def _sum(key: str, place: Place | None, some: Sequence[Portion]) -> HoldingTotals:
    ends = [p.ends_on for p in some if p.ends_on is not None and not p.holds]
    soonest = min(ends, default=None)
    return HoldingTotals(
        key,
        place,
        sum(p.count for p in some),
        _first(p.first for p in some),
        soonest,
        sum(p.count for p in some if p.ends_on == soonest and not p.holds) if soonest else 0,
        None if any(p.ends_on is None or p.holds for p in some) else max(ends),
        all(p.exact for p in some),
        sum(p.count for p in some if p.holds),
    )


def _first(days: Iterable[date | None]) -> date | None:
    found = list(days)
    return None if None in found else min((day for day in found if day), default=None)


@dataclass(frozen=True, slots=True)
class Cell:
    """What of one class ends in one month; ``shade`` 0 (nothing) to 4 (the class's busiest month)."""

    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class MonthRow:
    """One class's months; the last cell is everything later."""

    class_id: str
    place: Place
    cells: Sequence[Cell]


@dataclass(frozen=True, slots=True)
class Months:
    """The calendar of retention: ``months`` are first days, one column each, and one more column for what is later."""

    months: Sequence[date]
    rows: Sequence[MonthRow]


def calendar(portions: Iterable[Portion], today: date, months: int = MONTHS) -> Months:
    """What ends in which month, from this one on; what is overdue counts to this month. Only what has an exact end."""
    columns = [_month_after(today, n) for n in range(months)]
    groups: dict[tuple[str, Place], list[int]] = {}
    for p in portions:
        if p.ends_on is not None and p.exact and not p.holds:
            counts = groups.setdefault((p.class_id, p.place), [0] * (months + 1))
            counts[min(months, max(0, _distance(today, p.ends_on)))] += p.count
    rows = [MonthRow(*key, _shaded(counts)) for key, counts in sorted(groups.items())]
    return Months(columns, rows)


def _shaded(counts: Sequence[int]) -> list[Cell]:
    most = max(counts, default=0)
    return [Cell(n, 0 if not n else max(1, -(-n * _SHADES // most))) for n in counts]


def _distance(today: date, day: date) -> int:
    return (day.year - today.year) * 12 + day.month - today.month


def _month_after(today: date, n: int) -> date:
    years, month = divmod(today.month - 1 + n, 12)
    return date(today.year + years, month + 1, 1)


@dataclass(frozen=True, slots=True)
class NextEnding:
    """What goes on one day: (class, place) → how much, and of which days it is."""

    on: date
    parts: Sequence[Portion]


def agenda(portions: Iterable[Portion], most: int = 8) -> list[NextEnding]:
    """The next days on which something ends, soonest first."""
    days: dict[date, dict[tuple[str, Place], Portion]] = {}
    for p in portions:
        if p.ends_on is not None and p.exact and not p.holds:
            parts = days.setdefault(p.ends_on, {})
            key = (p.class_id, p.place)
            parts[key] = _joined(parts[key], p) if key in parts else p
    return [NextEnding(day, list(days[day].values())) for day in sorted(days)[:most]]


def _joined(one: Portion, other: Portion) -> Portion:
    last = max(one.last, other.last) if one.last and other.last else None
    count = one.count + other.count
    return Portion(one.class_id, one.place, count, _first((one.first, other.first)), last, one.ends_on)
