"""The books of officers on SQLite: tables of ``data/dongui.db`` beside the ledger, in the ledger's own transactions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec

from dongui_collector.core.errors import Unknown
from dongui_collector.storage.contract.access import Token
from dongui_collector.storage.contract.office_stores import MOST_COOKIES
from dongui_collector.storage.contract.requests import VERSION, StoredRequest
from dongui_collector.storage.contract.targets import DestructionCertificate, SelectedTarget, decode, encode
from dongui_collector.storage.contract.values import Destruction, DestructionState, Hold, Json
from dongui_collector.storage.sqlite.ledger import SqliteLedger

_HOLD = "id, site_ref, reason, statute, class_id, visitor, first_day, last_day, at, until, released_at, ground"
_DESTRUCTION = (
    "id, state, what, reason, selected_at, approved_at, approved_by, done_at, certificate, due, selected_by,"
    " selected_seq"
)
# Of a privacy request: what lists order and find by, beside its body.
_LISTED = ("due", "closed", "nothing_held", "visitor", "member")


class SqliteAdmin:
    """Implements :class:`~dongui_collector.storage.contract.stores.AdminStore`."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._read = ledger._read
        self._write = ledger._write

    # -- holds

    def add_hold(self, hold: Hold) -> Hold:
        days = tuple(day and day.isoformat() for day in (hold.first_day, hold.last_day))
        values = (hold.site_ref, hold.reason, hold.statute, hold.class_id, hold.visitor, *days, hold.at)
        id = self._write(
            "INSERT INTO holds (site_ref, reason, statute, class_id, visitor, first_day, last_day, at, until, ground)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, hold.until and hold.until.isoformat(), hold.ground),
        ).lastrowid
        for visitor in sorted(hold.joined):
            self._write("INSERT INTO hold_joined (hold, visitor) VALUES (?, ?)", (id, visitor))
        return msgspec.structs.replace(hold, id=id or 0, released_at=None)

    def release_hold(self, id: int, at: int) -> None:
        sql = "UPDATE holds SET released_at = ?, visitor = NULL WHERE id = ? AND released_at IS NULL"
        if not self._write(sql, (at, id)).rowcount:
            raise Unknown(f"there is no legal hold {id} that could be released; see `dongui holds list`")
        self._write("UPDATE hold_joined SET hold = NULL, visitor = NULL WHERE hold = ?", (id,))

    def join_hold(self, subject: bytes, visitor: bytes) -> None:
        for hold in self.holds():
            if hold.visitor == subject and visitor not in hold.whom:
                self._write("INSERT INTO hold_joined (hold, visitor) VALUES (?, ?)", (hold.id, visitor))

    def holds(self, *, active: bool = True) -> list[Hold]:
        condition = "WHERE released_at IS NULL" if active else ""
        joined: dict[int, set[bytes]] = {}
        for hold, visitor in self._read("SELECT hold, visitor FROM hold_joined WHERE hold IS NOT NULL"):
            joined.setdefault(hold, set()).add(visitor)
        found = [_hold(row) for row in self._read(f"SELECT {_HOLD} FROM holds {condition} ORDER BY id")]
        return [msgspec.structs.replace(h, joined=frozenset(joined.get(h.id, ()))) for h in found]

    # -- destructions

    def add_destruction(
        self, target: SelectedTarget, reason: str, at: int, *, due: date | None = None, by: str = ""
    ) -> Destruction:
        id = self._write(
            "INSERT INTO destructions (state, what, reason, selected_at, due, selected_by)"
            " VALUES ('selected', ?, ?, ?, ?, ?)",
            (encode(target), reason, at, due and due.isoformat(), by),
        ).lastrowid
        return Destruction(id or 0, "selected", target, reason, at, due=due, selected_by=by)

    def update_destruction(self, destruction: Destruction) -> None:
        d = destruction
        self._write(
            "UPDATE destructions SET state = ?, what = ?, reason = ?, approved_at = ?, approved_by = ?, done_at = ?,"
            " certificate = ?, due = ?, selected_by = ?, selected_seq = ? WHERE id = ?",
            (
                d.state,
                encode(d.target),
                d.reason,
                d.approved_at,
                d.approved_by,
                d.done_at,
                d.certificate and _text(msgspec.to_builtins(d.certificate)),
                d.due and d.due.isoformat(),
                d.selected_by,
                d.selected_seq,
                d.id,
            ),
        )

    def destruction(self, id: int) -> Destruction | None:
        rows = self._read(f"SELECT {_DESTRUCTION} FROM destructions WHERE id = ?", (id,))
        return _destruction(rows[0]) if rows else None

    def destructions(self, states: Sequence[DestructionState] = ()) -> list[Destruction]:
        condition = f"WHERE state IN ({', '.join('?' * len(states))})" if states else ""
        rows = self._read(f"SELECT {_DESTRUCTION} FROM destructions {condition} ORDER BY id", tuple(states))
        return [_destruction(row) for row in rows]

    # -- settings

    def setting(self, name: str) -> Json | None:
        rows = self._read("SELECT value FROM settings WHERE name = ?", (name,))
        return json.loads(rows[0][0]) if rows else None

    def put_setting(self, name: str, value: Json | None) -> None:
        if value is None:
            self._write("DELETE FROM settings WHERE name = ?", (name,))
        else:
            self._write("INSERT OR REPLACE INTO settings VALUES (?, ?)", (name, _text(value)))

    # -- the inventory of cookies: names, never values

    def seen_cookies(self, site_ref: int, names: Iterable[str], at: int) -> None:
        for name in names:
            self._write(
                "INSERT INTO cookies VALUES (?1, ?2, ?3, ?3)"
                " ON CONFLICT DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)",
                (site_ref, name, at),
            )
        self._write(
            "DELETE FROM cookies WHERE site_ref = ?1 AND name IN (SELECT name FROM cookies WHERE site_ref = ?1"
            " ORDER BY last_seen > first_seen DESC, last_seen DESC, name LIMIT -1 OFFSET ?2)",
            (site_ref, MOST_COOKIES),
        )

    def cookie_inventory(self, site_ref: int) -> list[Json]:
        rows = self._read(
            "SELECT name, first_seen, last_seen FROM cookies WHERE site_ref = ? ORDER BY name", (site_ref,)
        )
        return [{"name": name, "first_seen": first, "last_seen": last} for name, first, last in rows]

    # -- the erasure feed: appended, and cleared in place when it has served

    def add_to_feed(self, consumer: str, at: int, entry: Json) -> None:
        self._write("INSERT INTO feed (consumer, at, entry) VALUES (?, ?, ?)", (consumer, at, _text(entry)))

    def feed(self, consumer: str, after: int = 0, limit: int = 1000) -> list[tuple[int, int, Json]]:
        rows = self._read(
            "SELECT n, at, entry FROM feed WHERE n > ? AND consumer IN (?, '*') ORDER BY n LIMIT ?",
            (after, consumer, limit),
        )
        return [(n, at, json.loads(entry)) for n, at, entry in rows]

    def forget_feed(self, before: int) -> int:
        return self._write("UPDATE feed SET consumer = NULL, at = NULL, entry = NULL WHERE at < ?", (before,)).rowcount

    # -- tokens

    def add_token(self, token: Token, token_hash: bytes) -> None:
        text = msgspec.json.encode(token).decode()
        self._write("INSERT INTO tokens (id, hash, token) VALUES (?, ?, ?)", (token.id, token_hash, text))

    def token(self, token_hash: bytes) -> Token | None:
        rows = self._read("SELECT token FROM tokens WHERE hash = ? AND revoked_at IS NULL", (token_hash,))
        return msgspec.json.decode(rows[0][0], type=Token) if rows else None

    def tokens(self) -> list[Token]:
        rows = self._read(
            "SELECT t.token, t.revoked_at, u.day FROM tokens t LEFT JOIN token_uses u ON u.id = t.id ORDER BY t.rowid"
        )
        stored = ((msgspec.json.decode(text, type=Token), revoked_at, day) for text, revoked_at, day in rows)
        return [msgspec.structs.replace(token, revoked_at=at, last_used=day) for token, at, day in stored]

    def revoke_token(self, id: str, at: int) -> bool:
        return bool(
            self._write("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL", (at, id)).rowcount
        )

    def token_used(self, id: str, day: date) -> None:
        self._write("INSERT OR REPLACE INTO token_uses VALUES (?, ?)", (id, day.isoformat()))

    # -- privacy requests: a new version is appended, the old one cleared in place

    def add_request(self, request: StoredRequest) -> int:
        # The highest number ever used, cleared ones included, is kept in the settings.
        id = int((self.setting("requests.last") or {"id": 0})["id"]) + 1
        self.put_setting("requests.last", {"id": id})
        self._append_request(msgspec.structs.replace(request, id=id))
        return id

    def request(self, id: int) -> StoredRequest | None:
        found = self._requests("WHERE id = ?", (id,))
        return found[0] if found else None

    def requests(self) -> list[StoredRequest]:
        return self._requests("WHERE id IS NOT NULL ORDER BY id")

    def requests_after(self, id: int) -> list[StoredRequest]:
        return self._requests("WHERE id > ? ORDER BY id", (id,))

    def requests_of(self, subjects: Sequence[bytes]) -> list[StoredRequest]:
        keys = [key.hex() for key in subjects]
        marks = ", ".join("?" * len(keys))
        return self._requests(f"WHERE visitor IN ({marks}) OR member IN ({marks}) ORDER BY id", (*keys, *keys))

    def request_page(self, soon: date, *, closed: bool, offset: int, limit: int) -> list[StoredRequest]:
        # The inner query reads the index alone; only the bodies of the page are read.
        order = "closed, (nothing_held AND due > ?), due, id"
        page = f"SELECT id FROM requests WHERE id IS NOT NULL AND closed <= ? ORDER BY {order} LIMIT ? OFFSET ?"
        values = (int(closed), soon.isoformat(), limit, offset)
        return self._requests(f"WHERE id IN ({page}) ORDER BY {order}", (*values, soon.isoformat()))

    def request_count(self, *, closed: bool) -> int:
        sql = "SELECT count(*) FROM requests WHERE id IS NOT NULL AND closed <= ?"
        return int(self._read(sql, (int(closed),))[0][0])

    def requests_due(self) -> dict[date, int]:
        sql = "SELECT due, count(*) FROM requests WHERE id IS NOT NULL AND closed = 0 GROUP BY due"
        return {date.fromisoformat(due): number for due, number in self._read(sql) if due}

    def _requests(self, condition: str, values: Sequence[Any] = ()) -> list[StoredRequest]:
        rows = self._read(f"SELECT id, body FROM requests {condition}", tuple(values))
        found = [msgspec.json.decode(body, type=StoredRequest) for _, body in rows]
        for request, (id, _) in zip(found, rows, strict=True):
            request.id = id  # of the first form it has none
        return found

    def update_request(self, request: StoredRequest) -> None:
        if self.request(request.id) is None:
            raise Unknown(f"there is no privacy request {request.id}; see `dongui requests list`")
        self.destroy_requests([request.id])
        self._append_request(request)

    def destroy_requests(self, ids: Sequence[int]) -> int:
        cleared = ", ".join(f"{column} = NULL" for column in ("id", "at", "body", *_LISTED))
        return sum(self._write(f"UPDATE requests SET {cleared} WHERE id = ?", (id,)).rowcount for id in ids)

    def _append_request(self, request: StoredRequest) -> None:
        request.v = VERSION
        listed = (request.due, request.closed_at is not None, request.nothing_held, request.visitor, request.member)
        sql = f"INSERT INTO requests (id, at, body, {', '.join(_LISTED)}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self._write(sql, (request.id, request.at, msgspec.json.encode(request).decode(), *listed))


def _text(value: Json) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _hold(row: Sequence[Any]) -> Hold:
    id, site_ref, reason, statute, class_id, visitor, first_day, last_day, at, until, released_at, ground = row
    days = (_day(first_day), _day(last_day))
    return Hold(id, site_ref, reason, statute, class_id, visitor, *days, at, _day(until), released_at, ground)


def _certificate(text: str | None) -> DestructionCertificate | None:
    """A stored certificate; None for one that was altered by hand until it is none."""
    try:
        return msgspec.json.decode(text, type=DestructionCertificate) if text else None
    except msgspec.MsgspecError:
        return None


def _destruction(row: Sequence[Any]) -> Destruction:
    id, state, what, reason, selected_at, approved_at, approved_by, done_at, certificate, due, by, seq = row
    return Destruction(
        id=id,
        state=state,
        target=decode(what),
        reason=reason,
        selected_at=selected_at,
        approved_at=approved_at,
        approved_by=approved_by,
        done_at=done_at,
        certificate=_certificate(certificate),
        due=_day(due),
        selected_by=by,
        selected_seq=seq,
    )
