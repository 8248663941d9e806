"""Hours, days, weeks and months of a report's range, in the installation's zone. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from dongui_collector.analytics.filters import ReportError
from dongui_collector.core.clock import start_of

Interval = Literal["hour", "day", "week", "month"]
INTERVALS: tuple[Interval, ...] = ("hour", "day", "week", "month")
MOST = 5000  # intervals of one answer

_HOUR_MS = 3_600_000


def labels(interval: Interval, first: date, last: date, zone: ZoneInfo) -> list[str]:
    """The names of all intervals that ``first`` to ``last`` touch, in order. Raises :class:`ReportError` for too many.

    An hour is named by its beginning with the zone's offset, a day by itself, a week by its Monday, a month as 2026-11.
    """
    if ((last - first).days + 1) * (24 if interval == "hour" else 1) > MOST * (7 if interval == "week" else 1):
        raise ReportError(f"that is more than {MOST} intervals: ask for a longer interval, or fewer days")
    name = label(interval, zone)
    if interval == "hour":
        start, end = start_of(first, zone), start_of(last + timedelta(days=1), zone)
        return list(dict.fromkeys(name(at) for at in range(start, end, _HOUR_MS // 4)))
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return list(dict.fromkeys(of_day(interval, day) for day in days))


def label(interval: Interval, zone: ZoneInfo) -> Callable[[int], str]:
    """The name of the interval in which an instant (epoch ms) lies."""

    def hour(at: int) -> str:
        local = datetime.fromtimestamp(at / 1000, UTC).astimezone(zone)
        return local.replace(minute=0, second=0, microsecond=0).isoformat()

    def longer(at: int) -> str:
        return of_day(interval, datetime.fromtimestamp(at / 1000, zone).date())

    return hour if interval == "hour" else longer


def days_of_interval(name: str, interval: Interval) -> tuple[date, date]:
    """The first and the last day of an interval of a day or longer, by its name."""
    first = date.fromisoformat(name if interval != "month" else f"{name}-01")
    if interval == "month":
        return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first, first + timedelta(days=6 if interval == "week" else 0)


def of_day(interval: Interval, day: date) -> str:
    """The name of the interval, a day or longer, in which a day lies."""
    if interval == "week":
        return (day - timedelta(days=day.weekday())).isoformat()
    return day.isoformat()[:7] if interval == "month" else day.isoformat()
