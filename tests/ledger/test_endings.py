"""What an ending ends, and that it is carried through once, whoever finds it open."""

from __future__ import annotations

import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import date
from functools import partial

import pytest
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.ledger.receipts import receipt
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.public import public_app
from dongui_collector.runtime.scheduler import Scheduler
from dongui_collector.storage.contract.holds import Hold
from dongui_collector.storage.sqlite import ledger
from dongui_collector.storage.sqlite.ledger import SqliteLedger

from tests.retention.house import House, at, policy


def test_one_ending_has_one_certificate_though_several_carry_it_out(house: House) -> None:
    # As in serve: the request that decided it, the upkeep's round and an operation's end may all find it open.
    visitor = house.arrive()
    for _ in range(250):
        house.visit(visitor)
    intent = house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    together = [threading.Thread(target=house.core.retention.endings.finish, args=(intent,)) for _ in range(3)]
    for thread in together:
        thread.start()
    for thread in together:
        thread.join()
    bodies = [r.body or {} for r in house.core.storage.ledger.records() if r.kind == "certificate"]
    assert [(body["of"], body["rows_destroyed"]) for body in bodies] == [(intent.seq, 250)]
    assert [entry["kind"] for entry in house.core.ledger.journal.entries()].count("erasure") == 1


def test_an_ending_that_a_hold_keeps_open_is_journalled_once_and_told_in_full(house: House) -> None:
    """It is carried out again whenever the holds are others; the journal must not grow by a line each time."""
    nobody = {"class_id": None, "visitor": None, "first_day": None, "last_day": None}
    hold = Hold(0, house.site.ref, "a claim", None, **nobody, at=house.now, ground="claim")  # type: ignore[arg-type]
    hold = house.core.retention.holds.add(hold)
    for visitor in (house.arrive(), house.arrive()):
        house.visit(visitor)
        assert house.erase(visitor).destroyed == 0
    other = house.core.retention.holds.add(hold)
    for _ in range(3):
        assert house.core.retention.endings.resume().held
    house.core.retention.holds.release(hold.id, "kim")
    assert house.core.retention.endings.resume().held
    assert [entry["kind"] for entry in house.core.ledger.journal.entries()].count("erasure") == 2
    house.core.retention.holds.release(other.id, "kim")
    assert house.core.retention.endings.resume().destroyed == 2, "the sum of both"
    assert house.rows() == []


def drop_marketing(house: House) -> None:
    """A new notice that asks for something else than marketing."""
    text = policy("v2", date(2025, 3, 11)).replace('"marketing"', '"advertising"')
    perform(house.core, "policy.publish", {"text": text.replace("purposes.marketing", "purposes.advertising")})
    house.now = at("2025-03-11T12:00")


def test_the_last_withdrawal_ends_what_a_later_notice_no_longer_asks_for(house: House) -> None:
    # Nothing would be left by which the visitor could ever withdraw it: the id goes with the last purpose.
    visitor = house.arrive("statistics", "marketing")
    house.visit(visitor)
    drop_marketing(house)
    current = house.core.registry.in_force(house.site.ref, house.now)
    assert house.choose(refused=current.policy.consent_purposes, visitor=visitor) is None
    assert house.rows() == []
    assert verify(house.core).ok
    [proof] = [r for r in house.core.storage.ledger.records() if r.body and r.body.get("withdrawn")]
    shown = receipt(proof, current, house.site)
    assert shown is not None
    assert {p["purpose"] for p in shown["purposes"] if p["event"]["state"] == "withdrawn"} == {
        "statistics",
        "marketing",
    }


def test_until_then_it_stands_under_its_own_notice(house: House) -> None:
    visitor = house.arrive("statistics", "marketing")
    house.visit(visitor)
    drop_marketing(house)
    assert house.choose(["statistics"], ["advertising"], visitor=visitor) == visitor
    assert house.choose([], ["personalisation"], visitor=visitor) == visitor
    assert [house.core.registry.notice(r.notice_ref).names(r.purposes) for r in house.rows()] == [
        ("statistics", "marketing")
    ]


def test_a_day_that_aged_out_never_begins_again_though_nothing_in_it_was_sealed(house: House) -> None:
    house.visit(house.arrive("personalisation"))
    house.now = at("2026-02-01T12:00")
    longer = policy("v2", date(2026, 2, 1)).replace('keep = "P1Y"', 'keep = "P2Y"')
    perform(house.core, "policy.publish", {"text": longer})
    house.run("2026-03-11T00:01")
    assert house.core.storage.events.days() == []
    late = house.arrive("personalisation")
    assert house.visit(late, "2025-03-10T15:00") == {"expired": 1}
    assert house.core.storage.events.days() == []
    assert verify(house.core).ok


def test_a_refusal_or_a_withdrawal_repeated_is_counted_once(house: House) -> None:
    """What a known visitor says again is no second refusal; visitors without an id cannot be told apart (DESIGN 4)."""
    visitor = house.choose(["statistics"], ["marketing"])
    for _ in range(3):
        assert house.choose(refused=["marketing"], visitor=visitor) == visitor
    assert counted(house) == {"given.statistics": 1, "refused.marketing": 1}
    assert house.choose(["personalisation"], ["statistics"], visitor=visitor) == visitor
    for _ in range(2):
        assert house.choose(refused=["statistics", "marketing"], visitor=visitor) == visitor
    once = {"given.statistics": 1, "given.personalisation": 1, "refused.marketing": 1, "withdrawn.statistics": 1}
    assert counted(house) == once
    assert house.choose(["marketing", "statistics"], visitor=visitor) == visitor
    assert house.choose(refused=["marketing"], visitor=visitor) == visitor
    assert counted(house) == {**once, "given.marketing": 1, "given.statistics": 2, "withdrawn.marketing": 1}
    assert house.choose(refused=["marketing"]) is None
    assert house.choose(refused=["marketing"]) is None
    assert counted(house)["refused.marketing"] == 3
    assert verify(house.core).ok


def counted(house: House) -> dict[str, int]:
    """The totals of consents, by state and purpose."""
    found = house.core.storage.ledger.totals(house.site.ref)
    return {name.removeprefix("consent."): n for (_, _, name), n in found.items() if name.startswith("consent.")}


# --- the ledger's own log --------------------------------------------------------------------------------------------


def consent_of(house: House, visitor: str) -> bytes:
    """What only the consent's record says, as it lies on the disk."""
    [record] = house.core.storage.ledger.records_of(house.core.ledger.key_of(visitor))
    assert record.body is not None
    return str(record.body["record"]).encode()


def test_a_crash_right_before_the_log_is_brought_home(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 2: the erasure is certified and nothing is open any more, so the next start looks after the log."""
    visitor = house.arrive()
    proof = consent_of(house, visitor)
    with monkeypatch.context() as crash:
        crash.setattr(SqliteLedger, "scrub", lambda self: True)
        house.erase(visitor)
    assert house.core.storage.ledger.intents() == []
    crashed = House.__new__(House)  # the folder as a killed process leaves it
    crashed.folder = house.folder.with_name("crashed")
    shutil.copytree(house.folder, crashed.folder)
    assert proof in crashed.bytes()
    core = open_core(Settings(folder=crashed.folder), writable=True)
    assert proof not in crashed.bytes()
    core.close()


def test_a_backup_that_reads_longer_than_an_ending_waits(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Invariant 2: what it kept in the log is gone with the next round of upkeep."""
    monkeypatch.setattr(ledger, "scrub", partial(ledger.scrub, within=0))
    visitor = house.arrive()
    proof = consent_of(house, visitor)
    with closing(sqlite3.connect(house.folder / "data" / "dongui.db", isolation_level=None)) as backup:
        backup.execute("BEGIN")
        backup.execute("SELECT count(*) FROM chain").fetchone()
        house.erase(visitor)
        Scheduler(public_app(house.core)).round()
        assert proof in house.bytes()
    Scheduler(public_app(house.core)).round()
    assert proof not in house.bytes()
