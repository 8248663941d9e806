"""Console accounts and their sessions on SQLite: in ``data/dongui.db``, in the ledger's own transactions.

A new version is appended and the old one cleared in place, so that no row grows and is moved (docs/decisions/001).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from dongui_collector.storage.contract.access import Account
from dongui_collector.storage.contract.values import Session
from dongui_collector.storage.sqlite.ledger import SqliteLedger

_SESSION = "hash, account, started_at, seen_at, address, narrow"


class SqliteAccounts:
    """Implements :class:`~dongui_collector.storage.contract.stores.AccountStore`."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._read = ledger._read
        self._write = ledger._write

    # -- accounts

    def put(self, account: Account) -> None:
        self.remove(account.id)
        self._write("INSERT INTO people (id, body) VALUES (?, ?)", (account.id, msgspec.json.encode(account).decode()))

    def remove(self, id: str) -> bool:
        return bool(self._write("UPDATE people SET id = NULL, body = NULL WHERE id = ?", (id,)).rowcount)

    def account(self, name: str) -> Account | None:
        return next((account for account in self.accounts() if account.name == name), None)

    def by_id(self, id: str) -> Account | None:
        rows = self._read("SELECT body FROM people WHERE id = ?", (id,))
        return _account(rows[0][0]) if rows else None

    def accounts(self) -> list[Account]:
        found = [_account(body) for (body,) in self._read("SELECT body FROM people WHERE id IS NOT NULL")]
        return sorted(found, key=lambda account: account.name)

    # -- sessions

    def begin(self, session: Session) -> None:
        s = session
        self._write(
            f"INSERT INTO sessions ({_SESSION}) VALUES (?, ?, ?, ?, ?, ?)",
            (s.hash, s.account, s.started_at, s.seen_at, s.address, int(s.narrow)),
        )

    def session(self, hash: bytes) -> Session | None:
        rows = self._read(f"SELECT {_SESSION} FROM sessions WHERE hash = ?", (hash,))
        return _session(rows[0]) if rows else None

    def sessions(self, account: str | None = None) -> list[Session]:
        rows = self._read(
            f"SELECT {_SESSION} FROM sessions WHERE hash IS NOT NULL AND (?1 IS NULL OR account = ?1) ORDER BY n",
            (account,),
        )
        return [_session(row) for row in rows]

    def seen(self, hash: bytes, at: int) -> None:
        self._write("UPDATE sessions SET seen_at = ? WHERE hash = ?", (at, hash))

    def end(self, *, hash: bytes | None = None, account: str | None = None) -> int:
        return self._write(
            "UPDATE sessions SET hash = NULL, account = NULL, started_at = NULL, seen_at = NULL, address = NULL"
            " WHERE hash IS NOT NULL AND (?1 IS NULL OR hash = ?1) AND (?2 IS NULL OR account = ?2)",
            (hash, account),
        ).rowcount

    def end_before(self, started: int, seen: int) -> int:
        return self._write(
            "UPDATE sessions SET hash = NULL, account = NULL, started_at = NULL, seen_at = NULL, address = NULL"
            " WHERE hash IS NOT NULL AND (started_at < ? OR seen_at < ?)",
            (started, seen),
        ).rowcount


def _account(body: str) -> Account:
    return msgspec.json.decode(body, type=Account)


def _session(row: Sequence[Any]) -> Session:
    hash, account, started_at, seen_at, address, narrow = row
    return Session(hash, account, started_at, seen_at, address, bool(narrow))
