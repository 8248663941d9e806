"""Recording decisions: from what a visitor chose to the consent record, the totals and what is to be destroyed."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger import counters, disclosure_subjects
from dongui_collector.ledger import state as consents
from dongui_collector.ledger.decisions import Decision, DecisionIds, DecisionOutcome, KnownDecision, Verdict
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.receipts import receipt
from dongui_collector.ledger.rows import visitor_key
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Intent, LedgerRecord, Visitor

# Far more than anybody decides in the life of an id (400 days at the most). Only what gives is refused beyond it.
MOST_ENTRIES = 500


class DecisionRecorder:
    """Records decisions on the ledger, inside the caller's transaction."""

    def __init__(
        self,
        storage: Storage,
        registry: NoticeRegistry,
        keyring: KeyRing,
        clock: Clock,
        visitor_secret: bytes,
        answer_secret: bytes,
    ) -> None:
        self._storage = storage
        self._store = storage.ledger
        self._registry = registry
        self._keyring = keyring
        self._clock = clock
        self._visitor_secret = visitor_secret
        self._ids = DecisionIds(storage.ledger, answer_secret)

    def record(self, notice: LoadedNotice, visitor_id: str | None, decision: Decision) -> DecisionOutcome:
        """Record a decision under the notice in force; one that is on record already changes nothing."""
        now = self._clock.now()
        if known := self._ids.find(notice.site_ref, decision, now):
            return self._repeated(notice, decision, known, now)
        visitor = self._known(notice.site_ref, visitor_id)
        verdict = self._verdict(notice, visitor, decision)
        counted = decision if verdict == "recorded" else decision.without_grants()
        if decision.refused:
            counted = self._of_earlier_consents(notice, visitor, counted, now)
            if not counted.refused:
                return DecisionOutcome(self._answer(notice, decision, visitor_id, visitor, None, now))
        if visitor is None and not counted.granted:
            return self._anonymous(notice, decision, counted, now, verdict)
        return self._recorded(notice, visitor, visitor_id, decision, counted, now, verdict)

    def _known(self, site_ref: int, visitor_id: str | None) -> Visitor | None:
        """The visitor of an id that this site minted and that still stands for someone."""
        visitor = self._store.visitor(self._key_of(visitor_id)) if visitor_id else None
        return visitor if visitor and visitor.site_ref == site_ref and consents.is_known(visitor) else None

    def _key_of(self, visitor_id: str) -> bytes:
        return visitor_key(self._visitor_secret, visitor_id)

    def _of_earlier_consents(
        self, notice: LoadedNotice, visitor: Visitor | None, decision: Decision, now: int
    ) -> Decision:
        """Without the refusals of what was given since. Most decisions were made just now, and stand as they are."""
        if decision.given_before is None and decision.decided_ago is None:
            return decision
        standings = visitor.standings if visitor else {}
        bits = self._store.bits(notice.site_ref)
        given = {bit: standing.at for bit, standing in standings.items() if standing.state == "given"}
        return replace(
            decision, refused=tuple(name for name in decision.refused if decision.ends(given.get(bits[name]), now))
        )

    def _verdict(self, notice: LoadedNotice, visitor: Visitor | None, decision: Decision) -> Verdict:
        """Whether what the decision gives counts. What it takes away always does."""
        if decision.refused and not decision.granted:
            return "recorded"
        if decision.notice not in (None, notice.version):
            return "superseded"
        if decision.granted and visitor and self._store.entries_of(visitor.key) >= MOST_ENTRIES:
            return "too_many"
        return "recorded"

    def _shown(self, notice: LoadedNotice, decision: Decision) -> LoadedNotice:
        """The notice that the visitor saw, where the site has it."""
        version = decision.notice
        return (version and self._registry.version(notice.site_ref, version)) or notice

    # -- the cases

    def _repeated(self, notice: LoadedNotice, decision: Decision, known: KnownDecision, now: int) -> DecisionOutcome:
        """A decision under an id that is known: the visitor's *current* state, whatever was decided since."""
        if not known.same:
            return DecisionOutcome(verdict="conflict")
        verdict: Verdict = "recorded"
        if not known.grants_counted:
            verdict = "superseded" if decision.notice not in (None, notice.version) else "too_many"
        if known.seq is None:
            return DecisionOutcome(self._refusal_answer(notice, decision, known.at), verdict=verdict)
        visitor = self._store.visitor(self._key_of(known.visitor_id)) if known.visitor_id else None
        (record,) = self._store.records(known.seq - 1, 1)
        return DecisionOutcome(self._answer(notice, decision, known.visitor_id, visitor, record, now), verdict=verdict)

    def _anonymous(
        self, notice: LoadedNotice, decision: Decision, counted: Decision, now: int, verdict: Verdict
    ) -> DecisionOutcome:
        """A visitor without an id refuses: counted, nothing else. No identifier is made."""
        if counted.refused:
            counts = {f"consent.refused.{p}": 1 for p in counted.refused}
            counts |= _tally(self._shown(notice, decision), counted, (), ())
            self._store.add_totals(day_of(now, notice.zone), notice.site_ref, counts)
        if verdict == "recorded" or counted.refused:
            self._ids.remember(notice.site_ref, decision, now, grants_counted=verdict == "recorded")
        return DecisionOutcome(self._refusal_answer(notice, counted, now), verdict=verdict)

    def _recorded(
        self,
        notice: LoadedNotice,
        visitor: Visitor | None,
        visitor_id: str | None,
        decision: Decision,
        counted: Decision,
        now: int,
        verdict: Verdict,
    ) -> DecisionOutcome:
        if visitor is None or visitor_id is None:
            visitor_id = secrets.token_urlsafe(16)
            visitor = Visitor(self._key_of(visitor_id), notice.site_ref, False, {})
        bits = self._store.bits(notice.site_ref)
        decided = consents.change(visitor, notice, bits, counted.granted, counted.refused)
        news = list(_news(visitor, decided, bits))
        if not news and not decided.withdrawn_mask:  # says no once more: nothing that the ledger does not say already
            if verdict == "recorded":
                self._ids.remember(notice.site_ref, decision, now, grants_counted=True)
            answer = self._answer(notice, decision, visitor_id, visitor, None, now)
            return DecisionOutcome(answer, verdict=verdict)
        record, after = self._append(notice, visitor, counted, decided, bits, now)
        self._ids.bind(notice.site_ref, decision, record.seq, visitor_id, grants_counted=verdict == "recorded")
        counts = {f"consent.{state}.{p}": 1 for state, p in news}
        counts |= _tally(self._shown(notice, decision), counted, decided.given, decided.withdrawn)
        self._store.add_totals(day_of(now, notice.zone), notice.site_ref, counts)
        intent = self._end(visitor, decided, record)
        return DecisionOutcome(self._answer(notice, decision, visitor_id, after, record, now), intent, verdict)

    def _append(
        self,
        notice: LoadedNotice,
        visitor: Visitor,
        counted: Decision,
        decided: consents.ConsentChange,
        bits: Mapping[str, int],
        now: int,
    ) -> tuple[LedgerRecord, Visitor]:
        """The consent record, and the visitor after it."""
        shown = self._shown(notice, counted)
        body = {
            "record": str(uuid.uuid4()),
            "site": self._registry.site_by_ref(notice.site_ref).id,
            "notice": shown.version,
            "given": list(decided.given),
            "refused": list(decided.refused),
            "withdrawn": list(decided.withdrawn),
            "follows": consents.newest(visitor),
            "method": counted.method,
            "lang": counted.lang,
            "signals": dict(counted.signals),
            **counted.shown(),
        }
        record = self._store.append("consent", now, body, site_ref=notice.site_ref, visitor=visitor.key)
        knowing = bool(counted.signals.get("gpc"))
        after = consents.changed(visitor, decided, notice, bits, seq=record.seq, at=now, knowing=knowing, shown=shown)
        self._store.put_visitor(after)
        return record, after

    def _end(self, visitor: Visitor, decided: consents.ConsentChange, record: LedgerRecord) -> Intent | None:
        """What a withdrawal leaves to be destroyed."""
        if not decided.withdrawn_mask:
            return None
        disclosure_subjects.says_no(self._storage, self._keyring, visitor)
        mask = decided.withdrawn_mask
        intent = Intent(record.seq, "withdrawal", visitor.site_ref, visitor.key, mask, record.seq)
        self._store.add_intent(intent)
        return intent

    # -- the answers

    def _answer(
        self,
        notice: LoadedNotice,
        decision: Decision,
        visitor_id: str | None,
        visitor: Visitor | None,
        record: LedgerRecord | None,
        now: int,
    ) -> dict[str, Any]:
        """What the ledger says now. ``at`` is when the last of it was decided: the choice lives from there."""
        standings = visitor.standings.values() if visitor else ()
        decided_at = max((s.at for s in standings), default=record.at if record else now)
        site = self._registry.site_by_ref(notice.site_ref)
        shown = self._registry.version(site.ref, record.body["notice"]) if record and record.body else None
        return {
            "id": _id(decision),
            "visitor": visitor_id if consents.is_known(visitor) else None,
            "state": consents.states(visitor, notice, self._registry, now),
            "at": decided_at,
            "receipt": receipt(record, shown or notice, site) if record else None,
        }

    def _refusal_answer(self, notice: LoadedNotice, decision: Decision, at: int) -> dict[str, Any]:
        state = {p: "refused" if p in decision.refused else "unasked" for p in notice.policy.consent_purposes}
        return {"id": _id(decision), "visitor": None, "state": state, "at": at, "receipt": None}


def _id(decision: Decision) -> str:
    """The decision's own id; of one that came without, a name for this answer alone."""
    return str(decision.id or uuid.uuid4())


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
