"""What the overview shows of one site: what is held and why, what was refused. Plain values for a template."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from dongui_collector.desk.portions import DayCounts
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import RowBasis, Site

SHOWN_DAYS = 31
Totals = Mapping[tuple[date, int, str], int]


@dataclass(frozen=True, slots=True)
class DayBar:
    """One day's rows of one site: how many, for which purposes, and when the day is destroyed."""

    day: date
    rows: int
    by_purpose: Mapping[str, int]
    bytes: int
    destroyed_on: date | None


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the overview page shows of one site.

    ``notice`` is None while the policy is a draft; ``days`` are the newest that have a file, ``all_days`` and
    ``all_bytes`` are of every one.
    """

    notice: LoadedNotice | None
    days: list[DayBar]
    all_days: int
    all_bytes: int
    purposes: list[str]
    recorded: int
    replaced: list[tuple[str, int]]
    refusals: list[tuple[str, int]] = field(default_factory=list)
    next_end: date | None = None


def overview(core: Installation, site: Site, counts: DayCounts, ends: Mapping[date, date]) -> Overview:
    """The overview of a site. ``ends``: day → the day on which it is destroyed."""
    now = core.clock.now()
    notice = core.registry.current(site.ref, now)
    days = core.storage.events.days()
    held = [_held(core, site, day, counts.of(day), ends.get(day)) for day in days[-SHOWN_DAYS:]]
    since = core.clock.today(core.settings.zone) - timedelta(days=30)
    totals = core.storage.ledger.totals(site.ref, since)
    return Overview(
        notice=notice,
        days=[d for d in reversed(held) if d.rows],
        all_days=len(days),
        all_bytes=sum(core.storage.events.size(day) for day in days),
        purposes=_in_order({p for d in held for p in d.by_purpose}, list(notice.policy.purposes) if notice else []),
        recorded=_sums(totals, "events.recorded", since).total(),
        refusals=_sums(totals, "events.refused.", since).most_common(),
        replaced=_sums(totals, "events.replaced.", since).most_common(),
        next_end=min(ends.values(), default=None),
    )


def _held(core: Installation, site: Site, day: date, counts: Mapping[RowBasis, int], ends: date | None) -> DayBar:
    by_purpose: Counter[str] = Counter()
    for basis, number in counts.items():
        if basis.site_ref == site.ref:
            for purpose in core.registry.notice(basis.notice_ref).names(basis.purposes):
                by_purpose[purpose] += number
    return DayBar(day, _rows(counts, site.ref), by_purpose, core.storage.events.size(day), ends)


def _in_order(purposes: set[str], order: Sequence[str]) -> list[str]:
    """Purposes in the notice's order; those that only an earlier notice knew come last."""
    return [p for p in order if p in purposes] + sorted(purposes - set(order))


def _rows(counts: Mapping[RowBasis, int], site_ref: int) -> int:
    return sum(number for basis, number in counts.items() if basis.site_ref == site_ref)


def _sums(totals: Totals, prefix: str, since: date) -> Counter[str]:
    """The totals since a day whose name begins with ``prefix``, by what follows it."""
    sums: Counter[str] = Counter()
    for (day, _site, name), number in totals.items():
        if day >= since and name.startswith(prefix):
            sums[name.removeprefix(prefix)] += number
    return sums


@dataclass(frozen=True, slots=True)
class Bar:
    """One day in the chart; place and size in the chart's own units."""

    x: float
    y: float
    width: float
    height: float
    day: date
    rows: int


def bars(days: Sequence[DayBar], *, width: float = 720.0, height: float = 120.0) -> list[Bar]:
    """The days (newest first) as bars of a chart, oldest left."""
    most = max((d.rows for d in days), default=0)
    step = width / max(SHOWN_DAYS, len(days))
    made = []
    for position, held in enumerate(reversed(days)):
        tall = max(2.0, height * held.rows / most) if most else 0.0
        left = width - step * (len(days) - position) + step * 0.15
        made.append(
            Bar(round(left, 1), round(height - tall, 1), round(step * 0.7, 1), round(tall, 1), held.day, held.rows)
        )
    return made
