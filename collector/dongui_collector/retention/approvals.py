"""Selecting and approving destructions: selected → approved → destroyed → certified (S5.3), each step on the ledger.

The ledger is believed, not the table: before anything is approved or carried out the two are compared.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

import msgspec
from msgspec.structs import replace

from dongui_collector.core.clock import Clock
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.retention.holds import HoldService
from dongui_collector.retention.lifecycle import (
    APPROVAL,
    INTENT,
    LAPSED,
    REFUSED,
    SELECTION,
    RecordedSteps,
    agrees,
    put_right,
)
from dongui_collector.retention.schedule import Planned
from dongui_collector.retention.schedule_rows import Planner
from dongui_collector.retention.standing_approval import StandingApproval
from dongui_collector.storage.contract.stores import AdminStore, LedgerStore
from dongui_collector.storage.contract.targets import AppliedRule, DestructionCertificate, Quantities, SelectedTarget
from dongui_collector.storage.contract.values import Destruction, DestructionState, Json

log = logging.getLogger("dongui.keeping")

OPEN: tuple[DestructionState, ...] = ("selected", "approved", "running")


@dataclass(eq=False)
class Approvals:
    """Selects what is due and has it approved: by the standing approval, or by an officer. ``lock`` is the round's."""

    _ledger: LedgerStore
    _admin: AdminStore
    _clock: Clock
    _planner: Planner
    _standing: StandingApproval
    _holds: HoldService
    _steps: RecordedSteps
    _today: Callable[[], date]
    _lock: threading.RLock
    _two_person: bool

    # -- selecting

    def plan(self) -> list[Planned]:
        """What is due today under the holds that stand."""
        return self._planner.plan(self._holds.standing(), self._today())

    def select(self) -> list[Destruction]:
        """Write down everything that is due and not yet selected."""
        with self._lock:
            self.compare()
            open_ = {_text(d.what) for d in self._admin.destructions(OPEN)}
            return self._selected([p for p in self.plan() if _text(p.what) not in open_], "")

    def select_achieved(self, chosen: Iterable[Planned], by: str) -> list[Destruction]:
        """Write down what a person selects since its purpose is achieved (S5.1). Never routine: it waits.

        Raises :class:`NotAllowed` without the person's name.
        """
        if not by.strip():
            raise NotAllowed("a selection carries the name of whoever makes it")
        with self._lock:
            return self._selected(list(chosen), by.strip())

    def _selected(self, chosen: Sequence[Planned], by: str) -> list[Destruction]:
        if not chosen:
            return []
        with self._ledger.writing():
            now = self._clock.now()
            rows = [self._admin.add_destruction(p.target, p.reason, now, due=p.due, by=by) for p in chosen]
            entries = [{"destruction": d.id, "what": d.what, "reason": d.reason} for d in rows]
            seq = self._ledger.append(SELECTION, now, {"selected": entries, "by": by}).seq
            return self._put(rows, selected_seq=seq)

    def _put(self, destructions: Iterable[Destruction], **changes: object) -> list[Destruction]:
        changed = [replace(d, **changes) for d in destructions]
        for destruction in changed:
            self._admin.update_destruction(destruction)
        return changed

    # -- approving

    def approve(self, ids: Iterable[int] | None, by: str) -> list[Destruction]:
        """Approve selected destructions (all of them for ``None``); on the ledger with the approver's name.

        Raises :class:`Unknown` for one that does not exist, :class:`NotAllowed` for one that is not waiting and, in
        two-person mode, for one that the approver selected.
        """
        with self._lock:
            self.compare()
            waiting = {d.id: d for d in self._admin.destructions(("selected",))}
            for id in ids or ():
                if id not in waiting:
                    known = self._admin.destruction(id)
                    if known is None:
                        raise Unknown(f"there is no destruction {id}; see `dongui destruction list`")
                    raise NotAllowed(f"destruction {id} does not wait for approval, it is {known.state}")
            chosen = [waiting[id] for id in (waiting if ids is None else ids)]
            own = [d for d in chosen if self._two_person and _same_person(d.selected_by, by)]
            if own and ids is not None:
                raise NotAllowed(f"destruction {own[0].id} was selected by {by}: somebody else must approve it")
            return self._approved([d for d in chosen if d not in own], by)

    def approve_routine(self) -> None:
        """Approve what the standing approval covers, judged by the plan's own rules and not by the table's."""
        if self._standing.current() is None:
            return
        due = {_text(p.what): p.target for p in self.plan()}
        routine = [d for d in self._admin.destructions(("selected",)) if not d.selected_by]
        covered = [d for d in routine if (t := due.get(_text(d.what))) and self._standing.covers(t)]
        self._approved(covered, self._standing.note())

    def release_hold(self, id: int, by: str) -> None:
        """End a hold, and approve what fell due while it stood: its release is the officer's own order.

        In two-person mode that waits for somebody else, but for what a standing approval covers. Raises
        :class:`Unknown`.
        """
        with self._lock:
            self.select()
            waiting = {d.id for d in self._admin.destructions(OPEN)}
            self._holds.release(id, by)
            fell_due = [d for d in self.select() if d.id not in waiting]
            if not self._two_person:
                self._approved(fell_due, f"release of hold {id} by {by}")

    def _approved(self, chosen: Sequence[Destruction], by: str) -> list[Destruction]:
        if not by.strip():
            raise NotAllowed("an approval carries the name of whoever gives it")
        if not chosen:
            return []
        with self._ledger.writing():
            now = self._clock.now()
            done = self._put(chosen, state="approved", approved_at=now, approved_by=by)
            self._ledger.append(APPROVAL, now, {"destructions": [d.id for d in done], "by": by})
        return done

    # -- from approval to execution

    def compare(self) -> int:
        """Compare what the table says is open with the ledger, and put right what differs: it counts for nothing.

        Returns how many were refused. Raises where the ledger itself was altered: then nothing is destroyed on its
        word.
        """
        rows = self._admin.destructions(OPEN)
        recorded = self._steps.recorded(rows) if rows else {}
        wrong = [row for row in rows if not agrees(row, recorded.get(row.id))]
        for row in wrong:
            found = recorded.get(row.id)
            log.error("a destruction is not what the ledger says; it was put right", extra={"destruction": row.id})
            with self._ledger.writing():
                body = {"destruction": row.id, "claimed": row.state, "ledger": found.state if found else None}
                self._ledger.append(REFUSED, self._clock.now(), body)
                self._admin.update_destruction(put_right(row, found))
        return len(wrong)

    def begin(self, destruction: Destruction, target: SelectedTarget, measured: Quantities) -> int:
        """Write the intent (what, why, under which rules, who approved, how much); its ledger number."""
        rules = [AppliedRule(id, keep, floor or None) for id, keep, floor in target.rules]
        with self._ledger.writing():
            body = {
                "destruction": destruction.id,
                "what": destruction.what,
                "reason": destruction.reason,
                "due": destruction.due and destruction.due.isoformat(),
                "selected_at": destruction.selected_at,
                "selected_by": destruction.selected_by,
                "approved_at": destruction.approved_at,
                "approved_by": destruction.approved_by,
                **msgspec.to_builtins(Quantities(bytes=measured.bytes, rows=measured.rows, rules=rules)),
            }
            seq = self._ledger.append(INTENT, self._clock.now(), body).seq
            begun = DestructionCertificate(intent=seq, bytes=measured.bytes, rows=measured.rows, rules=rules)
            self._put([destruction], state="running", certificate=begun)
        return seq

    def lapse(self, destruction: Destruction) -> None:
        """Note that a destruction is no longer due: a hold or a wider destruction came before its turn."""
        with self._ledger.writing():
            now = self._clock.now()
            self._put([destruction], state="lapsed", done_at=now)
            self._ledger.append(LAPSED, now, {"destruction": destruction.id})


def _text(what: Json) -> str:
    return json.dumps(what, sort_keys=True)


def _same_person(one: str, other: str) -> bool:
    return one.strip().casefold() == other.strip().casefold()
