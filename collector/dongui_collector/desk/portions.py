"""Everything that the installation holds, as portions that end together (retention/inventory.py). Counts alone."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.retention import ledger_retention
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.inventory import Place, Portion
from dongui_collector.retention.schedule import ONE_DAY, endings
from dongui_collector.storage.contract.stores import RecordStore
from dongui_collector.storage.contract.values import Hold, RowBasis

_GOOD_FOR_S = 20.0
_FALLBACK = "access_log"


class Portions:
    """All portions, gathered anew when they are older than half a minute: a year's days are some hundred files."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._kept: list[Portion] = []
        self._at = float("-inf")

    def all(self) -> list[Portion]:
        with self._lock:
            if time.monotonic() - self._at > _GOOD_FOR_S:
                self._kept, self._at = list(gather(self._core)), time.monotonic()
            return self._kept


def gather(core: Installation) -> Iterator[Portion]:
    """Everything held, whichever site's. What a hold keeps is marked with it."""
    holds = core.retention.holds.standing()
    for day in core.storage.events.days():
        yield from _of_day(core, day, holds)
    yield from _of_records(core, "records", core.storage.records, holds)
    yield from _of_records(core, "archive", core.storage.archive, holds)
    yield from _of_ledger(core)
    yield from _of_office(core)


# --- rows ------------------------------------------------------------------------------------------------------------


def _of_day(core: Installation, day: date, holds: Sequence[Hold]) -> Iterator[Portion]:
    """One portion a record class of the day's rows; each counts every row: which stands on what is not read."""
    tally = core.storage.events.tally(day)
    rows = tally.top - tally.destroyed
    bases = core.storage.events.bases(day)
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


def _of_records(core: Installation, place: Place, store: RecordStore, holds: Sequence[Hold]) -> Iterator[Portion]:
    for site_ref, class_id, last, number in store.groups():
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
    """Consent records and the access log: counted, and when the oldest may end at the earliest."""
    notices = [n for site in core.registry.sites() for n in core.registry.notices(site.ref)]
    for kind, class_id in (("consent", ledger_retention.CONSENT), ("audit", ledger_retention.AUDIT)):
        number, oldest = core.storage.ledger.kept(kind)
        named = [n for n in notices if class_id in n.policy.records]
        if oldest is not None:
            first = day_of(oldest, core.settings.zone)
            ends = ledger_retention.earliest_end(named, first) + ONE_DAY if named else None
            today = core.retention.today()
            yield Portion(class_id, "ledger", number, first, today, ends, exact=False)


def _of_office(core: Installation) -> Iterator[Portion]:
    """Privacy requests and disclosures: an open one has no end yet."""
    zone, registry = core.settings.zone, core.registry
    for request in core.storage.admin.requests():
        closed = request.get("closed_at")
        last = (
            ledger_retention.request_last_day(request, registry.in_force(request["site_ref"], closed))
            if closed
            else None
        )
        yield _office(ledger_retention.REQUEST, day_of(int(request.get("at") or closed or 0), zone), last)
    for entry in core.storage.disclosures.entries():
        last = ledger_retention.disclosure_last_day(entry, registry.in_force(entry["site_ref"], entry["at"]))
        yield _office(ledger_retention.DISCLOSURE, day_of(entry["at"], zone), last)


def _office(class_id: str, day: date, last: date | None) -> Portion:
    return Portion(class_id, "office", 1, day, day, last + ONE_DAY if last else None)
