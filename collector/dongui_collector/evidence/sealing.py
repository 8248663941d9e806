"""Sealing finished days: a Merkle root over each day's rows goes on the ledger's chain (docs/decisions/006).

Reads a page at a time under short leases and writes one small record; no writer waits while a day is read.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date
from zoneinfo import ZoneInfo

import msgspec

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import NotAllowed
from dongui_collector.evidence import merkle, seals
from dongui_collector.evidence.seals import DayState, Seal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.stores import EventStore, Storage, iter_rows
from dongui_collector.storage.contract.values import Json, Row

log = logging.getLogger("dongui.sealing")

_PAGE = 500
_SLICE_S = 0.02  # how long other threads wait at the most
_URGENT_S = 5.0
_SHARE = 0.25  # of one core while it goes on beside ingest
_AGAIN_MS = 86_400_000  # a day that changed is sealed anew once a day, and whenever a checkpoint or evidence is made
_BATCH = 100
_SETTLED_AFTER_MS = 3_600_000  # most late events of a day have come by then; later ones are welcome too

Pace = Callable[[], None]
_ONE = threading.Lock()  # two at once would seal the same days twice


def leaves(events: EventStore, day: date, key: bytes) -> Iterator[tuple[Row, bytes]]:
    """A day's rows with their leaves, in order."""
    for row in iter_rows(events, day, page=_PAGE):
        yield row, merkle.leaf(merkle.commitment(key, row), row.purposes, row.seq)


def look(events: EventStore, day: date, key: bytes, before: Seal | None = None, pace: Pace = lambda: None) -> DayState:
    """A day as it is now. Read twice where rows were changed meanwhile."""
    found = _look(events, day, key, before, pace)
    for _ in range(3):
        if events.tally(day) == found.tally:
            break
        found = _look(events, day, key, before, pace)
    return found


def _look(events: EventStore, day: date, key: bytes, before: Seal | None, pace: Pace) -> DayState:
    tally, tree, earlier = events.tally(day), merkle.MerkleTree(), merkle.EMPTY
    for number, (_, leaf) in enumerate(leaves(events, day, key), 1):
        tree.add(leaf)
        if before is not None and number == before.rows:
            earlier = tree.root()
        if number % _PAGE == 0:
            pace()
    return DayState(tree.root(), tree.size, earlier, tally)


def settled(clock: Clock, zone: ZoneInfo) -> date:
    """The day before which every day is finished."""
    return day_of(clock.now() - _SETTLED_AFTER_MS, zone)


class Interrupted(Exception):
    """Sealing was told to stop; it begins again at the next round."""


def gentle(stopping: threading.Event, urgent: Callable[[], bool] = lambda: False) -> Pace:
    """Give way to the threads that answer requests: a short slice of work, then a longer pause. While something is
    ``urgent`` none at all, but for no longer than a few seconds at a time.

    Raises :class:`Interrupted` once ``stopping`` is set.
    """
    began = time.monotonic()

    def pace() -> None:
        nonlocal began
        until = time.monotonic() + _URGENT_S
        while urgent() and time.monotonic() < until:
            if stopping.wait(_SLICE_S):
                raise Interrupted
            began = time.monotonic()
        if (worked := time.monotonic() - began) > _SLICE_S:
            if stopping.wait(worked * (1 / _SHARE - 1)):
                raise Interrupted
            began = time.monotonic()

    return pace


class DaysSealed(msgspec.Struct, frozen=True):
    """How many days were sealed, and which were not because nothing explains how they changed."""

    sealed: int
    refused: list[date]


class Sealer:
    """Seals the days of one open, writable installation. ``refused`` are days whose change nothing explains."""

    def __init__(self, storage: Storage, keyring: KeyRing, clock: Clock) -> None:
        self._ledger = storage.ledger
        self._events = storage.events
        self._storage = storage
        self._keyring = keyring
        self._clock = clock
        self._read_to = 0
        self._seals: dict[date, Seal] = {}
        self.refused: dict[date, str] = {}

    def run(self, before: date, *, now: bool = False, pace: Pace = lambda: None) -> DaysSealed:
        """Seal every finished day earlier than ``before`` that has no seal yet, and anew those that have changed.

        ``now``: also those whose last seal is younger than a day."""
        with _ONE:
            self._catch_up()
            stored = self._events.days()
            self._seals = {day: seal for day, seal in self._seals.items() if day in stored}
            self.refused = {day: problem for day, problem in self.refused.items() if day in stored}
            due = [day for day in stored if day < before and self._is_due(day, now=now)]
            done = 0
            for start in range(0, len(due), _BATCH):
                done += self._seal(due[start : start + _BATCH], pace)
            return DaysSealed(done, sorted(self.refused))

    def _catch_up(self) -> None:
        while page := self._ledger.of_kind(seals.KIND, self._read_to):
            for record in page:
                with suppress(KeyError, TypeError, ValueError):  # verify says what is wrong with it
                    self._seals |= seals.newest(seals.seals_of(record))
            self._read_to = page[-1].seq

    def _is_due(self, day: date, *, now: bool) -> bool:
        seal = self._seals.get(day)
        if seal is None:
            return True
        waits = not now and 0 <= self._clock.now() - seal.at < _AGAIN_MS
        return not waits and self._events.tally(day) != seal.tally

    def _seal(self, days: list[date], pace: Pace) -> int:
        head = self._ledger.head()[0]  # before the days are looked at: what ends meanwhile may or may not be seen
        made: list[tuple[Seal, DayState]] = []
        for day in days:
            with suppress(NotAllowed):  # its key was destroyed meanwhile
                if key := self._keyring.day(day, create=True):
                    before = self._seals.get(day)
                    found = look(self._events, day, merkle.commitment_key(key), before, pace)
                    if day in self._events.days():  # not destroyed while it was looked at
                        made.append((Seal(day, found.root, found.rows, found.tally, head), found))
        heads = [self._seals[seal.day].head for seal, _ in made if seal.day in self._seals]
        explained = ChainEndings(self._storage, min(heads, default=None))
        entries = [entry for seal, found in made if (entry := self._entry(seal, found, explained)) is not None]
        if entries:
            with self._ledger.writing():
                record = self._ledger.append(seals.KIND, self._clock.now(), {"days": entries})
            self._seals |= seals.newest(seals.seals_of(record))
            self._read_to = max(self._read_to, record.seq)
        return len(entries)

    def _entry(self, seal: Seal, found: DayState, explained: ChainEndings) -> Json | None:
        before = self._seals.get(seal.day)
        if before is None:
            return seal.json(None, None)
        if problem := seals.complaint(before, found, explained.any(before.head)):
            if seal.day not in self.refused:
                log.error("a sealed day has changed and is not sealed anew", extra={"day": str(seal.day)})
            self.refused[seal.day] = problem
            return None
        self.refused.pop(seal.day, None)
        ended = (found.tally.destroyed, found.tally.reduced) != (before.tally.destroyed, before.tally.reduced)
        return seal.json(before, explained.since(before.head) if ended else None)


class ChainEndings:
    """The endings on the ledger since a record: certificates of those that are done, and what is under way."""

    def __init__(self, storage: Storage, first: int | None) -> None:
        self._done: list[int] = []
        after = first
        while after is not None and (page := storage.ledger.of_kind("certificate", after)):
            self._done += [r.seq for r in page if ends_rows(r.body or {})]
            after = page[-1].seq
        self._open = sorted(intent.seq for intent in storage.ledger.intents())
        running = storage.admin.destructions(("running",))
        self._open += [d.intent for d in running if d.what["kind"] == "bases"]

    def any(self, seq: int) -> bool:
        """Whether anything may have ended rows after record ``seq``."""
        return bool(self._open) or bool(self._done and self._done[-1] > seq)

    def since(self, seq: int) -> Json:
        """What to say of them in a seal that follows the one of record ``seq``."""
        done = [n for n in self._done if n > seq]
        result: Json = {"first": done[0], "last": done[-1], "number": len(done)} if done else {"number": 0}
        return result | ({"open": self._open} if self._open else {})


def ends_rows(certificate: Json) -> bool:
    """Whether what a certificate certifies may have changed rows of a day that is still there."""
    return "of" in certificate or (certificate.get("what") or {}).get("kind") == "bases"
