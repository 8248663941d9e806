"""Rows of one day ended in place: cleared where no purpose is left, replaced by what remains where one is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from dongui_collector.storage.contract.values import Reduce, RowEnding, Selection
from dongui_collector.storage.sqlite import dayfile

_VISITORS = 500  # visitors in one statement
_JUDGED = ("visitor", "site_ref", "notice_ref", "seq", "purposes")
_NOTHING = ", ".join(f"{column} = NULL" for column in dayfile.COLUMNS)
_CLEAR = f"""
    UPDATE events SET {_NOTHING}
    WHERE n IN (SELECT value FROM json_each(?)) AND visitor IS NOT NULL AND purposes & ?2 != 0 AND purposes & ~?2 = 0
    RETURNING n"""
_REST = f"""{dayfile.SELECT}
    WHERE n IN (SELECT value FROM json_each(?)) AND visitor IS NOT NULL AND purposes & ?2 != 0 ORDER BY n"""


@dataclass(slots=True)
class Matched:
    """The rows of a day that endings concern: by the purposes that end (a bit set), their positions, and whose ending
    it is that first reaches each (its place in the list of endings)."""

    positions: dict[int, list[int]] = field(default_factory=dict)
    first: dict[int, int] = field(default_factory=dict)


def matching(conn: sqlite3.Connection, endings: Sequence[RowEnding]) -> Matched:
    """Find the rows of all endings; an unsealed day is searched in full, once."""
    bits: dict[int, int] = {}
    first: dict[int, int] = {}
    for number, n, mask in (*_of_visitors(conn, endings), *_of_others(conn, endings)):
        bits[n] = bits.get(n, 0) | mask
        first.setdefault(n, number)
    found = Matched(first=first)
    for n in sorted(bits):
        found.positions.setdefault(bits[n], []).append(n)
    return found


def _of_visitors(conn: sqlite3.Connection, endings: Sequence[RowEnding]) -> Iterator[tuple[int, int, int]]:
    """(ending, position, bits) of the endings that name a visitor: one search for many."""
    wanted: dict[bytes, list[int]] = {}
    for number, ending in enumerate(endings):
        if ending.selection.visitor is not None:
            wanted.setdefault(ending.selection.visitor, []).append(number)
    visitors = list(wanted)
    for start in range(0, len(visitors), _VISITORS):
        some = visitors[start : start + _VISITORS]
        sql = f"SELECT n, {', '.join(_JUDGED)} FROM events WHERE visitor IN ({', '.join('?' * len(some))})"
        for n, visitor, site_ref, notice_ref, seq, purposes in conn.execute(sql, some).fetchall():
            for number in wanted[visitor]:
                ending = endings[number]
                if purposes & ending.bits and _selected(ending.selection, visitor, site_ref, notice_ref, seq):
                    yield number, n, ending.bits


def _selected(selection: Selection, visitor: bytes, site_ref: int, notice_ref: int, seq: int) -> bool:
    return (
        selection.site_ref in (None, site_ref)
        and selection.notice_ref in (None, notice_ref)
        and (selection.up_to is None or seq <= selection.up_to)
        and visitor not in selection.except_visitors
    )


def _of_others(conn: sqlite3.Connection, endings: Sequence[RowEnding]) -> Iterator[tuple[int, int, int]]:
    for number, ending in enumerate(endings):
        if ending.selection.visitor is None:
            condition, values = dayfile.where(ending.selection)
            sql = f"SELECT n FROM events WHERE {condition} AND (purposes & ?) != 0"
            yield from ((number, n, ending.bits) for (n,) in conn.execute(sql, (*values, ending.bits)).fetchall())


def left_of(conn: sqlite3.Connection, visitors: Collection[bytes]) -> set[bytes]:
    """Those of ``visitors`` who still have a row in the day."""
    some, left = list(visitors), set()
    for start in range(0, len(some), _VISITORS):
        part = some[start : start + _VISITORS]
        sql = f"SELECT DISTINCT visitor FROM events WHERE visitor IN ({', '.join('?' * len(part))})"
        left |= {r[0] for r in conn.execute(sql, part)}
    return left


def end_rows(
    conn: sqlite3.Connection, day: date, positions: Sequence[int], bits: int, reduce: Reduce
) -> tuple[list[int], list[int], set[tuple[int, int, int]]]:
    """End ``bits`` in these rows, in one transaction: (destroyed, reduced) positions and the bases that rows now stand
    on.

    Rows that another ending has changed meanwhile are judged as they are now.
    """
    bases: set[tuple[int, int, int]] = set()
    reduced: list[int] = []
    conn.execute("BEGIN IMMEDIATE")
    try:
        asked = (json.dumps(positions), bits)
        dayfile.note_lost(conn, *asked)
        destroyed = [n for (n,) in conn.execute(_CLEAR, asked).fetchall()]
        rest = conn.execute(_REST, asked).fetchall() if len(destroyed) < len(positions) else []
        for row in map(dayfile.row_from, rest):
            smaller = reduce(row, row.purposes & ~bits, day)
            bases.add((smaller.site_ref, smaller.notice_ref, smaller.purposes))
            conn.execute(dayfile.UPDATE, (*dayfile.values_of(smaller), row.n))
            reduced.append(row.n)
        conn.executemany(dayfile.NOTE_BASIS, sorted(bases))
        dayfile.count_ended(conn, len(destroyed), len(reduced))
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    return destroyed, reduced, bases
