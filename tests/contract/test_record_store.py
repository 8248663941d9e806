"""What every record store promises: the archive (S5.2) and the other records are two of the same kind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from dongui_collector.storage.contract.stores import RecordStore
from dongui_collector.storage.contract.values import Record
from dongui_collector.storage.sqlite.records import SqliteRecords

Open = Callable[[], RecordStore]
LAST = date(2031, 11, 23)


@pytest.fixture(params=["sqlite"])
def reopen(tmp_path: Path) -> Iterator[Open]:
    opened: list[SqliteRecords] = []

    def open_again() -> RecordStore:
        opened.append(SqliteRecords(tmp_path / "archive.db"))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


def record(
    n: int = 0, *, site: int = 1, class_id: str = "payment", subject: bytes = b"s" * 16, last: date = LAST
) -> Record:
    return Record(
        id=n.to_bytes(16, "big"),
        site_ref=site,
        class_id=class_id,
        subject=subject,
        at=1_700_000_000_000 + n,
        day=date(2026, 11, 23),
        last_day=last,
        source="settlement",
        notice_ref=1,
        sealed=f"sealed-{n:06}-".encode() + os.urandom(64),
    )


def test_records_are_read_back_whole_and_in_order_of_time(reopen: Open) -> None:
    records = [record(2), record(1, last=LAST + timedelta(days=40))]
    reopen().add(records)
    assert reopen().of_site(1) == records[::-1]


def test_an_id_is_kept_once_wherever_its_period_ends(reopen: Open) -> None:
    store = reopen()
    first, other = record(1), record(2)
    assert store.add([first, other]) == [first, other]
    again = record(1, class_id="contract", subject=b"t" * 16, last=LAST + timedelta(days=400))
    assert reopen().add([again, record(3), record(3, site=2)]) == [first, *store.of_site(1)[2:], *store.of_site(1)[2:]]
    assert [one.id for one in store.of_site(1)] == [record(n).id for n in (1, 2, 3)]
    assert store.groups() == [(1, "payment", LAST, 3)]
    assert store.by_id(first.id) == first
    assert store.by_id(bytes(14) + b"\1\1") is None
    store.destroy_ids([first.id])
    assert store.by_id(first.id) is None
    assert store.add([again]) == [again], "what was destroyed is not there"


def test_each_question_is_answered_with_what_it_asks_for_alone(reopen: Open) -> None:
    store = reopen()
    other = b"s" * 15 + b"t"  # shares the index's two bytes with the other subject
    mine = [record(1, subject=other), record(4, subject=other, class_id="contract")]
    mine += [record(5, subject=other, last=LAST + timedelta(days=1)), record(6, subject=other, last=date(2033, 1, 2))]
    store.add([*mine[::-1], record(2), record(3, subject=other, site=2)])
    assert store.of_subject(1, other) == mine
    assert [r.id for r in store.of_class(1, "payment")] == [record(n).id for n in (1, 2, 5, 6)]
    assert [r.id for r in store.of_group(1, "payment", LAST)] == [record(n).id for n in (1, 2)]
    assert [r.id for r in store.of_site(1)] == [record(n).id for n in (1, 2, 4, 5, 6)]
    assert store.known_since(1, other) == mine[0].at
    assert store.known_since(2, b"s" * 16) is None
    assert store.of_site(3) == []


def test_a_question_is_answered_in_full(reopen: Open) -> None:
    store = reopen()
    store.add([record(n) for n in range(1200)])
    for found in (store.of_subject(1, b"s" * 16), store.of_class(1, "payment"), store.of_group(1, "payment", LAST)):
        assert [r.id for r in found] == [record(n).id for n in range(1200)]


def test_groups_count_what_there_is_to_age_out(reopen: Open) -> None:
    store = reopen()
    later = LAST + timedelta(days=90)
    store.add([record(1), record(2), record(3, site=2), record(4, last=later)])
    assert store.groups() == [(1, "payment", LAST, 2), (2, "payment", LAST, 1), (1, "payment", later, 1)]


def test_a_group_ends_and_its_neighbours_stay(reopen: Open) -> None:
    store = reopen()
    stay = [record(3, site=2), record(4, class_id="contract"), record(5, last=LAST + timedelta(days=1))]
    store.add([record(1), record(2), *stay])
    assert store.destroy(1, "payment", LAST) == 2
    assert store.destroy(1, "payment", LAST) == 0
    again = reopen()
    assert again.of_site(1) + again.of_site(2) == [stay[1], stay[2], stay[0]]
    assert len(again.groups()) == 3


def test_what_a_hold_covers_outlives_its_group(reopen: Open) -> None:
    store = reopen()
    store.add([record(n) for n in range(5)])
    assert store.destroy(1, "payment", LAST, except_ids=[record(3).id]) == 4
    assert [r.id for r in store.of_site(1)] == [record(3).id]
    assert store.groups() == [(1, "payment", LAST, 1)]
    assert store.destroy(1, "payment", LAST) == 1
    assert store.groups() == []


def test_single_records_are_destroyed_by_id(reopen: Open) -> None:
    store = reopen()
    store.add([record(n, last=LAST + timedelta(days=n)) for n in range(60)])
    assert store.destroy_ids([record(n).id for n in (0, 31, 59)]) == 3
    assert store.destroy_ids([]) == 0
    assert len(store.of_site(1)) == 57


@pytest.mark.parametrize("end", ["group", "ids"])
def test_no_byte_of_a_destroyed_record_stays_on_disk(reopen: Open, tmp_path: Path, end: str) -> None:
    store = reopen()
    # Ended and staying records are interleaved and fill many pages, so that anything moved would leave copies behind.
    ends = [record(n, subject=os.urandom(2) + b"ending-subject") for n in range(0, 900, 3)]
    stays = [record(n, class_id="contract", subject=os.urandom(2) + b"staying-subjec") for n in range(1, 900, 3)]
    for pair in zip(ends, stays, strict=True):
        store.add(pair)
    if end == "group":
        assert store.destroy(1, "payment", LAST) == 300
    else:
        assert store.destroy_ids([r.id for r in ends]) == 300
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"ending-subject" not in on_disk
    assert [r for r in ends if r.sealed[:14] in on_disk] == []
    assert all(r.sealed in on_disk for r in stays)
    assert store.of_site(1) == stays


def test_space_is_given_back_once_a_month_has_nothing_left(reopen: Open, tmp_path: Path) -> None:
    store = reopen()
    sizes = []
    for month in range(1, 5):
        last = date(2031, month, 10)
        for start in range(0, 2000, 500):
            store.add([record(n, last=last) for n in range(start, start + 500)])
        assert store.destroy(1, "payment", last) == 2000
        sizes.append((tmp_path / "archive.db").stat().st_size)
    assert sizes[-1] == sizes[0], "the file must not grow with what was destroyed"
    assert store.of_site(1) == []
