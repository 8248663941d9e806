"""Line 2 of the attacker's review: nobody's grants and withdrawals hold up another's erasure.

Counted are the days that are opened, the batches and the order, never the time.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

import pytest
from dongui_collector.core.turns import FairTurns, Whose
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.ledger.service import Decision
from dongui_collector.retention import endings
from dongui_collector.retention.executor import Executor
from dongui_collector.storage.contract.targets import Target, VisitorTarget
from dongui_collector.storage.contract.values import Intent, RowEnding
from dongui_collector.storage.sqlite.days import SqliteDays
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.conftest import house, new_house
from tests.retention.house import ALL, House, at

__all__ = ["house", "new_house"]

FIRST = date(2025, 3, 10)
STORED = 12  # days that hold something of the victim


def key(number: int) -> bytes:
    return hashlib.sha256(str(number).encode()).digest()[:16]


@pytest.fixture
def year(house: House) -> House:
    """Finished days that hold rows of one visitor, sealed; and the store knows whose they are."""
    house.victim = house.arrive()  # type: ignore[attr-defined]
    for n in range(STORED):
        house.now = at(f"{FIRST + timedelta(days=n)}T12:00")
        house.visit(house.victim)  # type: ignore[attr-defined]
    house.now = at(f"{FIRST + timedelta(days=STORED)}T12:00")
    for day in house.core.storage.events.unsealed(FIRST + timedelta(days=STORED)):
        house.core.storage.events.seal(day)
    house.core.storage.events.prepare()
    return house


@contextmanager
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[date, int]]]:
    """The days that endings open, with how many endings each opening serves."""
    found: list[tuple[date, int]] = []
    real = SqliteDays.end_all

    def watched(self: SqliteDays, day: date, parts: Sequence[RowEnding], reduce: Any) -> Any:
        found.append((day, len(parts)))
        return real(self, day, parts, reduce)

    with monkeypatch.context() as patch:
        patch.setattr(SqliteDays, "end_all", watched)
        yield found


def decided(house: House, visitor: str, *refused: str) -> Intent:
    """A withdrawal on the ledger that is not carried out yet."""
    notice = house.core.registry.in_force(house.site.ref, house.now)
    with house.core.storage.ledger.writing():
        outcome = house.core.ledger.choose(notice, visitor, Decision((), refused, "banner", "ko", {}, None))
    assert outcome.intent is not None
    return outcome.intent


# --- only days that hold something are opened ------------------------------------------------------------------------


def test_a_grant_and_withdraw_loop_opens_no_day_that_holds_nothing_of_it(
    year: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(monkeypatch) as days:
        for _ in range(5):
            attacker = year.arrive()
            year.choose((), ALL, attacker)
    assert days == [], "not one of the stored days"
    assert len(year.rows()) == STORED


def test_a_loop_with_events_of_today_opens_today_alone(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    today = FIRST + timedelta(days=STORED)
    with opened(monkeypatch) as days:
        for _ in range(5):
            attacker = year.arrive()
            year.visit(attacker)
            year.choose((), ALL, attacker)
    assert {day for day, _ in days} == {today}
    assert len(days) == 5


def test_an_erasure_opens_the_days_of_its_visitor_each_once(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(monkeypatch) as days:
        year.erase(year.victim)  # type: ignore[attr-defined]
    assert sorted(day for day, _ in days) == [FIRST + timedelta(days=n) for n in range(STORED)]
    assert year.rows() == []


def test_after_a_start_nothing_is_missed_though_nothing_is_known_yet(year: House) -> None:
    year.reopen()
    year.erase(year.victim)  # type: ignore[attr-defined]
    assert year.rows() == []
    assert b"sentinel" not in year.bytes()


def test_late_rows_in_a_sealed_day_are_found(year: House) -> None:
    late = year.arrive()
    year.core.ledger.key_of(late)
    year.visit(late, when=f"{FIRST + timedelta(days=2)}T13:00", marker="late")
    year.erase(late)
    assert "late" not in year.markers()
    assert len(year.rows()) == STORED


def test_whoever_keeps_a_row_in_a_day_is_found_there_again(year: House) -> None:
    victim: str = year.victim  # type: ignore[attr-defined]
    year.choose((), ("marketing",), victim)
    assert len(year.rows()) == STORED, "reduced, not destroyed"
    year.erase(victim)
    assert year.rows() == []


def test_what_tells_the_days_forgets_with_the_rows_and_is_on_no_disk(year: House) -> None:
    """No new trace: eight bytes of the key are neither in memory nor in a file once the rows are gone."""
    store = year.core.storage.events
    victim = year.core.ledger.key_of(year.victim)  # type: ignore[attr-defined]
    other = year.arrive()
    year.visit(other, when=f"{FIRST + timedelta(days=1)}T13:00")
    days = [FIRST + timedelta(days=n) for n in range(STORED)]
    assert set(store.days_of({victim})) == set(days)
    year.erase(year.victim)  # type: ignore[attr-defined]
    assert store.days_of({victim}) == {}
    assert set(store.days_of({year.core.ledger.key_of(other)})) == {days[1]}
    assert victim[:8] not in year.bytes("data", "keys")
    store.destroy(days[1])
    assert store.days_of({year.core.ledger.key_of(other)}) == {}


def test_a_log_that_a_crash_left_is_looked_at_again(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows are cleared, the log is not: the day is opened for whomever, until it is."""
    with monkeypatch.context() as crash:
        crash.setattr(SqliteDays, "_scrub", lambda self, conn, day: False)
        with pytest.raises(Exception, match="kept the log of this day open"):
            year.erase(year.victim)  # type: ignore[attr-defined]
    year.core.retention.endings.resume()
    assert year.rows() == []
    assert b"sentinel" not in year.bytes()


# --- a hundred cost hardly more than one -----------------------------------------------------------------------------


def test_endings_that_come_at_once_share_one_opening_of_each_day(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitors = [year.arrive() for _ in range(40)]
    for visitor in visitors:
        for n in (1, 2, 3):
            year.visit(visitor, when=f"{FIRST + timedelta(days=n)}T13:00")
    intents = [year.core.ledger.erase(year.core.ledger.key_of(v), "request") for v in visitors]
    with opened(monkeypatch) as days:
        ended = year.core.retention.endings.resume()
    assert [n for _, n in sorted(days)] == [40, 40, 40]
    assert ended.destroyed == 120
    bodies = [r.body or {} for r in year.core.storage.ledger.records() if r.kind == "certificate"]
    assert {(b["of"], b["rows_destroyed"], b["days"]) for b in bodies} == {(i.seq, 3, 3) for i in intents}
    assert [str(f) for f in verify(year.core).findings] == []


def test_two_endings_of_one_visitor_in_one_batch_end_what_each_names(year: House) -> None:
    victim: str = year.victim  # type: ignore[attr-defined]
    first = decided(year, victim, "marketing")
    second = decided(year, victim, "statistics")
    year.core.retention.endings.resume()
    notice = year.core.registry.in_force(year.site.ref, year.now)
    assert {notice.names(row.purposes) for row in year.rows()} == {("personalisation",)}
    bodies = {(r.body or {})["of"]: r.body for r in year.core.storage.ledger.records() if r.kind == "certificate"}
    assert set(bodies) == {first.seq, second.seq}


def test_one_that_fails_keeps_none_of_the_others(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitors = [year.arrive() for _ in range(3)]
    intents = [year.core.ledger.erase(year.core.ledger.key_of(v), "request") for v in visitors]
    real = Executor.execute

    def broken(self: Executor, targets: Sequence[Target]) -> Any:
        if any(t.of == intents[1].seq for t in targets):
            raise OSError("broken")
        return real(self, targets)

    with monkeypatch.context() as patch:
        patch.setattr(Executor, "execute", broken)
        with pytest.raises(OSError, match="broken"):
            year.core.retention.endings.resume()
    assert [i.seq for i in year.core.storage.ledger.intents()] == [intents[1].seq]
    year.core.retention.endings.resume()
    assert year.core.storage.ledger.intents() == []


# --- fair turns ------------------------------------------------------------------------------------------------------


def place(taken: Sequence[object], item: object) -> int:
    return taken.index(item)


@pytest.mark.parametrize("sources", ["one address", "an address each", "the lone one's own address"])
def test_invented_visitors_delay_a_lone_one_by_no_more_than_a_batch(sources: str) -> None:
    turns: FairTurns[str] = FairTurns()
    for n in range(1000):
        source = "carrier" if sources == "the lone one's own address" else "attacker"
        turns.add(Whose(1, str(n) if sources == "an address each" else source, key(n)), f"flood {n}")
    lone = "carrier" if sources == "the lone one's own address" else "home"
    turns.add(Whose(1, lone, b"lone"), "lone")
    assert "lone" in turns.take(endings.BATCH)


@pytest.mark.parametrize("waiting", [5, 3000])
@pytest.mark.parametrize("come_later", [0, 3000])
def test_a_flood_at_one_site_takes_one_turn_beside_each_of_another(waiting: int, come_later: int) -> None:
    """From addresses of their own, before and after: how many wait at one site does not matter at another."""
    turns: FairTurns[str] = FairTurns()
    for n in range(waiting):
        turns.add(Whose(1, str(n), key(n)), "flood")
    for n in range(3):
        turns.add(Whose(2, f"home {n}", key(-n - 1)), f"lone {n}")
    for n in range(come_later):
        turns.add(Whose(1, f"late {n}", key(waiting + n)), "flood")
    assert [item for item in turns.take(8) if item != "flood"] == ["lone 0", "lone 2", "lone 1"]


def test_one_visitors_loop_takes_one_turn_among_others_behind_the_same_carrier() -> None:
    turns: FairTurns[str] = FairTurns()
    for n in range(500):
        turns.add(Whose(1, "carrier", b"loop"), f"loop {n}")
    for n in range(20):
        turns.add(Whose(1, "carrier", key(n)), f"honest {n}")
    taken = turns.take(64)
    assert {f"honest {n}" for n in range(20)} <= set(taken)
    assert [item for item in taken if item.startswith("loop")] == [f"loop {n}" for n in range(44)], "their own order"


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 5)), max_size=80), st.integers(1, 9))
def test_everything_is_taken_once_and_each_visitors_in_order(arrivals: list[tuple[int, int, int]], most: int) -> None:
    turns: FairTurns[tuple[int, int, int, int]] = FairTurns()
    for number, (site, source, visitor) in enumerate(arrivals):
        turns.add(Whose(site, str(source), bytes([visitor])), (site, source, visitor, number))
    taken = []
    while turns:
        batch = turns.take(most)
        assert 0 < len(batch) <= most
        taken += batch
    assert sorted(n for *_, n in taken) == list(range(len(arrivals)))
    for whose in set(arrivals):
        own = [n for *who, n in taken if tuple(who) == whose]
        assert own == sorted(own)


@given(st.integers(20, 200))
def test_whoever_waits_longest_is_never_passed_over_for_ever(flood: int) -> None:
    """Newcomers keep coming, three for every turn that there is, and still everyone's turn comes."""
    turns: FairTurns[str] = FairTurns()
    for n in range(20):
        turns.add(Whose(1, str(-n - 1), b"v"), f"old {n}")
    taken: list[str] = []
    for n in range(flood * 3):
        turns.add(Whose(1, str(n), b"v"), f"new {n}")
        if n % 3 == 0:
            taken += turns.take(1)
    served = sum(1 for item in taken if item.startswith("old"))
    assert served >= min(20, flood // 3)


def test_the_lone_erasure_is_in_the_next_batch(year: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the queue itself: a flood waits, one batch runs, the lone one comes meanwhile."""
    monkeypatch.setattr(endings, "BATCH", 4)
    queue, batches = year.core.retention.endings, list[list[int]]()
    began, go_on = threading.Event(), threading.Event()
    real = Executor.execute

    def slowly(self: Executor, targets: Sequence[Target]) -> Any:
        batches.append([t.of for t in targets if isinstance(t, VisitorTarget)])
        began.set()
        assert go_on.wait(60)
        return real(self, targets)

    monkeypatch.setattr(Executor, "execute", slowly)
    flood = [year.core.ledger.erase(year.core.ledger.key_of(year.arrive()), "request") for _ in range(20)]
    for intent in flood:
        queue.submit(intent, "attacker")
    worker = threading.Thread(target=queue.drain)
    worker.start()
    assert began.wait(60)
    lone = year.core.ledger.erase(year.core.ledger.key_of(year.victim), "request")  # type: ignore[attr-defined]
    waiting = queue.submit(lone, "home")
    go_on.set()
    assert waiting.result(timeout=60).destroyed == STORED
    worker.join(60)
    assert lone.seq in batches[1]
    assert year.core.storage.ledger.intents() == []
    assert [len(batch) for batch in batches[:5]] == [4] * 5


def test_whoever_asks_twice_waits_for_one_ending(house: House) -> None:
    intent = house.core.ledger.erase(house.core.ledger.key_of(house.arrive()), "request")
    first, again = (house.core.retention.endings.submit(intent, "x") for _ in range(2))
    assert first is again
    house.core.retention.endings.drain()
    assert first.done()
