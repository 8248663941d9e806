"""The ledger at work: choices recorded, visitors erased or suspended, and what each of them is to end."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import TooManyEntries, Unknown
from dongui_collector.core.sealing import seal, unseal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger import disclosure_subjects
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.decisions import REMEMBERED_MS, Decision, DecisionOutcome, own_key
from dongui_collector.ledger.erasure_feed import ErasureFeed
from dongui_collector.ledger.held_records import unheld
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.recorder import MOST_ENTRIES, DecisionRecorder
from dongui_collector.ledger.rows import visitor_key
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Intent, LedgerRecord

__all__ = ["Decision", "DecisionOutcome", "LedgerService"]


class LedgerService:
    """Everything that changes consents. Each public method that writes is one durable transaction."""

    def __init__(
        self, storage: Storage, registry: NoticeRegistry, keyring: KeyRing, clock: Clock, journal: DestructionJournal
    ) -> None:
        self.journal = journal
        self._storage = storage
        self._store = storage.ledger
        self._admin = storage.admin
        self._registry = registry
        self._keyring = keyring
        self._clock = clock
        self._visitor_secret = keyring.derive(b"visitor")
        self._member_secret = keyring.derive(b"member")
        self._answer_secret = keyring.derive(b"answer")
        self._recorder = DecisionRecorder(storage, registry, keyring, clock, self._visitor_secret, self._answer_secret)
        self._feed = ErasureFeed(storage, keyring, Periods(registry))

    def key_of(self, visitor_id: str) -> bytes:
        return visitor_key(self._visitor_secret, visitor_id)

    def member_key(self, site_ref: int, reference: str) -> bytes:
        """The 16 bytes under which a member reference is kept."""
        return visitor_key(self._member_secret, f"{site_ref}|{reference}")

    # -- choosing

    def choose(self, notice: LoadedNotice, visitor_id: str | None, decision: Decision) -> DecisionOutcome:
        """Record a decision under the notice in force. To be called inside ``storage.ledger.writing()``."""
        return self._recorder.record(notice, visitor_id, decision)

    # -- what servers send again: answers sealed under the request's own random id, of which only a keyed hash is stored

    def kept_answer(self, site_ref: int, request_id: bytes) -> dict[str, Any] | None:
        """The answer that this very request of a server got within the last ten minutes, whatever has changed since."""
        now = self._clock.now()
        key = visitor_key(self._answer_secret, f"{site_ref}|{request_id.hex()}")
        sealed = self._store.answer(key, now - REMEMBERED_MS)
        return json.loads(unseal(own_key(request_id), sealed, key)) if sealed else None

    def keep_answer(self, site_ref: int, request_id: bytes, answer: dict[str, Any]) -> None:
        """Give :meth:`kept_answer` to whoever sends this request again; a transaction of its own."""
        with self._store.writing():
            self._keep_answer(site_ref, request_id, self._clock.now(), answer)

    def _keep_answer(self, site_ref: int, request_id: bytes, now: int, answer: dict[str, Any]) -> None:
        key = visitor_key(self._answer_secret, f"{site_ref}|{request_id.hex()}")
        self._store.keep_answer(key, now, seal(own_key(request_id), json.dumps(answer).encode(), key))

    # -- counting

    def count_once(self, site_ref: int, request_id: bytes, day: date, counts: Mapping[str, int]) -> None:
        """Add to a day's totals, once however often this very request is sent within ten minutes."""
        with self._store.writing():
            if self.kept_answer(site_ref, request_id) is None:
                self._store.add_totals(day, site_ref, counts)
                self._keep_answer(site_ref, request_id, self._clock.now(), {})

    # -- erasing and suspending

    def erase(self, visitor_key: bytes, reason: str) -> Intent:
        """Erase a visitor: consents lose salt and body, standings go, and every row is to be destroyed (S9, K10)."""
        now = self._clock.now()
        with self._store.writing():
            visitor = self._store.visitor(visitor_key)
            if visitor is None:
                raise Unknown("nothing is held under this visitor id")
            proofs = self._store.records_of(visitor_key)
            seqs = [r.seq for r in proofs]
            record = self._store.append("erasure", now, {"records": seqs, "reason": reason}, site_ref=visitor.site_ref)
            self._store.erase_bodies(self._unheld(proofs, visitor.site_ref, visitor_key))
            disclosure_subjects.says_no(self._storage, self._keyring, visitor)
            self._store.drop_visitor(visitor_key)
            intent = Intent(record.seq, "erasure", visitor.site_ref, visitor_key, -1, record.seq)
            self._store.add_intent(intent)
            self._store.add_totals(
                day_of(now, self._zone(visitor.site_ref, now)), visitor.site_ref, {f"erased.{reason}": 1}
            )
        return intent

    def end_member(self, site_ref: int, member: bytes, reason: str) -> Intent:
        """A membership ends: the member's records that no statute keeps are to be destroyed (S3.0, S8).

        With them go the member's own consents: to receive advertising (K16), and what a suspension noted.
        """
        now = self._clock.now()
        with self._store.writing():
            own = ("channel", "suspension", "resumption")
            proofs = [r for r in self._store.records_of(member) if r.kind in own and r.body is not None]
            seqs = [r.seq for r in proofs]
            record = self._store.append("erasure", now, {"records": seqs, "reason": reason}, site_ref=site_ref)
            self._store.erase_bodies(self._unheld(proofs, site_ref, member))
            intent = Intent(record.seq, "erasure", site_ref, member, -1, record.seq)
            self._store.add_intent(intent)
        return intent

    def _unheld(self, records: Sequence[LedgerRecord], site_ref: int, key: bytes) -> list[int]:
        """The numbers of those records of a visitor or member that no legal hold keeps today."""
        now = self._clock.now()
        today = day_of(now, self._zone(site_ref, now))
        holds = [hold for hold in self._admin.holds() if hold.may_reach(site_ref, key, today)]
        return unheld(records, holds, self._registry)

    def suspend(self, visitor_key: bytes, suspended: bool) -> None:
        """처리정지 and its end: while suspended nothing is recorded (PIPA 37, K10). What is so already stays as it is.

        Raises :class:`Unknown`, and :class:`TooManyEntries` for an end of it beyond the ceiling of a visitor's entries.
        """
        with self._store.writing():
            visitor = self._store.visitor(visitor_key)
            if visitor is None:
                raise Unknown("nothing is held under this visitor id")
            if visitor.suspended == suspended:
                return
            if not suspended and self._store.entries_of(visitor_key) >= MOST_ENTRIES:
                raise TooManyEntries("this visitor's entries on the ledger are at their ceiling")
            kind = "suspension" if suspended else "resumption"
            now = self._clock.now()
            self._store.append(kind, now, {}, site_ref=visitor.site_ref, visitor=visitor_key)
            if visitor.suspended != suspended:
                self._feed.suspended(visitor.site_ref, visitor_key, suspended, now)
            self._store.put_visitor(replace(visitor, suspended=suspended))
            # A restored backup must not begin to record again.
            numbers = [r.seq for r in self._store.records_of(visitor_key)]
            entry = {"kind": "suspension", "records": numbers, "suspended": suspended}
            self._store.before_commit(lambda: self.journal.append(entry))

    def identify(self, notice: LoadedNotice, visitor_key: bytes, member: bytes) -> bool:
        """Join a visitor to a member; only under a live purpose that lists ``member_reference`` (K18).

        False when there is none.
        """
        now = self._clock.now()
        with self._store.writing():
            visitor = self._store.visitor(visitor_key)
            mask, _ = consents.live(visitor, notice, self._registry, now)
            if visitor is None or "member_reference" not in self._registry.items_of(notice.ref, mask):
                return False
            self._store.put_visitor(replace(visitor, member=member))
            self._admin.join_hold(member, visitor_key)
        return True

    def _zone(self, site_ref: int, now: int) -> Any:
        return self._registry.in_force(site_ref, now).zone

    def forget_answers(self) -> None:
        with self._store.writing():
            self._store.forget_answers(self._clock.now() - REMEMBERED_MS)
