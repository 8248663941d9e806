"""How retention stands: what is due, what waits and how urgently, and why a row is still there. For people to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import msgspec

from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.approvals import OPEN, Approvals
from dongui_collector.retention.deadlines import urgencies
from dongui_collector.retention.holds import HoldService
from dongui_collector.retention.schedule import StoredDay
from dongui_collector.retention.schedule_rows import Planner
from dongui_collector.retention.serializers import DestructionSummary
from dongui_collector.retention.standing_approval import SignedSchedule, StandingApproval, UnsignedVersion
from dongui_collector.storage.contract.stores import AdminStore
from dongui_collector.storage.contract.values import Json, Row


class DueTarget(msgspec.Struct, frozen=True):
    """What may not be held any more and is not selected yet."""

    what: Json
    due: date
    reason: str


class RetentionStatus(msgspec.Struct, frozen=True):
    """How retention stands. ``last_success`` is when the last round without a failure ended (epoch ms)."""

    today: date
    standing_approval: SignedSchedule | None
    unsigned: list[UnsignedVersion]
    urgency: dict[str, int]
    last_success: int | None
    due: list[DueTarget]
    open: list[DestructionSummary]
    days: list[StoredDay]


@dataclass(eq=False)
class RetentionOverview:
    """Reads; changes nothing. ``last_success`` is when the last round without a failure ended (epoch ms)."""

    _admin: AdminStore
    _planner: Planner
    _approvals: Approvals
    _standing: StandingApproval
    _holds: HoldService
    _periods: Periods
    _today: Callable[[], date]
    _last_success: Callable[[], int | None]

    def urgency(self) -> dict[str, int]:
        """How many destructions wait for an approval, and how urgently (K3)."""
        counts = urgencies(self._admin.destructions(("selected",)), self._today())
        return {str(word): number for word, number in counts.items()}

    def status(self) -> RetentionStatus:
        """What is due, what waits, and when the last round succeeded."""
        open_ = self._admin.destructions(OPEN)
        selected = [d.what for d in open_]
        due = [p for p in self._approvals.plan() if p.what not in selected]
        return RetentionStatus(
            today=self._today(),
            standing_approval=self._standing.current(),
            unsigned=self._standing.unsigned(),
            urgency=self.urgency(),
            last_success=self._last_success(),
            due=[DueTarget(p.what, p.due, p.reason) for p in due],
            open=[DestructionSummary.of(d, self._today()) for d in open_],
            days=self._planner.schedule(self._holds.standing()),
        )

    def why_kept(self, row: Row, day: date) -> str | None:
        """Why a row is still there though a period of it has ended: ``legal_hold``, or ``approval`` that it waits for.

        None for one whose periods go on. For the person whose row it is (K10): nobody else is shown such a row.
        """
        if self._periods.retained_mask(row.notice_ref, row.purposes, day, self._today()) == row.purposes:
            return None
        classes = {self._periods.class_id(row.notice_ref, bit) for bit in bits_of(row.purposes)}
        standing = self._holds.standing()
        held = any(h.covers(row.site_ref, c, day, row.visitor) for h in standing for c in classes)
        return "legal_hold" if held else "approval"
