"""Stores raise the collector's own exceptions: nobody outside reads SQLite's texts or the system's numbers."""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.core.errors import StorageDamaged, StorageFull
from dongui_collector.storage.contract.values import Record, Selection
from dongui_collector.storage.sqlite.folder import SqliteFolder
from dongui_collector.storage.sqlite.journal import Journal
from dongui_collector.storage.sqlite.keys import SqliteKeys
from dongui_collector.storage.sqlite.records import SqliteRecords

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]

DAY = date(2025, 3, 10)


@contextmanager
def full(conn: sqlite3.Connection) -> Iterator[None]:
    """A database that may not grow by a page, as on a full disk."""
    (most,) = conn.execute("PRAGMA max_page_count").fetchone()
    conn.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that there are
    try:
        yield
    finally:
        conn.execute(f"PRAGMA max_page_count = {most}")


def big_record(n: int) -> Record:
    return Record(n.to_bytes(16, "big"), 1, "payment", b"s" * 16, 0, DAY, DAY, "signup", 1, bytes(100_000))


def test_a_full_disk_is_named_by_the_ledger_and_nothing_is_left(house: House) -> None:
    ledger = house.core.storage.ledger
    before = ledger.head()
    with full(ledger.conn), pytest.raises(StorageFull), ledger.writing():  # type: ignore[attr-defined]
        ledger.append("site", 0, {"text": "x" * 100_000})
    assert ledger.head() == before
    with ledger.writing():
        ledger.append("site", 0, {"text": "x" * 100_000})


def test_a_full_disk_is_named_by_records_and_keys(tmp_path: Path) -> None:
    records, keys = SqliteRecords(tmp_path / "records.db"), SqliteKeys(tmp_path / "keys.db")
    records.add([big_record(1)])
    with full(records.conn), pytest.raises(StorageFull):
        records.add([big_record(2)])
    with full(keys.conn), pytest.raises(StorageFull):
        keys.put("day:2025-03-10", bytes(100_000))
    assert len(records.of_site(1)) == 1
    assert keys.names() == []
    records.close()
    keys.close()


def test_a_full_disk_is_named_by_a_day(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    days = house.core.storage.events
    (row,) = days.rows(DAY)
    row.key, row.url = b"k" * 16, "x" * 100_000
    conn = days._open[DAY].conn  # type: ignore[attr-defined]
    with full(conn), pytest.raises(StorageFull), days.ingest(DAY) as transaction:
        transaction.insert([row])
    assert days.count(DAY) == 1


def test_a_full_disk_is_named_by_the_journal_and_half_a_line_does_not_stay(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.ndjson", b"k")
    journal.append({"kind": "day", "day": "2025-03-10"})
    room, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, ((tmp_path / "journal.ndjson").stat().st_size + 5, most))
    try:
        with pytest.raises(StorageFull):
            journal.append({"kind": "day", "day": "2025-03-11"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, most))
    journal.append({"kind": "day", "day": "2025-03-12"})
    again = Journal(tmp_path / "journal.ndjson", b"k").entries()
    assert [entry.get("day") for entry in again] == ["2025-03-10", "2025-03-12"]


def spoil(path: Path) -> None:
    path.write_bytes(b"no database at all" * 1000)


OPENED: dict[str, Callable[[Path], object]] = {
    "records": lambda folder: SqliteRecords(folder / "records.db", readonly=True),
    "keys": lambda folder: SqliteKeys(folder / "keys.db"),
    "dongui": lambda folder: SqliteFolder(folder, folder).open(SqliteKeys(folder / "sound.db"), b"mac"),
}


@pytest.mark.parametrize("name", OPENED)
def test_a_file_that_is_no_database_is_named_when_it_is_opened(tmp_path: Path, name: str) -> None:
    spoil(tmp_path / f"{name}.db")
    with pytest.raises(StorageDamaged):
        OPENED[name](tmp_path)


def test_a_day_that_cannot_be_read_is_named_by_whatever_reads_or_ends_it(house: House) -> None:
    house.visit(house.arrive())
    days = house.core.storage.events
    days.close()  # type: ignore[attr-defined]
    spoil(house.folder / "data" / "events" / f"{DAY}.db")
    for work in (days.rows, days.bases, days.tally, days.seal):
        with pytest.raises(StorageDamaged):
            work(DAY)
    with pytest.raises(StorageDamaged):
        days.end(DAY, Selection(), -1, lambda row, _remaining, _day: row)


def test_a_mistake_of_the_program_is_no_damage(tmp_path: Path) -> None:
    keys = SqliteKeys(tmp_path / "keys.db")
    with pytest.raises(sqlite3.IntegrityError), keys.writing():
        keys.conn.execute("INSERT INTO keys (name) VALUES (NULL)")
    keys.close()
