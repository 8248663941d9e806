"""The ledger on SQLite: ``data/dongui.db``."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable, Sequence

from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.values import ConsentStatus, Intent, Json, LedgerRecord, Visitor
from dongui_collector.storage.sqlite.connect import scrub
from dongui_collector.storage.sqlite.numbers import SqliteNumbers
from dongui_collector.storage.sqlite.sites import SqliteSites

_SEEN = 20_000
VISITOR_SQL = """
    SELECT v.site_ref, v.suspended, v.member, s.bit, s.state, s.seq, s.notice_ref, s.at, s.knowing
    FROM {schema}visitors v LEFT JOIN {schema}standings s ON s.visitor = v.key WHERE v.key = ?"""


def visitor_from(key: bytes, rows: Sequence[tuple]) -> Visitor | None:  # type: ignore[type-arg]
    """Build a visitor from the rows of :data:`VISITOR_SQL`."""
    if not rows:
        return None
    standings = {r[3]: ConsentStatus(r[3], r[4], r[5], r[6], r[7], bool(r[8])) for r in rows if r[3] is not None}
    return Visitor(key, rows[0][0], bool(rows[0][1]), standings, rows[0][2])


def _object(raw: bytes) -> Json | None:
    try:
        body = json.loads(raw.decode())
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


class SqliteLedger(SqliteSites, SqliteNumbers):
    """Implements :class:`~dongui_collector.storage.contract.stores.LedgerStore`."""

    def __init__(self, conn: sqlite3.Connection, mac_key: bytes) -> None:
        super().__init__(conn)
        self._mac_key = mac_key
        self._owed = True  # nobody knows what a crash came between: what was cleared may lie in the log still
        # What ingest asks again and again: valid as long as the chain has not grown but through this object.
        self._seen: dict[bytes, Visitor | None] = {}
        self._seen_at = -1

    def _undone(self) -> None:
        self._seen_at = -1

    def scrub(self) -> bool:
        """Truncate the log, so that what was cleared is gone from it too."""
        self._owed = not scrub(self.conn)
        return not self._owed

    def scrub_again(self) -> bool:
        if self._owed:
            self._owed = not scrub(self.conn, within=0)
        return not self._owed

    # -- the chain

    def append(
        self, kind: str, at: int, body: Json, *, site_ref: int | None = None, visitor: bytes | None = None
    ) -> LedgerRecord:
        count, previous, _ = self.head()
        seq, salt = count + 1, os.urandom(16)
        committed = chain.commitment(salt, chain.content(body, site_ref, visitor))
        hash_ = chain.link(previous, seq, kind, at, committed)
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        self._write(
            "INSERT INTO chain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (seq, kind, at, site_ref, visitor, text, salt, committed, hash_),
        )
        if self._seen_at == count:
            self._seen_at = seq  # our own step: whom it concerns, put_visitor and drop_visitor forget
        self._write(
            "INSERT INTO head VALUES (1, ?, ?, ?)"
            " ON CONFLICT (one) DO UPDATE SET count = excluded.count, hash = excluded.hash, mac = excluded.mac",
            (seq, hash_, chain.head_mac(self._mac_key, seq, hash_)),
        )
        return LedgerRecord(seq, kind, at, site_ref, visitor, body, salt, committed, hash_)

    def head(self) -> tuple[int, bytes, bytes]:
        """As the contract says. No head over a chain that has records: an empty MAC, which vouches for nothing."""
        ((count, hash_, mac, begun),) = self._read(
            "SELECT h.count, h.hash, h.mac, EXISTS (SELECT 1 FROM chain) FROM (SELECT 1) LEFT JOIN head h"
        )
        if count is not None:
            return count, hash_, mac
        return 0, chain.GENESIS, b"" if begun else chain.head_mac(self._mac_key, 0, chain.GENESIS)

    def records(self, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        return self._records("WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))

    def readable_records(self, after: int = 0, limit: int = 1000) -> list[tuple[LedgerRecord, bool]]:
        """Like :meth:`records`, with whether the body could be read: None stands for one that is no JSON object."""
        rows = self._read(
            "SELECT seq, kind, at, site_ref, visitor, CAST(body AS BLOB), salt, commitment, hash FROM chain"
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, limit),
        )
        found = []
        for seq, kind, at, site, visitor, raw, salt, commitment, hash_ in rows:
            body = None if raw is None else _object(raw)
            record = LedgerRecord(seq, kind, at, site, visitor, body, salt, commitment, hash_)
            found.append((record, raw is None or body is not None))
        return found

    def records_of(self, visitor: bytes) -> list[LedgerRecord]:
        return self._records("WHERE visitor = ? ORDER BY seq", (visitor,))

    def records_between(self, kind: str, first: int, end: int, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        return self._records(
            "WHERE kind = ? AND seq > ? AND at >= ? AND at < ? ORDER BY seq LIMIT ?", (kind, after, first, end, limit)
        )

    def last_of(self, kind: str) -> LedgerRecord | None:
        found = self._records("WHERE kind = ? ORDER BY seq DESC LIMIT 1", (kind,))
        return found[0] if found else None

    def of_kind(self, kind: str, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        return self._records("WHERE kind = ? AND seq > ? ORDER BY seq LIMIT ?", (kind, after, limit))

    def kept(self, kind: str) -> tuple[int, int | None]:
        sql = "SELECT count(*), min(at) FROM chain WHERE kind = ? AND body IS NOT NULL"
        ((number, oldest),) = self._read(sql, (kind,))
        return number, oldest

    def consent_record(self, id: str) -> LedgerRecord | None:
        text = f'"record":{json.dumps(id)}'  # as `append` writes it
        found = self._records("WHERE kind = 'consent' AND instr(body, ?) LIMIT 2", (text,))
        return next((record for record in found if record.body and record.body.get("record") == id), None)

    def _records(self, where: str, values: Sequence[object]) -> list[LedgerRecord]:
        rows = self._read(
            f"SELECT seq, kind, at, site_ref, visitor, body, salt, commitment, hash FROM chain {where}", values
        )
        return [
            LedgerRecord(
                seq, kind, at, site, visitor, None if body is None else json.loads(body), salt, commitment, hash_
            )
            for seq, kind, at, site, visitor, body, salt, commitment, hash_ in rows
        ]

    def erase_bodies(self, seqs: Iterable[int]) -> int:
        done = 0
        for seq in seqs:
            done += self._write(
                "UPDATE chain SET body = NULL, salt = NULL, visitor = NULL WHERE seq = ? AND salt IS NOT NULL", (seq,)
            ).rowcount
            self._write("UPDATE decisions SET key = NULL, digest = NULL, sealed = NULL WHERE seq = ?", (seq,))
        return done

    # -- consents

    def visitor(self, key: bytes) -> Visitor | None:
        return visitor_from(key, self._read(VISITOR_SQL.format(schema=""), (key,)))

    def remembered(self, key: bytes, count: int) -> Visitor | None:
        """The visitor as the ledger has it at ``count`` records, from memory where it was asked for before.

        For ingest, inside its transaction: ``count`` was read there, and nothing can change before it ends. When the
        chain
        grew otherwise than through this object everything is read again.
        """
        if count != self._seen_at:
            self._seen.clear()
            self._seen_at = count
        try:
            return self._seen[key]
        except KeyError:
            if len(self._seen) >= _SEEN:
                self._seen.pop(next(iter(self._seen)))
            found = self._seen[key] = self.visitor(key)
            return found

    def put_visitor(self, visitor: Visitor) -> None:
        self._seen.pop(visitor.key, None)
        self._write(
            "INSERT INTO visitors VALUES (?, ?, ?, ?)"
            " ON CONFLICT (key) DO UPDATE SET suspended = excluded.suspended, member = excluded.member",
            (visitor.key, visitor.site_ref, int(visitor.suspended), visitor.member),
        )
        for s in visitor.standings.values():
            self._write(
                "INSERT OR REPLACE INTO standings VALUES (?, ?, ?, ?, ?, ?, ?)",
                (visitor.key, s.bit, s.state, s.seq, s.notice_ref, s.at, int(s.knowing)),
            )

    def drop_visitor(self, key: bytes) -> None:
        self._seen.pop(key, None)
        self._write("DELETE FROM standings WHERE visitor = ?", (key,))
        self._write("DELETE FROM visitors WHERE key = ?", (key,))

    def visitors(self, after: bytes = b"", limit: int = 1000) -> list[bytes]:
        return [r[0] for r in self._read("SELECT key FROM visitors WHERE key > ? ORDER BY key LIMIT ?", (after, limit))]

    def visitors_of_member(self, member: bytes) -> list[bytes]:
        return [r[0] for r in self._read("SELECT key FROM visitors WHERE member = ? ORDER BY key", (member,))]

    def suspended(self) -> frozenset[bytes]:
        return frozenset(r[0] for r in self._read("SELECT key FROM visitors WHERE suspended = 1"))

    # -- intents

    def add_intent(self, intent: Intent) -> None:
        self._write(
            "INSERT INTO intents VALUES (?, ?, ?, ?, ?, ?)",
            (intent.seq, intent.kind, intent.site_ref, intent.visitor, intent.bits, intent.up_to),
        )

    def intents(self) -> list[Intent]:
        return [
            Intent(*r) for r in self._read("SELECT seq, kind, site_ref, visitor, bits, up_to FROM intents ORDER BY seq")
        ]

    def finish_intent(self, seq: int) -> None:
        self._write("DELETE FROM intents WHERE seq = ?", (seq,))

    # -- decisions and requests that are sent again

    def entries_of(self, visitor: bytes) -> int:
        ((number,),) = self._read("SELECT count(*) FROM chain WHERE visitor = ?", (visitor,))
        return int(number)

    def decision(self, key: bytes) -> tuple[int, bytes, bytes] | None:
        rows = self._read("SELECT seq, digest, sealed FROM decisions WHERE key = ?", (key,))
        return rows[0] if rows else None

    def keep_decision(self, key: bytes, seq: int, digest: bytes, sealed: bytes) -> None:
        self._write("INSERT INTO decisions VALUES (?, ?, ?, ?)", (seq, key, digest, sealed))

    def answer(self, key: bytes, since: int) -> bytes | None:
        rows = self._read("SELECT sealed FROM answers WHERE key = ? AND at >= ?", (key, since))
        return rows[0][0] if rows else None

    def keep_answer(self, key: bytes, at: int, sealed: bytes) -> None:
        self._write("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, at, sealed))

    def forget_answers(self, before: int) -> int:
        return self._write("DELETE FROM answers WHERE at < ?", (before,)).rowcount
