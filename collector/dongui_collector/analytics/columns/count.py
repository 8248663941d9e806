"""Figures of visits in columns. Pure.

Figures are a matrix: a row for each of :data:`SUMS`, a column for each row of the report. All of them add up over
visitors: those of two sets of visitors that have nobody in common are the sum of both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dongui_collector.analytics.columns.table import FIRST_NAME, FIRST_PAGE, STEP_SHIFT, TablePart
from dongui_collector.analytics.columns.words import NONE, Glossary, Ints, Longs, Step
from dongui_collector.analytics.sessions import PAGE_VIEWS

SUMS = ("visitors", "visits", "viewed", "views", "bounced", "milliseconds", "engaged", "engagements")
_VISITORS, _VISITS, _VIEWED, _VIEWS, _BOUNCED, _MS, _ENGAGED, _ENGAGEMENTS = range(len(SUMS))

Codes = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Figures:
    """``total`` is (visitors, visits) of everything that was chosen, ``sums`` the matrix."""

    total: Longs
    sums: Longs

    def __add__(self, other: Figures) -> Figures:
        size = max(self.sums.shape[1], other.sums.shape[1])
        return Figures(self.total + other.total, wide(self.sums, size) + wide(other.sums, size))

    def __sub__(self, other: Figures) -> Figures:
        return self + Figures(-other.total, -other.sums)


def wide(sums: Longs, rows: int) -> Longs:
    """The same matrix with so many columns, those that are new of nothing."""
    return np.pad(sums, ((0, 0), (0, rows - sums.shape[1])))


def empty(rows: int) -> Longs:
    return np.zeros((len(SUMS), rows), np.int64)


def total(table: TablePart) -> Longs:
    """(visitors, visits) of a table."""
    return np.array((_number(table.visitor), len(table)), np.int64)


def _number(visitors: Ints) -> int:
    if not len(visitors):
        return 0
    seen = np.zeros(int(visitors.max()) + 1, np.bool_)
    seen[visitors] = True
    return int(np.count_nonzero(seen))


def distinct(codes: Codes, visitors: Codes, rows: int) -> Longs:
    """How many different visitors there are of each code."""
    if not len(codes):
        return np.zeros(rows, np.int64)
    size = int(visitors.max()) + 1
    # The narrower, the faster it is sorted.
    kind: type[np.unsignedinteger[Any]] = np.uint32 if rows * size < 1 << 32 else np.uint64
    keys: npt.NDArray[Any] = codes.astype(kind) * kind(size) + visitors.astype(kind)
    keys.sort()
    first = np.empty(len(keys), np.bool_)
    first[0] = True
    np.not_equal(keys[1:], keys[:-1], out=first[1:])
    return np.diff(np.searchsorted(keys[first], np.arange(rows + 1, dtype=np.uint64) * np.uint64(size)))


def _sum(codes: Codes, weights: npt.NDArray[np.generic], rows: int) -> Longs:
    """Exact: whole numbers far below 2**53."""
    return np.bincount(codes, weights, rows).astype(np.int64)


def headline(table: TablePart, codes: Codes | None, rows: int) -> Longs:
    """The headline figures by a code of every visit; None where there is one row only."""
    sums = empty(rows)
    told = table.engaged >= 0
    columns = ((_VIEWED, table.views > 0), (_VIEWS, table.views), (_BOUNCED, table.bounced), (_MS, table.duration))
    if codes is None:
        sums[_VISITORS], sums[_VISITS] = total(table)
        for row, column in columns:
            sums[row] = column.sum(dtype=np.int64)
        sums[_ENGAGED], sums[_ENGAGEMENTS] = table.engaged[told].sum(), np.count_nonzero(told)
        return sums
    sums[_VISITORS] = distinct(codes, table.visitor, rows)
    sums[_VISITS] = np.bincount(codes, minlength=rows)
    for row, column in columns:
        sums[row] = _sum(codes, column, rows)
    sums[_ENGAGED] = _sum(codes[told], table.engaged[told], rows)
    sums[_ENGAGEMENTS] = np.bincount(codes[told], minlength=rows)
    return sums


def edges(table: TablePart, pages: Ints, rows: int) -> Longs:
    """The headline figures by entry or exit page; visits without a page are in none."""
    there = pages != NONE
    if there.all():
        return headline(table, pages, rows)
    return headline(table.of(there), pages[there], rows)


def pages(table: TablePart, words: Glossary) -> Longs:
    """Every page of a visit, with the time in use that was reported from it."""
    rows = len(words.pages)
    sums = empty(rows)
    (code,) = table.steps.columns
    page = words.steps.table("page", lambda step: step[1])[code >> STEP_SHIFT]
    viewed = page != NONE
    sums[_VIEWS] = np.bincount(page[viewed], minlength=rows)
    first = (code & FIRST_PAGE) > 0
    visitor = np.repeat(table.visitor, table.steps.sizes())[first]
    sums[_VISITS] = np.bincount(page[first], minlength=rows)
    sums[_VISITORS] = distinct(page[first], visitor, rows)
    told, ms = table.spent.columns
    sums[_ENGAGED] = _sum(told, ms, rows)
    sums[_ENGAGEMENTS] = np.bincount(told, minlength=rows)
    return sums


def exits(table: TablePart, words: Glossary) -> Longs:
    """Where visits ended, beside all views of the page."""
    rows = len(words.pages)
    sums = empty(rows)
    there = table.exit != NONE
    sums[_VISITS] = np.bincount(table.exit[there], minlength=rows)
    sums[_VISITORS] = distinct(table.exit[there], table.visitor[there], rows)
    page = words.steps.table("page", lambda step: step[1])[table.steps.columns[0] >> STEP_SHIFT]
    sums[_VIEWS] = np.bincount(page[page != NONE], minlength=rows)
    return sums


def events(table: TablePart, words: Glossary) -> Longs:
    """Named events: in how many visits, how often."""

    def named(step: Step) -> int:
        return NONE if not step[0] or step[0] in PAGE_VIEWS else words.names.code(step[0])

    (code,) = table.steps.columns
    name = words.steps.table("event", named)[code >> STEP_SHIFT]
    rows = len(words.names)
    sums, there = empty(rows), name != NONE
    sums[_VIEWS] = np.bincount(name[there], minlength=rows)
    first = there & ((code & FIRST_NAME) > 0)
    visitor = np.repeat(table.visitor, table.steps.sizes())[first]
    sums[_VISITS] = np.bincount(name[first], minlength=rows)
    sums[_VISITORS] = distinct(name[first], visitor, rows)
    return sums


def searches(table: TablePart, words: Glossary) -> Longs:
    """What was searched for: in how many visits, how often."""
    rows = len(words.terms)
    sums = empty(rows)
    term, number = table.searches.columns
    sums[_VIEWS] = _sum(term, number, rows)
    sums[_VISITS] = np.bincount(term, minlength=rows)
    sums[_VISITORS] = distinct(term, np.repeat(table.visitor, table.searches.sizes()), rows)
    return sums
