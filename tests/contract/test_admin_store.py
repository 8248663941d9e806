"""What every office store promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import pytest
from dongui_collector.core.errors import Unknown
from dongui_collector.storage.contract.access import Token
from dongui_collector.storage.contract.office_stores import MOST_COOKIES, AdminStore
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.stores import LedgerStore
from dongui_collector.storage.contract.targets import DayTarget, DestructionCertificate
from dongui_collector.storage.contract.values import Hold
from dongui_collector.storage.sqlite.admin import SqliteAdmin
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate
from msgspec.structs import replace


@dataclass
class Part:
    ledger: LedgerStore
    store: AdminStore


@pytest.fixture(params=["sqlite"])
def office(tmp_path: Path) -> Iterator[Part]:
    with closing(connect(tmp_path / "dongui.db")) as conn:
        migrate(conn, LEDGER)
        ledger = SqliteLedger(conn, b"m" * 32)
        yield Part(ledger, SqliteAdmin(ledger))


HOLD = Hold(0, 1, "수사", "형사소송법 제199조", "access_log", b"v" * 16, date(2025, 1, 1), None, 5, date(2026, 1, 1))


def test_writes_belong_to_the_ledgers_transactions(office: Part) -> None:
    with pytest.raises(RuntimeError):
        office.store.put_setting("a", {"b": 1})
    with pytest.raises(Unknown), office.ledger.writing():  # noqa: PT012 (what came before the error is the point)
        office.store.put_setting("a", {"b": 1})
        office.store.release_hold(99, 1)
    assert office.store.setting("a") is None


def test_a_hold_stands_until_released_and_then_forgets_whom_it_held(office: Part) -> None:
    with office.ledger.writing():
        hold = office.store.add_hold(HOLD)
        other = office.store.add_hold(replace(HOLD, visitor=None, reason="채권"))
    assert hold == replace(HOLD, id=hold.id)
    assert office.store.holds() == [hold, other]
    with office.ledger.writing():
        office.store.release_hold(hold.id, 9)
    assert office.store.holds() == [other]
    assert office.store.holds(active=False) == [replace(hold, visitor=None, released_at=9), other]
    for id in (hold.id, 99):
        with pytest.raises(Unknown), office.ledger.writing():
            office.store.release_hold(id, 10)


def test_a_destruction_keeps_its_steps(office: Part) -> None:
    with office.ledger.writing():
        first = office.store.add_destruction(DayTarget(day=date(2025, 3, 10)), "period", 1)
        second = office.store.add_destruction(DayTarget(day=date(2025, 3, 11)), "period", 2)
        done = replace(
            first,
            state="done",
            approved_at=3,
            approved_by="officer",
            done_at=4,
            certificate=DestructionCertificate(rows=7),
        )
        office.store.update_destruction(done)
    assert office.store.destruction(first.id) == done
    assert office.store.destruction(99) is None
    assert office.store.destructions() == [done, second]
    assert office.store.destructions(["selected", "approved"]) == [second]


def test_settings_are_replaced_and_removed(office: Part) -> None:
    with office.ledger.writing():
        office.store.put_setting("a", {"b": [1, "가"]})
        office.store.put_setting("a", {"b": 2})
        office.store.put_setting("c", {})
        office.store.put_setting("c", None)
    assert office.store.setting("a") == {"b": 2}
    assert office.store.setting("c") is None


def test_cookies_seen_are_kept_by_name(office: Part) -> None:
    with office.ledger.writing():
        office.store.seen_cookies(1, ["_ga", "cart"], 5)
        office.store.seen_cookies(1, ["_ga"], 9)
        office.store.seen_cookies(1, ["_ga"], 7)
        office.store.seen_cookies(2, ["other"], 7)
    assert office.store.cookie_inventory(1) == [
        {"name": "_ga", "first_seen": 5, "last_seen": 9},
        {"name": "cart", "first_seen": 5, "last_seen": 5},
    ]


def test_the_inventory_has_a_ceiling_and_what_was_seen_again_outlives_what_was_invented(office: Part) -> None:
    with office.ledger.writing():
        office.store.seen_cookies(2, ["other"], 1)
        for at in (1, 2):
            office.store.seen_cookies(1, ["_ga"], at)
        for at in range(3, 9):
            office.store.seen_cookies(1, [f"invented-{at}-{n}" for n in range(MOST_COOKIES // 4)], at)
    names = {one["name"] for one in office.store.cookie_inventory(1)}
    assert len(names) == MOST_COOKIES
    assert {"_ga", "invented-8-0"} <= names
    assert [one["name"] for one in office.store.cookie_inventory(2)] == ["other"]


def test_a_token_is_found_by_its_hash_until_it_is_revoked(office: Part) -> None:
    token = Token(id="t_1", role="consumer", site="s", purposes=("statistics",), created_at=1)
    with office.ledger.writing():
        office.store.add_token(token, b"h" * 32)
    assert office.store.token(b"h" * 32) == token
    assert office.store.token(b"x" * 32) is None
    with office.ledger.writing():
        assert office.store.revoke_token("t_1", 7)
        assert not office.store.revoke_token("t_1", 8)
    assert office.store.token(b"h" * 32) is None
    assert office.store.tokens() == [msgspec.structs.replace(token, revoked_at=7)]
    with office.ledger.writing():
        office.store.token_used("t_1", date(2026, 11, 23))
        office.store.token_used("t_1", date(2026, 11, 24))
    assert office.store.tokens() == [msgspec.structs.replace(token, revoked_at=7, last_used="2026-11-24")]


def test_requests_are_changed_closed_and_destroyed(office: Part, tmp_path: Path) -> None:
    with office.ledger.writing():
        made = [StoredRequest(1, "access", at=n, text=f"person-{n:04}" * 9) for n in range(200)]
        ids = [office.store.add_request(one) for one in made]
        changed = StoredRequest(1, "access", ids[1], at=1, text="person-0001" * 9, closed_at=9, sealed="given" * 200)
        office.store.update_request(changed)
    assert ids == sorted(set(ids))
    assert office.store.request(ids[1]) == changed
    assert len(office.store.requests()) == 200
    listed = office.store.request_page(date(2099, 1, 1), closed=False, offset=0, limit=-1)
    assert ids[1] not in [r.id for r in listed]
    with office.ledger.writing():
        assert office.store.destroy_requests(ids) == 200
        assert office.store.destroy_requests(ids) == 0
        assert office.store.add_request(StoredRequest(1, "access")) > max(ids), "a number is never given twice"
    assert office.store.request(ids[0]) is None
    with pytest.raises(Unknown), office.ledger.writing():
        office.store.update_request(StoredRequest(1, "access", ids[0]))
    assert office.ledger.scrub()
    assert b"person-" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())
