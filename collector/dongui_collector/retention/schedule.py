"""The retention calendar: what ends when, and what a legal hold keeps. Pure: values in, values out.

A day is destroyed as a whole once the last basis of its last row has ended. Where only some have (another record class,
a notice with another period, a hold on somebody else's rows), just those purposes are cleared, row by row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, Protocol

import msgspec

from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.ledger.periods import bits_of
from dongui_collector.storage.contract.targets import DayTarget, PurposesTarget, RecordsTarget, Rule, SelectedTarget
from dongui_collector.storage.contract.values import Hold, Json, Record, RowBasis

ONE_DAY = timedelta(days=1)


class Rules(Protocol):
    """What the calendar needs to know of the notices; :class:`~dongui_collector.ledger.periods.Periods` knows it."""

    def class_id(self, notice_ref: int, bit: int) -> str: ...
    def last_day(self, notice_ref: int, bit: int, day: date) -> date: ...


@dataclass(frozen=True, slots=True)
class Planned:
    """One destruction that is due. ``due`` is the first day on which it may no longer be held."""

    target: SelectedTarget
    due: date
    reason: str = "the period has ended"

    @property
    def what(self) -> Json:
        """What it destroys, as JSON; see :attr:`Target.what`."""
        return self.target.what


@dataclass(frozen=True, slots=True)
class BasisEnd:
    """One purpose's basis in the rows of one day, site and notice."""

    site_ref: int
    notice_ref: int
    bit: int
    class_id: str
    last_day: date


def endings(day: date, bases: Iterable[RowBasis], rules: Rules) -> list[BasisEnd]:
    """Every basis that rows of ``day`` stand on, with the last day on which it lets them be held."""
    found = sorted({(b.site_ref, b.notice_ref, bit) for b in bases for bit in bits_of(b.purposes)})
    return [BasisEnd(s, n, bit, rules.class_id(n, bit), rules.last_day(n, bit, day)) for s, n, bit in found]


def plan_day(
    day: date, bases: Sequence[RowBasis], rules: Rules, holds: Sequence[Hold], today: date, fallback: date
) -> list[Planned]:
    """What of one day is due on ``today``.

    ``holds`` are those that stand. ``fallback`` is the last day for a day on which nothing was ever recorded.
    """
    all_ = endings(day, bases, rules)
    ended = [e for e in all_ if e.last_day < today]
    if len(ended) == len(all_) and not any(h.touches(e.site_ref, e.class_id, day) for h in holds for e in all_):
        last = max((e.last_day for e in all_), default=fallback)
        return [Planned(DayTarget(day=day), last + ONE_DAY)] if last < today else []
    return _plan_bases(day, ended, holds)


def _plan_bases(day: date, ended: Iterable[BasisEnd], holds: Sequence[Hold]) -> list[Planned]:
    """The ended bases of a day that as a whole goes on, grouped by what they have in common."""
    groups: dict[tuple[int, int, date, tuple[int, ...]], int] = defaultdict(int)
    for e in ended:
        touching = [h for h in holds if h.touches(e.site_ref, e.class_id, day)]
        if all(h.visitor is not None for h in touching):  # a hold that names nobody keeps every row
            groups[e.site_ref, e.notice_ref, e.last_day, tuple(sorted(h.id for h in touching))] |= 1 << e.bit
    return [
        Planned(PurposesTarget(day=day, site=site, notice=notice, purposes=bits, holds=held), last + ONE_DAY)
        for (site, notice, last, held), bits in sorted(groups.items())
    ]


def may_hold(holds: Iterable[Hold], site_ref: int, class_id: str) -> bool:
    """Whether some hold may reach a record of this site and class, so that the records must be looked at one by one."""
    return any(h.site_ref in (None, site_ref) and h.class_id in (None, class_id) for h in holds)


def held_records(records: Iterable[Record], holds: Sequence[Hold]) -> list[bytes]:
    """The ids of those records that a hold keeps, in order."""
    return sorted(r.id for r in records if any(h.covers(r.site_ref, r.class_id, r.day, r.subject) for h in holds))


def plan_records(
    store: Literal["archive", "records"], group: tuple[int, str, date, int], held: Sequence[bytes], today: date
) -> list[Planned]:
    """What of one group of records (same site, class and last day) is due; ``held`` are the ids that holds keep."""
    site_ref, class_id, last, number = group
    if last >= today or number <= len(held):
        return []
    kept = tuple(id.hex() for id in held)
    return [
        Planned(RecordsTarget(store=store, site=site_ref, class_id=class_id, last_day=last, kept=kept), last + ONE_DAY)
    ]


def still_due(what: Json, plan: Iterable[Planned]) -> bool:
    """Whether what was selected earlier is still due: a hold or a wider destruction may have taken its place."""
    return any(planned.what == what for planned in plan)


def rule_of(notice: LoadedNotice, class_id: str) -> Rule | None:
    """How long a notice version keeps a class; None where it has no such class."""
    found = notice.policy.records.get(class_id)
    return (class_id, str(found.keep), str(found.min_keep or "")) if found else None


class StoredDay(msgspec.Struct, frozen=True):
    """A day that is stored, for people to read: when it ends, and the ids of the holds that keep it from that."""

    day: date
    first_ends_on: date
    destroyed_on: date
    holds: list[int]
    bytes: int


def schedule(
    day: date, bases: Sequence[RowBasis], rules: Rules, holds: Sequence[Hold], fallback: date, size: int
) -> StoredDay:
    """When a day ends as things stand, and which holds keep it from that; ``size`` is what it takes, in bytes."""
    all_ = endings(day, bases, rules)
    lasts = [e.last_day for e in all_] or [fallback]
    keeping = sorted({h.id for h in holds for e in all_ if h.touches(e.site_ref, e.class_id, day)})
    return StoredDay(day, min(lasts) + ONE_DAY, max(lasts) + ONE_DAY, keeping, size)
