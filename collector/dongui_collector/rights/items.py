"""What is held, item by item: why, under which notice, since when and until when (K10). Pure but for the book."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dongui_collector.exports.export import FIELDS_OF
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.storage.contract.values import Json


@dataclass(slots=True)
class _ItemTotals:
    number: int = 0
    first: str | None = None
    last: str | None = None
    until: str | None = None

    def add(self, day: str | None, until: str | None) -> None:
        self.number += 1
        if day is not None:
            self.first = min(self.first or day, day)
            self.last = max(self.last or day, day)
        if until is not None:
            self.until = max(self.until or until, until)


class Items:
    """Adds up events and records as they are written into a package. One a package."""

    def __init__(self, registry: NoticeRegistry, periods: Periods) -> None:
        self._registry = registry
        self._periods = periods
        self._held: dict[tuple[str, str, int], _ItemTotals] = {}
        self._classes: dict[tuple[str, int], _ItemTotals] = {}

    def event(self, shown: Json, notice_ref: int, day: date) -> str | None:
        """Note an event in the "Read back" shape; the last day on which anything of it is kept.

        An event whose time is not held is not dated by its end either: None, and the period stands for it.
        """
        notice = self._registry.notice(notice_ref)
        mask = notice.mask(shown["purposes"])
        timed = shown["day"] is not None
        held = {item for item, fields in FIELDS_OF.items() if any(shown[f] is not None for f in fields)}
        ends = []
        for bit in bits_of(mask):
            purpose = notice.names(1 << bit)[0]
            until = self._periods.last_day(notice_ref, bit, day).isoformat()
            ends.append(until)
            for item in held & notice.items_by_bit[bit]:
                entry = self._held.setdefault((item, purpose, notice_ref), _ItemTotals())
                entry.add(shown["day"], until if timed else None)
        return max(ends, default=None) if timed else None

    def record(self, class_id: str, notice_ref: int, day: date, until: date) -> None:
        """Note a record of another class."""
        entry = self._classes.setdefault((class_id, notice_ref), _ItemTotals())
        entry.add(day.isoformat(), until.isoformat())

    def table(self) -> list[Json]:
        """One entry an item, purpose and notice version; one a record class after them."""
        return [*self._items(), *self._records()]

    def _items(self) -> list[Json]:
        found = []
        for (item, purpose, ref), held in sorted(self._held.items()):
            policy = self._registry.notice(ref).policy
            basis = policy.purposes[purpose]
            found.append(
                {
                    "item": item,
                    "label": dict(policy.items[item].label),
                    "purpose": purpose,
                    "purpose_label": dict(basis.label),
                    "basis": basis.basis,
                    "law": None,
                    "notice": policy.notice.version,
                    "keep": str(policy.records[basis.record].keep),
                    "number": held.number,
                    "since": held.first,
                    "latest": held.last,
                    "until": held.until,
                }
            )
        return found

    def _records(self) -> list[Json]:
        found = []
        for (class_id, ref), held in sorted(self._classes.items()):
            policy = self._registry.notice(ref).policy
            record_class = policy.records[class_id]
            purposes = [p for p in policy.purposes.values() if p.record == class_id or p.id in record_class.purposes]
            by_law = record_class.law is not None
            basis = next((p for p in purposes if p.basis != "consent"), None)
            found.append(
                {
                    "item": class_id,
                    "label": dict(record_class.label),
                    "purpose": basis.id if basis else None,
                    "purpose_label": dict(basis.label) if basis else None,
                    "basis": "legal_obligation" if by_law else basis.basis if basis else None,
                    "law": dict(record_class.law) if record_class.law else None,
                    "notice": policy.notice.version,
                    "keep": str(record_class.keep),
                    "number": held.number,
                    "since": held.first,
                    "latest": held.last,
                    "until": held.until,
                }
            )
        return found
