"""Retention of one open installation: its parts, each with one task, and the round that ``serve`` makes.

A round selects what is due, has the routine approved by the standing approval, and carries out what is approved. All
else waits for ``dongui destruction approve``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Protocol

import msgspec

from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger.erasure_feed import ErasureFeed
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import EventKeys, reduce_row
from dongui_collector.ledger.service import LedgerService
from dongui_collector.retention.approvals import Approvals
from dongui_collector.retention.archive import Archiver
from dongui_collector.retention.endings import EndingQueue
from dongui_collector.retention.executor import Executor
from dongui_collector.retention.holds import HoldService
from dongui_collector.retention.lifecycle import RecordedSteps
from dongui_collector.retention.overview import RetentionOverview
from dongui_collector.retention.records import RecordService
from dongui_collector.retention.schedule_rows import Planner
from dongui_collector.retention.standing_approval import SETTING as STANDING
from dongui_collector.retention.standing_approval import StandingApproval
from dongui_collector.retention.steps import Remains, Steps
from dongui_collector.retention.visitor_steps import VisitorSteps
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import (
    DayTarget,
    DestructionCertificate,
    PurposesTarget,
    Quantities,
    SelectedTarget,
)
from dongui_collector.storage.contract.values import Destruction, DestructionState

__all__ = ["STANDING", "DayReader", "DestructionFailed", "Retention"]

log = logging.getLogger("dongui.keeping")

LAST = "retention.last"
_NOTE_EVERY_MS = 600_000  # how often a run that destroyed nothing is written down

Progress = Callable[[int, int], None]


class RoundOutcome(msgspec.Struct, frozen=True):
    """What a round of retention did: how many destructions it selected and carried out, how many wait for an approval,
    failed, or were refused because the ledger says otherwise; the certificates of those carried out."""

    selected: int
    destroyed: int
    waiting: int
    failed: int
    refused: int
    certificates: list[DestructionCertificate]


class DestructionFailed(CollectorError):
    """Some destructions failed; the others were carried out, and these are tried again at the next round."""


class DayReader(Protocol):
    """Takes from a day what may outlive it, once periods in it have ended and before anything of it is destroyed."""

    def freeze_day(self, stored: date) -> object:
        """May be repeated. What it raises keeps nothing from being destroyed."""


class Retention:
    """The parts of retention, and its round. Thread-safe; one round at a time."""

    def __init__(
        self,
        storage: Storage,
        keyring: KeyRing,
        registry: NoticeRegistry,
        ledger: LedgerService,
        clock: Clock,
        settings: Settings,
    ) -> None:
        journal = ledger.journal
        self._storage = storage
        self._admin = storage.admin
        self._clock = clock
        self._zone = settings.zone
        self._lock = threading.RLock()
        self._success: int | None = None
        self._noted = 0
        self.before_ending: DayReader | None = None
        self._read: set[tuple[date, date]] = set()
        self.periods = Periods(registry)
        self.planner = Planner(storage, self.periods, registry)
        self.records = RecordService(storage, keyring, registry, ledger, clock)
        self.standing = StandingApproval(storage, registry, clock, journal)
        self.holds = HoldService(storage, registry, clock, journal, self.periods, self.today)
        self.archiver = Archiver(storage, keyring, registry, journal)
        self.remains = Remains(storage, keyring, clock, self.today)
        reduce = reduce_row(registry, keyring, EventKeys(keyring.derive(b"event")))
        steps = Steps(storage, keyring, journal, reduce, self.periods, self.planner.proofs, self.archiver, self.today)
        visitors = VisitorSteps(storage, registry, clock, journal, reduce, self.periods, self.archiver, self.today)
        feed = ErasureFeed(storage, keyring, self.periods)
        self.executor = Executor(storage, journal, clock, keyring, registry, feed, steps, visitors, self.today)
        self.endings = EndingQueue(storage, self.executor, visitors)
        recorded = RecordedSteps(storage.ledger, keyring.derive(b"chain-head"))
        by = clock, self.planner, self.standing, self.holds, recorded, self.today
        self.approvals = Approvals(storage.ledger, storage.admin, *by, self._lock, settings.two_person)
        shown = self.planner, self.approvals, self.standing, self.holds, self.periods
        self.overview = RetentionOverview(storage.admin, *shown, self.today, self.last_success)

    def today(self) -> date:
        """The day in the installation's zone."""
        return self._clock.today(self._zone)

    def tick(self) -> RoundOutcome:
        """What ``serve`` does every few seconds. Raises :class:`DestructionFailed` at the end when something failed."""
        outcome = self.run()
        if outcome.failed:
            raise DestructionFailed(f"{outcome.failed} destructions failed and will be tried again")
        return outcome

    def run(self, progress: Progress | None = None) -> RoundOutcome:
        """Select what is due, approve it where a standing approval says so, destroy what is approved.

        An error in one destruction is logged and counted and never stops the others; it is tried again at the next run.
        """
        with self._lock:
            done: list[Destruction] = []
            failed = self.remains.clear()
            refused = self.approvals.compare()
            self._read_ended()
            # What a crash interrupted first: what is selected next must not overlap with it.
            failed += self._carry_out("running", done, progress)
            selected = self.approvals.select()
            failed += self.planner.failures
            self.approvals.approve_routine()
            failed += self._carry_out("approved", done, progress)
            if not failed:
                self._note_success(len(done))
            return RoundOutcome(
                selected=len(selected),
                destroyed=len(done),
                waiting=len(self._admin.destructions(("selected",))),
                failed=failed,
                refused=refused,
                certificates=[d.certificate for d in done if d.certificate],
            )

    def _carry_out(self, state: DestructionState, done: list[Destruction], progress: Progress | None) -> int:
        """Carry out everything in a state; adds to ``done`` and returns how many failed."""
        failed = 0
        todo = self._admin.destructions((state,))
        for number, destruction in enumerate(todo):
            try:
                if self._one(destruction) and (finished := self._admin.destruction(destruction.id)):
                    done.append(finished)
            except Exception as error:
                failed += 1
                log.error(
                    "a destruction failed and will be tried again",
                    extra={"destruction": destruction.id, "kind": type(error).__name__},
                )
            if progress:
                progress(number + 1, len(todo))
        return failed

    def _one(self, destruction: Destruction) -> bool:
        """Carry one out; False where it is no longer due, since a hold or a wider destruction came before its turn."""
        target = self.planner.due(destruction, self.holds.standing(), self.today())
        if target is None:
            self.approvals.lapse(destruction)
            return False
        if isinstance(target, DayTarget | PurposesTarget):
            self._read_day(target.day)
        if destruction.state == "running":
            of = destruction.intent
        else:
            of = self.approvals.begin(destruction, target, self._measure(target))
        self.executor.execute([target.resolved(of=of)])
        if finished := self._admin.destruction(destruction.id):
            self.planner.done(finished)
        return True

    def _measure(self, target: SelectedTarget) -> Quantities:
        if not isinstance(target, DayTarget):
            return Quantities()
        rows = None
        with suppress(Exception):  # a damaged file is destroyed like any other
            rows = self._storage.events.count(target.day)
        return Quantities(bytes=self._storage.events.size(target.day), rows=rows)

    # -- what outlives a day

    def _read_ended(self) -> None:
        """Days in which periods have ended, whatever still keeps their rows: numbers are taken before they go."""
        for day in self._storage.events.days():
            if self.periods.earliest(day) < self.today():
                self._read_day(day)

    def _read_day(self, day: date) -> None:
        """Once a date and stored day, unless it failed: a day that cannot be read is destroyed all the same."""
        turn = (self.today(), day)
        if self.before_ending is None or turn in self._read:
            return
        try:
            self.before_ending.freeze_day(day)
        except Exception as error:
            log.error(
                "what outlives a day could not be taken from it", extra={"day": str(day), "kind": type(error).__name__}
            )
        else:
            self._read = {t for t in self._read if t[0] == turn[0]} | {turn}

    # -- how it went

    def last_success(self) -> int | None:
        """When the last round without a failure ended (epoch ms), also before a restart; None before the first."""
        noted = self._admin.setting(LAST)
        return self._success if noted is None else max(self._success or 0, int(noted["at"]))

    def _note_success(self, destroyed: int) -> None:
        self._success = self._clock.now()
        if destroyed or not 0 <= self._success - self._noted < _NOTE_EVERY_MS:
            with self._storage.ledger.writing():
                self._admin.put_setting(LAST, {"at": self._success, "destroyed": destroyed})
            self._noted = self._success
