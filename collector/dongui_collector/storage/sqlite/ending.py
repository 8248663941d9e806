"""Rows of one day ended in place: cleared where no purpose is left, replaced by what remains where one is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import date

from dongui_collector.storage.contract.values import Ended, Reduce, Selection
from dongui_collector.storage.sqlite import dayfile

_NOTHING = ", ".join(f"{column} = NULL" for column in dayfile.COLUMNS)
_CLEAR = f"""
    UPDATE events SET {_NOTHING}
    WHERE n IN (SELECT value FROM json_each(?)) AND visitor IS NOT NULL AND purposes & ?2 != 0 AND purposes & ~?2 = 0"""
_REST = f"""{dayfile.SELECT}
    WHERE n IN (SELECT value FROM json_each(?)) AND visitor IS NOT NULL AND purposes & ?2 != 0 ORDER BY n"""


def matching(conn: sqlite3.Connection, selection: Selection, bits: int) -> list[int]:
    """Positions of the rows that an ending concerns; an unsealed day is searched in full."""
    condition, values = dayfile.where(selection)
    sql = f"SELECT n FROM events WHERE {condition} AND (purposes & ?) != 0 ORDER BY n"
    return [r[0] for r in conn.execute(sql, (*values, bits))]


def end_rows(
    conn: sqlite3.Connection, day: date, positions: Sequence[int], bits: int, reduce: Reduce
) -> tuple[Ended, set[tuple[int, int, int]]]:
    """End ``bits`` in these rows, in one transaction. Returns what was done and the bases that rows now stand on.

    Rows that another ending has changed meanwhile are judged as they are now.
    """
    ended, bases = Ended(), set()
    conn.execute("BEGIN IMMEDIATE")
    try:
        asked = (json.dumps(positions), bits)
        dayfile.note_lost(conn, *asked)
        ended.destroyed = conn.execute(_CLEAR, asked).rowcount
        rest = conn.execute(_REST, asked).fetchall() if ended.destroyed < len(positions) else []
        for row in map(dayfile.row_from, rest):
            smaller = reduce(row, row.purposes & ~bits, day)
            bases.add((smaller.site_ref, smaller.notice_ref, smaller.purposes))
            conn.execute(dayfile.UPDATE, (*dayfile.values_of(smaller), row.n))
            ended.changed += 1
        conn.executemany(dayfile.NOTE_BASIS, sorted(bases))
        dayfile.count_ended(conn, ended.destroyed, ended.changed, asked[0])
        conn.execute("COMMIT")
    except BaseException:
        conn.execute("ROLLBACK")
        raise
    return ended, bases
