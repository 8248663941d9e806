"""The events that a reader may see, day by day of the site, and their visits.

Rows are cut exactly as ``ledger/rows.py`` cuts them for exports: open endings, suspended visitors and periods that
ended take purposes away, and an item is there only where a purpose common to row and reader lists it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dongui_collector.clock import start_of
from dongui_collector.errors import NotAllowed
from dongui_collector.ledger.paging import masked
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import Masks, associated
from dongui_collector.reading.reports.attribution import parts_of
from dongui_collector.reading.reports.filters import BASE
from dongui_collector.reading.reports.intervals import stored_days
from dongui_collector.reading.reports.visits import LONGEST_S, Event, Visit, visits_of
from dongui_collector.security.keys import unseal
from dongui_collector.storage.values import Fact, Row, Site

if TYPE_CHECKING:
    from dongui_collector.core import Core

_PAGE = 20_000  # rows a snapshot: some 50 ms
_BASE = frozenset(BASE)


class Covered:
    """What a reader of ``purposes`` may see of a site's events, as visits of its days.

    Periods are judged as of ``today`` where it is given (freezing a day whose periods have just ended), else of now.
    """

    def __init__(self, core: Core, site: Site, purposes: tuple[str, ...], today: date | None = None) -> None:
        bits = core.storage.ledger.bits(site.ref)
        self._core, self._site, self._today = core, site, today
        self._mask = sum(1 << bits[p] for p in purposes if p in bits)
        self._periods = Periods(core.book)
        self.zone: ZoneInfo = core.book.in_force(site.ref, core.clock.now()).zone
        own = (parts_of(origin)[0] for origin in site.origins)
        self.own = frozenset(host for host in own if host)

    def items(self) -> frozenset[str]:
        """Every item that the reader's purposes cover under some notice of the site."""
        book = self._core.book
        return frozenset().union(*(book.items_of(n.ref, self._mask) for n in book.notices(self._site.ref)))

    def days(self, first: date, last: date) -> list[date]:
        """Days from ``first`` to ``last``, both included, of which something is stored."""
        stored = {beside for day in self._core.storage.events.days() for beside in _beside(day)}
        return sorted(day for day in stored if first <= day <= last)

    def visits(self, day: date) -> Iterator[Visit]:
        """The visits of one of the site's days."""
        return visits_of(self.events(day), self.own)

    def events(self, day: date) -> Iterator[Event]:
        """The events of one of the site's days. Its midnight may lie within a stored day, whose zone is another."""
        first, end = start_of(day, self.zone), start_of(day + timedelta(days=1), self.zone)
        for stored in self.stored(day):
            yield from self._stored(stored, first, end)

    def stored(self, day: date) -> list[date]:
        """The stored days that one of the site's days reaches into."""
        return stored_days(day, self.zone, self._core.settings.zone)

    def _stored(self, day: date, first: int, end: int) -> Iterator[Event]:
        storage, site, after = self._core.storage, self._site.ref, 0

        def read(limit: int) -> list[Fact]:
            return storage.events.facts(day, site, first=first, end=end, after=after, limit=limit)

        while found := masked(storage, read, _PAGE):
            facts, masks = found
            cut = self._cut(day, masks)
            yield from (event for fact in facts if (event := cut(fact)) is not None)
            after = facts[-1].n

    def _cut(self, day: date, masks: Masks) -> Callable[[Fact], Event | None]:
        today, touched = self._today or self._core.keeper.today(), masks.suspended | masks.by_visitor.keys()
        seen: dict[tuple[int, int], frozenset[str] | None] = {}

        def items(fact: Fact) -> frozenset[str] | None:
            """What the reader may see of a row; None where that is not enough for any report."""
            purposes = fact.purposes
            if fact.visitor in touched:
                row = Row(fact.key, self._site.ref, fact.visitor, fact.seq, purposes, fact.notice_ref)
                purposes = masks.remaining(row)
            key = (fact.notice_ref, purposes)
            if key not in seen:
                standing = self._periods.standing(fact.notice_ref, purposes, day, today) & self._mask
                found = self._core.book.items_of(fact.notice_ref, standing)
                seen[key] = found if found >= _BASE else None
            return seen[key]

        def cut(fact: Fact) -> Event | None:
            if (allowed := items(fact)) is None:
                return None
            area, environment = "ip_address" in allowed, "access_environment" in allowed
            return Event(
                fact.visitor,
                fact.at,
                fact.name,
                fact.url,
                fact.referrer,
                fact.search,
                _seconds(fact.props),
                fact.country if area else None,
                fact.city if area else None,
                fact.browser if environment else None,
                fact.os if environment else None,
                fact.device if environment else None,
                fact.language if environment else None,
                fact.screen if environment else None,
                self._clicks(fact, day) if fact.ads is not None and "advertising_id" in allowed else (),
            )

        return cut

    def _clicks(self, fact: Fact, day: date) -> tuple[str, ...]:
        """The kinds of a row's advertising ids; their values go no further than this."""
        key = self._core.keyring.day(day)
        if key is None or fact.ads is None:
            return ()
        plain = unseal(key, fact.ads, associated(self._site.ref, day, fact.key, "ads"))
        return tuple(sorted(json.loads(plain)))


def _beside(day: date) -> tuple[date, date, date]:
    return day - timedelta(days=1), day, day + timedelta(days=1)


def _seconds(props: str | None) -> float | None:
    """The seconds in use that a page reported; None for what is no such report."""
    said = json.loads(props).get("seconds") if props else None
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return float(said) if 0 <= said <= LONGEST_S else None


def no_recipient(recipient: str | None) -> None:
    """Raise :class:`NotAllowed` for a reader outside the house.

    What a recipient is given goes into the disclosure ledger with whose it is (S4): that is an export.
    """
    if recipient is not None:
        raise NotAllowed("reports are the controller's own; what goes to a recipient is exported, and written down")
