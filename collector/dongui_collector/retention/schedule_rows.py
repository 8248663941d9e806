"""What is due today, gathered from the stores and decided by the calendar."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from datetime import date

from dongui_collector.keys.keyring import day_name
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.retention import schedule as calendar
from dongui_collector.retention.schedule import Planned
from dongui_collector.retention.schedule_ledger import ProofPlanner
from dongui_collector.storage.contract.stores import RecordStore, Storage
from dongui_collector.storage.contract.values import Destruction, Hold, Json, RowBasis

log = logging.getLogger("dongui.keeping")

_ACHIEVED = 500  # records in one destruction that a person selects


class Planner:
    """Reads the stores; decides nothing that the pure calendar does not."""

    def __init__(self, storage: Storage, registry: NoticeRegistry, periods: Periods) -> None:
        self._storage = storage
        self._periods = periods
        # "bases" leave a trace in a day's list of bases for ever, so those that are done are remembered.
        self._cleared: set[str] | None = None
        self.proofs = ProofPlanner(storage, registry)
        self.failures = 0

    def plan(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        """Everything that is due on ``today``.

        One part that cannot be looked at does not keep the others from being found; ``failures`` counts such parts.
        """
        self.failures = 0
        planned: list[Planned] = []
        for part in (self._plan_days, self._plan_records, self.proofs.plan):
            try:
                planned += part(holds, today)
            except Exception as error:
                self.failures += 1
                log.error("what is due could not be planned in full", extra={"kind": type(error).__name__})
        return planned

    def still_due(self, destruction: Destruction, holds: Sequence[Hold], today: date) -> bool:
        """Whether a destruction selected earlier, or interrupted, may go on."""
        what = destruction.what
        match what["kind"]:
            case "day":
                day = date.fromisoformat(what["day"])
                # Once a crash came after the key went, there is no day to be kept any more.
                lost = self._storage.keys.destroyed(day_name(day)) or day not in self._storage.events.days()
                return (destruction.state == "running" and lost) or calendar.still_due(
                    what, self._plan_day(day, holds, today)
                )
            case "bases":
                # Running: what is left of it; the holds of now are asked again when it is carried out.
                return destruction.state == "running" or calendar.still_due(
                    what, self._plan_day(date.fromisoformat(what["day"]), holds, today)
                )
            case "records":
                group = (what["site"], what["class"], date.fromisoformat(what["last_day"]))
                store = self._storage.archive if what["store"] == "archive" else self._storage.records
                return destruction.state == "running" or calendar.still_due(
                    what, self._plan_group(what["store"], store, (*group, self._number(store, group)), holds, today)
                )
            case "achieved":
                return destruction.state == "running" or any(
                    self._storage.records.by_id(bytes.fromhex(id)) for id in what["ids"]
                )
        return destruction.state == "running" or bool(self.proofs.due_numbers(what, holds, today))

    def achieved(
        self, site_ref: int, class_id: str, reason: str, today: date, *, subject: bytes | None, before: date | None
    ) -> list[Planned]:
        """Live records of a class whose purpose a person says is achieved: of one subject, or up to a day, or all."""
        found = self._storage.records.find(site_ref, class_id=class_id, subject=subject, limit=1 << 40)
        ids = [r.id.hex() for r in found if before is None or r.day <= before]
        base: Json = {"kind": "achieved", "site": site_ref, "class": class_id}
        return [Planned(base | {"ids": ids[n : n + _ACHIEVED]}, today, reason) for n in range(0, len(ids), _ACHIEVED)]

    def done(self, destruction: Destruction) -> None:
        """Take note of a destruction that is done."""
        self._note_cleared(destruction, self._cleared_bases())
        self.proofs.done(destruction.what)

    def schedule(self, holds: Sequence[Hold]) -> list[Json]:
        """Every day that is stored and when it ends. For people to read."""
        events = self._storage.events
        return [
            calendar.schedule(day, self._bases(day, holds) or [], self._periods, holds, self._periods.latest(day))
            | {"bytes": events.size(day)}
            for day in events.days()
        ]

    # -- days

    def _plan_days(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        for day in self._storage.events.days():
            # Most days end by no rule yet: their files need not be opened.
            if self._periods.earliest(day) < today:
                yield from self._plan_day(day, holds, today)

    def _plan_day(self, day: date, holds: Sequence[Hold], today: date) -> list[Planned]:
        if day not in self._storage.events.days():
            return []
        bases = self._bases(day, holds)
        if bases is None:
            return []
        plan = calendar.plan_day(day, bases, self._periods, holds, today, self._periods.latest(day))
        return [p for p in plan if p.what["kind"] != "bases" or _text(p.what) not in self._cleared_bases()]

    def _bases(self, day: date, holds: Sequence[Hold]) -> list[RowBasis] | None:
        """A day's bases; none where its file cannot be read, which then ends with the longest period there is.

        None while a hold may cover what is in it.
        """
        try:
            return self._storage.events.bases(day)
        except Exception as error:
            log.error("a day's file cannot be read", extra={"day": str(day), "kind": type(error).__name__})
            return None if any(hold.first_day is None or hold.first_day <= day for hold in holds) else []

    def _cleared_bases(self) -> set[str]:
        if self._cleared is None:
            self._cleared = set()
            for destruction in self._storage.office.destructions(("done",)):
                self._note_cleared(destruction, self._cleared)
        return self._cleared

    @staticmethod
    def _note_cleared(destruction: Destruction, cleared: set[str]) -> None:
        if destruction.what["kind"] == "bases" and (destruction.certificate or {}).get("in_full"):
            cleared.add(_text(destruction.what))

    # -- records

    def _plan_records(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        for name, store in (("archive", self._storage.archive), ("records", self._storage.records)):
            for group in store.groups():
                if group[2] < today:
                    yield from self._plan_group(name, store, group, holds, today)

    def _plan_group(
        self, name: str, store: RecordStore, group: tuple[int, str, date, int], holds: Sequence[Hold], today: date
    ) -> list[Planned]:
        site_ref, class_id, last, _ = group
        held: list[bytes] = []
        if calendar.may_hold(holds, site_ref, class_id):
            held = calendar.held_records(store.find(site_ref, class_id=class_id, last_day=last, limit=1 << 40), holds)
        return calendar.plan_records(name, group, held, today)

    @staticmethod
    def _number(store: RecordStore, group: tuple[int, str, date]) -> int:
        return next((n for *key, n in store.groups() if tuple(key) == group), 0)


def _text(what: Json) -> str:
    return json.dumps(what, sort_keys=True)
