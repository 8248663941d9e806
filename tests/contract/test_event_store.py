"""What every EventStore (storage/contract/stores.py) must do. One suite, run against each implementation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from dongui_collector.storage.contract.stores import EventStore, iter_rows
from dongui_collector.storage.contract.values import Changes, ConsentStatus, Row, RowBasis, Selection, Visitor
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.days import SqliteDays
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate

DAY = date(2026, 11, 23)
ANA, BEN = b"a" * 16, b"b" * 16


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventStore]:
    (tmp_path / "events").mkdir()
    conn = connect(tmp_path / "dongui.db")
    migrate(conn, LEDGER)
    ledger = SqliteLedger(conn, b"k" * 32)
    with ledger.writing():
        ledger.put_visitor(Visitor(ANA, 1, False, {0: ConsentStatus(0, "given", 1, 1, 5)}))
    days = SqliteDays(tmp_path / "events", tmp_path / "dongui.db")
    yield days
    days.close()
    conn.close()


def row(
    number: int, visitor: bytes = ANA, *, purposes: int = 0b11, seq: int = 1, notice: int = 1, url: str = "/a"
) -> Row:
    return Row(
        number.to_bytes(16, "big"),
        1,
        visitor,
        seq,
        purposes,
        notice,
        at=1000 + number,
        name="page_view",
        url=url,
        ads=b"sealed",
    )


def put(store: EventStore, *rows: Row, day: date = DAY) -> None:
    with store.ingest(day) as tx:
        tx.insert(rows)


def without_ads(row: Row, remaining: int, _day: date) -> Row:
    return replace(row, purposes=remaining, ads=None)


def test_rows_are_counted_by_what_they_stand_on_now(store: EventStore) -> None:
    put(store, row(1), row(2), row(3, BEN, purposes=0b01), row(4, notice=2))
    assert store.counts(DAY) == {RowBasis(1, 1, 0b11): 2, RowBasis(1, 1, 0b01): 1, RowBasis(1, 2, 0b11): 1}
    store.end(DAY, Selection(visitor=ANA, notice_ref=1), 0b10, without_ads)
    store.end(DAY, Selection(visitor=BEN), -1, without_ads)
    assert store.counts(DAY) == {RowBasis(1, 1, 0b01): 2, RowBasis(1, 2, 0b11): 1}
    assert store.counts(DAY + timedelta(days=1)) == {}


def test_rows_come_back_as_they_were_written_in_order(store: EventStore) -> None:
    rows = [row(n) for n in range(1, 8)]
    put(store, *rows)
    found = list(iter_rows(store, DAY, page=3))
    assert [replace(r, n=0) for r in found] == rows
    assert [r.n for r in found] == sorted({r.n for r in found})


def test_the_ledger_is_readable_inside_the_transaction(store: EventStore) -> None:
    with store.ingest(DAY) as tx:
        visitor = tx.visitor(ANA)
        assert visitor is not None
        assert visitor.standings[0].state == "given"
        assert tx.visitor(BEN) is None


def test_a_failed_transaction_leaves_nothing(store: EventStore) -> None:
    def fail() -> None:
        with store.ingest(DAY) as tx:
            tx.insert([row(1, purposes=0b100)])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert store.count(DAY) == 0
    assert store.bases(DAY) == []
    put(store, row(2))
    assert store.count(DAY) == 1


def test_known_sees_this_day_and_those_beside_it(store: EventStore) -> None:
    put(store, row(1), day=DAY - timedelta(days=1))
    put(store, row(2))
    put(store, row(3), day=DAY + timedelta(days=1))
    put(store, row(4), day=DAY + timedelta(days=2))
    with store.ingest(DAY) as tx:
        keys = [n.to_bytes(16, "big") for n in range(1, 300)]
        assert tx.known(keys) == {keys[0], keys[1], keys[2]}


def test_known_sees_the_days_beside_also_after_many_others(store: EventStore) -> None:
    """A day beside is used without having been opened lately: it must not be closed in the middle of it."""
    for others in (5, 6, 7, 8):
        first = DAY + timedelta(days=1000 * others)
        put(store, row(1), day=first)
        for other in range(others):
            put(store, row(2), day=first + timedelta(days=10 + 10 * other))
        with store.ingest(first + timedelta(days=1)) as tx:
            assert tx.known([row(1).key]) == {row(1).key}


def test_the_same_key_is_kept_once(store: EventStore) -> None:
    put(store, row(1), row(1, url="/other"))
    put(store, row(1, url="/third"))
    assert [r.url for r in store.rows(DAY)] == ["/a"]


@pytest.mark.parametrize("number", [1, 7, 8, 31, 32, 33, 100])
def test_rows_of_any_number_are_all_kept_once_and_in_order(store: EventStore, number: int) -> None:
    rows = [row(n) for n in range(1, number + 1)]
    put(store, *rows)
    put(store, *rows[: number // 2], row(number + 1))
    assert [replace(r, n=0) for r in iter_rows(store, DAY)] == [*rows, row(number + 1)]


def test_what_is_prepared_is_no_day_until_it_is_written_to(store: EventStore) -> None:
    store.prepare()
    store.prepare()
    assert store.days() == []
    put(store, row(1))
    put(store, row(2), day=DAY + timedelta(days=1))  # nothing is prepared any more, and it works all the same
    store.prepare()
    assert store.days() == [DAY, DAY + timedelta(days=1)]
    assert [r.key for r in iter_rows(store, DAY)] == [row(1).key]
    assert store.bases(DAY + timedelta(days=1)) == [RowBasis(1, 1, 0b11)]


def test_what_is_prepared_never_takes_the_place_of_a_day(store: EventStore) -> None:
    put(store, row(1))
    store.prepare()
    store.close()  # type: ignore[attr-defined]  # as after a restart: the day's file is there, but not open
    put(store, row(2))
    assert [r.key for r in iter_rows(store, DAY)] == [row(1).key, row(2).key]


@pytest.mark.parametrize("sealed", [False, True])
def test_ending_a_purpose_reduces_some_rows_and_destroys_others(store: EventStore, sealed: bool) -> None:
    put(store, row(1), row(2, purposes=0b10), row(3, BEN), row(4, seq=9))
    if sealed:
        store.seal(DAY)
    ended = store.end(DAY, Selection(visitor=ANA, up_to=5), 0b10, without_ads)
    assert (ended.changed, ended.destroyed, ended.days) == (1, 1, {DAY})
    left = {r.key[-1]: (r.purposes, r.ads) for r in store.rows(DAY)}
    assert left == {1: (0b01, None), 3: (0b11, b"sealed"), 4: (0b11, b"sealed")}
    assert store.count(DAY) == 3
    assert RowBasis(1, 1, 0b01) in store.bases(DAY)
    again = store.end(DAY, Selection(visitor=ANA, up_to=5), 0b10, without_ads)
    assert (again.changed, again.destroyed) == (0, 0)


def test_a_destroyed_row_may_come_again_under_its_key_only_as_a_new_row(store: EventStore) -> None:
    put(store, row(1))
    store.end(DAY, Selection(visitor=ANA), -1, without_ads)
    assert store.count(DAY) == store.count(DAY, Selection(visitor=ANA)) == 0
    put(store, row(1, BEN))
    assert [r.visitor for r in store.rows(DAY)] == [BEN]


def test_nothing_of_an_ended_row_is_left_in_any_byte(store: EventStore, tmp_path: Path) -> None:
    """Invariant 2, on many rows of many visitors inserted out of order.

    The case in which B-tree pages split and merge.
    """
    keys = [(n * 7919 % 4001).to_bytes(8, "big") + n.to_bytes(8, "big") for n in range(4000)]
    for start in range(0, 4000, 50):
        put(
            store,
            *(
                replace(row(n, bytes([n % 40]) * 16, url=f"/SENTINEL-{n % 40:02d}-{'x' * (n % 200)}"), key=keys[n])
                for n in range(start, start + 50)
            ),
        )
    store.seal(DAY)
    for who in range(30):
        store.end(DAY, Selection(visitor=bytes([who]) * 16), -1, without_ads)
        raw = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
        assert f"SENTINEL-{who:02d}-".encode() not in raw
    assert b"SENTINEL-35-" in raw


def test_sealing(store: EventStore) -> None:
    put(store, row(1))
    assert store.unsealed(DAY) == []
    assert store.unsealed(DAY + timedelta(days=1)) == [DAY]
    store.seal(DAY)
    store.seal(DAY)
    assert store.unsealed(DAY + timedelta(days=1)) == []
    put(store, row(2))
    assert store.count(DAY, Selection(visitor=ANA)) == 2


def test_destroying_a_day_leaves_no_file_and_no_other_day_less(store: EventStore, tmp_path: Path) -> None:
    put(store, row(1, url="/SENTINEL"))
    put(store, row(2), day=DAY + timedelta(days=1))
    assert store.destroy(DAY) > 0
    assert store.destroy(DAY) == 0
    assert store.days() == [DAY + timedelta(days=1)]
    assert not list(tmp_path.rglob("2026-11-23*"))
    assert b"SENTINEL" not in b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert store.rows(DAY) == []
    assert store.count(DAY) == 0


def test_an_interrupted_destruction_is_found_and_finished(store: EventStore, tmp_path: Path) -> None:
    put(store, row(1))
    file = next(tmp_path.rglob("2026-11-23.db"))
    file.rename(f"{file}.destroying")
    assert store.days() == []
    assert store.leftovers() == [DAY]
    assert store.destroy(DAY) > 0
    assert store.leftovers() == []


def test_facts_of_some_visitors_are_theirs_alone_also_on_a_sealed_day(store: EventStore) -> None:
    put(store, row(1), row(2, BEN), row(3))
    for _ in range(2):
        assert [f.n for f in store.facts(DAY, 1, first=0, end=9999, visitors=[ANA])] == [1, 3]
        assert [f.n for f in store.facts(DAY, 1, first=0, end=9999, visitors=[BEN, b"?" * 16])] == [2]
        store.seal(DAY)


def test_every_change_of_a_day_gives_it_another_mark_and_is_told(store: EventStore) -> None:
    """Who keeps a day's numbers asks only of days with another mark, and is then told of every row that ended."""
    marks = [store.marks().get(DAY)]

    def changed() -> bool:
        marks.append(store.marks()[DAY])
        return marks[-1] not in marks[:-1]

    assert store.changes(DAY) == Changes()
    put(store, row(1), row(2, BEN), row(3))
    assert changed()
    assert store.changes(DAY) == Changes(3)
    store.end(DAY, Selection(visitor=BEN), 0b10, lambda row, mask, _day: replace(row, purposes=mask))
    assert changed()
    first = store.changes(DAY)
    assert (first.top, first.ended) == (3, (2,))
    store.seal(DAY)
    store.end(DAY, Selection(visitor=ANA), -1, without_ads)
    assert changed()
    second = store.changes(DAY, first.serial)
    assert (second.top, sorted(second.ended)) == (3, [1, 3])
    assert store.changes(DAY, second.serial) == Changes(3, second.serial)
    store.destroy(DAY)
    assert DAY not in store.marks()


def test_facts_are_one_sites_rows_with_a_time_in_the_range_in_order(store: EventStore) -> None:
    """S6.1: what reports count. Half-open range; no row without a time, of another site, or that ended."""
    several = [row(n) for n in range(1, 7)]
    several[0].at = None
    several[1].site_ref = 2
    several[2].name, several[2].props = "engagement", '{"seconds":5}'
    several[3].props = '{"other":1}'
    put(store, *several)
    store.end(DAY, Selection(visitor=ANA, up_to=0), -1, without_ads)
    found = store.facts(DAY, 1, first=1003, end=1006)
    assert [(f.n, f.at, f.props) for f in found] == [(3, 1003, '{"seconds":5}'), (4, 1004, None), (5, 1005, None)]
    assert [f.n for f in store.facts(DAY, 1, first=1003, end=1006, after=3, limit=1)] == [4]
    assert (found[0].visitor, found[0].purposes, found[0].url, found[0].ads) == (ANA, 0b11, "/a", b"sealed")
    store.end(DAY, Selection(visitor=ANA), -1, without_ads)
    assert store.facts(DAY, 1, first=0, end=9999) == []
    assert store.facts(DAY + timedelta(days=1), 1, first=0, end=9999) == []


def test_which_purposes_ended_in_a_day_and_whether_its_rows_may_differ(store: EventStore) -> None:
    assert (store.lost(DAY), store.stamp(DAY)) == (frozenset(), 0)
    put(store, row(1), row(2, BEN, purposes=0b01))
    before = store.stamp(DAY)
    assert before
    assert store.lost(DAY) == frozenset()
    store.end(DAY, Selection(visitor=ANA), 0b10, without_ads)
    assert store.lost(DAY) == {(1, 0b10)}
    assert store.stamp(DAY) != before
    store.end(DAY, Selection(visitor=BEN), -1, without_ads)
    assert store.lost(DAY) == {(1, 0b10), (1, 0b01)}
