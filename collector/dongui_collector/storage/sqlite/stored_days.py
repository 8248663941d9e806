"""Reading days: pages in short snapshots under a lease, so that a destruction waits for no more than a page."""

from __future__ import annotations

import json
import os
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import TypeVar

from dongui_collector.storage.contract.values import (
    Changes,
    DayPosition,
    DayTotals,
    EndedRow,
    Fact,
    Mark,
    Row,
    RowBasis,
    Selection,
)
from dongui_collector.storage.sqlite import dayfile
from dongui_collector.storage.sqlite.connect import connect, own_error
from dongui_collector.storage.sqlite.dayfile import has, row_from
from dongui_collector.storage.sqlite.files import reading

SUFFIXES = ("", "-wal", "-shm")
DESTROYING = ".destroying"
_NAME = re.compile(r"\d{4}-\d\d-\d\d\.db")

_OWN = "CASE WHEN name IN ('engagement', 'vital') THEN props END"
_COLUMNS = {every: ", ".join(_OWN if c == "props" and not every else c for c in Fact._fields) for every in (0, 1)}
_FACTS = """SELECT %s FROM events
    WHERE visitor IS NOT NULL AND site_ref = ? AND at >= ? AND at < ? AND n > ? %s ORDER BY n LIMIT ?"""
_ENDED = "SELECT serial, n FROM ended WHERE serial > ? ORDER BY serial"
# Two writes within a tick of the kernel's clock leave the same time on a file: a mark that young proves nothing.
_YOUNG_NS = 100_000_000

T = TypeVar("T")


class StoredDays:
    """The reading half of :class:`~dongui_collector.storage.contract.stores.EventStore`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._prefix = f"{folder}{os.sep}"

    def path(self, day: date) -> Path:
        return self.folder / f"{day.isoformat()}.db"

    def days(self) -> list[date]:
        # Asked several times a report, with files of a year: plain strings take a fifth of what paths do.
        names = os.listdir(self.folder)  # noqa: PTH208
        return sorted(date.fromisoformat(name[:10]) for name in names if _NAME.fullmatch(name))

    def leftovers(self) -> list[date]:
        return sorted({_day(p) for p in self.folder.glob(f"????-??-??.db*{DESTROYING}")})

    def size(self, day: date) -> int:
        total = 0
        for suffix in SUFFIXES:
            with suppress(FileNotFoundError):
                total += Path(f"{self.path(day)}{suffix}").stat().st_size
        return total

    def lost(self, day: date) -> frozenset[tuple[int, int]]:
        return self._read(day, dayfile.lost, frozenset())

    def stamp(self, day: date) -> int:
        found = 0
        for suffix in ("", "-wal"):
            try:
                found += os.stat(f"{self._prefix}{day.isoformat()}.db{suffix}").st_mtime_ns  # noqa: PTH116 (as in days)
            except FileNotFoundError:
                continue
        return found

    def tally(self, day: date) -> DayTotals:
        return self._read(day, dayfile.tally, DayTotals())

    def bases(self, day: date) -> list[RowBasis]:
        sql = "SELECT site_ref, notice_ref, purposes FROM bases ORDER BY 1, 2, 3"
        return self._read(day, lambda conn: [RowBasis(*r) for r in conn.execute(sql)], [])

    def counts(self, day: date) -> dict[RowBasis, int]:
        sql = "SELECT site_ref, notice_ref, purposes, count(*) FROM events WHERE visitor IS NOT NULL GROUP BY 1, 2, 3"
        return self._read(day, lambda conn: {RowBasis(*r[:3]): r[3] for r in conn.execute(sql)}, {})

    def count(self, day: date, selection: Selection | None = None) -> int:
        condition, values = dayfile.where(selection)
        # Without a selection the small index of keys answers: cleared rows have none.
        sql = "SELECT count(key) FROM events" if selection is None else f"SELECT count(*) FROM events WHERE {condition}"
        return self._read(day, lambda conn: int(conn.execute(sql, values if selection else ()).fetchone()[0]), 0)

    def rows(self, day: date, selection: Selection | None = None, *, after: int = 0, limit: int = 1000) -> list[Row]:
        condition, values = dayfile.where(selection)
        where = f"WHERE {condition} AND n > ? ORDER BY n LIMIT ?"
        return self._read(day, lambda conn: _rows(conn, where, (*values, after, limit)), [])

    def rows_at(self, day: date, positions: Sequence[int]) -> list[Row]:
        where = "WHERE visitor IS NOT NULL AND n IN (SELECT value FROM json_each(?)) ORDER BY n"
        return self._read(day, lambda conn: _rows(conn, where, (json.dumps(list(positions)),)), [])

    def position(self, day: date) -> DayPosition:
        return self._read(day, dayfile.position, DayPosition())

    def endings(self, day: date, after: int, until: int, limit: int = 1000) -> list[EndedRow]:
        return self._read(day, lambda conn: dayfile.endings(conn, after, until, limit), [])

    def facts(
        self,
        day: date,
        site_ref: int,
        *,
        first: int,
        end: int,
        after: int = 0,
        limit: int = 1000,
        visitors: Sequence[bytes] = (),
        properties: bool = False,
    ) -> list[Fact]:
        only = f"AND visitor IN ({', '.join('?' * len(visitors))})" if visitors else ""
        values = (site_ref, first, end, after, *visitors, limit)
        query = _FACTS % (_COLUMNS[properties], only)
        return self._read(day, lambda conn: list(map(Fact._make, conn.execute(query, values))), [])

    def marks(self) -> dict[date, Mark]:
        """Of every day's file and its log when they were written and how large they are."""
        now = time.time_ns()
        found: dict[date, list[int]] = {}
        with os.scandir(self.folder) as entries:
            for entry in entries:
                name, log = entry.name[:10], entry.name[10:]
                if log not in (".db", ".db-wal"):
                    continue
                try:
                    status = entry.stat()
                    day = date.fromisoformat(name)
                except (FileNotFoundError, ValueError):
                    continue
                young = now if now - status.st_mtime_ns < _YOUNG_NS else 0
                found.setdefault(day, []).extend((len(log), status.st_mtime_ns, status.st_size, young))
                if log == ".db":
                    found[day].append(-1)
        return {day: tuple(mark) for day, mark in found.items() if -1 in mark}

    def changes(self, day: date, after: int = 0) -> Changes:
        return self._read(day, lambda conn: _changes(conn, after), Changes())

    def _read(self, day: date, query: Callable[[sqlite3.Connection], T], absent: T) -> T:
        """Run a query in one short snapshot under a lease; ``absent`` when the day is not there (any more)."""
        path = self.path(day)
        try:
            with reading(self.folder, day), closing(connect(path, readonly=True)) as conn:
                return query(conn)
        except sqlite3.DatabaseError as error:
            if path.exists():
                raise own_error(error) from error
            return absent  # destroyed between the lease and the opening

    def _log_size(self, day: date) -> int:
        with suppress(FileNotFoundError):
            return Path(f"{self.path(day)}-wal").stat().st_size
        return 0


def _rows(conn: sqlite3.Connection, where: str, values: Sequence[object]) -> list[Row]:
    return [row_from(found) for found in conn.execute(f"{dayfile.select(conn)} {where}", values)]


def _day(path: Path) -> date:
    return date.fromisoformat(path.name[:10])


def _changes(conn: sqlite3.Connection, after: int) -> Changes:
    """The day's last position, and which rows were ended after the serial number ``after``."""
    conn.execute("BEGIN")  # both as of one moment
    try:
        (top,) = conn.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()
        if not has(conn, "ended"):
            return Changes(top, 0, ())
        found = conn.execute(_ENDED, (after,)).fetchall()
        return Changes(top, found[-1][0] if found else after, tuple(n for _, n in found))
    finally:
        conn.execute("COMMIT")
