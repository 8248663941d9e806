"""Ending what visitors withdrew or had erased: rows, day by day for all of them at once, and records of other classes.

Only days that may hold something of them are opened. A legal hold suspends exactly what it covers: those rows and
records stay, unseen by every reader, and the ending stays open until the hold is released.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

from dongui_collector.core.clock import Clock
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.archive import Archiver, outlives_consent
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage, iter_rows
from dongui_collector.storage.contract.targets import VisitorTarget
from dongui_collector.storage.contract.values import Ended, Hold, Intent, Record, Reduce, RowEnding, Selection

_SIDE_BY_SIDE = 24  # days at a time: they wait for the disk together, others are searched meanwhile


@dataclass(eq=False)
class VisitorSteps:
    """Destroys what visitor targets name."""

    _storage: Storage
    _registry: NoticeRegistry
    _clock: Clock
    _journal: DestructionJournal
    _reduce: Reduce
    _periods: Periods
    _archiver: Archiver
    _today: Callable[[], date]

    def resolve(self, intents: Iterable[Intent]) -> list[VisitorTarget]:
        """What intents of the ledger end, as things stand now; those that are finished are left out."""
        open_ = {intent.seq for intent in self._storage.ledger.intents()}
        holds = self._storage.admin.holds()
        today = self._today() if holds else date.min
        return [
            self._target(i, [h for h in holds if h.may_reach(i.site_ref, i.visitor, today)])
            for i in intents
            if i.seq in open_
        ]

    def _target(self, intent: Intent, holds: Sequence[Hold]) -> VisitorTarget:
        ledger = self._storage.ledger
        found = ledger.records(intent.seq - 1, 1)
        body = (found[0].body or {}) if found else {}
        erasure = intent.kind == "erasure"
        named = body.get("records", ()) if erasure else (r.seq for r in ledger.records_of(intent.visitor))
        visitor = None if erasure else ledger.visitor(intent.visitor)
        return VisitorTarget(
            of=intent.seq,
            cause=intent.kind,
            site=intent.site_ref,
            visitor=intent.visitor,
            bits=intent.bits,
            up_to=intent.up_to,
            records=tuple(named),
            reason=body.get("reason", intent.kind),
            decided_at=found[0].at if found else 0,
            # With the last withdrawal the id stands for nobody: what was recorded of it ends as each class says.
            final=visitor is None or not visitor.known,
            holding=tuple(holds),
        )

    def run(self, targets: Sequence[VisitorTarget]) -> dict[int, Ended]:
        """End the rows and records of all targets. By each one's intent what was done, and whether a hold keeps some.

        May be done twice.
        """
        outcomes = {target.of: Ended() for target in targets}
        self._end_rows(targets, outcomes)
        self._end_records([t for t in targets if t.final], outcomes)
        return outcomes

    # -- rows

    def _end_rows(self, targets: Sequence[VisitorTarget], outcomes: dict[int, Ended]) -> None:
        days = self._storage.events.days_of({t.visitor for t in targets})
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="ending") as pool:
            jobs = [(day, [t for t in targets if t.visitor in whom]) for day, whom in sorted(days.items())]
            for found in pool.map(lambda job: self._end_day(*job), jobs):
                for of, ended in found.items():
                    outcomes[of].add(ended)

    def _end_day(self, day: date, targets: Sequence[VisitorTarget]) -> dict[int, Ended]:
        found = {t.of: Ended() for t in targets}
        parts = [part for t in targets for part in self._parts(t, day, found[t.of])]
        for part, ended in zip(parts, self._storage.events.end_all(day, parts, self._reduce), strict=True):
            found[part.of].add(ended)
        return found

    def _parts(self, target: VisitorTarget, day: date, ended: Ended) -> Iterator[RowEnding]:
        """What of one day ends now: everything at once, or, under a hold, what it does not cover, notice by notice."""
        masks: dict[int, int] = {}
        if target.holding:
            for basis in self._storage.events.bases(day):
                if basis.site_ref == target.site:
                    masks[basis.notice_ref] = masks.get(basis.notice_ref, 0) | basis.purposes
        held = {ref: self._held_bits(target, ref, mask & target.bits, day) for ref, mask in masks.items()}
        if not any(held.values()):
            whole = Selection(site_ref=target.site, visitor=target.visitor, up_to=target.up_to)
            yield RowEnding(whole, target.bits, target.of)
            return
        for notice_ref, mask in masks.items():
            selection = Selection(target.site, target.visitor, notice_ref, target.up_to)
            if self._held_rows(day, selection, held[notice_ref]):
                ended.held = True
            if bits := mask & target.bits & ~held[notice_ref]:
                yield RowEnding(selection, bits, target.of)

    def _held_bits(self, target: VisitorTarget, notice_ref: int, mask: int, day: date) -> int:
        classes = {bit: self._periods.class_id(notice_ref, bit) for bit in bits_of(mask)}
        return sum(
            1 << bit
            for bit, class_id in classes.items()
            if any(h.touches(target.site, class_id, day) for h in target.holding)
        )

    def _held_rows(self, day: date, selection: Selection, bits: int) -> bool:
        return bool(bits) and any(row.purposes & bits for row in iter_rows(self._storage.events, day, selection))

    # -- records of other classes

    def _end_records(self, targets: Sequence[VisitorTarget], outcomes: dict[int, Ended]) -> None:
        """End what stood on the relation with the site; what another law names moves into the archive (S5.2, S9)."""
        if not self._storage.records.groups():
            return
        ending: dict[bytes, int] = {}
        for target in targets:
            ending |= dict.fromkeys(self._ended_records(target, outcomes[target.of]), target.of)
        if ending:
            by_target = {of: [id.hex() for id in ending if ending[id] == of] for of in set(ending.values())}
            self._journal.append(*({"kind": "subject", "seq": of, "ids": ids} for of, ids in sorted(by_target.items())))
            self._storage.records.destroy_ids(list(ending))

    def _ended_records(self, target: VisitorTarget, ended: Ended) -> list[bytes]:
        """The ids of a target's records that are to be destroyed; those that a law keeps are moved apart."""
        today = self._today()
        found = self._records_of(target)
        held = {r.id for r in found if any(h.touches(r.site_ref, r.class_id, r.day) for h in target.holding)}
        ended.held = ended.held or bool(held)
        free = [r for r in found if r.id not in held]
        apart = [r for r in free if self._archiver.kept(r, today)]
        ended.archived += self._archiver.move(apart, target.reason, target.of)
        kept = {r.id for r in apart} | {r.id for r in free if self._archiver.below_floor(r, today)}
        ids = [r.id for r in free if r.id not in kept]
        ended.records += len(ids)
        return ids

    def _records_of(self, target: VisitorTarget) -> list[Record]:
        # Whoever comes back while a hold keeps the ending open begins anew: what is taken then does not end with it.
        found = self._storage.records.of_subject(target.site, target.visitor)
        found = [r for r in found if r.at <= target.decided_at]
        if target.cause == "erasure":
            return found
        policy = self._registry.in_force(target.site, self._clock.now()).policy
        return [
            r for r in found if not outlives_consent(policy.records.get(r.class_id, self._archiver.class_of(r)), policy)
        ]
