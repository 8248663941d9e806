"""The keeper: selected → approved → destroyed → certified (S5.3), on its own inside ``serve`` or by the officer's hand.

A standing approval covers the routine: what is destroyed because a period that the officer signed has ended. All else
waits for ``dongui destruction approve``. Every step is on the ledger, and the ledger is believed, not the table.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date

from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.ledger.rows import EventKeys, reduce_row
from dongui_collector.ledger.service import LedgerService
from dongui_collector.retention.deadlines import urgencies
from dongui_collector.retention.executor import DestructionExecutor
from dongui_collector.retention.holds import HoldService
from dongui_collector.retention.lifecycle import APPROVAL, LAPSED, REFUSED, SELECTION, Steps, agrees, put_right
from dongui_collector.retention.records import RecordService
from dongui_collector.retention.schedule import Planned
from dongui_collector.retention.schedule_rows import Planner
from dongui_collector.retention.serializers import destruction_json
from dongui_collector.retention.standing_approval import SETTING as STANDING
from dongui_collector.retention.standing_approval import StandingApproval
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Destruction, DestructionState, Hold, Json, Record, Row, Site

__all__ = ["STANDING", "DestructionFailed", "RetentionService"]

log = logging.getLogger("dongui.keeping")

LAST = "retention.last"
_NOTE_EVERY_MS = 600_000  # how often a run that destroyed nothing is written down
_FEED_MS = 90 * 86_400_000  # how long the erasure feed names whom it tells of
_OPEN: tuple[DestructionState, ...] = ("selected", "approved", "running")

Progress = Callable[[int, int], None]


class DestructionFailed(CollectorError):
    """Some destructions failed; the others were carried out, and these are tried again at the next round."""


class RetentionService:
    """Retention, holds and records of one open installation. Thread-safe; one round at a time."""

    def __init__(
        self,
        storage: Storage,
        keyring: KeyRing,
        registry: NoticeRegistry,
        ledger: LedgerService,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._storage = storage
        self._office = storage.office
        self._keyring = keyring
        self._registry = registry
        self._clock = clock
        self._zone = settings.zone
        self._two_person = settings.two_person
        self._lock = threading.RLock()
        self._journal = ledger.journal
        self._success: int | None = None
        self._noted = 0
        self._fed: date | None = None
        # What is done with a stored day once periods in it have ended, before anything of it is destroyed; may be
        # repeated. What it raises keeps nothing from being destroyed.
        self.before_ending: Callable[[date], object] | None = None
        self._handed_on: set[tuple[date, date]] = set()
        self.periods = Periods(registry)
        self.planner = Planner(storage, registry, self.periods)
        self._records = RecordService(storage, keyring, registry, ledger, clock)
        self.standing = StandingApproval(storage, registry, clock, self._journal, self.periods)
        self.holding = HoldService(storage, registry, clock, self._journal, self.periods)
        self._steps = Steps(storage.ledger, keyring.derive(b"chain-head"))
        reduce = reduce_row(registry, keyring, EventKeys(keyring.derive(b"event")))
        self._destroyer = DestructionExecutor(
            storage,
            keyring,
            self._journal,
            clock,
            reduce,
            self.periods,
            self.planner.proofs,
            ledger.archiver,
            self.standing,
        )

    # -- one round

    def tick(self) -> Json:
        """What ``serve`` does every few seconds. Raises :class:`DestructionFailed` at the end when something failed."""
        outcome = self.run()
        if outcome["failed"]:
            raise DestructionFailed(f"{outcome['failed']} destructions failed and will be tried again")
        return outcome

    def run(self, progress: Progress | None = None) -> Json:
        """Select what is due, approve it where a standing approval says so, destroy what is approved.

        An error in one destruction is logged and counted and never stops the others; it is tried again at the next run.
        """
        with self._lock:
            done: list[Destruction] = []
            failed = self._finish_leftovers()
            self._forget_feed()
            refused = len(self._compared())
            self._hand_on_ended()
            # What a crash interrupted first: what is selected next must not overlap with it.
            failed += self._carry_out("running", done, progress)
            selected = self.select()
            failed += self.planner.failures
            self._approve_standing()
            failed += self._carry_out("approved", done, progress)
            if not failed:
                self._note_success(len(done))
            return {
                "selected": len(selected),
                "destroyed": len(done),
                "failed": failed,
                "refused": refused,
                "waiting": len(self._office.destructions(("selected",))),
                "certificates": [d.certificate for d in done],
            }

    def _carry_out(self, state: DestructionState, done: list[Destruction], progress: Progress | None) -> int:
        """Carry out everything in a state; adds to ``done`` and returns how many failed."""
        failed = 0
        todo = self._office.destructions((state,))
        for number, destruction in enumerate(todo):
            try:
                if (finished := self._one(destruction)) is not None:
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

    def _one(self, destruction: Destruction) -> Destruction | None:
        """Carry one out; None where it is no longer due, since a hold or a wider destruction came before its turn."""
        holds = self.holds()
        if not self.planner.still_due(destruction, holds, self.today()):
            with self._storage.ledger.writing():
                now = self._clock.now()
                self._office.update_destruction(replace(destruction, state="lapsed", done_at=now))
                self._storage.ledger.append(LAPSED, now, {"destruction": destruction.id})
            return None
        if destruction.what["kind"] in ("day", "bases"):
            self._hand_on(date.fromisoformat(destruction.what["day"]))
        if destruction.state != "running":
            destruction = self._destroyer.begin(destruction)
        done = self._destroyer.carry_out(destruction, holds, self.today())
        self.planner.done(done)
        return done

    def _hand_on_ended(self) -> None:
        """Days in which periods have ended, whatever still keeps their rows: numbers are taken before they go."""
        for day in self._storage.events.days():
            if self.periods.earliest(day) < self.today():
                self._hand_on(day)

    def _hand_on(self, day: date) -> None:
        """Once a date and stored day, unless it failed: a day that cannot be read is destroyed all the same."""
        turn = (self.today(), day)
        if self.before_ending is None or turn in self._handed_on:
            return
        try:
            self.before_ending(day)
        except Exception as error:
            log.error(
                "what outlives a day could not be taken from it", extra={"day": str(day), "kind": type(error).__name__}
            )
        else:
            self._handed_on = {t for t in self._handed_on if t[0] == turn[0]} | {turn}

    def _finish_leftovers(self) -> int:
        """Unlink what a crash left renamed. Its key is gone, or the destruction that goes on will see to it."""
        failed = 0
        for day in self._storage.events.leftovers():
            try:
                if self._keyring.day(day) is None:
                    self._storage.events.destroy(day)
            except Exception as error:
                failed += 1
                log.error("an interrupted destruction failed again", extra={"kind": type(error).__name__})
        return failed

    def _forget_feed(self) -> None:
        """A consumer has had its time to destroy its copies; what named the visitor to it goes too."""
        if (today := self.today()) != self._fed:
            with self._storage.ledger.writing():
                self._office.forget_feed(self._clock.now() - _FEED_MS)
            self._forget_keys(today)
            self._fed = today

    def _forget_keys(self, today: date) -> None:
        """Destroy the keys of records whose last day is over and that ended, or moved, one by one before it."""
        stores = (self._storage.archive, self._storage.records)
        needed = {group[1:3] for store in stores for group in store.groups()}
        for kind in (record_name, archive_name):
            prefix = kind("", today).split(":")[0] + ":"
            for name in self._storage.keys.names(prefix):
                class_id, _, last = name.removeprefix(prefix).rpartition(":")
                if date.fromisoformat(last) < today and (class_id, date.fromisoformat(last)) not in needed:
                    self._keyring.destroy(name)

    # -- the steps

    def _compared(self) -> list[Destruction]:
        """Compare what the table says is open with the ledger, and put right what differs: it counts for nothing.

        Returns what was refused. Raises where the ledger itself was altered: then nothing is destroyed on its word.
        """
        rows = self._office.destructions(_OPEN)
        if not rows:
            return []
        said = self._steps.said(rows)
        wrong = [row for row in rows if not agrees(row, said.get(row.id))]
        for row in wrong:
            told = said.get(row.id)
            log.error("a destruction is not what the ledger says; it was put right", extra={"destruction": row.id})
            with self._storage.ledger.writing():
                body = {"destruction": row.id, "claimed": row.state, "ledger": told.state if told else None}
                self._storage.ledger.append(REFUSED, self._clock.now(), body)
                self._office.update_destruction(put_right(row, told))
        return wrong

    def select(self) -> list[Destruction]:
        """Write down everything that is due and not yet selected."""
        with self._lock:
            self._compared()
            open_ = {_text(d.what) for d in self._office.destructions(_OPEN)}
            plan = self.planner.plan(self.holds(), self.today())
            return self._selected([p for p in plan if _text(p.what) not in open_], "")

    def select_achieved(self, chosen: Iterable[Planned], by: str) -> list[Destruction]:
        """Write down what a person selects since its purpose is achieved (S5.1). Never routine: it waits."""
        if not by.strip():
            raise NotAllowed("a selection carries the name of whoever makes it")
        with self._lock:
            return self._selected(list(chosen), by.strip())

    def _selected(self, chosen: list[Planned], by: str) -> list[Destruction]:
        if not chosen:
            return []
        with self._storage.ledger.writing():
            now = self._clock.now()
            rows = [self._office.add_destruction(p.what, p.reason, now, due=p.due, by=by) for p in chosen]
            entries = [{"destruction": d.id, "what": d.what, "reason": d.reason} for d in rows]
            seq = self._storage.ledger.append(SELECTION, now, {"selected": entries, "by": by}).seq
            done = [replace(d, selected_seq=seq) for d in rows]
            for destruction in done:
                self._office.update_destruction(destruction)
        return done

    def approve(self, ids: Iterable[int] | None, by: str) -> list[Destruction]:
        """Approve selected destructions (all of them for ``None``); on the ledger with the approver's name.

        Raises :class:`Unknown` for one that does not exist, :class:`NotAllowed` for one that is not waiting and, in
        two-person mode, for one that the approver selected.
        """
        with self._lock:
            self._compared()
            waiting = {d.id: d for d in self._office.destructions(("selected",))}
            for id in ids or ():
                if id not in waiting:
                    known = self._office.destruction(id)
                    if known is None:
                        raise Unknown(f"there is no destruction {id}; see `dongui destruction list`")
                    raise NotAllowed(f"destruction {id} does not wait for approval, it is {known.state}")
            chosen = [waiting[id] for id in (waiting if ids is None else ids)]
            own = [d for d in chosen if self._two_person and _same_person(d.selected_by, by)]
            if own and ids is not None:
                raise NotAllowed(f"destruction {own[0].id} was selected by {by}: somebody else must approve it")
            return self._approved([d for d in chosen if d not in own], by)

    def _approved(self, chosen: list[Destruction], by: str) -> list[Destruction]:
        if not by.strip():
            raise NotAllowed("an approval carries the name of whoever gives it")
        if not chosen:
            return []
        with self._storage.ledger.writing():
            now = self._clock.now()
            done = [replace(d, state="approved", approved_at=now, approved_by=by) for d in chosen]
            for destruction in done:
                self._office.update_destruction(destruction)
            self._storage.ledger.append(APPROVAL, now, {"destructions": [d.id for d in done], "by": by})
        return done

    def _approve_standing(self) -> None:
        if self.standing.current() is not None:
            routine = [d for d in self._office.destructions(("selected",)) if not d.selected_by]
            covered = [d for d in routine if self.standing.covers(d.what)]
            self._approved(covered, self.standing.note())

    def grant_standing(self, by: str, *, site_ref: int | None = None, version: str | None = None) -> Json:
        """Approve routine ageing-out from now on, until revoked; see :meth:`Standing.grant`."""
        return self.standing.grant(by, site_ref=site_ref, version=version)

    def revoke_standing(self, by: str) -> Json:
        """From now on every destruction waits for an officer. Raises :class:`NotAllowed` when none stands."""
        return self.standing.revoke(by)

    # -- holds

    def holds(self) -> list[Hold]:
        """The legal holds that stand today."""
        return self.holding.standing(self.today())

    def add_hold(self, hold: Hold) -> Hold:
        """See :meth:`~dongui_collector.retention.holds.HoldKeeper.add`; members' visitors are held with them."""
        with self._lock:
            if hold.visitor is not None:
                hold = replace(hold, joined=hold.joined | self.holding.joined(hold.visitor))
            return self.holding.add(hold)

    def release_hold(self, id: int, by: str) -> None:
        """End a hold, and approve what fell due while it stood: its release is the officer's own order.

        In two-person mode that waits for somebody else, but for what a standing approval covers. Raises
        :class:`Unknown`.
        """
        with self._lock:
            self.select()
            waiting = {d.id for d in self._office.destructions(_OPEN)}
            self.holding.release(id, by)
            fell_due = [d for d in self.select() if d.id not in waiting]
            if not self._two_person:
                self._approved(fell_due, f"release of hold {id} by {by}")

    # -- records of other classes

    def add_record(
        self, site: Site, class_id: str, subject: str, at: int, source: str, data: Json, *, id: bytes | None = None
    ) -> Json:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.add`."""
        return self._records.add(site, class_id, subject, at, source, data, id=id)

    def subject_key(self, site: Site, subject: str) -> bytes:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.subject_key`."""
        return self._records.subject_key(site, subject)

    def records_of(self, site: Site, subject: bytes) -> list[Json]:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.of`."""
        return self._records.of(site, subject)

    def archive_for(self, site: Site, class_id: str, reading_for: str, reason: str) -> None:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.archive_for`."""
        self._records.archive_for(site, class_id, reading_for, reason)

    def read_archive(self, site: Site, class_id: str, *, subject: str | None = None) -> list[Json]:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.read_archive`."""
        return self._records.read_archive(site, class_id, subject=subject)

    def opened(self, record: Record) -> Json:
        """See :meth:`~dongui_collector.retention.records.RecordKeeper.opened`."""
        return self._records.opened(record)

    # -- how it stands

    def why_kept(self, row: Row, day: date) -> str | None:
        """Why a row is still there though a period of it has ended: ``legal_hold``, or ``approval`` that it waits for.

        None for one whose periods go on. For the person whose row it is (K10): nobody else is shown such a row.
        """
        if self.periods.retained_mask(row.notice_ref, row.purposes, day, self.today()) == row.purposes:
            return None
        classes = {self.periods.class_id(row.notice_ref, bit) for bit in bits_of(row.purposes)}
        held = any(h.covers(row.site_ref, c, day, row.visitor) for h in self.holds() for c in classes)
        return "legal_hold" if held else "approval"

    def today(self) -> date:
        return self._clock.today(self._zone)

    def last_success(self) -> int | None:
        """When the last round without a failure ended (epoch ms), also before a restart; None before the first."""
        noted = self._office.setting(LAST)
        return self._success if noted is None else max(self._success or 0, int(noted["at"]))

    def _note_success(self, destroyed: int) -> None:
        self._success = self._clock.now()
        if destroyed or not 0 <= self._success - self._noted < _NOTE_EVERY_MS:
            with self._storage.ledger.writing():
                self._office.put_setting(LAST, {"at": self._success, "destroyed": destroyed})
            self._noted = self._success

    def urgency(self) -> Json:
        """How many destructions wait for an approval, and how urgently (K3)."""
        counts = urgencies(self._office.destructions(("selected",)), self.today())
        return {str(word): number for word, number in counts.items()}

    def status(self) -> Json:
        """What is due, what waits, and when the last round succeeded."""
        open_ = self._office.destructions(_OPEN)
        selected = {_text(d.what) for d in open_}
        due = [p for p in self.planner.plan(self.holds(), self.today()) if _text(p.what) not in selected]
        return {
            "today": self.today().isoformat(),
            "standing_approval": self.standing.current(),
            "unsigned": self.standing.unsigned(),
            "urgency": self.urgency(),
            "last_success": self.last_success(),
            "due": [{"what": p.what, "due": p.due.isoformat(), "reason": p.reason} for p in due],
            "open": [destruction_json(d, self.today()) for d in open_],
            "days": self.planner.schedule(self.holds()),
        }


def _text(what: Json) -> str:
    return json.dumps(what, sort_keys=True)


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
