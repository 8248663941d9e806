"""In which order an export goes through the days, and where in it a reader stands. Pure.

A row whose day its reader may not see must not be found by asking for one day at a time, nor by its place between
others: such rows come last, and are chosen by the month. Within a month the days come in an order that only we know.
"""

from __future__ import annotations

import calendar
import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class ExportPosition(NamedTuple):
    """Behind the row ``n`` of ``day``; ``undated``: in the part of an export whose rows do not tell their day."""

    undated: bool
    day: date
    n: int


@dataclass(frozen=True, slots=True)
class Leg:
    """One day of a route, behind the row ``after``; ``part`` are the rows that are wanted of it (None: all)."""

    day: date
    after: int = 0
    part: str | None = None

    def wants(self, *, dated: bool) -> bool:
        return self.part is None or (self.part == "dated") == dated

    def place(self, n: int) -> ExportPosition:
        return ExportPosition(self.part == "undated", self.day, n)


def exact(
    days: Iterable[date], first: date, last: date, after: ExportPosition | None = None, part: str | None = None
) -> Iterator[Leg]:
    """Stored ``days`` from ``first`` to ``last``, oldest first."""
    for day in sorted(days):
        if first <= day <= last and (after is None or day >= after.day):
            yield Leg(day, after.n if after and day == after.day else 0, part)


def veiled(
    days: Iterable[date], first: date, last: date, secret: bytes, after: ExportPosition | None = None
) -> Iterator[Leg]:
    """First the rows that tell their day, of just these days; then those that do not, of the months they lie in.

    ``secret`` is the consumer's: it decides in which order the days of a month come.
    """
    days = list(days)
    if after is None or not after.undated:
        yield from exact(days, first, last, after, "dated")

    def order(day: date) -> tuple[int, int, bytes]:
        return day.year, day.month, hmac.digest(secret, day.isoformat().encode(), "sha256")

    start = order(after.day) if after and after.undated else None
    from_, until = first.replace(day=1), last.replace(day=calendar.monthrange(last.year, last.month)[1])
    for day in sorted((d for d in days if from_ <= d <= until), key=order) if first <= last else ():
        if start is None or order(day) >= start:
            yield Leg(day, after.n if after and after.undated and day == after.day else 0, "undated")
