"""What a copy is told since its cursor: each cause of a change, and what must not be told by it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from dongui_collector.core.operations import perform
from dongui_collector.exports.copies import CopyCursorError, CopyCursors, CopyExpired, CopyState, check_known
from dongui_collector.exports.export import Entitlement, entitle
from dongui_collector.storage.contract.values import DayPosition

from tests.analytics.test_copy_machine import DAY_MS, TEXT, Copy
from tests.analytics.test_export import PARTY
from tests.retention.house import House, at, policy

DAY = date(2025, 3, 10)


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    made: House = new_house()
    made.add_site(TEXT + PARTY)
    made.approve_routine()
    return made


@pytest.fixture
def copy(house: House) -> Copy:
    return Copy(house, Entitlement("one", house.site, ("statistics", "marketing")))


def told(copy: Copy) -> list[dict[str, Any]]:
    """What the next answer says; the copy is then where it says."""
    changes = copy.answer()
    rows = list(changes.rows())
    copy.cursor = copy.cursors.of(changes.new)
    return rows


def test_nothing_is_told_twice(house: House, copy: Copy) -> None:
    house.visit(house.arrive(), marker="a")
    assert [row["search"] for row in told(copy)] == ["a"]
    assert told(copy) == []


def test_a_late_row_to_a_past_day_is_told(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    house.visit(visitor, marker="today")
    told(copy)
    house.visit(visitor, when="2025-03-01T12:00", marker="late")
    assert [(row["search"], row["day"]) for row in told(copy)] == [("late", "2025-03-01")]


def test_a_reduction_is_the_new_state_under_the_same_id(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    (before,) = told(copy)
    house.choose(refused=["statistics"], visitor=visitor)
    (after,) = told(copy)
    assert after["id"] == before["id"]
    assert (after["purposes"], after["ip_address"], after["at"]) == (["marketing"], None, before["at"])


def test_an_event_keeps_its_id_when_it_loses_its_time(house: House) -> None:
    copy = Copy(house, Entitlement("one", house.site, ("statistics", "personalisation")))
    visitor = house.arrive("statistics", "personalisation")
    house.visit(visitor)
    (before,) = told(copy)
    house.choose(refused=["statistics"], visitor=visitor)
    (after,) = told(copy)
    assert (after["id"], after["at"], after["day"], after["received_at"]) == (before["id"], None, None, None)


@pytest.mark.parametrize("finished", [False, True])
def test_an_ending_is_a_tombstone_once_it_is_decided(house: House, copy: Copy, finished: bool) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    (row,) = told(copy)
    intent = house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    if finished:
        house.core.retention.endings.finish(intent)
    assert told(copy) == [{"id": row["id"], "ended": True}]


def test_what_ended_before_it_was_told_is_never_told(house: House, copy: Copy) -> None:
    told(copy)
    visitor = house.arrive()
    house.visit(visitor)
    house.erase(visitor)
    assert told(copy) == []


def test_a_suspended_visitors_rows_go_and_come_again(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    (row,) = told(copy)
    key = house.core.ledger.key_of(visitor)
    house.core.ledger.suspend(key, True)
    assert told(copy) == [{"id": row["id"], "ended": True}]
    house.core.ledger.suspend(key, False)
    assert told(copy) == [row]


def test_a_day_that_aged_out_is_tombstones_of_all_its_rows(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    for _ in range(3):
        house.visit(visitor)
    had = {row["id"] for row in told(copy)}
    house.run("2025-05-11T01:00")
    assert DAY not in house.core.storage.events.days()
    gone = told(copy)
    assert all(row["ended"] for row in gone)
    assert had < {row["id"] for row in gone}
    assert len(gone) == 4, "rounded up: how many rows the day had is not told"
    assert told(copy) == []


@pytest.mark.parametrize("runs", [False, True])
def test_a_purpose_whose_period_ends_reduces_its_rows(house: House, copy: Copy, runs: bool) -> None:
    house.visit(house.arrive())
    (before,) = told(copy)
    house.now = at("2025-04-11T01:00")
    if runs:
        house.run()
    after, *again = told(copy)
    assert (after["id"], after["purposes"], after["advertising_ids"]) == (before["id"], ["statistics"], None)
    assert all(row == after for row in again)


def test_another_notice_decides_what_a_recipient_has(house: House) -> None:
    party = entitle(house.core, house.site, ("marketing",), recipient="Example Ads")
    copy = Copy(house, party)
    house.visit(house.arrive())
    (before,) = told(copy)
    assert before["at"] is not None
    text = TEXT.replace('version = "v1"', 'version = "v2"').replace("2024-01-01", "2025-03-11", 1)
    perform(house.core, "policy.publish", {"text": text + PARTY.replace(', "visit_time"', "")})
    house.now += DAY_MS
    (after,) = told(copy)
    assert (after["id"], after["at"], after["advertising_ids"]) == (before["id"], None, before["advertising_ids"])


def test_of_another_site_and_other_purposes_nothing_is_told(house: House, copy: Copy) -> None:
    other = house.add_site(policy("other"), name="other")
    there, here = house.arrive(site=other), house.arrive("personalisation")
    house.visit(there, site=other)
    house.visit(here)
    house.visit(house.arrive("statistics"))
    assert len(told(copy)) == 1
    house.erase(there)
    house.erase(here)
    assert told(copy) == []


def test_two_consumers_have_no_name_in_common(house: House, copy: Copy) -> None:
    other = Copy(house, replace(copy.reader, consumer="two"))
    visitor = house.arrive()
    house.visit(visitor)
    names = [told(one)[0]["id"] for one in (copy, other)]
    house.erase(visitor)
    assert [told(one)[0]["id"] for one in (copy, other)] == names
    assert len(set(names)) == 2


def test_a_cursor_never_runs_ahead_of_an_open_transaction(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    house.visit(visitor, marker="before")
    template = house.rows()[0]
    assert len(told(copy)) == 1
    with house.core.storage.events.ingest(DAY) as tx:
        tx.insert([replace(template, key=b"k" * 16, search="open", ip=None, ads=None)])
        assert told(copy) == []
    assert [row["search"] for row in told(copy)] == ["open"]


def test_a_limit_counts_the_rows_that_the_reader_sees(house: House) -> None:
    """Else a reader would count by its parts the rows of other sites and purposes that lie between its own."""
    copy = Copy(house, Entitlement("one", house.site, ("statistics",)), limit=1)
    for marker in ("a", "b"):
        for _ in range(3):
            house.visit(house.arrive("marketing"), marker="another")
        house.visit(house.arrive("statistics"), marker=marker)
    assert [[row["search"] for row in told(copy)] for _ in range(3)] == [["a"], ["b"], []]


def test_with_a_limit_it_comes_in_parts_that_make_up_the_whole(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    for n in range(7):
        house.visit(visitor, when=f"2025-03-0{1 + n % 3}T12:00", marker=f"m{n}")
    copy.limit = 2
    sizes = []
    while not (changes := copy.answer()).is_whole:
        sizes.append(len(list(changes.rows())))
        copy.cursor = copy.cursors.of(changes.new)
    assert sizes == [2, 2, 2]
    assert len(list(changes.rows())) == 1


def test_a_row_that_hides_its_day_stands_beside_none_that_tells_it(house: House) -> None:
    copy = Copy(house, Entitlement("one", house.site, ("statistics", "personalisation")))
    for day in (1, 2, 3):
        house.visit(house.arrive("personalisation"), when=f"2025-03-0{day}T12:00")
        house.visit(house.arrive("statistics"), when=f"2025-03-0{day}T12:00")
    assert [row["day"] is None for row in told(copy)] == [False] * 3 + [True] * 3


# --- cursors ---------------------------------------------------------------------------------------------------------


def states() -> Iterator[CopyState]:
    yield CopyState()
    days = {date.min: DayPosition(1, 0), DAY: DayPosition(300, 128), date.max: DayPosition(2**40, 2**33)}
    yield CopyState("epoch", 2**41, 77, DAY, 3, date(2025, 1, 1), date(2025, 12, 31), days)


@pytest.mark.parametrize("state", [*states()], ids=["none", "many"])
def test_a_cursor_gives_back_its_state(house: House, copy: Copy, state: CopyState) -> None:
    assert copy.cursors.state(copy.cursors.of(state)) == state


def test_a_years_cursor_fits_into_a_header(house: House, copy: Copy) -> None:
    days = {date.fromordinal(DAY.toordinal() + n): DayPosition(27_397 + n * n, n * 31) for n in range(366)}
    assert len(copy.cursors.of(CopyState("epoch", house.now, 10**7, DAY, 9, days=days))) < 4000


@pytest.mark.parametrize("odd", ["x", "0" * 64, "é", "=", "AAAA"], ids=range(5))
def test_what_is_no_cursor_is_refused(copy: Copy, odd: str) -> None:
    with pytest.raises(CopyCursorError, match="since"):
        copy.cursors.state(odd)


def test_a_cursor_is_good_for_its_own_question_alone(house: House, copy: Copy) -> None:
    cursor, keyring, reader = copy.cursors.of(CopyState()), house.core.keyring, copy.reader
    others = [
        CopyCursors(keyring, replace(reader, consumer="two")),
        CopyCursors(keyring, replace(reader, purposes=("statistics",))),
        CopyCursors(keyring, replace(reader, recipient="Example Ads")),
        CopyCursors(keyring, reader, ["id"]),
        CopyCursors(keyring, reader, (), ["page:/"]),
    ]
    for other in others:
        with pytest.raises(CopyCursorError):
            other.state(cursor)


def test_a_cursor_expires_with_what_is_known_and_after_a_restore(house: House, copy: Copy) -> None:
    told(copy)
    assert copy.cursor
    state = copy.cursors.state(copy.cursor)
    check_known(house.core, state)
    with pytest.raises(CopyExpired, match="since=0"):
        check_known(house.core, replace(state, epoch="another"))
    house.now += 90 * DAY_MS + 1
    with pytest.raises(CopyExpired, match="since=0"):
        check_known(house.core, state)


# --- days of an earlier version --------------------------------------------------------------------------------------


def test_a_day_that_an_earlier_version_wrote_is_read_and_kept_true(house: House, copy: Copy) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.close()
    with closing(sqlite3.connect(house.folder / "data" / "events" / f"{DAY}.db")) as conn:
        conn.execute("ALTER TABLE events DROP COLUMN received_at")
        conn.execute("ALTER TABLE ended DROP COLUMN site_ref")
        conn.execute("ALTER TABLE ended DROP COLUMN purposes")
        conn.execute("DELETE FROM _sqlite_migrations WHERE name = 'm003_changes'")
        conn.commit()
    house.open()
    (row,) = told(copy)
    assert (row["received_at"], row["at"]) == (None, house.now)
    house.choose(refused=["marketing"], visitor=visitor)
    assert [(one["id"], one["purposes"]) for one in told(copy)] == [(row["id"], ["statistics"])]
