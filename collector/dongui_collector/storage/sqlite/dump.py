"""A database as a stream of values, and back: what a backup is made of. No copy on disk, no writer waits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from dongui_collector.storage.contract.folder import Part
from dongui_collector.storage.sqlite.connect import connect, own_errors, scrub

_PAGE = 2000


def dump(path: Path, *, one_moment: bool) -> Iterator[Part]:
    """The schema, the rows a page at a time, then the indexes.

    ``one_moment`` reads everything in one snapshot (the ledger, whose tables belong together); otherwise each page is a
    snapshot of its own, and what is destroyed meanwhile is destroyed again by the journal. Rows that were cleared, of
    which nothing but their number is left, are not in it.
    """
    with own_errors(), closing(connect(path, readonly=True)) as conn:
        if one_moment:
            conn.execute("BEGIN")
        schema = conn.execute(
            "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"
        ).fetchall()
        tables = [(name, sql) for kind, name, sql in schema if kind == "table" and not name.startswith("sqlite_")]
        yield {"sql": [sql for _, sql in tables]}
        without_rowid = {row[1] for row in conn.execute("PRAGMA table_list") if row[4]}
        for name, _ in tables:
            for rows in _pages(conn, name, has_rowid=name not in without_rowid):
                yield {"table": name, "rows": [list(row) for row in rows if any(v is not None for v in row[1:])]}
        yield {"sql": [sql for kind, _, sql in schema if kind == "index"]}


def _pages(conn: sqlite3.Connection, table: str, *, has_rowid: bool) -> Iterator[list[Any]]:
    if not has_rowid:  # one statement; the large ones are the ledger's, which is read as of one moment anyway
        rows = conn.execute(f"SELECT * FROM {table}")
        while some := rows.fetchmany(_PAGE):
            yield some
        return
    after = 0
    while True:
        sql = f"SELECT rowid, * FROM {table} WHERE rowid > ? ORDER BY rowid LIMIT ?"
        try:
            page = conn.execute(sql, (after, _PAGE)).fetchall()
        except sqlite3.OperationalError as error:
            if "no such table" in str(error):  # a month of records that ended while it was being read
                return
            raise
        if not page:
            return
        yield [row[1:] for row in page]
        after = page[-1][0]


@own_errors()
def load(path: Path, parts: Iterable[Part]) -> int:
    """Make a database of what :func:`dump` gave; durable when this returns. Returns the number of rows."""
    count = 0
    with closing(connect(path)) as conn:
        conn.execute("BEGIN IMMEDIATE")
        for part in parts:
            for statement in part.get("sql", ()):
                conn.execute(statement)
            if rows := part.get("rows"):
                marks = ", ".join("?" * len(rows[0]))
                conn.executemany(f"INSERT INTO {part['table']} VALUES ({marks})", rows)
                count += len(rows)
        conn.execute("COMMIT")
        scrub(conn)
    return count
