"""Numbers for people outside: of finished periods alone, rounded, and cut where they are of few. Pure.

Whoever reads them may bring visitors of their own, ask twice, and subtract. So periods of one kind never overlap, all
numbers are multiples of :data:`STEP`, and from how many on a number is shown, or rounded up, is a secret of each cell
that stays the same: what one visitor more or less changes is known to nobody. The same question has the same answer,
so that asking again says nothing.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from dongui_collector.analytics.metrics import COUNTS

Json = dict[str, Any]
PeriodKind = Literal["week", "month"]

FEWEST = 10  # visitors whom a number is of at the least; up to twice as many by the cell's secret
STEP = 10  # counts are its multiples
SHOWN_PERIODS = 12
_SETTLED_DAYS = 1  # after a period's end: what browsers had queued has arrived by then

# Figures that are no counts → what they are rounded to a multiple of.
_COARSE: Mapping[str, float] = {
    "bounce_rate": 0.05,
    "exit_rate": 0.05,
    "rate": 0.05,
    "views_per_visit": 0.5,
    "visit_duration": 10,
    "engaged_time": 10,
}


def finished(kind: PeriodKind, today: date) -> list[tuple[date, date]]:
    """The last finished periods of a kind, as their first and last days, the newest first; none overlaps another."""
    found: list[tuple[date, date]] = []
    last = _before(kind, today - timedelta(days=_SETTLED_DAYS))
    while len(found) < SHOWN_PERIODS:
        first = last - timedelta(days=6) if kind == "week" else last.replace(day=1)
        found.append((first, last))
        last = first - timedelta(days=1)
    return found


def _before(kind: PeriodKind, day: date) -> date:
    """The last day of the last period that ended before a day."""
    return (day - timedelta(days=day.weekday()) if kind == "week" else day.replace(day=1)) - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PublicNumbers:
    """Rounds what reports say. ``key`` is the installation's secret; ``about`` is what all the numbers are of."""

    key: bytes
    about: tuple[object, ...]

    def rows(self, report: str, first: date, names: Sequence[str], rows: Sequence[Json]) -> list[Json]:
        """The rows of a report of the period that began on ``first``, those of enough visitors, the largest first."""
        found = (self.row((report, first, *(row[name] for name in names)), row) for row in rows)
        shown = [row for row in found if row["visitors"] is not None]
        return sorted(shown, key=lambda row: (-row["visitors"], *(str(row[name]) for name in names)))

    def row(self, cell: Sequence[object], row: Json) -> Json:
        """A row with its figures rounded, all of them None where they are of too few visitors."""
        few = (row["visitors"] or 0) < FEWEST + self._secret(cell, "fewest", FEWEST)
        return {name: self._figure(cell, name, value, few=few) for name, value in row.items()}

    def _figure(self, cell: Sequence[object], name: str, value: Any, *, few: bool) -> Any:
        if name in COUNTS:
            return None if few or value is None else self._count(cell, name, value)
        if name in _COARSE:
            return None if few or value is None else round(round(value / _COARSE[name]) * _COARSE[name], 2)
        # A figure of which nobody has said how to round it is shown to nobody; words name the cell.
        return value if isinstance(value, str) else None

    def _count(self, cell: Sequence[object], name: str, value: int) -> int:
        return max(STEP, (value + self._secret(cell, name, STEP)) // STEP * STEP)

    def _secret(self, cell: Sequence[object], name: str, below: int) -> int:
        """A number from 0 to ``below``, the same for the same cell for ever."""
        said = json.dumps([*self.about, *cell, name], default=str).encode()
        return int.from_bytes(hmac.digest(self.key, said, "sha256")[:8], "big") % below
