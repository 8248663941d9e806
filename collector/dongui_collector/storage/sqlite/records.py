"""The record store on SQLite: ``data/archive.db`` and ``data/records.db``.

A table a month, by the day on which the records' period ends. Records are only appended and cleared in place, never
moved (docs/decisions/001); a month that has nothing left gives its table and its space back. Subjects are found by
two bytes of their keyed hash, and records by two of their ids, so that not even an index holds what identifies one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from operator import attrgetter
from pathlib import Path
from typing import Any

from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract.values import Record
from dongui_collector.storage.sqlite.connect import WRITER, scrub
from dongui_collector.storage.sqlite.migrations import RECORDS, make_month
from dongui_collector.storage.sqlite.own_file import OwnFile, opened

_COLUMNS = ("id", "site_ref", "class_id", "subject", "at", "day", "last_day", "source", "notice_ref", "sealed")
_LIST = ", ".join(_COLUMNS)
_CLEAR = ", ".join(f"{column} = NULL" for column in (*_COLUMNS, "bucket"))
_MONTHS = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'm[0-9]*_[0-9]*' ORDER BY name"
_OF_SUBJECT = "site_ref = ? AND bucket = ? AND subject = ?"
_CHUNK = 200  # records cleared in one transaction: the writers' lock is held for a few milliseconds
_EMPTY_CHUNK = 5_000  # empty rows removed in one transaction
_values = attrgetter("id", "site_ref", "class_id", "subject", "at")


class SqliteRecords(OwnFile):
    """Implements :class:`~dongui_collector.storage.contract.stores.RecordStore`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._name = path.name
        super().__init__(opened(path, RECORDS, readonly=readonly))

    # -- adding and finding

    def add(self, records: Sequence[Record]) -> list[Record]:
        kept: list[Record] = []
        with self.writing():
            for record in records:
                kept.append(self.by_id(record.id) or record)
                if kept[-1] is not record:
                    continue
                table = self._month(record.last_day)
                self._write(
                    f"INSERT INTO {table} ({_LIST}, bucket) VALUES ({'?, ' * len(_COLUMNS)}?)",
                    (
                        *_values(record),
                        record.day.isoformat(),
                        record.last_day.isoformat(),
                        record.source,
                        record.notice_ref,
                        record.sealed,
                        _bucket(record.subject),
                    ),
                )
                self._write(
                    "INSERT INTO groups VALUES (?, ?, ?, 1) ON CONFLICT DO UPDATE SET n = n + 1",
                    (record.site_ref, record.class_id, record.last_day.isoformat()),
                )
        return kept

    def by_id(self, id: bytes) -> Record | None:
        found = self._matching("substr(id, 1, 2) = ? AND id = ?", (id[:2], id))
        return found[0] if found else None

    def of_group(self, site_ref: int, class_id: str, last_day: date) -> list[Record]:
        values = (site_ref, class_id, last_day.isoformat())
        return self._matching("site_ref = ? AND class_id = ? AND last_day = ?", values, last_day)

    def of_class(self, site_ref: int, class_id: str) -> list[Record]:
        return self._matching("site_ref = ? AND class_id = ?", (site_ref, class_id))

    def of_subject(self, site_ref: int, subject: bytes) -> list[Record]:
        return self._matching(_OF_SUBJECT, (site_ref, _bucket(subject), subject))

    def of_site(self, site_ref: int) -> list[Record]:
        return self._matching("site_ref = ?", (site_ref,))

    def known_since(self, site_ref: int, subject: bytes) -> int | None:
        values = (site_ref, _bucket(subject), subject)
        with WRITER:
            queries = (f"SELECT min(at) FROM {table} WHERE {_OF_SUBJECT}" for table in self._months())
            return min((at for sql in queries for (at,) in self._read(sql, values) if at is not None), default=None)

    def _matching(self, condition: str, values: Sequence[object], last_day: date | None = None) -> list[Record]:
        found: list[Record] = []
        with WRITER:
            for table in self._months(last_day):
                found += map(_record, self._read(f"SELECT {_LIST} FROM {table} WHERE {condition}", values))
        return sorted(found, key=lambda r: (r.at, r.id))

    def groups(self) -> list[tuple[int, str, date, int]]:
        rows = self._read("SELECT site_ref, class_id, last_day, n FROM groups WHERE n > 0 ORDER BY last_day")
        return [(site, class_id, date.fromisoformat(day), n) for site, class_id, day, n in rows]

    # -- destroying

    def destroy(self, site_ref: int, class_id: str, last_day: date, *, except_ids: Sequence[bytes] = ()) -> int:
        condition = "site_ref = ? AND class_id = ? AND last_day = ?"
        return self._destroy(condition, (site_ref, class_id, last_day.isoformat()), set(except_ids), last_day)

    def destroy_ids(self, ids: Sequence[bytes]) -> int:
        # One parameter, however many there are: a JSON list of hex.
        listed = json.dumps([id.hex() for id in ids])
        return self._destroy("lower(hex(id)) IN (SELECT value FROM json_each(?))", (listed,), set())

    def _destroy(self, condition: str, values: Sequence[object], kept: set[bytes], last_day: date | None = None) -> int:
        done = 0
        for table in self._months(last_day):
            found = self._read(f"SELECT n, id FROM {table} WHERE {condition}", values)
            positions = [n for n, id in found if id not in kept]
            for start in range(0, len(positions), _CHUNK):
                done += self._clear(table, positions[start : start + _CHUNK])
        self._drop_empty_months()
        # Also when nothing was found: an interrupted run may have cleared records and left the log behind.
        if not scrub(self.conn):
            raise StorageError(f"{self._name}: a reader kept the log open; what was cleared is not yet gone from it")
        return done

    def _clear(self, table: str, positions: Sequence[int]) -> int:
        done = 0
        with self.writing():
            for n in positions:
                group = f"SELECT site_ref, class_id, last_day FROM {table} WHERE n = ? AND id IS NOT NULL"
                row = self._write(group, (n,)).fetchone()
                if row is None:
                    continue
                self._write(f"UPDATE {table} SET {_CLEAR} WHERE n = ?", (n,))
                self._write("UPDATE groups SET n = n - 1 WHERE site_ref = ? AND class_id = ? AND last_day = ?", row)
                done += 1
        return done

    def _drop_empty_months(self) -> None:
        with self.writing():
            self._write("DELETE FROM groups WHERE n = 0")
        living = {month for (month,) in self._read("SELECT DISTINCT substr(last_day, 1, 7) FROM groups")}
        for table in self._months():
            if table[1:].replace("_", "-") in living:
                continue
            left = 1
            while left:  # nothing but empty rows: removed a little at a time, so that no writer waits for long
                with self.writing():
                    sql = f"DELETE FROM {table} WHERE n IN (SELECT n FROM {table} WHERE id IS NULL LIMIT ?)"
                    left = self._write(sql, (_EMPTY_CHUNK,)).rowcount
            with self.writing():
                if not self._write(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
                    self._write(f"DROP TABLE {table}")

    # -- tables

    def _months(self, last_day: date | None = None) -> list[str]:
        found = [name for (name,) in self._read(_MONTHS)]
        return found if last_day is None else [table for table in found if table == _table(last_day)]

    def _month(self, last_day: date) -> str:
        """The table of a day's month, made when it is missing; inside a transaction."""
        table = _table(last_day)
        make_month(self.conn, table)
        return table


def _table(last_day: date) -> str:
    return f"m{last_day.year:04}_{last_day.month:02}"


def _bucket(subject: bytes) -> int:
    return int.from_bytes(subject[:2], "big")


def _record(row: Sequence[Any]) -> Record:
    id, site_ref, class_id, subject, at, day, last_day, source, notice_ref, sealed = row
    days = (date.fromisoformat(day), date.fromisoformat(last_day))
    return Record(id, site_ref, class_id, subject, at, *days, source, notice_ref, sealed)
