"""Sealed days: what is fixed on the ledger, which changes are explained, and that a commitment tells nothing."""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from dongui.rules.periods import Period, last_day
from dongui_collector.core.operations import perform
from dongui_collector.evidence import merkle, seals
from dongui_collector.evidence.replayed_state import ReplayedTables
from dongui_collector.evidence.seals import DayState, Seal
from dongui_collector.evidence.verify_evidence import MerkleTree as Twin
from dongui_collector.evidence.verify_evidence import last_day as twin_last_day
from dongui_collector.storage.contract.values import DayTotals, LedgerRecord, Row
from hypothesis import given
from hypothesis import strategies as st

from tests.evidence.seen import DAY, findings, live_in, seal
from tests.retention.house import ALL, House, at


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, section 2.1, written down as it stands there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:k]) + plain_root(leaves[k:])).digest()


@given(st.lists(st.binary(max_size=5), max_size=70))
def test_the_root_is_that_of_rfc_6962_at_every_length(leaves: list[bytes]) -> None:
    tree, twin = merkle.MerkleTree(), Twin()
    for number, leaf in enumerate(leaves):
        assert tree.root() == twin.root() == plain_root(leaves[:number])
        tree.add(leaf)
        twin.add(leaf)
    assert tree.root() == twin.root() == plain_root(leaves)


@given(
    st.dates(date(1990, 1, 1), date(2080, 1, 1)),
    st.integers(0, 30),
    st.integers(0, 30),
    st.integers(0, 60),
    st.integers(0, 400),
)
def test_k17_the_script_counts_periods_as_we_do(day: date, years: int, months: int, weeks: int, days: int) -> None:
    text = f"P{years}Y{months}M{weeks}W{days}D"
    if years + months + weeks + days:
        assert twin_last_day(day, text) == last_day(day, Period.parse(text))


ROW = Row(b"k" * 16, 1, b"v" * 16, 7, 3, 1, at=5, name="page_view", ip=b"sealed")


def test_a_commitment_fixes_every_column_and_tells_nothing_without_the_keys() -> None:
    key = merkle.commitment_key(b"d" * 32)
    base = merkle.commitment(key, ROW)
    changed = [
        replace(ROW, **{name: {int: 9, bytes: b"x", str: "x"}[kind]})
        for name, kind in {
            "key": bytes,
            "site_ref": int,
            "visitor": bytes,
            "seq": int,
            "purposes": int,
            "at": int,
        }.items()
    ]
    changed += [replace(ROW, **{name: "x"}) for name in ("name", "url", "referrer", "props", "search", "country", "os")]
    changed += [replace(ROW, **{name: b"x"}) for name in ("ip", "ads", "cookies")]
    found = {merkle.commitment(key, row) for row in changed}
    assert len(found) == len(changed)
    assert base not in found
    # Without the day's key, or without the row's own 128-bit key, the same content commits to something else.
    assert merkle.commitment(merkle.commitment_key(b"e" * 32), ROW) != base
    assert merkle.commitment(key, replace(ROW, key=b"?" * 16)) != base


def test_a_finished_day_is_sealed_once_and_todays_is_not(house: House) -> None:
    live_in(house)
    house.visit(house.arrive())
    records = house.core.storage.ledger.of_kind("sealed")
    days = [entry["day"] for record in records for entry in (record.body or {})["days"]]
    assert days == ["2025-03-10", "2025-03-11", "2025-03-12"]
    assert perform(house.core, "proof.seal", {}) == {"sealed": 0, "refused": []}
    assert findings(house) == []


def test_withdrawals_and_late_rows_are_explained_by_the_next_seal(house: House) -> None:
    first, _ = live_in(house)
    house.choose((), ALL, first)
    late = house.arrive()
    house.visit(late, "2025-03-12T23:00", marker="late")
    assert findings(house) == [], "between an ending and the next seal the ending itself explains the change"
    seal(house)
    (record,) = house.core.storage.ledger.of_kind("sealed", house.core.storage.ledger.head()[0] - 1)
    entries = {entry["day"]: entry for entry in (record.body or {})["days"]}
    assert entries["2025-03-12"]["rows"] == 2, "one of another visitor, one that came late"
    assert entries["2025-03-10"]["endings"]["number"] == 1
    assert entries["2025-03-10"]["before"] < record.seq
    assert findings(house) == []


def test_a_change_that_no_ending_explains_is_never_sealed_over(house: House) -> None:
    """Who edits a row and then asks for a new seal, as the collector itself would, gets none."""
    live_in(house)
    path = house.folder / "data" / "events" / f"{DAY}.db"
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("UPDATE events SET url = 'https://shop.example.com/forged' WHERE n = 1")
        conn.commit()
    house.visit(house.arrive(), f"{DAY}T23:00")
    assert perform(house.core, "proof.seal", {})["refused"] == [str(DAY)]
    assert any(f.startswith(f"day {DAY}: its rows are not those") for f in findings(house))


def test_an_ending_while_a_day_is_looked_at_is_explained_later(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A withdrawal whose certificate comes between the look and the seal's own record."""
    first, second = live_in(house)
    house.choose((), ("statistics",), first)
    events, real, done = house.core.storage.events, house.core.storage.events.tally, []

    def tally(day: date) -> DayTotals:
        found = real(day)
        if not done and day == DAY and next(calls) == 3:
            done.append(1)
            house.choose((), ("statistics",), second)
        return found

    calls = itertools.count(1)
    monkeypatch.setattr(events, "tally", tally)
    seal(house)
    assert done
    assert findings(house) == []
    seal(house)
    assert findings(house) == []


BEFORE = Seal(DAY, b"r" * 32, 10, DayTotals(12, 2, 1), 50)


@pytest.mark.parametrize(
    ("found", "endings", "word"),
    [
        (DayState(b"r" * 32, 10, b"r" * 32, DayTotals(12, 2, 1)), False, None),
        (DayState(b"s" * 32, 10, b"s" * 32, DayTotals(12, 2, 1)), True, "edited"),
        (DayState(b"s" * 32, 12, b"r" * 32, DayTotals(14, 2, 1)), False, None),
        (DayState(b"s" * 32, 12, b"s" * 32, DayTotals(14, 2, 1)), False, "edited"),
        (DayState(b"s" * 32, 9, b"s" * 32, DayTotals(12, 3, 1)), True, None),
        (DayState(b"s" * 32, 9, b"s" * 32, DayTotals(12, 3, 1)), False, "no ending"),
        (DayState(b"s" * 32, 8, b"s" * 32, DayTotals(12, 3, 1)), True, "missing"),
        (DayState(b"s" * 32, 11, b"s" * 32, DayTotals(12, 1, 1)), True, "older copy"),
        (DayState(b"s" * 32, 10, b"s" * 32, DayTotals(12, 2, 0)), True, "older copy"),
    ],
)
def test_what_of_a_change_is_explained(found: DayState, endings: bool, word: str | None) -> None:
    said = seals.complaint(BEFORE, found, endings)
    assert (said is None) == (word is None)
    assert word is None or word in str(said)


def test_a_seal_is_known_again_after_a_restart(new_house: Callable[..., House]) -> None:
    house = new_house(start="2025-03-10T12:00")
    house.add_site()
    house.approve_routine()
    live_in(house)
    house.reopen()
    assert perform(house.core, "proof.seal", {}) == {"sealed": 0, "refused": []}
    house.now = at("2025-03-14T12:00")
    assert findings(house) == []


def test_an_account_whose_records_have_aged_out_is_no_finding() -> None:
    """K12: what is known of an account ends with its records; what is still known is compared."""

    def record(seq: int, body: dict[str, str] | None) -> LedgerRecord:
        return LedgerRecord(seq, "account", seq, None, None, body, None, b"", b"")

    books = ReplayedTables()
    books.note(record(1, {"name": "kim", "role": "admin", "what": "made"}))
    assert not books.accounts_ended
    assert books.accounts == {"kim": "admin"}
    books.note(record(2, {"name": "kim", "role": "admin", "what": "removed"}))
    books.note(record(3, None))
    assert books.accounts_ended
    assert books.accounts == {}
