"""Visits as columns: one number a visit in each, and lists of what occurred in it. Immutable once made. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.columns.words import Bools, Ints, Longs

# A step's code carries two marks below it: the first view of its page in the visit, the first event of its name.
FIRST_PAGE, FIRST_NAME, STEP_SHIFT = 1, 2, 2


@dataclass(frozen=True, slots=True)
class Lists:
    """For every visit a list: entries ``offsets[i]`` to ``offsets[i + 1]`` of each of ``columns``."""

    offsets: Longs
    columns: tuple[npt.NDArray[Any], ...]

    @classmethod
    def of(cls, visits: int, owners: npt.NDArray[np.integer[Any]], *columns: npt.NDArray[Any]) -> Lists:
        """From entries that are in the order of their visits."""
        offsets = np.zeros(visits + 1, np.int64)
        np.cumsum(np.bincount(owners, minlength=visits), out=offsets[1:])
        return cls(offsets, columns)

    @classmethod
    def of_none(cls, visits: int) -> Lists:
        """Empty lists, of properties."""
        none = np.empty(0, np.int32)
        return cls(np.zeros(visits + 1, np.int64), (none, none, np.empty(0, np.float64)))

    @property
    def nbytes(self) -> int:
        return self.offsets.nbytes + sum(column.nbytes for column in self.columns)

    def sizes(self) -> Longs:
        return np.diff(self.offsets)

    def part(self, begin: int, end: int) -> Lists:
        """The lists of visits ``begin`` to ``end``, without copying what is in them."""
        at = slice(self.offsets[begin], self.offsets[end])
        return Lists(self.offsets[begin : end + 1] - self.offsets[begin], tuple(c[at] for c in self.columns))

    def owners(self) -> Longs:
        """The visit of every entry."""
        return np.repeat(np.arange(len(self.offsets) - 1), self.sizes())

    def take(self, chosen: Longs) -> Lists:
        sizes = self.sizes()[chosen]
        offsets = np.zeros(len(chosen) + 1, np.int64)
        np.cumsum(sizes, out=offsets[1:])
        at = np.arange(offsets[-1]) + np.repeat(self.offsets[:-1][chosen] - offsets[:-1], sizes)
        return Lists(offsets, tuple(column[at] for column in self.columns))

    @classmethod
    def joined(cls, several: Sequence[Lists]) -> Lists:
        starts = np.cumsum([0, *(one.offsets[-1] for one in several)])
        parts = [one.offsets[1:] + start for one, start in zip(several, starts, strict=False)]
        columns = zip(*(one.columns for one in several), strict=True)
        return cls(np.concatenate(([0], *parts)), tuple(map(np.concatenate, columns)))


@dataclass(frozen=True, slots=True)
class VisitTable:
    """Visits. ``day`` is a day's ordinal; ``start`` is in ms since that day began at the site, ``duration`` in ms.

    ``engaged`` is in ms, -1 where nothing was reported. ``visitor`` and the columns below it are codes (``words.py``),
    -1 for none. ``steps`` are the events in order, ``spent`` (page, ms) of pages that told, ``searches`` (term,
    how often), ``vitals`` (page, metric, value), ``properties`` (name and value, the place of their event among the
    visit's, number or NaN; None where nobody asked for them yet).
    """

    day: Ints
    start: Ints
    duration: Ints
    views: Ints
    bounced: Bools
    engaged: Longs
    visitor: Ints
    origin: Ints
    place: Ints
    gear: Ints
    click: Ints
    hosts: Ints
    entry: Ints
    exit: Ints
    steps: Lists
    spent: Lists
    searches: Lists
    vitals: Lists
    properties: Lists | None = None

    def __len__(self) -> int:
        return len(self.day)

    @property
    def nbytes(self) -> int:
        return sum(column.nbytes for f in fields(self) if (column := getattr(self, f.name)) is not None)

    def take(self, chosen: Longs) -> VisitTable:
        return VisitTable(*(_taken(getattr(self, f.name), chosen) for f in fields(self)))

    def without(self, gone: Bools) -> VisitTable:
        return self.take(np.flatnonzero(~gone)) if gone.any() else self


def _taken(column: Any, chosen: Longs) -> Any:
    return None if column is None else column.take(chosen)


class TablePart:
    """Some visits of a table: reads like one; a column is taken when it is first asked for."""

    def __init__(self, table: VisitTable, rows: slice | Longs) -> None:
        self._table, self._rows = table, rows
        self._given: dict[str, npt.NDArray[Any]] = {}
        self._size = rows.stop - rows.start if isinstance(rows, slice) else len(rows)

    def __len__(self) -> int:
        return self._size

    def __getattr__(self, name: str) -> Any:
        column, rows = getattr(self._table, name), self._rows
        if column is None:
            value: Any = Lists.of_none(len(self))
        elif isinstance(rows, slice):
            value = column.part(rows.start, rows.stop) if isinstance(column, Lists) else column[rows]
        else:
            value = column.take(rows)
        setattr(self, name, value)
        return value

    def of(self, chosen: Bools) -> TablePart:
        """Those of its visits."""
        rows = np.flatnonzero(chosen)
        part = TablePart(self._table, rows + self._rows.start if isinstance(self._rows, slice) else self._rows[rows])
        return part.with_columns(**{name: column[rows] for name, column in self._given.items()})

    def with_columns(self, **columns: npt.NDArray[Any]) -> TablePart:
        """The same visits, with other values in these columns."""
        part = TablePart(self._table, self._rows)
        part._given = self._given | columns
        part.__dict__.update(part._given)
        return part


def between(table: VisitTable, first: int, last: int, *, ordered: bool) -> TablePart:
    """The visits of some days, by their ordinals, both included; ``ordered`` by day they are not even copied."""
    if ordered:
        begin, end = np.searchsorted(table.day, (first, last + 1)).tolist()
        return TablePart(table, slice(begin, end))
    return TablePart(table, np.flatnonzero((table.day >= first) & (table.day <= last)))


def joined(tables: Sequence[VisitTable]) -> VisitTable:
    """All visits of several tables, in their order."""
    if len(tables) == 1:
        return tables[0]
    columns = zip(*([getattr(table, f.name) for f in fields(table)] for table in tables), strict=True)
    sizes = list(map(len, tables))
    return VisitTable(*(_joined(several, sizes) for several in columns))


def _joined(columns: Sequence[Any], sizes: Sequence[int]) -> Any:
    if all(column is None for column in columns):
        return None
    if isinstance(columns[0], np.ndarray):
        return np.concatenate(columns)
    several = zip(columns, sizes, strict=True)
    return Lists.joined([Lists.of_none(size) if column is None else column for column, size in several])


def _empty() -> VisitTable:
    none, offsets = np.empty(0, np.int32), np.zeros(1, np.int64)
    flags, longs, values = np.empty(0, np.bool_), np.empty(0, np.int64), np.empty(0, np.float64)
    return VisitTable(
        *(none,) * 4,
        flags,
        longs,
        *(none,) * 8,
        Lists(offsets, (none,)),
        Lists(offsets, (none, longs)),
        Lists(offsets, (none, none)),
        Lists(offsets, (none, none, values)),
    )


EMPTY = _empty()
