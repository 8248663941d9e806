"""What every store of accounts and sessions promises."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from dongui_collector.storage.contract.access import Account, Attempts
from dongui_collector.storage.contract.stores import AccountStore, LedgerStore
from dongui_collector.storage.contract.values import Session
from dongui_collector.storage.sqlite.accounts import SqliteAccounts
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate


@dataclass
class Part:
    store: AccountStore
    ledger: LedgerStore


@pytest.fixture(params=["sqlite"])
def people(tmp_path: Path) -> Iterator[Part]:
    conn = connect(tmp_path / "dongui.db")
    migrate(conn, LEDGER)
    ledger = SqliteLedger(conn, b"m" * 32)
    yield Part(SqliteAccounts(ledger), ledger)
    conn.close()


def account(id: str, name: str, failures: int = 0) -> Account:
    attempts = {"here": Attempts(failures, 7)} if failures else {}
    return Account(id=id, name=name, role="officer", password="hash-of-" + id, attempts=attempts)


def test_accounts_are_found_by_name_and_by_id(people: Part) -> None:
    with people.ledger.writing():
        people.store.put(account("a_2", "kim"))
        people.store.put(account("a_1", "lee"))
        people.store.put(account("a_2", "kim", failures=2))
    assert people.store.account("kim") == account("a_2", "kim", failures=2)
    assert people.store.by_id("a_1") == account("a_1", "lee")
    assert (people.store.account("nobody"), people.store.by_id("a_9")) == (None, None)
    assert [a.name for a in people.store.accounts()] == ["kim", "lee"]


def test_nothing_of_a_removed_account_is_left_in_any_byte(people: Part, tmp_path: Path) -> None:
    with people.ledger.writing():
        for n in range(300):
            people.store.put(account(f"a_{n}", f"person-{n:04}" * 5))
        for n in range(300):
            people.store.put(account(f"a_{n}", f"person-{n:04}" * 7, failures=n))
    with people.ledger.writing():
        assert all(people.store.remove(f"a_{n}") for n in range(300))
        assert not people.store.remove("a_0")
    assert people.ledger.scrub()
    assert b"person-" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def session(n: int, who: str = "a_1", *, started: int = 100, seen: int = 100) -> Session:
    return Session(bytes([n]) * 32, who, started, seen, "192.0.2.1")


def test_a_session_lasts_until_it_is_ended(people: Part) -> None:
    store = people.store
    with people.ledger.writing():
        for made in (session(1), session(2), session(3, "a_2")):
            store.begin(made)
        store.seen(session(1).hash, 900)
    assert store.session(session(1).hash) == session(1, seen=900)
    assert store.session(b"x" * 32) is None
    assert [s.hash[0] for s in store.sessions("a_1")] == [1, 2]
    with people.ledger.writing():
        assert store.end(hash=session(1).hash) == 1
    assert store.session(session(1).hash) is None
    with people.ledger.writing():
        assert store.end(account="a_1") == 1
    assert [s.hash[0] for s in store.sessions()] == [3]
    with people.ledger.writing():
        assert store.end() == 1
    assert store.sessions() == []


@pytest.mark.parametrize(("started", "seen", "stays"), [(100, 100, True), (101, 100, False), (100, 101, False)])
def test_old_and_idle_sessions_end_together(people: Part, started: int, seen: int, stays: bool) -> None:
    with people.ledger.writing():
        people.store.begin(session(1, started=100, seen=100))
        people.store.end_before(started, seen)
    assert bool(people.store.sessions()) is stays


def test_accounts_of_an_older_folder_are_taken_over(tmp_path: Path) -> None:
    conn = connect(tmp_path / "old.db")
    conn.execute("CREATE TABLE accounts (name TEXT PRIMARY KEY, role TEXT, password_hash TEXT)")
    conn.execute("INSERT INTO accounts VALUES ('admin', 'admin', 'its hash')")
    from dongui_collector.storage.sqlite.migrations import m_people
    from sqlite_utils import Database

    m_people(Database(conn, execute_plugins=False))
    [found] = SqliteAccounts(SqliteLedger(conn, b"m" * 32)).accounts()
    assert (found.name, found.role, found.password) == ("admin", "admin", "its hash")
    assert found.id.startswith("a_")
    conn.close()


def test_an_account_of_an_earlier_version_is_read(people: Part, tmp_path: Path) -> None:
    """Without a version, with counters that no longer are, and with lists where there are tuples."""
    before = {"id": "a_1", "name": "kim", "role": "officer", "password": "hash", "failures": 3, "wait_until": 9}
    before |= {"factor": "00", "factor_step": 5, "recovery": ["one", "two"]}
    with closing(sqlite3.connect(tmp_path / "dongui.db")) as raw, raw:
        raw.execute("INSERT INTO people (id, body) VALUES ('a_1', ?)", (json.dumps(before),))
    found = people.store.by_id("a_1")
    assert found == Account(
        id="a_1", name="kim", role="officer", password="hash", factor="00", factor_step=5, recovery=("one", "two")
    )
