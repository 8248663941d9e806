"""The last half hour by the minute: read anew each time from the ends of the days' files, and kept nowhere.

Counted are events by when they happened, as far as the reader's purposes cover them and under the masks of this moment.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.sessions import PAGE_VIEWS
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.clock import day_of
from dongui_collector.storage.contract.values import Fact, Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

MINUTES = 30
_MINUTE_MS = 60_000
_KEY = "live"
_NONE_ENDED = 1 << 62  # a serial after which nothing has ended: only a day's last position is asked for


@dataclass(slots=True)
class Happened:
    """A page or a named event: whose it was, how often, and when last (epoch ms)."""

    visitors: set[bytes] = field(default_factory=set)
    number: int = 0
    last: int = 0

    def add(self, fact: Fact) -> None:
        self.visitors.add(fact.visitor)
        self.number += 1
        self.last = max(self.last, fact.at)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """``minutes`` are visitors of each minute since ``begins`` (epoch ms), the last of them the one going on.

    ``pages`` are those with most visitors first, ``events`` (all names but page views) the latest first.
    """

    begins: int
    minutes: list[int]
    visitors: int
    page_views: int
    pages: list[tuple[str, Happened]]
    events: list[tuple[str, Happened]]


def live(core: LedgerInstallation, site: Site, purposes: tuple[str, ...]) -> LiveFigures:
    """What readers of ``purposes`` may know of the last minutes, up to and with the one that is going on."""
    covered = EntitledEvents(core, site, purposes)
    begins = begin_of(core.clock.now())
    days = {day_of(begins, covered.zone), day_of(core.clock.now(), covered.zone)}
    facts = (
        fact
        for day in sorted(days)
        for fact, _ in covered.seen(day, since=begins, after=_before(core, covered, day, begins))
    )
    return counted(facts, begins, covered.rules)


def begin_of(now: int) -> int:
    """When the first of the minutes began (epoch ms)."""
    return (now // _MINUTE_MS - MINUTES + 1) * _MINUTE_MS


def counted(facts: Iterable[Fact], begins: int, site: SiteRules) -> LiveFigures:
    """The figures of these events; what lies before or after the minutes does not count. Pure."""
    minutes: list[set[bytes]] = [set() for _ in range(MINUTES)]
    pages, events, views = dict[str, Happened](), dict[str, Happened](), 0
    for fact in facts:
        minute = (fact.at - begins) // _MINUTE_MS
        if not 0 <= minute < MINUTES:
            continue
        minutes[minute].add(fact.visitor)
        if fact.name in PAGE_VIEWS:
            views += 1
            if page := site.page(fact.url):
                pages.setdefault(page, Happened()).add(fact)
        elif fact.name:
            events.setdefault(fact.name, Happened()).add(fact)
    return LiveFigures(
        begins,
        list(map(len, minutes)),
        len(set().union(*minutes)),
        views,
        sorted(pages.items(), key=lambda one: (-len(one[1].visitors), one[0])),
        sorted(events.items(), key=lambda one: (-one[1].last, one[0])),
    )


def _before(core: LedgerInstallation, covered: EntitledEvents, day: date, begins: int) -> int:
    """A position of a day's file up to which no row of the site lies in the minutes, so that a long day is not read
    from its beginning every time. It grows with the clock: rows are stored after what they tell of has happened."""
    known: dict[tuple[int, date], tuple[int, int]] = core.cached.setdefault(_KEY, {})
    key = (covered.site.ref, day)
    then, after = known.get(key, (begins, 0))
    if begins < then:  # the clock was set back
        after = 0
    events, (_, end) = core.storage.events, covered.span(day)
    top = events.changes(day, _NONE_ENDED).top
    found = events.facts(day, covered.site.ref, first=begins, end=end, after=after, limit=1)
    after = found[0].n - 1 if found else max(after, top)
    known[key] = begins, after
    return after
