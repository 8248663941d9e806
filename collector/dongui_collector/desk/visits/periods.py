"""The days that the Visits screen is about: named periods, days to compare with, the steps of the graph. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from dongui_collector.analytics.intervals import Interval

# Period → the key that chooses it, in the order in which they are shown.
PERIODS: Mapping[str, str] = {
    "today": "D",
    "yesterday": "E",
    "7d": "W",
    "30d": "T",
    "91d": "N",
    "month": "M",
    "last_month": "P",
    "year": "Y",
    "12mo": "L",
    "all": "A",
}
CUSTOM, DEFAULT = "custom", "30d"
COMPARISONS = ("previous", "year", "none")
EARLIEST = date(2000, 1, 1)

# Interval → the fewest and the most days for which it is offered.
_OFFERED: Mapping[Interval, tuple[int, int]] = {
    "hour": (1, 14),
    "day": (2, 400),
    "week": (14, 4000),
    "month": (45, 99999),
}


def days_of(period: str, today: date, first_held: date | None) -> tuple[date, date]:
    """First and last day of a named period; ``first_held`` is the first day of which anything is held, for ``all``."""
    yesterday = today - timedelta(days=1)
    month = today.replace(day=1)
    found: Mapping[str, tuple[date, date]] = {
        "today": (today, today),
        "yesterday": (yesterday, yesterday),
        "7d": (today - timedelta(days=6), today),
        "30d": (today - timedelta(days=29), today),
        "91d": (today - timedelta(days=90), today),
        "month": (month, today),
        "last_month": ((month - timedelta(days=1)).replace(day=1), month - timedelta(days=1)),
        "year": (today.replace(month=1, day=1), today),
        "12mo": (_year_before(today) + timedelta(days=1), today),
        "all": (min(first_held or today, today), today),
    }
    return found[period]


def compared(first: date, last: date, how: str) -> tuple[date, date] | None:
    """The days to compare with: as many right before, the same days a year before, or none."""
    if how == "previous":
        span = last - first
        return first - span - timedelta(days=1), first - timedelta(days=1)
    return (_year_before(first), _year_before(last)) if how == "year" else None


def offered(first: date, last: date) -> list[Interval]:
    """The intervals that make a readable graph of these days; the first is never missing."""
    days = (last - first).days + 1
    return [name for name, (fewest, most) in _OFFERED.items() if fewest <= days <= most]


def usual(first: date, last: date) -> Interval:
    """The interval that is chosen when none is asked for."""
    days = (last - first).days + 1
    return "hour" if days == 1 else "day" if days <= 92 else "week" if days <= 400 else "month"


def _year_before(day: date) -> date:
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)  # 29 February
