"""The events that a reader may see, day by day of the site.

Rows are cut exactly as ``ledger/rows.py`` cuts them for exports: open endings, suspended visitors and periods that
ended take purposes away, and an item is there only where a purpose common to row and reader lists it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dongui_collector.analytics.filters import BASE
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.clock import day_of, start_of
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.sealing import unseal
from dongui_collector.ledger.paging import masked
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import PendingErasures, associated
from dongui_collector.storage.contract.values import Fact, Row, Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

_PAGE = 20_000  # rows a snapshot: some 50 ms
_BASE = frozenset(BASE)


_NOTICE, _PURPOSES = attrgetter("notice_ref"), attrgetter("purposes")
Stands = tuple[int, int]  # notice, purposes


class _Known(dict[Stands, "frozenset[str] | None"]):
    """What rows that stand on the same show, worked out once."""

    def __init__(self, work_out: Callable[[Stands], frozenset[str] | None]) -> None:
        self._work_out = work_out

    def __missing__(self, key: Stands) -> frozenset[str] | None:
        self[key] = found = self._work_out(key)
        return found


class EntitledEvents:
    """What a reader of ``purposes`` may see of a site's events, day by day.

    Periods are judged as of ``today`` where it is given (freezing a day whose periods have just ended), else of now.
    """

    def __init__(
        self, core: LedgerInstallation, site: Site, purposes: tuple[str, ...], today: date | None = None
    ) -> None:
        bits = core.storage.ledger.bits(site.ref)
        self._core, self.site, self._today = core, site, today
        self.mask = sum(1 << bits[p] for p in purposes if p in bits)
        self._periods = Periods(core.registry)
        self.zone = ZoneInfo(core.settings.timezone)  # all sites': file, key, period, report mean one day
        settings = core.settings
        self.rules = SiteRules.of(
            site.origins, trailing_slash=settings.trailing_slash, channel_rules=settings.channel_rules
        )

    @property
    def key(self) -> tuple[object, ...]:
        """What all that is counted for this reader depends on, but for rows, endings and the day."""
        return self.site.ref, self.mask, self.zone.key, self.rules

    def items(self) -> frozenset[str]:
        """Every item that the reader's purposes cover under some notice of the site."""
        registry = self._core.registry
        return frozenset().union(*(registry.items_of(n.ref, self.mask) for n in registry.notices(self.site.ref)))

    def enough(self, notice_ref: int, purposes: int) -> bool:
        """Whether rows that stand on ``purposes`` under a notice are in the reader's reports."""
        return self._core.registry.items_of(notice_ref, purposes & self.mask) >= _BASE

    def days(self, first: date, last: date) -> list[date]:
        """Days from ``first`` to ``last``, both included, of which something is stored."""
        return sorted(day for day in self._core.storage.events.days() if first <= day <= last)

    def seen(
        self, day: date, *, since: int = 0, after: int = 0, properties: bool = False
    ) -> Iterator[tuple[Fact, frozenset[str]]]:
        """The rows of a day, each with the items that the reader may see of it; of those since an instant (epoch ms),
        and behind a position in the day's file. ``properties``: with those of every event."""
        begins, end = self.span(day)
        first = max(begins, since)
        storage, site = self._core.storage, self.site.ref

        def read(limit: int) -> list[Fact]:
            return storage.events.facts(
                day, site, first=first, end=end, after=after, limit=limit, properties=properties
            )

        while found := masked(storage, read, _PAGE):
            facts, masks = found
            judged = self.judge(day, facts, masks)
            yield from ((fact, items) for fact, items in zip(facts, judged, strict=True) if items is not None)
            after = facts[-1].n

    def span(self, day: date) -> tuple[int, int]:
        """The instants at which a day begins and ends."""
        return start_of(day, self.zone), start_of(day + timedelta(days=1), self.zone)

    def judge(self, day: date, facts: Sequence[Fact], masks: PendingErasures) -> list[frozenset[str] | None]:
        """What the reader may see of each of these rows of a stored day; None where it is too little for any report."""
        known = _Known(lambda key: self.standing(day, *key))
        found = list(map(known.__getitem__, zip(map(_NOTICE, facts), map(_PURPOSES, facts), strict=True)))
        if touched := masks.suspended | masks.by_visitor.keys():
            for i, fact in enumerate(facts):
                if fact.visitor in touched:
                    row = Row(fact.key, self.site.ref, fact.visitor, fact.seq, fact.purposes, fact.notice_ref)
                    found[i] = known[fact.notice_ref, masks.remaining(row)]
        return found

    def standing(self, day: date, notice_ref: int, purposes: int) -> frozenset[str] | None:
        """The items of rows of a stored day that stand on ``purposes``, today; None where that is not enough."""
        today = self._today or self._core.today()
        mask = self._periods.retained_mask(notice_ref, purposes, day, today) & self.mask
        found = self._core.registry.items_of(notice_ref, mask)
        return found if found >= _BASE else None

    def clicks(self, fact: Fact) -> tuple[str, ...]:
        """The kinds of a row's advertising ids; their values go no further than this."""
        day = day_of(fact.at, self.zone)  # under which it is stored, and its ids are sealed
        key = self._core.keyring.day(day)
        if key is None or fact.ads is None:
            return ()
        plain = unseal(key, fact.ads, associated(self.site.ref, day, fact.key, "ads"))
        return tuple(sorted(json.loads(plain)))


def no_recipient(recipient: str | None) -> None:
    """Raise :class:`NotAllowed` for a reader outside the house.

    What a recipient is given goes into the disclosure ledger with whose it is (S4): that is an export.
    """
    if recipient is not None:
        raise NotAllowed("reports are the controller's own; what goes to a recipient is exported, and written down")
