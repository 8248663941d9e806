"""The ledger at work: choices recorded, visitors erased, and every ending carried through to its certificate."""

from __future__ import annotations

import json
import secrets
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import Unknown
from dongui_collector.keys.keyring import KeyRing, seal, unseal
from dongui_collector.ledger import counters, disclosure_subjects
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.receipts import receipt
from dongui_collector.ledger.rows import EventKeys, reduce_row, visitor_key
from dongui_collector.retention.withdrawal import WithdrawalExecutor
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Ended, Intent, Visitor
from dongui_collector.storage.sqlite.journal import Journal

ANSWER_KEPT_MS = 600_000  # a choice sent again within ten minutes gets the same answer


@dataclass(frozen=True, slots=True)
class Decision:
    """A choice as it came in, already validated against the notice.

    ``device`` is one of :data:`~dongui_collector.ledger.counters.DEVICES`; it is counted and never kept.
    """

    granted: tuple[str, ...]
    refused: tuple[str, ...]
    method: str
    lang: str
    signals: Mapping[str, bool]
    request_id: bytes | None = None
    device: str = counters.OTHER


@dataclass(frozen=True, slots=True)
class DecisionOutcome:
    """The answer to a choice, and what is still to be destroyed before it is given."""

    answer: dict[str, Any]
    intent: Intent | None = None


class LedgerService:
    """Everything that changes consents. Each public method that writes is one durable transaction."""

    def __init__(
        self, storage: Storage, registry: NoticeRegistry, keyring: KeyRing, clock: Clock, journal: Journal
    ) -> None:
        self.journal = journal
        self._storage = storage
        self._store = storage.ledger
        self._office = storage.office
        self._registry = registry
        self._keyring = keyring
        self._clock = clock
        self._visitor_secret = keyring.derive(b"visitor")
        self._member_secret = keyring.derive(b"member")
        self._answer_secret = keyring.derive(b"answer")
        reduce = reduce_row(registry, keyring, EventKeys(keyring.derive(b"event")))
        self._finisher = WithdrawalExecutor(storage, registry, keyring, clock, journal, reduce)
        self.archiver = self._finisher.archiver

    def key_of(self, visitor_id: str) -> bytes:
        return visitor_key(self._visitor_secret, visitor_id)

    def member_key(self, site_ref: int, reference: str) -> bytes:
        """The 16 bytes under which a member reference is kept."""
        return visitor_key(self._member_secret, f"{site_ref}|{reference}")

    # -- choosing

    def choose(self, notice: LoadedNotice, visitor_id: str | None, choice: Decision) -> DecisionOutcome:
        """Record a choice under the notice in force. To be called inside ``storage.ledger.writing()``."""
        now = self._clock.now()
        if choice.request_id and (kept := self.kept_answer(notice.site_ref, choice.request_id)):
            return DecisionOutcome(kept)
        visitor = self._known(notice.site_ref, visitor_id)
        if visitor is None and not choice.granted:
            outcome = self._refusal(notice, choice, now)
        else:
            outcome = self._recorded(notice, visitor, visitor_id, choice, now)
        if choice.request_id:
            self._keep_answer(notice.site_ref, choice.request_id, now, outcome.answer)
        return outcome

    def _known(self, site_ref: int, visitor_id: str | None) -> Visitor | None:
        """The visitor of an id that this site minted and that still stands for someone."""
        visitor = self._store.visitor(self.key_of(visitor_id)) if visitor_id else None
        return visitor if visitor and visitor.site_ref == site_ref and consents.is_known(visitor) else None

    def _refusal(self, notice: LoadedNotice, choice: Decision, now: int) -> DecisionOutcome:
        """A visitor without an id refuses: counted, nothing else. No identifier is made."""
        day = day_of(now, notice.zone)
        counts = {f"consent.refused.{p}": 1 for p in choice.refused}
        if choice.refused:
            counts |= _tally(notice, choice, (), ())
        self._store.add_totals(day, notice.site_ref, counts)
        state = {p: "refused" if p in choice.refused else "unasked" for p in notice.policy.consent_purposes}
        return DecisionOutcome({"visitor": None, "state": state, "receipt": None})

    def _recorded(
        self, notice: LoadedNotice, visitor: Visitor | None, visitor_id: str | None, choice: Decision, now: int
    ) -> DecisionOutcome:
        if visitor is None:
            visitor_id = secrets.token_urlsafe(16)
            visitor = Visitor(self.key_of(visitor_id), notice.site_ref, False, {})
        bits = self._store.bits(notice.site_ref)
        decided = consents.change(visitor, notice, bits, choice.granted, choice.refused)
        body = {
            "record": str(uuid.uuid4()),
            "site": self._registry.site_by_ref(notice.site_ref).id,
            "notice": notice.version,
            "given": list(decided.given),
            "refused": list(decided.refused),
            "withdrawn": list(decided.withdrawn),
            "follows": consents.newest(visitor),
            "method": choice.method,
            "lang": choice.lang,
            "signals": dict(choice.signals),
        }
        record = self._store.append("consent", now, body, site_ref=notice.site_ref, visitor=visitor.key)
        knowing = bool(choice.signals.get("gpc"))
        after = consents.changed(visitor, decided, notice, bits, seq=record.seq, at=now, knowing=knowing)
        self._store.put_visitor(after)
        counts = {f"consent.{state}.{p}": 1 for state, p in _news(visitor, decided, bits)}
        if counts:
            counts |= _tally(notice, choice, decided.given, decided.withdrawn)
        self._store.add_totals(day_of(now, notice.zone), notice.site_ref, counts)
        intent = None
        if decided.withdrawn_mask:
            disclosure_subjects.says_no(self._storage, self._keyring, visitor)
            intent = Intent(record.seq, "withdrawal", notice.site_ref, visitor.key, decided.withdrawn_mask, record.seq)
            self._store.add_intent(intent)
        answer = {
            "visitor": visitor_id if consents.is_known(after) else None,
            "state": consents.states(after, notice, self._registry, now),
            "receipt": receipt(record, notice, self._registry.site_by_ref(notice.site_ref)),
        }
        return DecisionOutcome(answer, intent)

    # Answers are sealed under the request's own random id, of which only a keyed hash is stored: the collector
    # can give the
    # same answer again, visitor id included, without being able to read it by itself.

    def kept_answer(self, site_ref: int, request_id: bytes) -> dict[str, Any] | None:
        """The answer that this very request got within the last ten minutes, whatever has changed since."""
        now = self._clock.now()
        key = visitor_key(self._answer_secret, f"{site_ref}|{request_id.hex()}")
        sealed = self._store.answer(key, now - ANSWER_KEPT_MS)
        return json.loads(unseal(_own_key(request_id), sealed, key)) if sealed else None

    def keep_answer(self, site_ref: int, request_id: bytes, answer: dict[str, Any]) -> None:
        """Give :meth:`kept_answer` to whoever sends this request again; a transaction of its own."""
        with self._store.writing():
            self._keep_answer(site_ref, request_id, self._clock.now(), answer)

    def _keep_answer(self, site_ref: int, request_id: bytes, now: int, answer: dict[str, Any]) -> None:
        key = visitor_key(self._answer_secret, f"{site_ref}|{request_id.hex()}")
        self._store.keep_answer(key, now, seal(_own_key(request_id), json.dumps(answer).encode(), key))

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
            holds = self._finisher.holds(visitor.site_ref, visitor_key)
            self._store.erase_bodies(self._finisher.unheld(proofs, holds))
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
            self._store.erase_bodies(self._finisher.unheld(proofs, self._finisher.holds(site_ref, member)))
            intent = Intent(record.seq, "erasure", site_ref, member, -1, record.seq)
            self._store.add_intent(intent)
        return intent

    def suspend(self, visitor_key: bytes, suspended: bool) -> None:
        """처리정지 and its end: while suspended nothing is recorded (PIPA 37, K10)."""
        with self._store.writing():
            visitor = self._store.visitor(visitor_key)
            if visitor is None:
                raise Unknown("nothing is held under this visitor id")
            kind = "suspension" if suspended else "resumption"
            self._store.append(kind, self._clock.now(), {}, site_ref=visitor.site_ref, visitor=visitor_key)
            self._store.put_visitor(replace(visitor, suspended=suspended))
            # A restored backup must not begin to record again.
            numbers = [r.seq for r in self._store.records_of(visitor_key)]
            self.journal.append({"kind": "suspension", "records": numbers, "suspended": suspended})

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
            self._office.join_hold(member, visitor_key)
        return True

    def _zone(self, site_ref: int, now: int) -> Any:
        return self._registry.in_force(site_ref, now).zone

    # -- carrying endings through

    def finish(self, intent: Intent, progress: Callable[[int, int], None] | None = None) -> Ended:
        """Destroy what an intent ended, in all day files, then certify it. Idempotent.

        A crash leaves the intent to resume.
        """
        return self._finisher.finish(intent, progress)

    def resume(self) -> Ended:
        """Finish the endings that a crash, an error or a hold left open. Returns what that did."""
        ended = Ended()
        for intent in self._store.intents():
            ended.add(self.finish(intent))
        return ended

    def forget_answers(self) -> None:
        with self._store.writing():
            self._store.forget_answers(self._clock.now() - ANSWER_KEPT_MS)


def _news(visitor: Visitor, decided: consents.ConsentChange, bits: Mapping[str, int]) -> Iterator[tuple[str, str]]:
    """What a choice adds to the totals: who says no once more to what they have refused or withdrawn counts once."""
    was = {p: standing.state for p, bit in bits.items() if (standing := visitor.standings.get(bit))}
    yield from (("given", p) for p in decided.given)
    yield from (("refused", p) for p in decided.refused if was.get(p) != "refused")
    yield from (("withdrawn", p) for p in decided.withdrawn if was.get(p) != "withdrawn")


def _tally(notice: LoadedNotice, choice: Decision, given: Sequence[str], withdrawn: Sequence[str]) -> dict[str, int]:
    """How the choice went, for the numbers that no visitor can be found in."""
    return counters.counts(
        notice=notice.version,
        languages=notice.policy.notice.languages,
        language=choice.lang,
        device=choice.device,
        gpc=bool(choice.signals.get("gpc")),
        outcome=counters.outcome(notice.policy.consent_purposes, given, withdrawn),
        given=given,
    )


def _own_key(request_id: bytes) -> bytes:
    return visitor_key(request_id, "answer") * 2
