"""What the executor does to each kind of selected target: what is lost, and in which order. Each may be done twice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from dongui_collector.core.clock import Clock
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.retention.archive import Archiver
from dongui_collector.retention.schedule import held_records
from dongui_collector.retention.schedule_ledger import ProofPlanner
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import RecordStore, Storage
from dongui_collector.storage.contract.targets import (
    AchievedTarget,
    AuditTarget,
    BooksTarget,
    ConsentsTarget,
    DayTarget,
    DisclosuresTarget,
    NumberedTarget,
    PurposesTarget,
    Quantities,
    RecordsTarget,
    RequestsTarget,
    Target,
)
from dongui_collector.storage.contract.values import Ended, Reduce, Selection

log = logging.getLogger("dongui.keeping")

_FEED_MS = 90 * 86_400_000  # how long the erasure feed names whom it tells of
_CHUNK = 200  # records erased in one transaction: ingest waits for a few milliseconds


@dataclass(eq=False)
class Steps:
    """Destroys selected targets. ``today`` is the installation's day."""

    _storage: Storage
    _keyring: KeyRing
    _journal: DestructionJournal
    _reduce: Reduce
    _periods: Periods
    _proofs: ProofPlanner
    _archiver: Archiver
    _today: Callable[[], date]

    def run(self, target: Target) -> Quantities:
        """Destroy one target, but for what ``target.holding`` keeps. Returns what its certificate says of it."""
        match target:
            case DayTarget():
                return self._day(target)
            case PurposesTarget():
                return self._purposes(target)
            case RecordsTarget():
                return self._records(target)
            case AchievedTarget():
                return self._achieved(target)
            case ConsentsTarget() | AuditTarget() | BooksTarget() | RequestsTarget() | DisclosuresTarget():
                return self._numbered(target)
        raise TypeError(f"{type(target).__name__} cannot be carried out")

    def _day(self, target: DayTarget) -> Quantities:
        if not self._keyring.day_is_over(target.day):
            # Also where nothing was sealed: no late event may begin the day again.
            self._keyring.day(target.day, create=True)
        self._keyring.destroy_day(target.day)
        self._storage.events.destroy(target.day)
        return Quantities()

    def _purposes(self, target: PurposesTarget) -> Quantities:
        bits, kept = self._unheld(target)
        selection = Selection(site_ref=target.site, notice_ref=target.notice, except_visitors=kept)
        ended = self._storage.events.end(target.day, selection, bits, self._reduce) if bits else Ended()
        foreseen = {whom for h in target.holding if h.id in target.holds for whom in h.whom}
        # A hold that came after the intent keeps more than was foreseen: what it keeps is selected again later.
        in_full = bits == target.purposes and kept <= foreseen
        return Quantities(rows_destroyed=ended.destroyed, rows_reduced=ended.changed, in_full=in_full)

    def _unheld(self, target: PurposesTarget) -> tuple[int, frozenset[bytes]]:
        """The purposes that no hold keeps for everyone, and the visitors whose rows a hold keeps."""
        bits = 0
        kept: set[bytes] = set()
        for bit in bits_of(target.purposes):
            class_id = self._periods.class_id(target.notice, bit)
            touching = [h for h in target.holding if h.touches(target.site, class_id, target.day)]
            if all(h.visitor is not None for h in touching):
                bits |= 1 << bit
            kept |= {whom for h in touching for whom in h.whom}
        return bits, frozenset(kept)

    def _records(self, target: RecordsTarget) -> Quantities:
        store, site, class_id, last = self._store(target), target.site, target.class_id, target.last_day
        kept = {bytes.fromhex(id) for id in target.kept}
        if target.holding:
            kept.update(held_records(store.of_group(site, class_id, last), target.holding))
        if not kept:
            self._destroy_keys(store, target)
        return Quantities(records=store.destroy(site, class_id, last, except_ids=sorted(kept)), kept=len(kept))

    def _achieved(self, target: AchievedTarget) -> Quantities:
        """Records whose purpose is achieved (S5.1): what other law names goes apart, the rest is destroyed."""
        store = self._storage.records
        found = [r for id in target.ids if (r := store.by_id(bytes.fromhex(id))) is not None]
        holds = target.holding
        free = [r for r in found if not any(h.covers(r.site_ref, r.class_id, r.day, r.subject) for h in holds)]
        apart = [r for r in free if self._archiver.kept(r, self._today())]
        moved = self._archiver.move(apart, "achieved", target.of)
        ending = [r.id for r in free if r not in apart and not self._archiver.below_floor(r, self._today())]
        self._journal.append({"kind": "subject", "seq": target.of, "ids": [id.hex() for id in ending]})
        destroyed = store.destroy_ids(ending) if ending else 0
        return Quantities(records=destroyed, archived=moved, kept=len(found) - moved - len(ending))

    def _destroy_keys(self, store: RecordStore, target: RecordsTarget) -> None:
        """The keys of a group that ends as a whole, as far as nothing else needs them."""
        stores = (self._storage.archive, self._storage.records)
        others = [
            one
            for one in stores
            for site, class_id, last, _ in one.groups()
            if (class_id, last) == (target.class_id, target.last_day) and not (one is store and site == target.site)
        ]
        if not any(one is self._storage.archive for one in others):
            self._keyring.destroy(archive_name(target.class_id, target.last_day))
        if not others:
            self._keyring.destroy(record_name(target.class_id, target.last_day))

    def _store(self, target: RecordsTarget) -> RecordStore:
        return self._storage.archive if target.store == "archive" else self._storage.records

    def _numbered(self, target: NumberedTarget) -> Quantities:
        """Ledger records and requests: what names somebody goes, in short transactions."""
        numbers = self._proofs.due_numbers(target, target.holding, self._today())
        done = 0
        for start in range(0, len(numbers), _CHUNK):
            with self._storage.ledger.writing():
                done += self._erase(target, numbers[start : start + _CHUNK])
        return Quantities(erased=done)

    def _erase(self, target: NumberedTarget, numbers: Sequence[int]) -> int:
        if isinstance(target, RequestsTarget):
            self._destroy_request_keys(numbers)
            return self._storage.admin.destroy_requests(numbers)
        if isinstance(target, DisclosuresTarget):
            return self._storage.disclosures.destroy(numbers)
        for seq in numbers:
            self._proofs.forget(seq)
        return self._storage.ledger.erase_bodies(numbers)

    def _destroy_request_keys(self, ids: Iterable[int]) -> None:
        """What a request says of persons is sealed under a key of its own: no backup tells it any more."""
        for id in ids:
            request = self._storage.admin.request(id)
            if request and request.key:
                self._keyring.destroy(request.key)


class Remains:
    """Clears what no destruction is selected for: files of an interrupted one, old entries of the feed, spent keys."""

    def __init__(self, storage: Storage, keyring: KeyRing, clock: Clock, today: Callable[[], date]) -> None:
        self._storage = storage
        self._keyring = keyring
        self._clock = clock
        self._today = today
        self._cleared: date | None = None  # the feed and the keys are looked through once a day

    def clear(self) -> int:
        """One look; returns how much failed, which is tried again at the next."""
        failed = self._finish_leftovers()
        if (today := self._today()) != self._cleared:
            with self._storage.ledger.writing():
                # A consumer has had its time to destroy its copies; what named the visitor to it goes too.
                self._storage.admin.forget_feed(self._clock.now() - _FEED_MS)
            self._forget_keys(today)
            self._cleared = today
        return failed

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
