"""Carrying a withdrawal or an erasure through: journal, day files, records, certificate. Every step may be done twice.

A legal hold suspends exactly what it covers: those rows and records stay, unseen by every reader, and the ending stays
open until the hold is released.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger import disclosure_subjects, state
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.archive import Archiver, outlives_consent
from dongui_collector.storage.contract.stores import Storage, iter_rows
from dongui_collector.storage.contract.values import Ended, Hold, Intent, Json, LedgerRecord, Reduce, Selection
from dongui_collector.storage.sqlite.journal import Journal

_SIDE_BY_SIDE = 24  # days at a time: they wait for the disk together, others are searched meanwhile

CONSUMERS = "consumers"  # the setting that names who was given data, and for which purposes


class WithdrawalExecutor:
    """Finishes what :class:`~dongui_collector.ledger.service.LedgerService` has decided."""

    def __init__(
        self,
        storage: Storage,
        registry: NoticeRegistry,
        keyring: KeyRing,
        clock: Clock,
        journal: Journal,
        reduce: Reduce,
    ) -> None:
        self._storage = storage
        self._store = storage.ledger
        self._registry = registry
        self._keyring = keyring
        self._clock = clock
        self._journal = journal
        self._reduce = reduce
        self._periods = Periods(registry)
        self.archiver = Archiver(storage, keyring, registry, journal)
        self._journalled: set[int] = set()
        self._waiting: dict[int, tuple[int, ...]] = {}  # endings that wait for a hold, and for which
        self._turns: dict[int, threading.Lock] = {}  # one an ending that is open

    def finish(self, intent: Intent, progress: Callable[[int, int], None] | None = None) -> Ended:
        """Destroy what an intent ended, then certify it. ``held`` in the answer says that a hold keeps part of it.

        Whoever comes while another thread is at it waits for that one, and finds nothing left to do.
        """
        with self._turns.setdefault(intent.seq, threading.Lock()):
            ended = Ended()
            if any(open_.seq == intent.seq for open_ in self._store.intents()):
                ended = self._finish(intent, progress)
            if not ended.held:
                self._turns.pop(intent.seq, None)
            return ended

    def _finish(self, intent: Intent, progress: Callable[[int, int], None] | None) -> Ended:
        holds = self.holds(intent.site_ref, intent.visitor)
        waits_for = tuple(h.id for h in holds)
        if waits_for and self._waiting.get(intent.seq) == waits_for:
            return Ended(held=True)  # nothing has changed since the last try
        decision = self._decision(intent)
        self._note(intent, decision)
        ended = Ended()
        days = self._storage.events.days()
        with ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="ending") as pool:
            parts = ((day, list(self._parts(intent, day, holds, ended))) for day in days)
            for done, ended_day in enumerate(pool.map(self._end_day, *zip(*parts, strict=True)) if days else ()):
                ended.add(ended_day)
                if progress:
                    progress(done + 1, len(days))
        if intent.kind == "erasure" or not state.is_known(self._store.visitor(intent.visitor)):
            # With the last withdrawal the id stands for nobody: what was recorded of it ends as each class says.
            self._end_records(intent, decision, holds, ended)
        self._certify(intent, decision, holds, ended)
        if ended.held:
            self._waiting[intent.seq] = waits_for
        self._store.scrub()
        return ended

    def _end_day(self, day: date, parts: Sequence[tuple[Selection, int]]) -> Ended:
        ended = Ended()
        for selection, bits in parts:
            ended.add(self._storage.events.end(day, selection, bits, self._reduce))
        return ended

    def holds(self, site_ref: int, visitor: bytes) -> list[Hold]:
        """The holds that may reach this visitor today."""
        today = day_of(self._clock.now(), self._registry.in_force(site_ref, self._clock.now()).zone)
        return [
            h
            for h in self._storage.office.holds()
            if h.stands(today) and h.site_ref in (None, site_ref) and (h.visitor is None or visitor in h.whom)
        ]

    def unheld(self, records: Sequence[LedgerRecord], holds: Sequence[Hold]) -> list[int]:
        """Those ledger records of a visitor whose content no hold keeps."""
        return [r.seq for r in records if not any(self._covers_record(h, r) for h in holds)]

    def _covers_record(self, hold: Hold, record: LedgerRecord) -> bool:
        if record.site_ref is None:
            return False
        day = day_of(record.at, self._registry.in_force(record.site_ref, record.at).zone)
        return hold.touches(record.site_ref, "consent_record", day)

    # -- rows

    def _parts(self, intent: Intent, day: date, holds: Sequence[Hold], ended: Ended) -> Iterator[tuple[Selection, int]]:
        """What of one day ends now: everything at once, or, under a hold, what it does not cover, notice by notice."""
        masks: dict[int, int] = {}
        if holds:
            for basis in self._storage.events.bases(day):
                if basis.site_ref == intent.site_ref:
                    masks[basis.notice_ref] = masks.get(basis.notice_ref, 0) | basis.purposes
        held = {ref: self._held_bits(intent, ref, mask & intent.bits, day, holds) for ref, mask in masks.items()}
        if not any(held.values()):
            yield Selection(site_ref=intent.site_ref, visitor=intent.visitor, up_to=intent.up_to), intent.bits
            return
        for notice_ref, mask in masks.items():
            selection = Selection(intent.site_ref, intent.visitor, notice_ref, intent.up_to)
            if self._held_rows(day, selection, held[notice_ref]):
                ended.held = True
            if bits := mask & intent.bits & ~held[notice_ref]:
                yield selection, bits

    def _held_bits(self, intent: Intent, notice_ref: int, mask: int, day: date, holds: Sequence[Hold]) -> int:
        classes = {bit: self._periods.class_id(notice_ref, bit) for bit in bits_of(mask)}
        return sum(
            1 << bit
            for bit, class_id in classes.items()
            if any(h.touches(intent.site_ref, class_id, day) for h in holds)
        )

    def _held_rows(self, day: date, selection: Selection, bits: int) -> bool:
        return bool(bits) and any(row.purposes & bits for row in iter_rows(self._storage.events, day, selection))

    # -- records of other classes

    def _end_records(self, intent: Intent, decision: Json, holds: Sequence[Hold], ended: Ended) -> None:
        """End what stood on the relation with the site; what another law names moves into the archive (S5.2, S9)."""
        today = day_of(self._clock.now(), self._registry.in_force(intent.site_ref, self._clock.now()).zone)
        # Whoever comes back while a hold keeps the ending open begins anew: what is taken then does not end with it.
        decided = self._store.records(intent.seq - 1, 1)[0].at
        found = self._storage.records.find(intent.site_ref, subject=intent.visitor, limit=1 << 40)
        found = [r for r in found if r.at <= decided]
        if intent.kind == "withdrawal":
            policy = self._registry.in_force(intent.site_ref, self._clock.now()).policy
            found = [
                r
                for r in found
                if not outlives_consent(policy.records.get(r.class_id, self.archiver.class_of(r)), policy)
            ]
        held = {r.id for r in found if any(h.touches(r.site_ref, r.class_id, r.day) for h in holds)}
        ended.held = ended.held or bool(held)
        free = [r for r in found if r.id not in held]
        apart = [r for r in free if self.archiver.kept(r, today)]
        ended.archived += self.archiver.move(apart, decision.get("reason", intent.kind), intent.seq)
        kept = held | {r.id for r in apart} | {r.id for r in found if self.archiver.below_floor(r, today)}
        ending = [r.id for r in found if r.id not in kept]
        if ending:
            self._journal.append({"kind": "subject", "seq": intent.seq, "ids": [id.hex() for id in ending]})
            ended.records += self._storage.records.destroy_ids(ending)

    # -- before and after

    def _decision(self, intent: Intent) -> Json:
        found = self._store.records(intent.seq - 1, 1)
        return (found[0].body or {}) if found else {}

    def _note(self, intent: Intent, decision: Json) -> None:
        """Into the journal first, so that no restored backup brings back what ends here. The visitor is named by the
        number of a ledger record that a backup may hold, never by an identifier."""
        if intent.seq in self._journalled:
            return
        if intent.kind == "erasure":
            numbers = decision.get("records", [])
        else:
            numbers = [r.seq for r in self._store.records_of(intent.visitor)]
        entry = {"site": intent.site_ref, "bits": intent.bits, "up_to": intent.up_to, "records": numbers}
        self._journal.append({"kind": intent.kind, "seq": intent.seq, **entry})
        self._journalled.add(intent.seq)

    def _certify(self, intent: Intent, decision: Json, holds: Sequence[Hold], ended: Ended) -> None:
        with self._store.writing():
            if intent.kind == "erasure":
                wanted = [r for seq in decision.get("records", []) for r in self._store.records(seq - 1, 1)]
                free = self.unheld([r for r in wanted if r.body is not None], holds)
                self._store.erase_bodies(free)
                self._forget_in_requests(intent)
                disclosure_subjects.forget(self._storage, self._keyring, intent.visitor)
                ended.held = ended.held or any(r.body is not None and r.seq not in free for r in wanted)
            counts = self._so_far(intent, ended)
            if ended.held:
                return
            self._tell_consumers(intent)
            self._store.finish_intent(intent.seq)
            body = {
                "of": intent.seq,
                "kind": intent.kind,
                **counts,
                "reason": decision.get("reason", intent.kind),
                "method": "zeroed in place, log truncated; what other law names moved into the archive",
            }
            self._store.append("certificate", self._clock.now(), body, site_ref=intent.site_ref)

    def _so_far(self, intent: Intent, ended: Ended) -> Json:
        """What this ending destroyed, in numbers, with what it did before a hold let go of the rest."""
        noted = f"ending.{intent.seq}"
        before: Json = self._storage.office.setting(noted) or {"days": []}
        days = sorted({*before["days"], *(day.isoformat() for day in ended.days)})
        counts = {
            "rows_destroyed": ended.destroyed + before.get("rows_destroyed", 0),
            "rows_reduced": ended.changed + before.get("rows_reduced", 0),
            "records_destroyed": ended.records + before.get("records_destroyed", 0),
            "records_archived": ended.archived + before.get("records_archived", 0),
        }
        self._storage.office.put_setting(noted, {**counts, "days": days} if ended.held else None)
        return {**counts, "days": len(days)}

    def _forget_in_requests(self, intent: Intent) -> None:
        """A privacy request stays as proof that it was answered; it no longer says whose it was."""
        office = self._storage.office
        for request in office.requests():
            if request.get("visitor") == intent.visitor.hex():
                office.update_request(request["id"], {"visitor": None})

    def _tell_consumers(self, intent: Intent) -> None:
        """Write into the erasure feed whose copies must go too: under each consumer's own name for the visitor."""
        # Every purpose that the site ever asked for: copies may stand on one that the notice in force has dropped.
        ended = {p for p, bit in self._store.bits(intent.site_ref).items() if intent.bits >> bit & 1}
        consumers: Json = self._storage.office.setting(CONSUMERS) or {}
        for consumer, had in consumers.items():
            purposes = sorted(ended & set(had["purposes"]))
            if purposes and had["site"] in (None, intent.site_ref):
                entry = {
                    "kind": intent.kind,
                    "purposes": purposes,
                    "visitor": Pseudonyms(self._keyring, consumer).visitor(intent.visitor),
                }
                self._storage.office.add_to_feed(consumer, self._clock.now(), entry)
