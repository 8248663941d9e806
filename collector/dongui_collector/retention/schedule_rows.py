"""What is due today and under which rules, gathered from the stores and decided by the calendar."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Literal

from dongui_collector.core.errors import StorageDamaged
from dongui_collector.keys.keyring import day_name
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention import ledger_retention
from dongui_collector.retention import schedule as calendar
from dongui_collector.retention.schedule import Planned, rule_of
from dongui_collector.retention.schedule_ledger import ProofPlanner
from dongui_collector.storage.contract.stores import RecordStore, Storage
from dongui_collector.storage.contract.targets import (
    AchievedTarget,
    AuditTarget,
    BooksTarget,
    ConsentsTarget,
    DayTarget,
    DisclosuresTarget,
    PurposesTarget,
    RecordsTarget,
    RequestsTarget,
    Rule,
    SelectedTarget,
    UnreadableTarget,
)
from dongui_collector.storage.contract.values import Destruction, Hold, LedgerRecord, RowBasis

log = logging.getLogger("dongui.keeping")

_KEPT_RULES = 10_000  # resolved rules that are remembered
_ACHIEVED = 500  # records in one destruction that a person selects


class Planner:
    """Reads the stores; decides nothing that the pure calendar does not."""

    def __init__(self, storage: Storage, periods: Periods, registry: NoticeRegistry) -> None:
        self._storage = storage
        self._periods = periods
        self._rules = RuleResolver(storage, registry, periods)
        # "bases" leave a trace in a day's list of bases for ever, so those that are done are remembered.
        self._cleared: set[PurposesTarget] | None = None
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
                planned += [replace(p, target=self._rules.resolve(p.target)) for p in part(holds, today)]
            except Exception as error:
                self.failures += 1
                log.error("what is due could not be planned in full", extra={"kind": type(error).__name__})
        return planned

    def due(self, destruction: Destruction, holds: Sequence[Hold], today: date) -> SelectedTarget | None:
        """The target of a destruction selected earlier, or interrupted, as it is to be carried out now: with its rules
        and the holds that stand. None where it may not go on."""
        target = destruction.target
        running = destruction.state == "running"
        if isinstance(target, DayTarget):
            # Once a crash came after the key went, there is no day to be kept any more.
            gone = self._storage.keys.destroyed(day_name(target.day)) or target.day not in self._storage.events.days()
            running = running and gone
        if not running and not self._still_due(target, holds, today):
            return None
        return self._rules.resolve(target).resolved(holding=tuple(holds))

    def _still_due(self, target: SelectedTarget, holds: Sequence[Hold], today: date) -> bool:
        match target:
            case DayTarget() | PurposesTarget():
                return calendar.still_due(target.what, self._plan_day(target.day, holds, today))
            case RecordsTarget():
                group = (target.site, target.class_id, target.last_day)
                store = self._storage.archive if target.store == "archive" else self._storage.records
                numbered = (*group, self._number(store, group))
                return calendar.still_due(target.what, self._plan_group(target.store, store, numbered, holds, today))
            case AchievedTarget():
                return any(self._storage.records.by_id(bytes.fromhex(id)) for id in target.ids)
            case UnreadableTarget():
                return False
        return bool(self.proofs.due_numbers(target, holds, today))

    def achieved(
        self, site_ref: int, class_id: str, reason: str, today: date, *, subject: bytes | None, before: date | None
    ) -> list[Planned]:
        """Live records of a class whose purpose a person says is achieved: of one subject, or up to a day, or all."""
        records = self._storage.records
        found = records.of_class(site_ref, class_id) if subject is None else records.of_subject(site_ref, subject)
        ids = tuple(r.id.hex() for r in found if r.class_id == class_id and (before is None or r.day <= before))
        parts = [ids[n : n + _ACHIEVED] for n in range(0, len(ids), _ACHIEVED)]
        return [Planned(AchievedTarget(site=site_ref, class_id=class_id, ids=some), today, reason) for some in parts]

    def done(self, destruction: Destruction) -> None:
        """Take note of a destruction that is done."""
        self._note_cleared(destruction, self._cleared_bases())
        self.proofs.done(destruction.target)

    def schedule(self, holds: Sequence[Hold]) -> list[calendar.StoredDay]:
        """Every day that is stored and when it ends. For people to read."""
        events = self._storage.events
        return [
            calendar.schedule(
                day,
                self._bases(day, holds) or [],
                self._periods,
                holds,
                self._periods.latest(day),
                events.size(day),
            )
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
        return [p for p in plan if not isinstance(p.target, PurposesTarget) or p.target not in self._cleared_bases()]

    def _bases(self, day: date, holds: Sequence[Hold]) -> list[RowBasis] | None:
        """A day's bases; none where its file cannot be read, which then ends with the longest period there is.

        None while a hold may cover what is in it.
        """
        try:
            return self._storage.events.bases(day)
        except Exception as error:
            log.error("a day's file cannot be read", extra={"day": str(day), "kind": type(error).__name__})
            return None if any(hold.first_day is None or hold.first_day <= day for hold in holds) else []

    def _cleared_bases(self) -> set[PurposesTarget]:
        if self._cleared is None:
            self._cleared = set()
            for destruction in self._storage.admin.destructions(("done",)):
                self._note_cleared(destruction, self._cleared)
        return self._cleared

    @staticmethod
    def _note_cleared(destruction: Destruction, cleared: set[PurposesTarget]) -> None:
        target = destruction.target
        done = destruction.certificate
        if isinstance(target, PurposesTarget) and done and done.in_full is True:
            cleared.add(target.resolved(rules=()))

    # -- records

    def _plan_records(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        stores: tuple[tuple[Literal["archive", "records"], RecordStore], ...] = (
            ("archive", self._storage.archive),
            ("records", self._storage.records),
        )
        for name, store in stores:
            for group in store.groups():
                if group[2] < today:
                    yield from self._plan_group(name, store, group, holds, today)

    def _plan_group(
        self,
        name: Literal["archive", "records"],
        store: RecordStore,
        group: tuple[int, str, date, int],
        holds: Sequence[Hold],
        today: date,
    ) -> list[Planned]:
        site_ref, class_id, last, _ = group
        held: list[bytes] = []
        if calendar.may_hold(holds, site_ref, class_id):
            held = calendar.held_records(store.of_group(site_ref, class_id, last), holds)
        return calendar.plan_records(name, group, held, today)

    @staticmethod
    def _number(store: RecordStore, group: tuple[int, str, date]) -> int:
        return next((n for *key, n in store.groups() if tuple(key) == group), 0)


class RuleResolver:
    """Says under which rules of which class and notice a target is due. Reads the stores; remembers what it has found.

    What is resolved travels with the target, so that approval, intent and destruction need not ask again.
    """

    def __init__(self, storage: Storage, registry: NoticeRegistry, periods: Periods) -> None:
        self._storage = storage
        self._registry = registry
        self._periods = periods
        self._known: dict[SelectedTarget, tuple[Rule, ...]] = {}

    def resolve(self, target: SelectedTarget) -> SelectedTarget:
        """The target with its rules: class, how long, and a law's minimum."""
        if target not in self._known:
            if len(self._known) > _KEPT_RULES:
                self._known.clear()
            try:
                self._known[target] = tuple(sorted({r for n, id in self._classes(target) if (r := rule_of(n, id))}))
            except StorageDamaged:  # a damaged file ends with the longest period there is: nothing in it asks for more
                return target
        return target.resolved(rules=self._known[target])

    def _classes(self, target: SelectedTarget) -> Iterator[tuple[LoadedNotice, str]]:
        """The notice versions and classes that something stood under."""
        match target:
            case DayTarget():
                for basis in self._storage.events.bases(target.day):
                    yield from self._of_bits(basis.notice_ref, basis.purposes)
            case PurposesTarget():
                yield from self._of_bits(target.notice, target.purposes)
            case RecordsTarget():
                yield from self._of_records(target)
            case RequestsTarget():
                for id in target.requests:
                    if (request := self._storage.admin.request(id)) and request.closed_at:
                        notice = self._registry.in_force(request.site_ref, request.closed_at)
                        yield notice, ledger_retention.REQUEST
            case DisclosuresTarget():
                for id in target.disclosures:
                    if entry := self._storage.disclosures.entry(id):
                        notice = self._registry.in_force(entry.site_ref, entry.at)
                        yield notice, ledger_retention.class_in(notice, ledger_retention.DISCLOSURE)
            case BooksTarget():
                for record in self._records(target.records):
                    class_id = ledger_retention.CLASS_OF.get(record.kind, ledger_retention.AUDIT)
                    yield from ((n, ledger_retention.class_in(n, class_id)) for n in self._notices_of(record))
            case ConsentsTarget() | AuditTarget():
                own = ledger_retention.CONSENT if isinstance(target, ConsentsTarget) else ledger_retention.AUDIT
                for record in self._records(target.records):
                    yield from ((n, own) for n in self._notices_of(record))

    def _of_bits(self, notice_ref: int, purposes: int) -> Iterator[tuple[LoadedNotice, str]]:
        notice = self._registry.notice(notice_ref)
        for bit in bits_of(purposes):
            yield notice, self._periods.class_id(notice_ref, bit)

    def _of_records(self, target: RecordsTarget) -> Iterator[tuple[LoadedNotice, str]]:
        store = self._storage.archive if target.store == "archive" else self._storage.records
        found = store.of_group(target.site, target.class_id, target.last_day)
        yield from ((self._registry.notice(ref), target.class_id) for ref in {r.notice_ref for r in found})

    def _records(self, ranges: Iterable[Sequence[int]]) -> Iterator[LedgerRecord]:
        for first, last in ranges:
            yield from (r for r in self._storage.ledger.records(first - 1, last - first + 1) if r.seq <= last)

    def _notices_of(self, record: LedgerRecord) -> Iterator[LoadedNotice]:
        """The notices whose period counts for a ledger record: its own version's, else those in force at the time."""
        version = (record.body or {}).get("notice")
        for site in self._registry.sites():
            if record.site_ref not in (None, site.ref) or not self._registry.notices(site.ref):
                continue
            own = [n for n in self._registry.notices(site.ref) if n.version == version]
            yield own[0] if own else self._registry.in_force(site.ref, record.at)
