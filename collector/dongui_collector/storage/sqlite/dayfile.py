"""One day's file: its rows as SQL, and the transaction that ingest writes in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from itertools import chain
from operator import attrgetter
from pathlib import Path

from dongui_collector.storage.contract.values import DayPosition, DayTotals, EndedRow, Row, RowBasis, Selection, Visitor
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.ledger import VISITOR_SQL, SqliteLedger, visitor_from
from dongui_collector.storage.sqlite.migrations import EVENTS, migrate

COLUMNS = [f.name for f in fields(Row) if f.name != "n"]
SELECT = f"SELECT {', '.join(COLUMNS)}, n FROM events"
_LATER = "received_at"  # a column that days have which were written since
_BEFORE = SELECT.replace(_LATER, "NULL")
UPDATE = f"UPDATE events SET {', '.join(f'{c} = ?' for c in COLUMNS)} WHERE n = ?"
values_of = attrgetter(*COLUMNS)
# A commit now and then brings the log home, and all wait for it: a few pages often are felt less than SQLite's 1000.
_PAGES = 300
# Many rows a statement: a statement costs more than its rows, and at each one the interpreter's lock changes hands.
_AT_ONCE = (32, 8, 1)
_VALUES = f"({', '.join('?' * len(COLUMNS))})"
_INSERTS = {
    n: f"INSERT OR IGNORE INTO events ({', '.join(COLUMNS)}) VALUES {', '.join([_VALUES] * n)}" for n in _AT_ONCE
}
_VISITOR = VISITOR_SQL.format(schema="ledger.")
NOTE_BASIS = "INSERT OR IGNORE INTO bases VALUES (?, ?, ?)"
_BASES = "SELECT site_ref, notice_ref, purposes FROM bases"


_LOSE = """INSERT OR IGNORE INTO lost SELECT DISTINCT site_ref, purposes & ?2 FROM events
    WHERE n IN (SELECT value FROM json_each(?1)) AND visitor IS NOT NULL AND purposes & ?2 != 0"""
_END = """INSERT INTO ended (n, site_ref, purposes) SELECT n, site_ref, purposes & ?2 FROM events
    WHERE n IN (SELECT value FROM json_each(?1)) AND visitor IS NOT NULL AND purposes & ?2 != 0"""
_COUNT = """INSERT INTO tally VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE
    SET destroyed = destroyed + excluded.destroyed, reduced = reduced + excluded.reduced"""


def note_lost(conn: sqlite3.Connection, positions: str, bits: int) -> None:
    """Note what is about to end in rows at ``positions`` (JSON), in the transaction that ends it."""
    conn.execute(_LOSE, (positions, bits))
    conn.execute(_END, (positions, bits))


def lost(conn: sqlite3.Connection) -> frozenset[tuple[int, int]]:
    """The purposes that ended in rows of the day, as (site, bit set)."""
    if not has(conn, "lost"):
        return frozenset()
    return frozenset(conn.execute("SELECT site_ref, purposes FROM lost").fetchall())


def count_ended(conn: sqlite3.Connection, destroyed: int, reduced: int) -> None:
    """Add to the day's tally, in the transaction that ended the rows."""
    if destroyed or reduced:
        conn.execute(_COUNT, (destroyed, reduced))


def tally(conn: sqlite3.Connection) -> DayTotals:
    """The day's tally; all 0 where nothing was ever ended."""
    (top,) = conn.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()
    found = has(conn, "tally") and conn.execute("SELECT destroyed, reduced FROM tally").fetchone()
    return DayTotals(top, *(found or (0, 0)))


def has(conn: sqlite3.Connection, name: str) -> bool:
    """Whether a table or index is there: a day that an earlier version wrote gets what it lacks at its next write."""
    return bool(conn.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (name,)).fetchone())


def select(conn: sqlite3.Connection) -> str:
    """What reads rows; a day that an earlier version wrote gets the columns that it lacks at its next write."""
    return SELECT if _has_column(conn, "events", _LATER) else _BEFORE


def position(conn: sqlite3.Connection) -> DayPosition:
    """How far the day has come; both in one statement, so as of one moment."""
    ended = "(SELECT coalesce(max(serial), 0) FROM ended)" if has(conn, "ended") else "0"
    return DayPosition(*conn.execute(f"SELECT (SELECT coalesce(max(n), 0) FROM events), {ended}").fetchone())


def endings(conn: sqlite3.Connection, after: int, until: int, limit: int) -> list[EndedRow]:
    """Endings by serial number; what ended before it was noted on whose site, nobody can be told of any more."""
    if not _has_column(conn, "ended", "site_ref"):
        return []
    sql = "SELECT serial, n, site_ref, purposes FROM ended WHERE serial > ? AND serial <= ? AND site_ref IS NOT NULL"
    return [EndedRow(*found) for found in conn.execute(f"{sql} ORDER BY serial LIMIT ?", (after, until, limit))]


def _has_column(conn: sqlite3.Connection, table: str, column: str) -> bool:
    return bool(conn.execute("SELECT 1 FROM pragma_table_info(?) WHERE name = ?", (table, column)).fetchone())


class DayFile:
    """A day's file open for writing, with the ledger attached: one transaction reads the one and writes the other."""

    def __init__(self, path: Path, ledger: Path) -> None:
        self.conn = connect(path)
        try:
            self.conn.execute(f"PRAGMA wal_autocheckpoint={_PAGES}")
            migrate(self.conn, EVENTS)
            # BEGIN IMMEDIATE takes the write lock of attached files too: a withdrawal waits for the
            # commit it must follow.
            self.conn.execute("ATTACH ? AS ledger", (str(ledger),))
            self.bases = self._read_bases()
        except BaseException:
            self.conn.close()
            raise

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.conn.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.conn.execute("COMMIT")
        except BaseException:
            if self.conn.in_transaction:
                self.conn.execute("ROLLBACK")
            self.bases = self._read_bases()
            raise

    def _read_bases(self) -> frozenset[RowBasis]:
        return frozenset(RowBasis(*found) for found in self.conn.execute(_BASES))

    def insert(self, rows: list[Row]) -> None:
        values = list(map(values_of, rows))
        start = 0
        for size in _AT_ONCE:
            while len(values) - start >= size:
                self.conn.execute(_INSERTS[size], tuple(chain.from_iterable(values[start : start + size])))
                start += size
        self._note_bases({(row.site_ref, row.notice_ref, row.purposes) for row in rows})

    def _note_bases(self, bases: set[tuple[int, int, int]]) -> None:
        """Remember which bases rows stand on; ageing out asks for these instead of reading every row."""
        if new := {RowBasis(*basis) for basis in bases} - self.bases:
            self.conn.executemany(NOTE_BASIS, [(b.site_ref, b.notice_ref, b.purposes) for b in new])
            self.bases |= new

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        found: set[bytes] = set()
        for start in range(0, len(keys), 256):
            some = list(keys[start : start + 256])
            size = 1 << max(0, len(some) - 1).bit_length()  # few distinct statements, so they stay prepared
            some += some[-1:] * (size - len(some))
            sql = f"SELECT key FROM events WHERE key IN ({','.join('?' * size)})"
            found.update(r[0] for r in self.conn.execute(sql, some))
        return found


class DayTransaction:
    """Implements :class:`~dongui_collector.storage.contract.stores.IngestTransaction`."""

    def __init__(self, day: DayFile, neighbours: Sequence[DayFile] = (), memory: SqliteLedger | None = None) -> None:
        self._day = day
        self._files = [day, *neighbours]
        self._memory = memory
        self._count = -1
        self.inserted: set[bytes] = set()  # visitors of the rows that were added

    def visitor(self, key: bytes) -> Visitor | None:
        if self._memory is None:
            return visitor_from(key, self._day.conn.execute(_VISITOR, (key,)).fetchall())
        if self._count < 0:
            found = self._day.conn.execute("SELECT count FROM ledger.head").fetchone()
            self._count = found[0] if found else 0
        return self._memory.remembered(key, self._count)

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        return self._day.known(keys).union(*(file.known(keys) for file in self._files[1:]))

    def bases(self) -> frozenset[RowBasis]:
        return self._day.bases.union(*(file.bases for file in self._files[1:]))

    def insert(self, rows: Iterable[Row]) -> None:
        added = list(rows)
        self._day.insert(added)
        self.inserted.update(row.visitor for row in added)


def row_from(values: Sequence[object]) -> Row:
    """A row from the columns of :data:`SELECT`."""
    return Row(*values)  # type: ignore[arg-type]


def where(selection: Selection | None) -> tuple[str, list[object]]:
    """The SQL condition of a selection and its values; cleared rows (all NULL) never match."""
    parts: list[str] = ["visitor IS NOT NULL"]
    values: list[object] = []
    for column, operator, value in (
        ("site_ref", "=", selection and selection.site_ref),
        ("visitor", "=", selection and selection.visitor),
        ("notice_ref", "=", selection and selection.notice_ref),
        ("seq", "<=", selection and selection.up_to),
    ):
        if value is not None:
            parts.append(f"{column} {operator} ?")
            values.append(value)
    if selection and selection.except_visitors:
        parts.append(f"visitor NOT IN ({', '.join('?' * len(selection.except_visitors))})")
        values += selection.except_visitors
    return " AND ".join(parts), values


def is_sealed(conn: sqlite3.Connection) -> bool:
    """Whether the day is indexed by visitor."""
    return has(conn, "events_visitor")


def visitors(conn: sqlite3.Connection) -> list[bytes] | None:
    """Everyone who has a row in a sealed day; None for one that is not sealed: rows still come every moment."""
    if not is_sealed(conn):
        return None
    return [r[0] for r in conn.execute("SELECT DISTINCT visitor FROM events WHERE visitor IS NOT NULL")]
