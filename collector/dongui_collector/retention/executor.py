"""The one executor that ends data, whatever the cause: a withdrawal, an erasure, a period's end, an officer's order.

Its order is what makes a crash harmless. The intent is on the ledger before it is called; the journal, apart from the
data and from every backup, is written before anything is lost; keys go before what they open; the certificate comes
last. Every step may be done twice, by whoever holds the folder (or, in a cluster, the lease): what is found open is
simply carried out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

import msgspec
from msgspec import UNSET, UnsetType

from dongui_collector.core.clock import Clock
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger import disclosure_subjects
from dongui_collector.ledger.erasure_feed import ErasureFeed
from dongui_collector.ledger.held_records import unheld
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.retention.steps import Steps
from dongui_collector.retention.visitor_steps import VisitorSteps
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import LedgerStore, Storage
from dongui_collector.storage.contract.targets import (
    DayTarget,
    DestructionCertificate,
    DestructionIntent,
    Quantities,
    RecordsTarget,
    Target,
    VisitorTarget,
)
from dongui_collector.storage.contract.values import Ended, Json

_SUFFIX = "ending."  # settings that note what an ending did before a hold let go of the rest


@dataclass
class Certificate:
    """What one call of :meth:`Executor.execute` did for each visitor's intent, and which targets it certified."""

    of: dict[int, Ended] = field(default_factory=dict)
    certified: set[int] = field(default_factory=set)


@dataclass(eq=False)
class Executor:
    """Carries targets out on an open, writable installation."""

    _storage: Storage
    _journal: DestructionJournal
    _clock: Clock
    _keyring: KeyRing
    _registry: NoticeRegistry
    _feed: ErasureFeed
    _steps: Steps
    _visitors: VisitorSteps
    _today: Callable[[], date]
    _journalled: set[int] = field(default_factory=set)

    @property
    def _ledger(self) -> LedgerStore:
        return self._storage.ledger

    def execute(self, targets: Sequence[Target]) -> Certificate:
        """End ``targets``, each decided and resolved (``of``, ``holding``), and certify each on the ledger.

        Endings of visitors share one search of the days. What a hold keeps stays, and its target stays open. An error
        leaves every target open; whoever is called next carries it out again.
        """
        self._note(targets)
        visitors = [t for t in targets if isinstance(t, VisitorTarget)]
        done = Certificate(of=self._visitors.run(visitors) if visitors else {})
        outcomes = {t.of: self._steps.run(t) for t in targets if not isinstance(t, VisitorTarget)}
        with self._ledger.writing():
            self._erase_ledger(visitors, done.of)
            for target in targets:
                self._certify(target, outcomes.get(target.of, Quantities()), done)
        self._ledger.scrub()
        return done

    # -- before: so that no restored backup brings back what ends here

    def _note(self, targets: Iterable[Target]) -> None:
        fresh = [t for t in targets if t.of not in self._journalled or not isinstance(t, VisitorTarget)]
        if fresh:
            self._journal.append(*(_entry(t) for t in fresh))
        self._journalled.update(t.of for t in fresh if isinstance(t, VisitorTarget))

    # -- after

    def _certify(self, target: Target, outcome: Quantities, done: Certificate) -> None:
        if isinstance(target, VisitorTarget):
            self._certify_visitor(target, done)
        else:
            self._certify_destruction(target, outcome)
            done.certified.add(target.of)

    def _certify_destruction(self, target: Target, outcome: Quantities) -> None:
        """``outcome`` is what the step says for people; who approved what is repeated from the intent's record."""
        now = self._clock.now()
        intent = msgspec.convert(self._ledger.records(target.of - 1, 1)[0].body, DestructionIntent)
        running = self._storage.admin.destruction(intent.destruction)
        assert running is not None
        facts = DestructionCertificate(
            destruction=running.id,
            what=target.what,
            reason=running.reason,
            method=target.METHOD,
            selected_by=running.selected_by,
            approved_at=running.approved_at,
            approved_by=running.approved_by,
            intent=target.of,
            bytes=intent.bytes,
            rows=intent.rows,
            rules=intent.rules,
            last_key_copy_expires=self._last_key_copy(target),
        )
        body: Json = msgspec.to_builtins(facts) | msgspec.to_builtins(outcome)
        record = self._ledger.append("certificate", now, body)
        self._feed.aged_out(target, now)
        certificate = msgspec.convert(body | {"seq": record.seq, "at": now}, DestructionCertificate)
        done = msgspec.structs.replace(running, state="done", done_at=now, certificate=certificate)
        self._storage.admin.update_destruction(done)

    def _certify_visitor(self, target: VisitorTarget, done: Certificate) -> None:
        ended = done.of[target.of]
        counts = self._so_far(target, ended)
        if ended.held:
            return
        now = self._clock.now()
        self._feed.ended(target, now)
        self._ledger.finish_intent(target.of)
        body = {"of": target.of, "kind": target.cause, **counts, "reason": target.reason, "method": target.METHOD}
        self._ledger.append("certificate", now, body, site_ref=target.site)
        self._journalled.discard(target.of)
        done.certified.add(target.of)

    def _erase_ledger(self, visitors: Sequence[VisitorTarget], outcomes: dict[int, Ended]) -> None:
        """What the ledger and the office say of erased visitors, as far as no hold keeps it."""
        erased = [t for t in visitors if t.cause == "erasure"]
        for target in erased:
            wanted = [r for seq in target.records for r in self._ledger.records(seq - 1, 1) if r.body is not None]
            free = unheld(wanted, target.holding, self._registry) if target.holding else [r.seq for r in wanted]
            self._ledger.erase_bodies(free)
            disclosure_subjects.forget(self._storage, self._keyring, target.visitor)
            outcomes[target.of].held |= len(free) < len(wanted)
        self._forget_in_requests([t.visitor for t in erased])

    def _forget_in_requests(self, visitors: Sequence[bytes]) -> None:
        """A privacy request stays as proof that it was answered; it no longer says whose it was."""
        for request in self._storage.admin.requests_of(visitors):
            request.visitor = None
            self._storage.admin.update_request(request)

    def _so_far(self, target: VisitorTarget, ended: Ended) -> Json:
        """What this ending destroyed, in numbers, with what it did before a hold let go of the rest."""
        noted = f"{_SUFFIX}{target.of}"
        before: Json = self._storage.admin.setting(noted) or {"days": []}
        days = sorted({*before["days"], *(day.isoformat() for day in ended.days)})
        counts = {
            "rows_destroyed": ended.destroyed + before.get("rows_destroyed", 0),
            "rows_reduced": ended.changed + before.get("rows_reduced", 0),
            "records_destroyed": ended.records + before.get("records_destroyed", 0),
            "records_archived": ended.archived + before.get("records_archived", 0),
        }
        self._storage.admin.put_setting(noted, {**counts, "days": days} if ended.held else None)
        return {**counts, "days": len(days)}

    def _last_key_copy(self, target: Target) -> str | UnsetType:
        """Until when a copy of the destroyed key may exist apart (`dongui keys backup`); unset where none does."""
        copies = self._storage.admin.setting("keys.copies")
        keyed = isinstance(target, DayTarget | RecordsTarget)
        if not keyed or copies is None or copies["expires"] < self._today().isoformat():
            return UNSET
        return str(copies["expires"])


def _entry(target: Target) -> Json:
    """The journal's line: no identifier. A visitor is named by numbers of ledger records that a backup may hold."""
    if isinstance(target, VisitorTarget):
        named = {"site": target.site, "bits": target.bits, "up_to": target.up_to, "records": list(target.records)}
        return {"kind": target.cause, "seq": target.of, **named}
    what = target.what
    return {"kind": what["kind"], "seq": target.of, "what": what}
