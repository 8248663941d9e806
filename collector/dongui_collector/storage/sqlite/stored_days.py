"""Reading days: pages in short snapshots under a lease, so that a destruction waits for no more than a page."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import TypeVar

from dongui_collector.storage.contract.values import (
    Changes,
    DayTotals,
    Fact,
    Mark,
    Row,
    RowBasis,
    Selection,
)
from dongui_collector.storage.sqlite import dayfile, reporting
from dongui_collector.storage.sqlite.connect import connect, own_error
from dongui_collector.storage.sqlite.dayfile import row_from
from dongui_collector.storage.sqlite.files import reading

SUFFIXES = ("", "-wal", "-shm")
DESTROYING = ".destroying"
_NAME = re.compile(r"\d{4}-\d\d-\d\d\.db")

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
        sql = f"{dayfile.SELECT} WHERE {condition} AND n > ? ORDER BY n LIMIT ?"
        return self._read(day, lambda conn: [row_from(r) for r in conn.execute(sql, (*values, after, limit))], [])

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
    ) -> list[Fact]:
        return self._read(day, lambda conn: reporting.facts(conn, site_ref, first, end, after, limit, visitors), [])

    def marks(self) -> dict[date, Mark]:
        return reporting.marks(self.folder)

    def changes(self, day: date, after: int = 0) -> Changes:
        return self._read(day, lambda conn: reporting.changes(conn, after), Changes())

    def _read(self, day: date, query: Callable[[sqlite3.Connection], T], absent: T) -> T:
        """Run a query in one short snapshot under a lease; ``absent`` when the day is not there (any more)."""
        path = self.path(day)
        try:
            with reading(path), closing(connect(path, readonly=True)) as conn:
                return query(conn)
        except FileNotFoundError:
            return absent
        except sqlite3.DatabaseError as error:
            if path.exists():
                raise own_error(error) from error
            return absent  # destroyed between the lease and the opening

    def _log_size(self, day: date) -> int:
        with suppress(FileNotFoundError):
            return Path(f"{self.path(day)}-wal").stat().st_size
        return 0


def _day(path: Path) -> date:
    return date.fromisoformat(path.name[:10])
