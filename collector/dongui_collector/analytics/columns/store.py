"""The columns of one site for one set of purposes: built once a day, kept up with what is recorded and what ends.

``settled`` is what was there when everything was last put in order; ``tail`` are visits that were made since, ``dead``
marks settled ones that no longer hold. Whoever is in either is *touched*; figures of all others may be remembered,
since figures add up over visitors (docs/decisions/020).
"""

from __future__ import annotations

import ctypes
import gc
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from dongui_collector.analytics.columns.count import Figures
from dongui_collector.analytics.columns.making import Seen, day_of_site, table_of
from dongui_collector.analytics.columns.table import EMPTY, VisitTable, joined
from dongui_collector.analytics.columns.words import NONE, Bools, Glossary, Ints, Visitors, coded
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.ledger.rows import PendingErasures
from dongui_collector.storage.contract.values import Fact, Mark

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

_PAGE = 20_000  # rows a snapshot: some 50 ms
_AT_ONCE = 5000  # visitors asked for in one query
# The latest events are read anew for a twentieth of the time at most, so they may be a second late; endings never are.
STALE_S = 1.0
_SHARE = 20
_MANY = 100_000  # visits
UNSETTLED = 50_000  # visits that may be out of order, or a twentieth of all
_REMEMBERED = 64 << 20  # bytes
_NOBODY = PendingErasures({})


@contextmanager
def _uncollected() -> Iterator[None]:
    """Rows are many small values without cycles: looking for some among them takes a quarter of the time."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _give_back() -> None:
    """What making columns took and no longer needs, to the system; where the C library can (glibc)."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(slots=True)
class Reading:
    """How far a stored day was read: its mark, last position and last ending by then, and whose the rows are."""

    mark: Mark | None = None
    top: int = 0
    serial: int = 0
    rows: Ints = field(default_factory=lambda: np.empty(0, np.int32))
    owners: Ints = field(default_factory=lambda: np.empty(0, np.int32))

    def whose(self, positions: Sequence[int]) -> Ints:
        """The visitors of these rows, as far as they were read."""
        asked = np.asarray(positions, np.int64)
        if not len(self.rows) or not len(asked):
            return np.empty(0, np.int32)
        at = np.minimum(np.searchsorted(self.rows, asked), len(self.rows) - 1)
        return np.unique(self.owners[at[self.rows[at] == asked]])


@dataclass(slots=True)
class LoadedDay:
    """One of the site's days in memory."""

    today: date
    bases: dict[tuple[date, int, int], frozenset[str] | None]
    readings: dict[date, Reading]
    properties: bool = False  # whether those of events are there
    grown: float = 0.0  # when its latest events were last read (monotonic)
    took: float = 0.0  # and how many seconds that took

    def is_late(self) -> bool:
        """Whether its latest events may be read again."""
        return time.monotonic() - self.grown >= min(STALE_S, _SHARE * self.took)


@dataclass(frozen=True, slots=True)
class StoreView:
    """A moment's view. The figures of now are those of ``settled``, less those of ``was``, plus those of ``now``."""

    settled: VisitTable
    was: VisitTable
    now: VisitTable
    affected: Bools  # visitor → in ``was`` or ``now``
    words: Glossary
    epoch: int
    version: tuple[object, ...]


class Store:
    """What is held of one site for one set of purposes. ``look`` is safe to be called by several threads."""

    def __init__(self, core: LedgerInstallation, covered: EntitledEvents) -> None:
        self._core, self._covered = core, covered
        self.lock = threading.RLock()
        self.words, self.who = Glossary(), Visitors()
        self._settled, self._dead = EMPTY, np.empty(0, np.bool_)
        self._tail: dict[int, VisitTable] = {}
        self._held: dict[int, LoadedDay] = {}
        self._touched = np.empty(0, np.bool_)
        self._changes = self._epoch = 0
        self._last: StoreView | None = None
        self._memory: OrderedDict[Hashable, Figures] = OrderedDict()

    @property
    def days(self) -> int:
        """How many days are held."""
        return len(self._held)

    @property
    def nbytes(self) -> int:
        """What it takes."""
        rows = sum(r.rows.nbytes + r.owners.nbytes for held in self._held.values() for r in held.readings.values())
        return (
            self._settled.nbytes
            + sum(t.nbytes for t in self._tail.values())
            + self.who.nbytes
            + rows
            + self.words.nbytes
        )

    def look(
        self,
        days: Sequence[date],
        told: Callable[[bool], object] = lambda _new: None,
        *,
        properties: bool = False,
    ) -> StoreView:
        """Everything that is held, brought up to date for ``days``; ``properties``: with those of their events.

        ``told`` is called after each of them, with whether it had to be read from the beginning. Endings are asked for
        first: one that was decided before is then either still open, and masked, or was carried out in rows that are
        read after.
        """
        with self.lock:
            masks, marks = self._core.masks(), self._core.storage.events.marks()
            for number in [n for n in self._held if not self._stored(n, marks)]:
                self._drop(number)
            for day in days:
                told(self._bring(day, marks, properties=properties))
            if self._unsettled() > max(UNSETTLED, len(self._settled) // 20):
                self.settle()
            return self._view(masks)

    def _stored(self, number: int, marks: dict[date, Mark]) -> bool:
        """Whether a day that is held still has one of the stored days that it was read from, if it had any."""
        return all(day in marks or reading.mark is None for day, reading in self._held[number].readings.items())

    def bring(self, day: date) -> None:
        """Hold a day, as it is now."""
        with self.lock:
            self._bring(day, self._core.storage.events.marks())

    def hold_only(self, days: Collection[int]) -> None:
        """Hold no other days than these."""
        with self.lock:
            for number in [n for n in self._held if n not in days]:
                self._drop(number)
            self.settle()

    def forget_all(self) -> None:
        """Hold nothing, not even the words and visitors of days that went: they would take the room of new ones."""
        with self.lock:
            self.hold_only(())
            self.words, self.who, self._touched = Glossary(), Visitors(), np.empty(0, np.bool_)

    # -- figures that are remembered for as long as what they were counted of is in order

    def remembered(self, epoch: int, key: Hashable) -> Figures | None:
        with self.lock:
            return self._memory.get((epoch, key))

    def remember(self, epoch: int, key: Hashable, found: Figures) -> None:
        with self.lock:
            if epoch == self._epoch:
                self._memory[epoch, key] = found
                while sum(f.sums.nbytes for f in self._memory.values()) > _REMEMBERED:
                    self._memory.popitem(last=False)

    # -- reading

    def _bring(self, day: date, marks: dict[date, Mark], *, properties: bool = False) -> bool:
        held = self._held.get(day.toordinal())
        if held is None or not self._stands(held) or (properties and not held.properties):
            self._load(day, marks, properties=properties or (held is not None and held.properties))
            return True
        if any(marks.get(one) != reading.mark for one, reading in held.readings.items()):
            self._refresh(day, held, marks)
        return False

    def _stands(self, held: LoadedDay) -> bool:
        """Whether what rows stand on still covers what it did: periods end with a day."""
        today = self._core.today()
        if held.today != today:
            if any(self._covered.standing(*basis) != items for basis, items in held.bases.items()):
                return False
            held.today = today
        return True

    def _load(self, day: date, marks: dict[date, Mark], *, properties: bool) -> None:
        with _uncollected():
            self._read(day, marks, properties=properties)

    def _read(self, day: date, marks: dict[date, Mark], *, properties: bool) -> None:
        (first, end), stored = self._covered.span(day), (day,)
        self._drop(day.toordinal())
        held = LoadedDay(self._core.today(), {}, {}, properties, time.monotonic())
        seen: list[Seen] = []
        for one in stored:
            changes = self._core.storage.events.changes(one) if one in marks else None
            reading = held.readings[one] = Reading(marks.get(one))
            if changes is not None:
                reading.top, reading.serial = changes.top, changes.serial
                found = self._seen(one, first, end, held)
                seen += found
                self._own(reading, found)
        self._held[day.toordinal()] = held
        self._put(day, seen)

    def _seen(
        self,
        stored: date,
        first: int,
        end: int,
        held: LoadedDay,
        visitors: Sequence[bytes] = (),
        masks: PendingErasures = _NOBODY,
    ) -> list[Seen]:
        found: list[Seen] = []
        for page in self._pages(stored, first, end, 0, visitors, properties=held.properties):
            judged = self._covered.judge(stored, page, masks)
            if masks is _NOBODY:
                stands = {(fact.notice_ref, fact.purposes): items for fact, items in zip(page, judged, strict=True)}
                held.bases |= {(stored, *key): items for key, items in stands.items()}
            found += [pair for pair in zip(page, judged, strict=True) if pair[1] is not None]  # type: ignore[misc]  # nor does mypy see that none is None
        return found

    def _pages(
        self,
        stored: date,
        first: int,
        end: int,
        after: int,
        visitors: Sequence[bytes] = (),
        *,
        properties: bool = False,
    ) -> Iterator[list[Fact]]:
        read = partial(
            self._core.storage.events.facts,
            stored,
            self._covered.site.ref,
            first=first,
            end=end,
            limit=_PAGE,
            visitors=visitors,
            properties=properties,
        )
        while page := read(after=after):
            yield page
            if len(page) < _PAGE:
                return
            after = page[-1].n

    def _own(self, reading: Reading, seen: Sequence[Seen]) -> None:
        """Remember whose rows these are."""
        rows = np.fromiter((fact.n for fact, _ in seen), np.int32, len(seen))
        if len(reading.rows):  # most of those that are read again are known
            at = np.minimum(np.searchsorted(reading.rows, rows), len(reading.rows) - 1)
            new = np.flatnonzero(reading.rows[at] != rows)
            rows, seen = rows[new], [seen[i] for i in new.tolist()]
        if not seen:
            return
        owner, keys = coded([fact.visitor for fact, _ in seen])
        owners = self.who.numbers(keys, add=True)[owner]
        order = np.argsort(np.concatenate((reading.rows, rows)), kind="stable")
        reading.rows = np.concatenate((reading.rows, rows))[order]
        reading.owners = np.concatenate((reading.owners, owners))[order]

    def _refresh(self, day: date, held: LoadedDay, marks: dict[date, Mark]) -> None:
        """Make anew the visits of those whose rows have come or ended since."""
        first, end = self._covered.span(day)
        begun, late = time.monotonic(), held.is_late()
        affected: list[Ints] = []
        for one, reading in held.readings.items():
            if marks.get(one) == reading.mark:
                continue
            changes = self._core.storage.events.changes(one, reading.serial)
            affected.append(reading.whose(changes.ended))
            reading.serial = changes.serial
            if changes.top == reading.top or late:
                reading.mark = marks.get(one)
            if changes.top > reading.top and late:
                pages = self._pages(one, first, end, reading.top)
                came = dict.fromkeys(fact.visitor for page in pages for fact in page)
                if came:
                    affected.append(self.who.numbers(list(came), add=True))
                reading.top = changes.top
        if affected and len(numbers := np.unique(np.concatenate(affected))):
            self._remake(day, held, numbers)
        if late:
            held.grown = time.monotonic()
            held.took = held.grown - begun

    def _remake(self, day: date, held: LoadedDay, numbers: Ints) -> None:
        (first, end), stored = self._covered.span(day), (day,)
        keys = self.who.keys(numbers)
        seen: list[Seen] = []
        for one in stored:
            for at in range(0, len(keys), _AT_ONCE):
                found = self._seen(one, first, end, held, keys[at : at + _AT_ONCE])
                found.sort(key=lambda pair: pair[0].n)
                self._own(held.readings[one], found)
                seen += found
        self._take_out(day.toordinal(), numbers)
        self._put(day, seen)

    # -- settled, tail and dead

    def _put(self, day: date, seen: Sequence[Seen]) -> None:
        self._changes += 1
        site, held = day_of_site(self._covered, day), self._held[day.toordinal()]
        made = table_of(seen, site, self.words, self.who, properties=held.properties)
        self._reach()
        if len(made):
            self._touched[made.visitor] = True
            old = self._tail.get(day.toordinal())
            self._tail[day.toordinal()] = made if old is None else joined([old, made])

    def _take_out(self, number: int, visitors: Ints | None = None) -> None:
        """Visits of a day that no longer hold: those of these visitors, or all."""
        self._changes += 1
        self._reach()
        chosen = np.ones(len(self.who), np.bool_)
        if visitors is not None:
            chosen[:] = False
            chosen[visitors] = True
        begin, end = np.searchsorted(self._settled.day, (number, number + 1))
        theirs = self._settled.visitor[begin:end]
        self._dead[begin:end] |= chosen[theirs]
        self._touched[theirs[chosen[theirs]]] = True
        if (tail := self._tail.pop(number, None)) is not None:
            rest = tail.without(chosen[tail.visitor])
            if len(rest):
                self._tail[number] = rest

    def _drop(self, number: int) -> None:
        if self._held.pop(number, None) is not None:
            self._take_out(number)

    def _reach(self) -> None:
        if (more := len(self.who) - len(self._touched)) > 0:
            self._touched = np.concatenate((self._touched, np.zeros(max(more, 1000), np.bool_)))

    def _unsettled(self) -> int:
        return sum(map(len, self._tail.values())) + int(np.count_nonzero(self._dead))

    def settle(self) -> None:
        """Put everything in order, by day; nobody is touched any more."""
        with self.lock:
            parts = [self._settled.without(self._dead), *(self._tail[n] for n in sorted(self._tail))]
            whole = joined(sorted((p for p in parts if len(p)), key=lambda p: int(p.day[0])) or [EMPTY])
            if (np.diff(whole.day) < 0).any():
                whole = whole.take(np.argsort(whole.day, kind="stable"))
            self._settled, self._dead, self._tail = whole, np.zeros(len(whole), np.bool_), {}
            self._touched[:] = False
            self._changes += 1
            self._epoch += 1
            self._last = None
            self._memory.clear()
        if len(whole) > _MANY:
            _give_back()

    # -- looking

    def _view(self, masks: PendingErasures) -> StoreView:
        hidden = [key for key in masks.suspended if key not in masks.by_visitor]
        ending = {
            key: tuple(i.seq for i in intents)
            for key, intents in masks.by_visitor.items()
            if any(i.bits & self._covered.mask for i in intents)
        }
        gone = frozenset(masks.suspended & masks.by_visitor.keys())
        version = (self._changes, frozenset(hidden), frozenset(ending.items()), gone)
        if self._last is not None and self._last.version == version:
            return self._last
        self._reach()
        out = np.zeros(len(self._touched), np.bool_)
        for keys in (list(masks.suspended), list(ending)):
            if keys:
                numbers = self.who.numbers(keys)
                out[numbers[numbers != NONE]] = True
        affected = self._touched | out
        rows = np.flatnonzero(affected[self._settled.visitor])
        was = self._settled.take(rows)
        alive = was.without(self._dead[rows])
        parts = [alive.without(out[alive.visitor]), *(t.without(out[t.visitor]) for t in self._tail.values())]
        parts += self._still(
            masks, [key for key in ending if key not in masks.suspended], [alive, *self._tail.values()]
        )
        now = joined([p for p in parts if len(p)] or [EMPTY])
        self._last = StoreView(self._settled, was, now, affected, self.words, self._epoch, version)
        return self._last

    def _still(self, masks: PendingErasures, ending: Sequence[bytes], tables: Sequence[VisitTable]) -> list[VisitTable]:
        """What is left of visitors whose ending was decided, but is not carried out in every row yet."""
        if not ending:
            return []
        numbers = self.who.numbers(ending)
        days: dict[int, list[bytes]] = {}
        for key, number in zip(ending, numbers.tolist(), strict=True):
            for day in {d for t in tables for d in t.day[t.visitor == number].tolist()} if number != NONE else ():
                days.setdefault(day, []).append(key)
        made = []
        for ordinal, keys in sorted(days.items()):
            day = date.fromordinal(ordinal)
            (first, end), stored = self._covered.span(day), (day,)
            held = self._held[ordinal]
            seen = [s for one in stored for s in self._seen(one, first, end, held, keys, masks)]
            site = day_of_site(self._covered, day)
            made.append(table_of(seen, site, self.words, self.who, properties=held.properties))
        return made
