"""Which sealed days hold rows of which visitors: in memory alone, eight bytes a visitor and day.

A visitor's stored key is a keyed hash, so its first eight bytes tell one from another; a rare coincidence opens a day
in vain. What is here is forgotten with the rows: :meth:`DayVisitors.forget` in the step that destroyed them, and
:meth:`DayVisitors.drop` with the day. Nothing of it is ever written to disk.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable
from datetime import date

_MOST = 8_000_000  # visitors and days in all: 64 MB; days beyond are opened for everybody's ending


class DayVisitors:
    """Changed under the store's own lock; asked by anyone.

    A reader that learns a day passes the *turn* it began in: rows that came or went meanwhile make what it read void.
    """

    def __init__(self) -> None:
        self._known: dict[date, array[int]] = {}
        self._turns: dict[date, int] = {}

    def turn(self, day: date) -> int:
        """Differs from an earlier one once rows of the day have come or gone."""
        return self._turns.get(day, 0)

    def knows(self, day: date) -> bool:
        """Whether the day's visitors are known."""
        return day in self._known

    def learn(self, day: date, turn: int, visitors: Iterable[bytes]) -> bool:
        """Take over a day's visitors as they were read in ``turn``; False when that is over, or room is short."""
        found = array("Q", sorted({_short(v) for v in visitors}))
        if turn != self.turn(day) or sum(map(len, self._known.values())) + len(found) > _MOST:
            return False
        self._known[day] = found
        return True

    def among(self, day: date, visitors: Collection[bytes]) -> frozenset[bytes]:
        """Those of ``visitors`` who may have a row in the day: all, where it is not known."""
        known = self._known.get(day)
        return frozenset(visitors if known is None else (v for v in visitors if _at(known, _short(v))[1]))

    def came(self, day: date, visitors: Iterable[bytes]) -> None:
        """Rows of these visitors were added to a day."""
        self._turn(day)
        if (known := self._known.get(day)) is not None:
            for short in {_short(v) for v in visitors}:
                place, there = _at(known, short)
                if not there:
                    known.insert(place, short)

    def forget(self, day: date, visitors: Iterable[bytes]) -> None:
        """These visitors have no row in the day any more."""
        self._turn(day)
        if (known := self._known.get(day)) is not None:
            for visitor in visitors:
                place, there = _at(known, _short(visitor))
                if there:
                    known.pop(place)

    def drop(self, day: date) -> None:
        """The day is gone."""
        self._turn(day)
        self._known.pop(day, None)

    def _turn(self, day: date) -> None:
        self._turns[day] = self._turns.get(day, 0) + 1


def _short(visitor: bytes) -> int:
    return int.from_bytes(visitor[:8], "big")


def _at(known: array[int], short: int) -> tuple[int, bool]:
    place = bisect_left(known, short)
    return place, place < len(known) and known[place] == short
