"""Days as files: what a year of them costs, and days that an earlier version wrote."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.storage.contract.values import Changes, DayTotals, Row, Selection
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.days import SqliteDays
from dongui_collector.storage.sqlite.migrations import EVENTS
from sqlite_utils import Database

from tests.retention.conftest import house, new_house
from tests.retention.house import House

__all__ = ["house", "new_house"]


def test_a_day_known_to_be_sealed_is_not_opened_again(house: House) -> None:
    # Upkeep asks every few seconds; three hundred and sixty-five files opened each time would be felt by ingest.
    house.visit(house.arrive("personalisation"))
    events, day = house.core.storage.events, date(2025, 3, 10)
    events.seal(day)
    assert events.unsealed(date(2025, 3, 11)) == []
    house.core.storage.events.close()
    (house.folder / "data" / "events" / f"{day}.db").write_bytes(b"no database at all" * 100)
    assert events.unsealed(date(2025, 3, 11)) == []


# What an earlier version had made of a day: nothing until something ended there, then tables one by one.
EARLIER = {
    "nothing ended": (),
    "rows ended": ("CREATE TABLE tally (one INTEGER PRIMARY KEY CHECK (one = 1), destroyed INTEGER NOT NULL,"
                   " reduced INTEGER NOT NULL) STRICT", "INSERT INTO tally VALUES (1, 4, 2)"),
}  # fmt: skip


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
@pytest.mark.parametrize("earlier", EARLIER)
def test_a_day_of_an_earlier_version_is_read_ended_and_counted(tmp_path: Path, earlier: str, *, sealed: bool) -> None:
    day, tally = date(2025, 3, 10), DayTotals(2, 4, 2) if EARLIER[earlier] else DayTotals(2, 0, 0)
    events = SqliteDays(tmp_path, tmp_path / "dongui.db")
    with closing(connect(events.path(day))) as conn:
        EVENTS.apply(Database(conn, execute_plugins=False), stop_before="m002_endings")
        for sql in EARLIER[earlier]:
            conn.execute(sql)
        for n in (1, 2):
            sql = "INSERT INTO events (key, site_ref, visitor, seq, purposes, notice_ref) VALUES (?1, 1, ?1, 1, 3, 1)"
            conn.execute(sql, (bytes([n]),))
    assert events.lost(day) == frozenset()
    assert events.tally(day) == tally
    assert events.changes(day) == Changes(2, 0, ())
    if sealed:
        events.seal(day)
    assert events.end(day, Selection(visitor=b"\1"), 1, smaller).changed == 1
    assert events.end(day, Selection(visitor=b"\2"), -1, smaller).destroyed == 1
    assert events.lost(day) == {(1, 1), (1, 3)}
    assert events.tally(day) == DayTotals(2, tally.destroyed + 1, tally.reduced + 1)
    assert events.changes(day) == Changes(2, 2, (1, 2))
    assert [row.purposes for row in events.rows(day)] == [2]


def smaller(row: Row, remaining: int, _day: date) -> Row:
    row.purposes = remaining
    return row
