"""Freezing: when the first rows of a day reach the end of their period, its numbers are worked out once and kept.

That happens before anything of it is destroyed, in one transaction a day and site, and only once: a crash at any
instant neither loses nor doubles them.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dongui_collector.clock import day_of, start_of
from dongui_collector.ledger.periods import bits_of
from dongui_collector.reading.reports.covered import Covered
from dongui_collector.reading.reports.filters import BASE, DIMENSIONS
from dongui_collector.reading.reports.intervals import between, label, labels
from dongui_collector.reading.reports.lasting import HOURS, KEPT, OWN, kept, name_of
from dongui_collector.reading.reports.tables import BREAKDOWNS, Breakdown, Table, table
from dongui_collector.reading.reports.visits import Event, visits_of
from dongui_collector.storage.values import Json, Site

if TYPE_CHECKING:
    from dongui_collector.core import Core

FROZEN = "frozen"  # the ledger's record of it
_AT_ONCE = 200_000  # rows whose visits are in memory at a time
_MOST_SETS = 16
_SMALL = 2_000  # rows that are counted in some 20 ms
_LONGEST_S = 600

Numbers = dict[str, dict[str, Json]]  # purposes → report → what is kept of it


def due(core: Core, stored: date) -> list[tuple[Site, date, list[tuple[str, ...]]]]:
    """What of a stored day must be frozen now: site, the site's day, and the sets of purposes.

    A set is due as soon as the period of any of its purposes has ended for any row; what was frozen before is not.
    """
    today, found = core.keeper.today(), []
    for site in core.book.sites():
        ended = 0
        for basis in core.storage.events.bases(stored):
            if basis.site_ref == site.ref:
                bits = bits_of(basis.purposes)
                ended |= sum(1 << b for b in bits if core.keeper.periods.last_day(basis.notice_ref, b, stored) < today)
        if not ended:
            continue
        sets = [s for s in asked_for(core, site) if _mask(core, site, s) & ended]
        for day in _days(core, site, stored):
            kept_already = core.storage.ledger.frozen(site.ref, "overview", (), day, day)
            have = {kept.purposes for kept in kept_already if kept.source == OWN}
            if wanted := [s for s in sets if name_of(s) not in have]:
                found.append((site, day, wanted))
    return found


def asked_for(core: Core, site: Site) -> list[tuple[str, ...]]:
    """The sets of purposes that reports can be asked for: each alone, all together, and those that a live token names.

    Sets that cover too little for any report are left out: they are refused anyway.
    """
    known = {p for notice in core.book.notices(site.ref) for p in notice.policy.consent_purposes}
    now = core.book.in_force(site.ref, core.clock.now()).policy.consent_purposes
    tokens = [t["purposes"] for t in core.storage.office.tokens() if t["site"] == site.id and not t.get("revoked_at")]
    named: list[Iterable[str]] = [now, known, *([p] for p in sorted(known)), *tokens]
    sets = dict.fromkeys(tuple(sorted(set(some))) for some in named)
    return [some for some in sets if some and _enough(core, site, some)][:_MOST_SETS]


def _enough(core: Core, site: Site, purposes: tuple[str, ...]) -> bool:
    return frozenset(BASE) <= Covered(core, site, purposes).items()


def _mask(core: Core, site: Site, purposes: Iterable[str]) -> int:
    bits = core.storage.ledger.bits(site.ref)
    return sum(1 << bits[p] for p in purposes if p in bits)


def _days(core: Core, site: Site, stored: date) -> list[date]:
    """The site's days that a stored day reaches into."""
    here, there = core.settings.zone, _zone(core, site)
    return between(day_of(start_of(stored, here), there), day_of(start_of(stored + timedelta(days=1), here) - 1, there))


def _zone(core: Core, site: Site) -> ZoneInfo:
    return core.book.in_force(site.ref, core.clock.now()).zone


def worked_out(core: Core, site: Site, day: date, purposes: tuple[str, ...]) -> dict[str, Json]:
    """The numbers of a site's day for a reader of ``purposes``, as on the day itself: no period had ended then.

    Whoever has withdrawn is not in them, nor whoever is suspended.
    """
    covered = Covered(core, site, purposes, today=day)
    tables = _tables(covered, day)
    for some in _shares(covered, core, day):
        for visit in visits_of(some, covered.own):
            for one in tables.values():
                one.add(visit)
    return {name: kept(one.names, one.parts()) for name, one in tables.items()}


def _tables(covered: Covered, day: date) -> Mapping[str, Table]:
    """The tables of those reports that the reader may ask for."""
    named, items = label("hour", covered.zone), covered.items()
    hours = Breakdown("time", key=lambda visit: (named(visit.start),), empty=labels("hour", day, day, covered.zone))
    needs = {name: {DIMENSIONS[dimension].item for dimension in BREAKDOWNS.get(name, ())} for name in KEPT}
    return {name: hours if name == HOURS else table(name) for name in KEPT if needs[name] <= items}


def _shares(covered: Covered, core: Core, day: date) -> Iterable[list[Event]]:
    """A day's events, of some visitors at a time, so that memory does not grow with the day."""
    rows = sum(core.storage.events.count(s) for s in covered.stored(day))
    shares = rows // _AT_ONCE + 1
    for share in range(shares):
        yield [event for event in covered.events(day) if event.visitor[0] % shares == share]


def numbers_of(core: Core, stored: date) -> list[tuple[str, str, Numbers]]:
    """What is due of a stored day: site id, the site's day, its numbers. JSON values, so that a child can tell them."""
    return [
        (site.id, day.isoformat(), {name_of(some): worked_out(core, site, day, some) for some in sets})
        for site, day, sets in due(core, stored)
    ]


def freeze(core: Core, stored: date) -> int:
    """Freeze what is due of a stored day; how many sets of numbers that were. May be repeated."""
    return _keep_all(core, numbers_of(core, stored))


def freeze_apart(core: Core, config: Path, stored: date) -> int:
    """The same beside ingest: a large day is worked out by another process, since this one's loop shares its GIL."""
    if core.storage.events.count(stored) < _SMALL:
        return freeze(core, stored)
    environment = dict(os.environ)
    if "DONGUI_CLOCK" in environment:
        environment["DONGUI_CLOCK"] = core.clock.start_text()
    command = [sys.executable, "-m", "dongui_collector.freezer", "--config", str(config), "--day", stored.isoformat()]
    done = subprocess.run(  # noqa: S603 (our own module)
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, timeout=_LONGEST_S, check=True
    )
    return _keep_all(core, json.loads(done.stdout))


def _keep_all(core: Core, found: Iterable[tuple[str, str, Numbers]]) -> int:
    sites = {site.id: site for site in core.book.sites()}
    return sum(keep(core, sites[id], date.fromisoformat(day), numbers) for id, day, numbers in found)


def keep(core: Core, site: Site, day: date, numbers: Numbers) -> int:
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
