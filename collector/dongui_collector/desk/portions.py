"""Everything that is held of a site, as portions that end together (retention/inventory.py). Counts alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.retention import ledger_retention
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.inventory import Place, Portion
from dongui_collector.retention.schedule import ONE_DAY, endings
from dongui_collector.storage.contract.stores import RecordStore
from dongui_collector.storage.contract.values import DayTotals, Hold, RowBasis, Site

_GOOD_FOR_S = 20.0
_FALLBACK = "access_log"


class DayCounts:
    """Rows of a day by what they stand on. Counting reads the whole day, so an answer is good until the day changes."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._kept: dict[date, tuple[DayTotals, Mapping[RowBasis, int]]] = {}
        self._lock = threading.Lock()

    def of(self, day: date) -> Mapping[RowBasis, int]:
        """Site, notice and purposes → how many rows stand on them."""
        totals = self._core.storage.events.tally(day)
        with self._lock:
            kept = self._kept.get(day)
            if kept is None or kept[0] != totals:
                kept = self._kept[day] = (totals, dict(self._core.storage.events.counts(day)))
            return kept[1]

    def rows(self, day: date, site: Site) -> int:
        """A site's rows of a day; those of a day that is one site's alone are counted without reading them."""
        sites = {basis.site_ref for basis in self._core.storage.events.bases(day)}
        if sites <= {site.ref}:
            totals = self._core.storage.events.tally(day)
            return totals.top - totals.destroyed if sites else 0
        return sum(number for basis, number in self.of(day).items() if basis.site_ref == site.ref)

    def forget_absent(self, days: Sequence[date]) -> None:
        """Drop what is kept of days that are gone."""
        with self._lock:
            for day in set(self._kept) - set(days):
                del self._kept[day]


class Portions:
    """A site's portions, gathered anew when they are older than half a minute: a year's days are some hundred files."""

    def __init__(self, core: Installation, counts: DayCounts) -> None:
        self._core, self._counts = core, counts
        self._lock = threading.Lock()
        self._kept: dict[int, tuple[float, list[Portion]]] = {}

    def of(self, site: Site) -> list[Portion]:
        with self._lock:
            kept = self._kept.get(site.ref)
            if kept is None or time.monotonic() - kept[0] > _GOOD_FOR_S:
                kept = self._kept[site.ref] = (time.monotonic(), list(gather(self._core, site, self._counts)))
            return kept[1]


def rows_held(portions: Iterable[Portion]) -> int:
    """All rows of events, each once, however many classes they are of."""
    return sum({portion.first: portion.count for portion in portions if portion.place == "events"}.values())


def gather(core: Installation, site: Site, counts: DayCounts) -> Iterator[Portion]:
    """Everything held of a site, and what the ledger keeps of all of them. What a hold keeps is marked with it."""
    holds = core.retention.holds.standing()
    days = core.storage.events.days()
    counts.forget_absent(days)
    for day in days:
        yield from _of_day(core, site, day, counts.rows(day, site), holds)
    yield from _of_records(core, site, "records", core.storage.records, holds)
    yield from _of_records(core, site, "archive", core.storage.archive, holds)
    yield from _of_ledger(core)
    yield from _of_office(core, site)


# --- rows ------------------------------------------------------------------------------------------------------------


def _of_day(core: Installation, site: Site, day: date, rows: int, holds: Sequence[Hold]) -> Iterator[Portion]:
    """One portion a record class of the day's rows; each counts every row: which stands on what is not read."""
    bases = [basis for basis in core.storage.events.bases(day) if basis.site_ref == site.ref]
    classes: dict[str, list[date]] = {}
    for ending in endings(day, bases, core.retention.periods):
        classes.setdefault(ending.class_id, []).append(ending.last_day)
    for class_id, lasts in classes.items() if rows else ():
        ends = max(lasts) + ONE_DAY
        mine = (h for h in _keeping(core, holds, ends) if any(h.touches(b.site_ref, class_id, day) for b in bases))
        yield Portion(class_id, "events", rows, day, day, ends, _items(core, bases), frozenset(h.id for h in mine))
    if rows and not classes:
        yield Portion(_FALLBACK, "events", rows, day, day, core.retention.periods.latest(day) + ONE_DAY)


def _keeping(core: Installation, holds: Sequence[Hold], ends: date) -> list[Hold]:
    """The holds that will still stand when it would end. One on a single person keeps that person's alone."""
    on = max(ends, core.retention.today())
    return [hold for hold in holds if hold.visitor is None and hold.stands(on)]


def _items(core: Installation, bases: Iterable[RowBasis]) -> frozenset[str]:
    return frozenset().union(*(core.registry.notice(b.notice_ref).items(b.purposes) for b in bases))


# --- records of other classes ----------------------------------------------------------------------------------------


def _of_records(
    core: Installation, site: Site, place: Place, store: RecordStore, holds: Sequence[Hold]
) -> Iterator[Portion]:
    for site_ref, class_id, last, number in store.groups():
        if site_ref != site.ref:
            continue
        notices = core.registry.notices(site_ref)
        keeping = _keeping(core, holds, last + ONE_DAY)
        mine = (h.id for h in keeping if h.site_ref in (None, site_ref) and h.class_id in (None, class_id))
        items = _items_of_class(notices, class_id)
        yield Portion(class_id, place, number, None, None, last + ONE_DAY, items, frozenset(mine))


def _items_of_class(notices: Sequence[LoadedNotice], class_id: str) -> frozenset[str]:
    """The items that purposes of this class list: what a record of it may hold."""
    for notice in reversed(notices):
        if record_class := notice.policy.records.get(class_id):
            used = {p.id for p in notice.policy.purposes.values() if p.record == class_id} | {*record_class.purposes}
            listed = (item for id in used for item in notice.policy.purposes[id].items)
            return frozenset(record_class.items) or frozenset(listed)
    return frozenset()


# --- the ledger's own contents ---------------------------------------------------------------------------------------


def _of_ledger(core: Installation) -> Iterator[Portion]:
    """Consent records and the access log of all sites: counted, and when the oldest may end at the earliest."""
    notices = [n for site in core.registry.sites() for n in core.registry.notices(site.ref)]
    for kind, class_id in (("consent", ledger_retention.CONSENT), ("audit", ledger_retention.AUDIT)):
        number, oldest = core.storage.ledger.kept(kind)
        named = [n for n in notices if class_id in n.policy.records]
        if oldest is not None:
            first = day_of(oldest, core.settings.zone)
            ends = ledger_retention.earliest_end(named, first) + ONE_DAY if named else None
            today = core.retention.today()
            yield Portion(class_id, "ledger", number, first, today, ends, exact=False)


def _of_office(core: Installation, site: Site) -> Iterator[Portion]:
    """Privacy requests and disclosures: an open one has no end yet."""
    zone, registry = core.settings.zone, core.registry
    for request in core.storage.admin.requests():
        if request.site_ref != site.ref:
            continue
        closed = request.closed_at
        last = ledger_retention.request_last_day(request, registry.in_force(site.ref, closed)) if closed else None
        yield _office(ledger_retention.REQUEST, day_of(request.at or closed or 0, zone), last)
    for entry in core.storage.disclosures.entries():
        if entry.site_ref != site.ref:
            continue
        last = ledger_retention.disclosure_last_day(entry, registry.in_force(entry.site_ref, entry.at))
        yield _office(ledger_retention.DISCLOSURE, day_of(entry.at, zone), last)


def _office(class_id: str, day: date, last: date | None) -> Portion:
    return Portion(class_id, "office", 1, day, day, last + ONE_DAY if last else None)
