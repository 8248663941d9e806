"""Without room: the days are read several times, each time for another part of the visitors, and nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date

from dongui_collector.analytics.columns.making import day_of_site, table_of
from dongui_collector.analytics.columns.table import EMPTY, VisitTable, joined
from dongui_collector.analytics.columns.words import Glossary, Visitors
from dongui_collector.analytics.entitled_events import EntitledEvents

_DISK_TO_MEMORY = 5  # a day's file is some five times as large as its columns
_MOST = 256


def needed(size: int, limit: int) -> int:
    """How many passes it takes, for days of ``size`` bytes on disk, to stay well below ``limit`` bytes in each."""
    return max(2, min(_MOST, -(-2 * size // (_DISK_TO_MEMORY * max(1, limit)))))


def tables(
    covered: EntitledEvents,
    days: Sequence[date],
    words: Glossary,
    *,
    number: int,
    advance: Callable[[int], object],
    properties: bool = False,
) -> Iterator[VisitTable]:
    """All visits of ``days``, in ``number`` tables that have no visitor in common."""
    for turn in range(number):
        who = Visitors()
        made = []
        for day in days:
            seen = [pair for pair in covered.seen(day, properties=properties) if pair[0].visitor[0] % number == turn]
            made.append(table_of(seen, day_of_site(covered, day), words, who, properties=properties))
            advance(1 if turn == 0 else 0)
        yield joined([table for table in made if len(table)] or [EMPTY])
