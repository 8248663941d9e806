"""When a period ends (Civil Act 157, 160; K17). Exact at month ends and on 29 February, in the policy's own time zone.

>>> last_day(date(2025, 3, 10), Period.parse("P1Y"))
datetime.date(2026, 3, 10)
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from dongui.policy.period import Period

__all__ = ["Period", "destroy_at", "last_day"]

# One day short of the calendar's end, so that the moment of destruction, the next midnight, can still be written down.
_END_OF_TIME = date(9999, 12, 30)


def last_day(day: date, period: Period) -> date:
    """The day with whose end ``period`` ends for what happened on ``day``.

    The first day is not counted, so counting starts on the next one; years and months end with the day before the one
    that corresponds to that start, or with the month's end where it has no such day (K17). Weeks and days are counted
    on from there. Periods that leave the calendar end with it.
    """
    try:
        start = day + timedelta(days=1)
        end = _months_end(start, period.years * 12 + period.months)
        return min(end + timedelta(days=period.weeks * 7 + period.days), _END_OF_TIME)
    except (OverflowError, ValueError):
        return _END_OF_TIME


def _months_end(start: date, months: int) -> date:
    """The last day of ``months`` whole months counted from ``start``, itself the first day counted."""
    year, month0 = divmod(start.year * 12 + start.month - 1 + months, 12)
    length = monthrange(year, month0 + 1)[1]
    if start.day > length:
        return date(year, month0 + 1, length)
    return date(year, month0 + 1, start.day) - timedelta(days=1)


def destroy_at(day: date, period: Period, tz: tzinfo | str) -> datetime:
    """The first instant at which what happened on ``day`` may not be held: midnight after :func:`last_day` in ``tz``.

    Where that midnight is skipped by a change to summer time, the instant of the change: the same moment.
    """
    zone = ZoneInfo(tz) if isinstance(tz, str) else tz
    after = last_day(day, period) + timedelta(days=1)
    return datetime(after.year, after.month, after.day, tzinfo=zone)
