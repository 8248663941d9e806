"""Freezing: when the first rows of a day reach the end of their period, its numbers are worked out once and kept.

That happens before anything of it is destroyed, in one transaction a day and site, and only once: a crash at any
instant neither loses nor doubles them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from dongui_collector.analytics.columns.engine import Engine, VisitSelection
from dongui_collector.analytics.columns.measures import Measure, all_parts, measure_of
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import BASE, DIMENSIONS
from dongui_collector.analytics.reports import BREAKDOWNS
from dongui_collector.analytics.snapshot_reader import name_of
from dongui_collector.analytics.snapshot_rules import HOURS, KEPT, OWN, kept, unsubtractable
from dongui_collector.ledger.periods import bits_of
from dongui_collector.storage.contract.values import Json, Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

Numbers = dict[str, dict[str, Json]]  # purposes → report → what is kept of it
Found = list[
    tuple[str, str, Numbers]
]  # site id, the site's day, its numbers: JSON values, so that a child can tell them

FROZEN = "frozen"  # the ledger's record of it
_MOST_SETS = 16
_NOBODY: Numbers = {"": {"overview": {"rows": []}}}  # kept of a day whose numbers were lost: for no reader any


def due(core: LedgerInstallation, stored: date, today: date) -> list[tuple[Site, date, list[tuple[str, ...]]]]:
    """What of a stored day must be frozen by ``today``: site, day, and the sets of purposes.

    A set is due as soon as the period of any of its purposes has ended for any row; also one that no row of the day
    stands on once none can come any more, since then its zeros are known. What was frozen before is not due.
    """
    found = []
    for site in core.registry.sites():
        ended = 0
        for basis in core.storage.events.bases(stored):
            if basis.site_ref == site.ref:
                bits = bits_of(basis.purposes)
                ended |= sum(1 << b for b in bits if core.periods.last_day(basis.notice_ref, b, stored) < today)
        if not ended:
            continue
        over = _over(core, site, stored, today)
        sets = [s for s in purpose_sets(core, site) if (mask := _mask(core, site, s)) & ended or not mask & ~over]
        kept_already = core.storage.ledger.frozen(site.ref, "overview", (), stored, stored)
        have = {kept.purposes for kept in kept_already if kept.source == OWN}
        if wanted := [s for s in sets if name_of(s) not in have]:
            found.append((site, stored, wanted))
    return found


def purpose_sets(core: LedgerInstallation, site: Site) -> list[tuple[str, ...]]:
    """The sets of purposes that reports can be asked for: each alone, all together, and those that a live token names.

    Sets that cover too little for any report are left out: they are refused anyway.
    """
    known = {p for notice in core.registry.notices(site.ref) for p in notice.policy.consent_purposes}
    now = core.registry.in_force(site.ref, core.clock.now()).policy.consent_purposes
    tokens = [t.purposes for t in core.storage.admin.tokens() if t.site == site.id and not t.revoked_at]
    named: list[Iterable[str]] = [now, known, *([p] for p in sorted(known)), *tokens]
    sets = dict.fromkeys(tuple(sorted(set(some))) for some in named)
    return [some for some in sets if some and _enough(core, site, some)][:_MOST_SETS]


def _over(core: LedgerInstallation, site: Site, stored: date, today: date) -> int:
    """The purposes that can keep no row of a stored day any more, under whichever notice."""
    every = lasting = 0
    for notice in core.registry.notices(site.ref):
        mask = sum(1 << notice.bits[p] for p in notice.policy.consent_purposes)
        every |= mask
        lasting |= core.periods.retained_mask(notice.ref, mask, stored, today)
    return every & ~lasting


def _enough(core: LedgerInstallation, site: Site, purposes: tuple[str, ...]) -> bool:
    return frozenset(BASE) <= EntitledEvents(core, site, purposes).items()


def _mask(core: LedgerInstallation, site: Site, purposes: Iterable[str]) -> int:
    bits = core.storage.ledger.bits(site.ref)
    return sum(1 << bits[p] for p in purposes if p in bits)


def worked_out(core: LedgerInstallation, site: Site, day: date, purposes: tuple[str, ...]) -> dict[str, Json]:
    """The numbers of a site's day for a reader of ``purposes``, as on the day itself: no period had ended then.

    Whoever has withdrawn is not in them, nor whoever is suspended.
    """
    covered = EntitledEvents(core, site, purposes, today=day)
    # An engine of its own: what others have in memory was judged as of today.
    parts, words = Engine(core).parts(covered, VisitSelection(day, day), lambda _days: None)
    found: dict[str, Json] = {}
    for name, measure in _measures(covered, day).items():
        found[name] = kept(measure.names, all_parts(measure, parts, words))
    return found


def _measures(covered: EntitledEvents, day: date) -> Mapping[str, Measure]:
    """How those reports are counted that the reader may ask for."""
    items = covered.items()
    needs = {name: {DIMENSIONS[dimension] for dimension in BREAKDOWNS.get(name, ())} for name in KEPT}
    return {
        name: measure_of("timeseries" if name == HOURS else name, "hour", day, day, (), covered.zone)
        for name in KEPT
        if needs[name] <= items
    }


def numbers_of(core: LedgerInstallation, stored: date, today: date) -> Found:
    """The numbers that are due of a stored day by ``today``."""
    found = []
    for site, day, sets in due(core, stored, today):
        known: dict[object, dict[str, Json]] = {}
        numbers: Numbers = {}
        for some in sets:
            seen = _seen(core, site, day, some)
            if seen not in known:
                known[seen] = worked_out(core, site, day, some)
            numbers[name_of(some)] = known[seen]
        found.append((site.id, day.isoformat(), _apart(core, site, day, numbers)))
    return found


def _apart(core: LedgerInstallation, site: Site, day: date, numbers: Numbers) -> Numbers:
    """The numbers of a day without the rows that could be subtracted from those of another set of purposes."""
    apart: Numbers = {name: {} for name in numbers}
    for report in KEPT:
        already = core.storage.ledger.frozen(site.ref, report, (), day, day)
        before = {one.purposes: one.body for one in already if one.source == OWN}
        fresh = {name: reports[report] for name, reports in numbers.items() if report in reports}
        for name, body in unsubtractable(fresh, before).items():
            apart[name][report] = body
    return apart


def _seen(core: LedgerInstallation, site: Site, day: date, purposes: tuple[str, ...]) -> object:
    """What a reader of ``purposes`` sees of a day's rows, by what they stand on: who sees the same counts the same."""
    covered = EntitledEvents(core, site, purposes, today=day)
    bases = {
        (day, basis.notice_ref, basis.purposes)
        for basis in core.storage.events.bases(day)
        if basis.site_ref == site.ref
    }
    return covered.items(), frozenset((basis, covered.standing(*basis)) for basis in bases)


@dataclass(frozen=True, slots=True)
class DayFreezer:
    """Freezes days of one installation in this process and thread; what retention calls before a day ends."""

    core: LedgerInstallation

    def freeze_day(self, stored: date) -> int:
        """See :func:`freeze`."""
        return freeze(self.core, stored)


def freeze(core: LedgerInstallation, stored: date) -> int:
    """Freeze what is due of a stored day; how many sets of numbers that were. May be repeated."""
    with or_unknown(core, stored):
        return keep_all(core, numbers_of(core, stored, core.today()))


@contextmanager
def or_unknown(core: LedgerInstallation, stored: date) -> Iterator[None]:
    """Where freezing fails, it is kept that there was something: the day will be unknown, and no empty one."""
    try:
        yield
    except Exception:
        for site, day, _ in due(core, stored, core.today()):
            keep(core, site, day, _NOBODY)
        raise


def keep_all(core: LedgerInstallation, found: Found) -> int:
    """Write down what :func:`numbers_of` found; how many sets of numbers were new."""
    sites = {site.id: site for site in core.registry.sites()}
    return sum(keep(core, sites[id], date.fromisoformat(day), numbers) for id, day, numbers in found)


def keep(core: LedgerInstallation, site: Site, day: date, numbers: Numbers) -> int:
    """Write a day's numbers down, those that are not there yet, and on the ledger what they are."""
    ledger = core.storage.ledger
    with ledger.writing():
        fresh = ledger.freeze(day, site.ref, OWN, numbers)
        if fresh:
            sets = {name: digest(numbers[name]) for name in fresh}
            ledger.append(FROZEN, core.clock.now(), {"day": day.isoformat(), "sets": sets}, site_ref=site.ref)
    return len(fresh)


def digest(reports: Mapping[str, Json]) -> str:
    """SHA-256 of the numbers of one set, for the ledger."""
    return hashlib.sha256(json.dumps(reports, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
