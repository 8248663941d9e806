"""Invariant 1, checked over everything that is stored: no item without a standing basis."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.core.clock import day_of, start_of
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.sealing import unseal
from dongui_collector.keys.keyring import day_name
from dongui_collector.ledger.periods import Periods, bits_of
from dongui_collector.ledger.rows import COLUMNS_OF, SEALED, associated
from dongui_collector.retention.archive import starts_live
from dongui_collector.storage.contract.stores import RecordStore, iter_rows
from dongui_collector.storage.contract.values import Intent, LedgerRecord, Record, Row

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_HOUR_MS = 3_600_000
_LONGEST_DELAY = timedelta(days=5)  # K3: with an approval outstanding, at the very latest
_CACHED = 20_000

Found = tuple[str, str]


@dataclass(frozen=True, slots=True)
class History:
    """A visitor's decisions on one purpose, oldest first: (sequence, was it given)."""

    decisions: tuple[tuple[int, bool], ...] = ()

    def covers(self, seq: int) -> bool:
        """Whether a row of this sequence may stand on the purpose: given by then, and not withdrawn since."""
        before = [given for at, given in self.decisions if at <= seq]
        return bool(before) and before[-1] and all(given for at, given in self.decisions if at > seq)


def histories(records: Sequence[LedgerRecord], bits: dict[str, int]) -> dict[int, History]:
    """Bit → decisions, from a visitor's ledger records. A refusal of what was not given ends nothing: left out."""
    found: dict[int, list[tuple[int, bool]]] = {}
    for record in records:
        body = record.body or {}
        for word, given in (("given", True), ("withdrawn", False)):
            for purpose in body.get(word, ()):
                found.setdefault(bits[purpose], []).append((record.seq, given))
    return {bit: History(tuple(decisions)) for bit, decisions in found.items()}


class ItemCheck:
    """Checks rows and records one by one; ``rows`` and ``kept`` count them."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._storage = core.storage
        self._registry = core.registry
        self._periods = Periods(core.registry)
        self._today = core.retention.today()
        self._holds = core.retention.holds.standing()
        self._cache: dict[bytes, dict[int, History]] = {}
        self._waiting = bool(core.storage.admin.destructions(("selected", "approved", "running")))
        self.rows = 0
        self.kept = 0

    # -- rows

    def day(self, day: date, also: Callable[[Row], None] = lambda _row: None) -> Iterator[Found]:
        """Check one day's rows; ``also`` is called with each."""
        if self._storage.keys.destroyed(day_name(day)):
            yield Message("day {day}", day=day), "its key was destroyed, but its file exists"
        try:
            for row in iter_rows(self._storage.events, day):
                self.rows += 1
                also(row)
                if self._complaint(row, day) and (complaint := self._again(row, day)):
                    yield Message("day {day}, row {n}", day=day, n=row.n), complaint
        except Exception as error:  # a damaged file is a finding, whatever the storage calls it
            yield Message("day {day}", day=day), Message("it cannot be read ({kind})", kind=type(error).__name__)

    def _again(self, row: Row, day: date) -> str | None:
        """Look once more: beside a running collector a withdrawal may just be on its way."""
        now = self._storage.events.rows(day, after=row.n - 1, limit=1)
        if not now or now[0].n != row.n:
            return None
        self._cache.pop(row.visitor, None)
        return self._complaint(now[0], day)

    def _complaint(self, row: Row, day: date) -> str | None:
        """What is wrong with a row, or None."""
        try:
            notice = self._registry.notice(row.notice_ref)
        except KeyError:
            return "it stands on a notice version that does not exist"
        if notice.site_ref != row.site_ref:
            return "it stands on another site's notice"
        if not row.purposes or row.purposes & ~notice.consent_mask:
            return "it stands on no consent purpose of its notice"
        allowed = self._registry.items_of(row.notice_ref, row.purposes)
        for item, columns in COLUMNS_OF.items():
            if item not in allowed and any(getattr(row, column) is not None for column in columns):
                return Message("it holds the item {item}, which none of its purposes lists", item=item)
        if row.at is not None and day_of(row.at, self._core.settings.zone) != day:
            return "it belongs to another day"
        return self._unsealed(row, day) or self._overdue(row, day) or self._unproved(row, day)

    def _unsealed(self, row: Row, day: date) -> str | None:
        sealed = [column for column in SEALED if getattr(row, column) is not None]
        key = self._core.keyring.day(day) if sealed else b""
        for column in sealed:
            if key is None:
                return "it holds sealed items, but its day has no key"
            try:
                unseal(key, getattr(row, column), associated(row.site_ref, day, row.key, column))
            except CollectorError:
                return Message("its sealed {column} does not open at this place", column=column)
        return None

    def _overdue(self, row: Row, day: date) -> str | None:
        ended = row.purposes & ~self._periods.retained_mask(row.notice_ref, row.purposes, day, self._today)
        for bit in bits_of(ended):
            class_id = self._periods.class_id(row.notice_ref, bit)
            if any(h.covers(row.site_ref, class_id, day, row.visitor) for h in self._holds):
                continue
            if self._is_late(self._periods.last_day(row.notice_ref, bit, day)):
                return "its period has ended and it is still there"
        return None

    def _is_late(self, last: date) -> bool:
        """Whether what ended with ``last`` should be gone: after an hour, or days where an approval is outstanding."""
        if self._waiting and self._today - last <= _LONGEST_DELAY:
            return False
        return self._core.clock.now() > start_of(last + timedelta(days=1), self._core.settings.zone) + _HOUR_MS

    def _unproved(self, row: Row, day: date) -> str | None:
        found = self._history(row)
        # What only a legal hold keeps stands on the hold; its consent's own record may have aged out.
        standing = self._periods.retained_mask(row.notice_ref, row.purposes, day, self._today)
        missing = [bit for bit in bits_of(standing) if not found.get(bit, History()).covers(row.seq)]
        if not missing or all(self._ending(row, bit) for bit in missing):
            return None
        names = self._registry.notice(row.notice_ref).names(sum(1 << bit for bit in missing))
        return Message("no consent on the ledger covers {names}", names=", ".join(names))

    def _ending(self, row: Row, bit: int) -> bool:
        """Whether an ending is on its way (or waits for a legal hold), which masks it from every reader."""

        def reaches(intent: Intent) -> bool:
            return intent.visitor == row.visitor and bool(intent.bits >> bit & 1) and row.seq <= intent.up_to

        return any(reaches(intent) for intent in self._storage.ledger.intents())

    def _history(self, row: Row) -> dict[int, History]:
        if row.visitor not in self._cache:
            if len(self._cache) >= _CACHED:
                self._cache.clear()
            records = self._storage.ledger.records_of(row.visitor)
            self._cache[row.visitor] = histories(records, self._storage.ledger.bits(row.site_ref))
        return self._cache[row.visitor]

    # -- records of other classes

    def records(self) -> Iterator[Found]:
        """Check the archive and the other records."""
        for name, store in (("archive.db", self._storage.archive), ("records.db", self._storage.records)):
            for site_ref, class_id, last, number in store.groups():
                found = store.of_group(site_ref, class_id, last)
                where = Message("{name}, {class_id} until {last}", name=name, class_id=class_id, last=last)
                self.kept += len(found)
                if len(found) != number:
                    yield (
                        where,
                        Message("{number} records are counted, {found} are there", number=number, found=len(found)),
                    )
                for record in found:
                    if complaint := self._record_complaint(record, store):
                        yield where, complaint

    def _moving(self, record: Record) -> bool:
        """Whether an ending is on its way that moves this record into the archive."""
        open_ = self._storage.admin.destructions(("running",))
        return bool(open_) or any(i.visitor == record.subject for i in self._storage.ledger.intents())

    def _record_complaint(self, record: Record, store: RecordStore) -> str | None:
        try:
            record_class = self._registry.notice(record.notice_ref).policy.records[record.class_id]
        except KeyError:
            return "a record stands on a notice version or class that does not exist"
        archived = store is self._storage.archive
        if archived and not record_class.archive:
            return "a record lies in the archive although no statute demands it"
        if not archived and not starts_live(record_class, self._registry.notice(record.notice_ref).policy):
            return "a record that must lie in the archive does not (S5.2)"
        if not archived and self._storage.archive.by_id(record.id) is not None and not self._moving(record):
            return "a record lies in the archive and among the live records (S5.2)"
        held = any(h.covers(record.site_ref, record.class_id, record.day, record.subject) for h in self._holds)
        if not held and record.last_day < self._today and self._is_late(record.last_day):
            return "its period has ended and it is still there"
        try:
            self._core.retention.records.opened(record)
        except CollectorError:
            return "a record's content does not open"
        return None
