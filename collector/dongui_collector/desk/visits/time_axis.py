"""The steps of a graph: which interval stands beside which when two periods are compared, and their names. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from babel.dates import format_date, format_skeleton

from dongui_collector.analytics.intervals import Interval

Place = tuple[int, int, int, str, int]  # a day, as three numbers; an hour's wall time, and the how-manieth of it


def name(time: str, interval: Interval, lang: str, *, full: bool = False, twice: bool = False) -> str:
    """An interval's name as a report gives it, in words: ``Nov 26``, ``11월 26일``, ``14:00``, ``2026년 11월``.

    ``twice``: this hour comes twice that day, since the clocks are put back; its offset tells the two apart.
    """
    if interval == "hour":
        at = datetime.fromisoformat(time)
        hour = f"{at:%H:%M}" + (f" (UTC{time[19:22]}:{time[23:25]})" if twice else "")
        return f"{format_skeleton('MMMd', at.date(), locale=lang)} {hour}" if full else hour
    if interval == "month":
        return str(format_skeleton("yMMM", date.fromisoformat(f"{time}-01"), locale=lang))
    day = date.fromisoformat(time)
    if full and interval == "day":
        return str(format_date(day, "full", locale=lang))
    return str(format_skeleton("MMMd", day, locale=lang))


def names(times: Sequence[str], interval: Interval, lang: str, *, full: bool = False) -> dict[str, str]:
    """The name of each interval. Two hours of one wall time have two names."""
    walls = Counter(time[:16] for time in times)
    return {time: name(time, interval, lang, full=full, twice=walls[time[:16]] > 1) for time in times}


def align(
    now: Sequence[str], before: Sequence[str], interval: Interval, compare: str
) -> list[tuple[str | None, str | None]]:
    """Pairs of intervals that stand above each other; None where a period has none, such as an hour put forward.

    Hours are paired by wall time, so that a day of 23 or 25 hours lines up with one of 24. The days of a year before
    are paired by date, so that 29 February shifts nothing. Weeks and months are paired by their order.
    """
    if not before or interval not in ("hour", "day"):
        return [(time, before[n] if n < len(before) else None) for n, time in enumerate(now)]
    by_date = compare == "year"
    upper, lower = _places(now, by_date, 0), _places(before, by_date, 1)
    return [(upper.get(place), lower.get(place)) for place in sorted(upper.keys() | lower.keys())]


def _places(times: Iterable[str], by_date: bool, years: int) -> Mapping[Place, str]:
    found: dict[Place, str] = {}
    first: date | None = None
    for time in times:
        day = date.fromisoformat(time[:10])
        first = first or day
        beginning = (day.year + years, day.month, day.day) if by_date else (0, 0, (day - first).days)
        nth = 0
        while (place := (*beginning, time[11:16], nth)) in found:
            nth += 1
        found[place] = time
    return found
