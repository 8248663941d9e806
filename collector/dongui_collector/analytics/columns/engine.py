"""The stores of an installation, within their memory: what is held and remembered, and what to do without room."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

import numpy as np

from dongui_collector.analytics.columns import passes
from dongui_collector.analytics.columns.choosing import choose
from dongui_collector.analytics.columns.count import Figures
from dongui_collector.analytics.columns.measures import Measure
from dongui_collector.analytics.columns.store import Store, StoreView
from dongui_collector.analytics.columns.table import TablePart, VisitTable, between
from dongui_collector.analytics.columns.words import Glossary
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import Filter

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

Advance = Callable[[int], object]
_KEY = "reports"


class MemoryExceeded(Exception):
    """The days of a question do not fit into the memory that reports may take."""


@dataclass(frozen=True, slots=True)
class VisitSelection:
    """The visits of a question: days of the site, both included, filters, and how late a visit must have ended.

    ``without`` are days of which other numbers answer; ``properties``: those of events are asked about.
    """

    first: date
    last: date
    filters: tuple[Filter, ...] = ()
    since: int | None = None  # epoch ms
    without: frozenset[date] = frozenset()
    properties: bool = False

    def days(self, covered: EntitledEvents) -> list[date]:
        """Those of which something may be stored."""
        return [day for day in covered.days(self.first, self.last) if day not in self.without]

    def of(self, table: VisitTable, words: Glossary, covered: EntitledEvents, *, ordered: bool = False) -> TablePart:
        """They, of a table; ``ordered`` says that it is in the order of its days."""
        part = between(table, self.first.toordinal(), self.last.toordinal(), ordered=ordered)
        if self.without:
            part = part.of(~np.isin(part.day, [day.toordinal() for day in self.without]))
        if self.since is not None:
            days, place = np.unique(part.day, return_inverse=True)
            begins = np.array([covered.span(date.fromordinal(day))[0] for day in days.tolist()], np.int64)
            part = part.of(begins[place] + part.start + part.duration >= self.since)
        return choose(part, words, self.filters)


class Engine:
    """Answers questions from columns in memory. One for an open installation; safe for several threads."""

    def __init__(self, core: LedgerInstallation) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._stores: OrderedDict[Any, Store] = OrderedDict()
        self.limit = core.settings.reports_memory_mb << 20

    @classmethod
    def of(cls, core: LedgerInstallation) -> Engine:
        """The engine of an installation, made when it is first asked for."""
        found: Engine = core.cached.setdefault(_KEY, cls(core))
        return found

    @property
    def nbytes(self) -> int:
        """What all stores take."""
        return sum(store.nbytes for store in list(self._stores.values()))

    def figures(
        self, covered: EntitledEvents, measure: Measure, which: VisitSelection, advance: Advance
    ) -> tuple[Figures, Glossary]:
        """What ``measure`` counts of the visits of ``which``, and the words that its codes stand for."""
        try:
            store, look = self._look(covered, which, advance)
        except MemoryExceeded:
            words = Glossary()
            found: list[Figures] = [
                measure.figures_of(part, words) for part in self._passes(covered, which, words, advance)
            ]
            return reduce(add, found), words

        def counted(table: VisitTable, *, ordered: bool = False) -> Figures:
            return measure.figures_of(which.of(table, look.words, covered, ordered=ordered), look.words)

        known = store.remembered(look.epoch, (measure.key, which)) if which.since is None else None
        if known is None:
            known = counted(look.settled, ordered=True)
            if which.since is None:  # else it is of this moment alone
                store.remember(look.epoch, (measure.key, which), known)
        return known - counted(look.was) + counted(look.now), look.words

    def parts(
        self, covered: EntitledEvents, which: VisitSelection, advance: Advance
    ) -> tuple[list[TablePart], Glossary]:
        """The visits themselves, for what does not add up over visitors."""
        try:
            _, look = self._look(covered, which, advance)
        except MemoryExceeded:
            words = Glossary()
            return list(self._passes(covered, which, words, advance)), words
        settled = which.of(look.settled, look.words, covered, ordered=True)
        return [settled.of(~look.affected[settled.visitor]), which.of(look.now, look.words, covered)], look.words

    # -- memory

    def _look(self, covered: EntitledEvents, which: VisitSelection, advance: Advance) -> tuple[Store, StoreView]:
        store = self.store(covered)
        days = which.days(covered)

        def told(new: bool) -> None:
            advance(1)
            if new:
                self._make_room(store, days)

        try:
            return store, store.look(days, told, properties=which.properties)
        except MemoryExceeded:
            store.forget_all()
            raise

    def held(self) -> list[Store]:
        """The stores, the one that was asked for longest ago first."""
        return list(self._stores.values())

    def holds(self, store: Store) -> bool:
        """Whether a store is still there: whoever needs room takes it from others."""
        return any(one is store for one in self.held())

    def store(self, covered: EntitledEvents) -> Store:
        """What is held for a reader's purposes on a site; the most recently asked for stays longest."""
        with self._lock:
            found = self._stores.setdefault(covered.key, Store(self._core, covered))
            self._stores.move_to_end(covered.key)
            return found

    def _make_room(self, store: Store, needed: Sequence[date]) -> None:
        """Raises :class:`NoRoom` where the days of one question alone take too much."""
        if self.nbytes <= self.limit:
            return
        with self._lock:
            for key in [key for key, other in self._stores.items() if other is not store]:
                del self._stores[key]
                if self.nbytes <= self.limit:
                    return
        store.hold_only({day.toordinal() for day in needed})
        if self.nbytes > self.limit:
            raise MemoryExceeded

    def _passes(
        self, covered: EntitledEvents, which: VisitSelection, words: Glossary, advance: Advance
    ) -> Iterator[TablePart]:
        """All visits of ``which``, the days read again for every part of the visitors, so that each part has room."""
        days = which.days(covered)
        size = sum(self._core.storage.events.size(day) for day in days)
        number = passes.needed(size, self.limit)
        for table in passes.tables(covered, days, words, number=number, advance=advance, properties=which.properties):
            yield which.of(table, words, covered)
