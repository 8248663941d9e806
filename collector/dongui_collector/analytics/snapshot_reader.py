"""What reports say of days whose rows are gone: numbers that were frozen when they aged out, or imported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from dongui_collector.analytics.intervals import Interval, of_day
from dongui_collector.analytics.metrics import Key, Metrics, added, plus
from dongui_collector.analytics.reports import PAGE_REPORTS
from dongui_collector.analytics.sessions import language_tag
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.analytics.snapshot_rules import HOURS, OWN, is_whole, told
from dongui_collector.storage.contract.values import RowBasis, Site

if TYPE_CHECKING:
    from dongui_collector.analytics.entitled_events import EntitledEvents
    from dongui_collector.ledger.installation import LedgerInstallation

State = Literal["living", "restated", "frozen", "imported", "unknown", "unanswered"]
STATES: tuple[State, ...] = get_args(State)
UNKNOWN_STATES: frozenset[State] = frozenset(
    ("unknown", "unanswered")
)  # days that are in no figure, and were not empty


@dataclass(frozen=True, slots=True)
class FrozenDays:
    """The days of a range that kept numbers answer for: their rows in the report, and their totals.

    ``shortened`` are those whose list lacks rows, as far as is known.
    """

    states: Mapping[date, State] = field(default_factory=dict)
    rows: Mapping[date, Mapping[Key, Metrics]] = field(default_factory=dict)
    totals: Mapping[date, Metrics] = field(default_factory=dict)
    shortened: frozenset[date] = frozenset()

    @property
    def total(self) -> Metrics:
        """Of all these days. A visitor counts once for every day."""
        found = Metrics()
        for part in self.totals.values():
            found = plus(found, part)
        return found

    def parts(self) -> dict[Key, Metrics]:
        """The report's rows over all these days."""
        return added(*self.rows.values())

    def series(self, interval: Interval) -> dict[Key, Metrics]:
        """The rows of a timeseries."""
        if interval == "hour":
            return self.parts()
        days: list[dict[Key, Metrics]] = [{(of_day(interval, day),): part} for day, part in self.totals.items()]
        return added(*days)

    def is_partial(self, key: Key) -> bool:
        """Whether something of a row may be missing: it is in no list of a day whose list was shortened."""
        return any(key not in self.rows.get(day, {}) for day in self.shortened)

    def bound(self, living: int) -> bool:
        """Whether visitors are only known as an upper bound: some may have come on several of these days."""
        return bool(self.total.visitors) and (len(self.totals) > 1 or living > 0)


class _Kept(NamedTuple):
    """A report of one day: where its numbers are from, its rows, and whether these are all that there were."""

    source: str
    rows: dict[Key, Metrics]
    whole: bool


def past(
    core: LedgerInstallation, covered: EntitledEvents, purposes: Collection[str], report: str, first: date, last: date
) -> FrozenDays:
    """The kept numbers for just these ``purposes``; imported ones where one of them was named at the import.

    What was counted here goes before what was imported. Pages and languages are under the names of today's rules,
    whatever the rules were when the day was frozen: rows that have one name now are one row, and the visitors of it an
    upper bound.
    """
    ledger, site, own = core.storage.ledger, covered.site, name_of(purposes)

    def read(wanted: str) -> dict[date, _Kept]:
        found: dict[date, _Kept] = {}
        for kept in ledger.frozen(site.ref, wanted, sorted({own, *purposes}), first, last):
            mine = kept.source == OWN
            if (kept.purposes == own if mine else kept.purposes in purposes) and (mine or kept.day not in found):
                rows = _renamed(wanted, told(kept.body), covered.rules)
                found[kept.day] = _Kept(kept.source, rows, is_whole(kept.body))
        return found

    overview = read("overview")
    for day in [day for day, one in overview.items() if one.source != OWN and _counted_here(core, site, day)]:
        del overview[day]
    of_report = overview if report == "overview" else read(report)
    return FrozenDays(
        {day: "frozen" if one.source == OWN else "imported" for day, one in overview.items()},
        {day: of_report[day].rows for day in overview if day in of_report},
        {day: one.rows.get((), Metrics()) for day, one in overview.items()},
        frozenset(day for day in overview if report != "overview" and not (day in of_report and of_report[day].whole)),
    )


def _renamed(report: str, rows: dict[Key, Metrics], rules: SiteRules) -> dict[Key, Metrics]:
    rename = rules.named if report in PAGE_REPORTS else language_tag if report == "languages" else None
    if rename is None:
        return rows
    several: list[dict[Key, Metrics]] = [{(name and rename(name),): part} for (name,), part in rows.items()]
    return added(*several)


def name_of(purposes: Collection[str]) -> str:
    """Under which name the numbers for a set of purposes are kept."""
    return ".".join(sorted(set(purposes)))


def snapshot_name(report: str, interval: Interval) -> str:
    """The kept report that a question needs."""
    return (HOURS if interval == "hour" else "overview") if report == "timeseries" else report


def _counted_here(core: LedgerInstallation, site: Site, day: date) -> bool:
    return any(basis.site_ref == site.ref for basis in core.storage.events.bases(day))


# --- days whose rows are there ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _RowBases:
    """What rows of a stored day stand on, or once stood on, and which purposes ended in some of them."""

    bases: Sequence[RowBasis] = ()
    lost: Collection[tuple[int, int]] = ()


_KEY = "states"  # of an installation's stored days, each as of its stamp: asked of every day of a year


def state_of(core: LedgerInstallation, covered: EntitledEvents, day: date) -> State | None:
    """``restated`` where something that the reader's purposes covered was withdrawn, erased or destroyed since.

    Else ``living``, or None for a day of which nothing that they cover was ever stored: of what others' purposes cover
    it says nothing.
    """
    mask, site = covered.mask, covered.site.ref
    held = _held_of(core, day)
    if any(ref == site and bits & mask for ref, bits in held.lost):
        return "restated"
    bases = (basis for basis in held.bases if basis.site_ref == site)
    return "living" if any(covered.enough(basis.notice_ref, basis.purposes) for basis in bases) else None


def unknown(
    core: LedgerInstallation, covered: EntitledEvents, first: date, last: date, known: Collection[date]
) -> set[date]:
    """The days of which numbers were kept, but none for this reader, and no row stands for them any more.

    What they would see is not known, which is not to say that there was nothing.
    """
    kept = core.storage.ledger.frozen_days(covered.site.ref, OWN, first, last)
    return {day for day in kept if day not in known and not _stands(core, covered, day)}


def _stands(core: LedgerInstallation, covered: EntitledEvents, day: date) -> bool:
    return any(
        basis.site_ref == covered.site.ref and covered.standing(day, basis.notice_ref, basis.purposes) is not None
        for basis in _held_of(core, day).bases
    )


def _held_of(core: LedgerInstallation, stored: date) -> _RowBases:
    events = core.storage.events
    known: dict[date, tuple[int, _RowBases]] = core.cached.setdefault(_KEY, {})
    stamp = events.stamp(stored)
    found = known.get(stored)
    if found is None or found[0] != stamp:
        found = known[stored] = (stamp, _RowBases(events.bases(stored), events.lost(stored)))
    return found[1]


def summary(states: Iterable[State]) -> dict[str, int]:
    """How many days are in which state."""
    found = Counter(states)
    return {state: found[state] for state in STATES}


def together(states: Collection[State]) -> str | None:
    """The state of a row that rests on several days."""
    distinct = set(states)
    return None if not distinct else distinct.pop() if len(distinct) == 1 else "mixed"
