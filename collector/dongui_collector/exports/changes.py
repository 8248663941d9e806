"""What keeps a consumer's copy true: new rows, rows that were reduced, and tombstones of those that ended.

A copy is told a row's present state again whenever that may be another one. Five things can make it so, and each is
found by where the copy stands: the day's own list of endings; endings that are decided and mask already; suspensions
and their end; periods that ended with a day; and, for a recipient, another notice in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from dongui_collector.exports.copies import CopyState, reached
from dongui_collector.exports.day_order import Leg, exact, veiled
from dongui_collector.exports.export import OWN_USE, Entitlement, ReaderView, hides_days
from dongui_collector.ledger.paging import masked, page
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import PendingErasures
from dongui_collector.storage.contract.values import DayPosition, Json, Row, Selection

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

_PAGE = 500
_SOME = 50  # visitors whose rows are looked up one by one; of more, days are read through
_TOGGLES = ("suspension", "resumption")


class Change(NamedTuple):
    """A row's present state, or a tombstone: ``{"id", "ended": true}``. ``visitor`` is whose row it is (their key)."""

    row: Json
    visitor: bytes | None = None


@dataclass(frozen=True)
class CopyChanges:
    """What a copy that stands at ``old`` is told so that it stands at ``new``."""

    core: LedgerInstallation
    reader: Entitlement
    view: ReaderView
    old: CopyState
    new: CopyState
    is_whole: bool = True  # nothing that was there is left for the next answer

    @classmethod
    def since(
        cls, core: LedgerInstallation, reader: Entitlement, view: ReaderView, old: CopyState, limit: int | None = None
    ) -> CopyChanges:
        """Up to now; with ``limit`` at most so many new rows, while everything that befell earlier ones is told."""
        days = dict.fromkeys(leg.day for leg in _legs(core, reader, old, core.storage.events.days()))
        own = reader.consumer == OWN_USE  # may know how many rows there are: they are counted without being read
        changes = cls(core, reader, view, old, reached(core, reader, old, days, limit if own else None))
        if limit is None:
            return changes
        if not own:
            return changes._up_to(limit)
        fresh = sum(at.n - old.of(day).n for day, at in changes.new.days.items())
        return replace(changes, is_whole=fresh < limit)

    def _up_to(self, most: int) -> CopyChanges:
        """So many new rows as the reader sees them: by its parts it does not learn how many others lie between."""
        found: dict[date, DayPosition] = {}
        for day, at in self.new.days.items():
            n = min(self.old.of(day).n, at.n)
            if most:
                n, most = self._counted(day, n, at.n, most)
            if n or at.serial:
                found[day] = DayPosition(n, at.serial)
        return replace(self, new=replace(self.new, days=found), is_whole=most > 0)

    def _counted(self, day: date, told: int, top: int, most: int) -> tuple[int, int]:
        """Behind which position of a day the reader has seen ``most`` new rows, and how many it may see yet."""
        for rows, masks in self._pages(day, Selection(self.reader.site.ref), told, top):
            for row in rows:
                most -= self.view.shown(row, day, masks) is not None
                if not most:
                    return row.n, 0
        return top, most

    @property
    def span(self) -> tuple[date, date]:
        """From which to which day there is or was something, for the ledger; today where there is nothing."""
        days = [*self.new.days, self.new.today]
        first = max(self.old.first, min(days))
        return first, max(first, min(self.old.last, max(days)))

    def rows(self, before: Callable[[Sequence[bytes]], None] | None = None) -> Iterator[Json]:
        """The changes in order; applied one after the other they make the copy true.

        ``before`` is called with the keys of visitors before their rows are given out.
        """
        changes = self._changes()
        while some := list(islice(changes, _PAGE)):
            if before and (keys := dict.fromkeys(change.visitor for change in some if change.visitor is not None)):
                before(list(keys))
            yield from (change.row for change in some)

    def _changes(self) -> Iterator[Change]:
        stored = set(self.core.storage.events.days())
        for leg in _legs(self.core, self.reader, self.old, {*self.old.days, *self.new.days}):
            if leg.day not in stored:
                if leg.wants(dated=False):
                    yield from self._gone(leg.day)
                continue
            for change in self._of_day(leg.day):
                dated = "ended" not in change.row and self._dated(change.row)
                if leg.wants(dated=dated):
                    yield change

    def _dated(self, row: Json) -> bool:
        return row["day"] is not None

    # -- what was told before

    def _of_day(self, day: date) -> Iterator[Change]:
        told, top = self.old.of(day).n, self.new.of(day).n
        if told:
            if self._rejudged(day):
                yield from self._again(day, Selection(self.reader.site.ref), told)
            elif visitors := self._touched.get(day):
                yield from self._of_visitors(day, visitors, told)
            yield from self._ended(day, told)
        yield from self._fresh(day, told, top)

    def _rejudged(self, day: date) -> bool:
        """Whether the passing of time, or another notice in force, may have changed what the reader sees of a day."""
        if self.reader.recipient is not None and self.old.notice != self.new.notice:
            return True
        if self.old.today == self.new.today:
            return False
        periods = Periods(self.core.registry)
        for version in self.core.registry.notices(self.reader.site.ref):
            notice = self.core.registry.notice(version.ref)
            mask = sum(1 << notice.bits[p] for p in self.reader.purposes if p in notice.policy.purposes)
            then, now = (periods.retained_mask(version.ref, mask, day, s.today) for s in (self.old, self.new))
            if then != now:
                return True
        return False

    @cached_property
    def _touched(self) -> dict[date, frozenset[bytes]]:
        """By day the visitors whose endings were decided, or who were suspended or resumed, since the copy was true."""
        ledger, site = self.core.storage.ledger, self.reader.site.ref
        whom = {i.visitor for i in ledger.intents() if i.seq > self.old.head and i.site_ref == site}
        for kind in _TOGGLES:
            after = self.old.head
            while found := ledger.of_kind(kind, after):
                whom |= {r.visitor for r in found if r.visitor is not None and r.site_ref == site}
                after = found[-1].seq
        return self.core.storage.events.days_of(whom) if whom else {}

    def _of_visitors(self, day: date, visitors: frozenset[bytes], told: int) -> Iterator[Change]:
        if len(visitors) > _SOME:
            yield from self._again(day, Selection(self.reader.site.ref), told, visitors)
            return
        for visitor in sorted(visitors):
            yield from self._again(day, Selection(self.reader.site.ref, visitor), told)

    def _again(
        self, day: date, selection: Selection, told: int, only: frozenset[bytes] | None = None
    ) -> Iterator[Change]:
        """The present state of rows up to the position ``told``."""
        for rows, masks in self._pages(day, selection, 0, told):
            for row in rows:
                if (only is None or row.visitor in only) and row.purposes & self.view.mask(row.notice_ref):
                    yield self._state(day, row, masks)

    def _ended(self, day: date, told: int) -> Iterator[Change]:
        """What is left of rows of which something ended since: their state, or a tombstone."""
        events, site = self.core.storage.events, self.reader.site.ref
        after, until = self.old.of(day).serial, self.new.of(day).serial
        while found := events.endings(day, after, until, _PAGE):
            after = found[-1].serial
            mine = (e.n for e in found if e.n <= told and e.site_ref == site and e.purposes & self.view.every_mask)
            places = sorted(set(mine))
            read = masked(self.core.storage, lambda _, at=places: events.rows_at(day, at), _PAGE) if places else None  # type: ignore[misc]
            rows, masks = read or ([], PendingErasures({}))
            states = {row.n: self._state(day, row, masks) for row in rows}
            yield from (states.get(n) or Change(self._tombstone(day, n)) for n in places)

    def _gone(self, day: date) -> Iterator[Change]:
        """Tombstones of a day that was destroyed. Rounded up to a power of two: how many rows a day had, those of other
        sites among them, is not told."""
        told = self.old.of(day).n
        most = 1 << (told - 1).bit_length() if told else 0
        yield from (Change(self._tombstone(day, n)) for n in range(1, most + 1))

    # -- what is new

    def _fresh(self, day: date, told: int, top: int) -> Iterator[Change]:
        for rows, masks in self._pages(day, Selection(self.reader.site.ref), told, top):
            for row in rows:
                if (shown := self.view.shown(row, day, masks)) is not None:
                    yield Change(shown, row.visitor)

    # -- rows

    def _pages(
        self, day: date, selection: Selection, after: int, until: int
    ) -> Iterator[tuple[list[Row], PendingErasures]]:
        while after < until and (found := page(self.core.storage, day, selection, after, _PAGE)):
            rows, masks = found
            yield [row for row in rows if row.n <= until], masks
            after = rows[-1].n

    def _state(self, day: date, row: Row, masks: PendingErasures) -> Change:
        shown = self.view.shown(row, day, masks)
        return Change(self._tombstone(day, row.n)) if shown is None else Change(shown, row.visitor)

    def _tombstone(self, day: date, n: int) -> Json:
        return {"id": self.view.name(day, n), "ended": True}


def _legs(
    core: LedgerInstallation, reader: Entitlement, state: CopyState, days: Sequence[date] | set[date]
) -> Iterator[Leg]:
    """The days of a copy in the order of exports: a reader who may not see every day learns none by it."""
    if hides_days(core, reader):
        return veiled(days, state.first, state.last, core.keyring.derive(b"route\x00" + reader.consumer.encode()))
    return exact(days, state.first, state.last)
