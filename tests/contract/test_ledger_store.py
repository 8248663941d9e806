"""What every ledger store must do (storage/contract/stores.py, LedgerStore)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.stores import LedgerStore
from dongui_collector.storage.contract.values import ConsentStatus, FrozenNumbers, Intent, Json, Visitor
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate

KEY = b"v" * 16


@pytest.fixture(params=["sqlite"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[LedgerStore]:
    conn = connect(tmp_path / "dongui.db")
    migrate(conn, LEDGER)
    yield SqliteLedger(conn, b"k" * 32)
    conn.close()


def test_a_write_outside_a_transaction_is_refused(ledger: LedgerStore) -> None:
    with pytest.raises(RuntimeError, match="writing"):
        ledger.append("x", 1, {})


def test_a_transaction_is_all_or_nothing_and_nests(ledger: LedgerStore) -> None:
    def fail() -> None:
        with ledger.writing():
            ledger.append("x", 1, {})
            with ledger.writing():
                ledger.append("y", 2, {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert ledger.head()[0] == 0
    assert ledger.records() == []


def test_the_chain_links_every_record(ledger: LedgerStore) -> None:
    with ledger.writing():
        made = [ledger.append("consent", n, {"n": n}, site_ref=1, visitor=KEY) for n in range(1, 6)]
    previous = chain.GENESIS
    for record in ledger.records():
        assert record.salt is not None
        assert record.body is not None
        committed = chain.commitment(record.salt, chain.content(record.body, record.site_ref, record.visitor))
        assert committed == record.commitment
        assert chain.link(previous, record.seq, record.kind, record.at, committed) == record.hash
        previous = record.hash
    assert ledger.records() == made
    assert ledger.records(after=3) == made[3:]
    assert ledger.records_of(KEY) == made
    assert ledger.last_of("consent") == made[-1]
    count, head, mac = ledger.head()
    assert (count, head, mac) == (5, previous, chain.head_mac(b"k" * 32, 5, previous))


def test_erasing_bodies_keeps_the_links(ledger: LedgerStore, tmp_path: Path) -> None:
    with ledger.writing():
        ledger.append("consent", 1, {"text": "SENTINEL"}, site_ref=1, visitor=KEY)
        ledger.append("consent", 2, {}, site_ref=1)
    before = [(r.commitment, r.hash) for r in ledger.records()]
    with ledger.writing():
        assert ledger.erase_bodies([1]) == 1
        assert ledger.erase_bodies([1]) == 0
    gone = ledger.records()[0]
    assert (gone.body, gone.salt, gone.visitor) == (None, None, None)
    assert [(r.commitment, r.hash) for r in ledger.records()] == before
    assert ledger.records_of(KEY) == []


def test_a_consent_record_is_found_by_its_id_until_it_is_erased(ledger: LedgerStore) -> None:
    with ledger.writing():
        for number in range(3):
            ledger.append("consent", number, {"record": f"r-{number}", "notice": "r-9"}, visitor=b"v" * 16)
        ledger.append("audit", 4, {"record": "r-4"})
    found = ledger.consent_record("r-1")
    assert found
    assert found.seq == 2
    assert ledger.consent_record("r-4") is None
    assert ledger.consent_record("r-9") is None
    with ledger.writing():
        ledger.erase_bodies([2])
    assert ledger.consent_record("r-1") is None


def test_visitors_and_standings(ledger: LedgerStore) -> None:
    standings = {0: ConsentStatus(0, "given", 3, 1, 10, knowing=True), 2: ConsentStatus(2, "withdrawn", 4, 1, 11)}
    with ledger.writing():
        ledger.put_visitor(Visitor(KEY, 1, False, standings, member=b"m" * 16))
    assert ledger.visitor(KEY) == Visitor(KEY, 1, False, standings, member=b"m" * 16)
    assert ledger.visitors_of_member(b"m" * 16) == [KEY]
    with ledger.writing():
        ledger.put_visitor(Visitor(KEY, 1, True, {}, member=None))
    found = ledger.visitor(KEY)
    assert found is not None
    assert (found.suspended, found.member, dict(found.standings)) == (True, None, standings)
    with ledger.writing():
        ledger.drop_visitor(KEY)
    assert ledger.visitor(KEY) is None


def test_k10_who_is_suspended_is_listed_until_resumed_or_dropped(ledger: LedgerStore) -> None:
    other = b"w" * 16
    with ledger.writing():
        ledger.put_visitor(Visitor(KEY, 1, True, {}))
        ledger.put_visitor(Visitor(other, 1, True, {}))
    assert ledger.suspended() == {KEY, other}
    with ledger.writing():
        ledger.put_visitor(Visitor(KEY, 1, False, {}))
        ledger.drop_visitor(other)
    assert ledger.suspended() == frozenset()


def test_intents_stay_until_finished(ledger: LedgerStore) -> None:
    one, two = Intent(1, "withdrawal", 1, KEY, 0b10, 1), Intent(2, "erasure", 1, KEY, -1, 2)
    with ledger.writing():
        ledger.add_intent(two)
        ledger.add_intent(one)
    assert ledger.intents() == [one, two]
    with ledger.writing():
        ledger.finish_intent(1)
    assert ledger.intents() == [two]


def test_sites_notices_and_bits(ledger: LedgerStore) -> None:
    with ledger.writing():
        site = ledger.add_site("s_1", "shop", ["https://shop.example.com"], b"h", b"a")
        notice = ledger.add_notice(site.ref, "v1", date(2026, 1, 1), 5, "schema = 1")
        assert ledger.assign_bits(site.ref, ["a", "b"]) == {"a": 0, "b": 1}
        assert ledger.assign_bits(site.ref, ["c", "a"]) == {"a": 0, "b": 1, "c": 2}
        ledger.set_origins(site.ref, ["https://www.example.com"])
    assert ledger.notices(site.ref) == [notice]
    assert ledger.sites()[0].origins == ("https://www.example.com",)
    assert ledger.bits(site.ref) == {"a": 0, "b": 1, "c": 2}


def test_answers_are_forgotten(ledger: LedgerStore) -> None:
    with ledger.writing():
        ledger.keep_answer(b"k", 100, b"sealed")
    assert ledger.answer(b"k", 100) == b"sealed"
    assert ledger.answer(b"k", 101) is None
    with ledger.writing():
        assert ledger.forget_answers(101) == 1
    assert ledger.answer(b"k", 0) is None


def test_totals_add_up(ledger: LedgerStore) -> None:
    day = date(2026, 11, 23)
    with ledger.writing():
        ledger.add_totals(day, 1, {"a": 2, "b": 1})
        ledger.add_totals(day, 1, {"a": 3})
        ledger.add_totals(day, 2, {"a": 7})
    assert ledger.totals(1) == {(day, 1, "a"): 5, (day, 1, "b"): 1}
    assert len(ledger.totals()) == 3
    assert ledger.totals(1, day) == ledger.totals(1)
    assert ledger.totals(1, day + timedelta(days=1)) == {}


def test_numbers_are_frozen_once_and_found_by_day(ledger: LedgerStore) -> None:
    day, next_day = date(2026, 11, 23), date(2026, 11, 24)
    body: Json = {"rows": [[["가"], [1, 2]]]}
    with ledger.writing():
        both: dict[str, dict[str, Json]] = {"a.b": {"pages": body, "overview": {}}, "a": {"pages": {}}}
        assert ledger.freeze(day, 1, "dongui", both) == ["a.b", "a"]
        assert ledger.freeze(day, 1, "dongui", {"a.b": {"pages": {"rows": []}}, "b": {"pages": {}}}) == ["b"]
        assert ledger.freeze(next_day, 1, "plausible", {"a.b": {"pages": {}}}) == ["a.b"]
        assert ledger.freeze(day, 2, "dongui", {"a.b": {"pages": {}}}) == ["a.b"]
    found = ledger.frozen(1, "pages", ["a.b"], day, next_day)
    assert found == [FrozenNumbers(day, "a.b", "dongui", body), FrozenNumbers(next_day, "a.b", "plausible", {})]
    assert ledger.frozen(1, "pages", ["a.b"], next_day, next_day) == found[1:]
    assert {kept.purposes for kept in ledger.frozen(1, "pages", [], day, day)} == {"a.b", "a", "b"}
    assert ledger.frozen(1, "sources", [], day, next_day) == []
    assert ledger.frozen_days(1, "dongui", day, next_day) == [day]
    assert (
        ledger.frozen_days(1, "plausible", day, next_day) == [] == ledger.frozen_days(1, "dongui", next_day, next_day)
    )
