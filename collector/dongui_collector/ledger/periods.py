"""Until when a purpose may keep a row: the notice under which it was recorded decides, whatever came later (K17)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import lru_cache

from dongui.policy.model import RecordClass
from dongui.rules.periods import last_day

from dongui_collector.ledger.notices import NoticeRegistry

_NEVER = date(9999, 12, 30)  # where no notice says anything


def class_last_day(record_class: RecordClass, day: date) -> date:
    """The last day on which something of ``day`` may be held in a class. ``min_keep`` is a floor (K15)."""
    end = last_day(day, record_class.keep)
    return end if record_class.min_keep is None else max(end, last_day(day, record_class.min_keep))


class Periods:
    """The periods of every purpose under every notice. Cheap to ask for every row."""

    def __init__(self, registry: NoticeRegistry) -> None:
        self._registry = registry
        self._standing: Callable[[int, int, date, date], int] = lru_cache(maxsize=65_536)(self._compute)

    def class_of(self, notice_ref: int, bit: int) -> RecordClass:
        """The record class of a purpose under a notice."""
        notice = self._registry.notice(notice_ref)
        purpose = next(p for p, b in notice.bits.items() if b == bit)
        return notice.policy.records[notice.policy.purposes[purpose].record]

    def class_id(self, notice_ref: int, bit: int) -> str:
        """The id of that record class."""
        return self.class_of(notice_ref, bit).id

    def last_day(self, notice_ref: int, bit: int, day: date) -> date:
        """The last day on which this purpose may keep a row of ``day`` recorded under that notice."""
        return class_last_day(self.class_of(notice_ref, bit), day)

    def names(self, notice_ref: int, mask: int) -> tuple[str, ...]:
        """The purposes of a bit set under a notice."""
        return self._registry.notice(notice_ref).names(mask)

    def retained_mask(self, notice_ref: int, mask: int, day: date, today: date) -> int:
        """Those purposes of ``mask`` whose period for a row of ``day`` has not ended yet."""
        return self._standing(notice_ref, mask, day, today)

    def _compute(self, notice_ref: int, mask: int, day: date, today: date) -> int:
        return sum(1 << bit for bit in bits_of(mask) if self.last_day(notice_ref, bit, day) >= today)

    def latest(self, day: date) -> date:
        """The last day of the longest period that any purpose of any notice has for ``day``."""
        return max(self._all(day), default=_NEVER)

    def earliest(self, day: date) -> date:
        """The last day of the shortest: before it has passed, nothing of ``day`` can have ended."""
        return min(self._all(day), default=_NEVER)

    def _all(self, day: date) -> list[date]:
        notices = [notice for site in self._registry.sites() for notice in self._registry.notices(site.ref)]
        # Rows stand on consent alone; purposes of another basis keep other records, for longer.
        used = {(n.ref, n.policy.purposes[p].record) for n in notices for p in n.policy.consent_purposes}
        return [class_last_day(self._registry.notice(ref).policy.records[id], day) for ref, id in used]


def bits_of(mask: int) -> list[int]:
    """The positions of the bits that are set."""
    return [bit for bit in range(mask.bit_length()) if mask >> bit & 1]
