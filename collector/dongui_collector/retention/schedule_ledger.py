"""What of the ledger's own contents is due: consent records, audit entries, privacy requests.

Looked through once a day and whenever the holds change, from the oldest record on that can still end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from dongui_collector.core.clock import day_of
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.retention import ledger_retention
from dongui_collector.retention.schedule import Planned
from dongui_collector.storage.contract.disclosures import Disclosure
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import (
    LEDGER_TARGETS,
    BooksTarget,
    ConsentsTarget,
    DisclosuresTarget,
    NumberedTarget,
    RequestsTarget,
    Target,
    ranges,
)
from dongui_collector.storage.contract.values import Hold, Json, LedgerRecord

_PAGE = 1000
_BATCH = 2000  # ledger records in one destruction


class ProofPlanner:
    """Reads the ledger; decides nothing that :mod:`~dongui_collector.retention.ledger_retention` does not."""

    def __init__(self, storage: Storage, registry: NoticeRegistry) -> None:
        self._storage = storage
        self._registry = registry
        self._state: object = None
        self._plan: list[Planned] = []
        self._start = 0

    def plan(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        """Everything that is due on ``today``."""
        state = (today, tuple(holds), len(self._registry.sites()))
        if self._state != state:
            parts = (self._plan_ledger, self._plan_requests, self._plan_disclosures, self._plan_books)
            self._state, self._plan = state, [planned for part in parts for planned in part(holds, today)]
        return self._plan

    def done(self, target: Target) -> None:
        """Take note of a destruction that is done."""
        self._plan = [planned for planned in self._plan if planned.what != target.what]
        if isinstance(target, RequestsTarget | DisclosuresTarget):
            self._state = None  # what the ledger tells of them ends now too

    def due_numbers(self, target: NumberedTarget, holds: Sequence[Hold], today: date) -> list[int]:
        """Those numbers of a destruction selected earlier that may be destroyed now: a hold may have come since."""
        match target:
            case RequestsTarget():
                found = (self._storage.admin.request(id) for id in target.requests)
                return [r.id for r in found if r and self._request_ended(r, holds, today)]
            case DisclosuresTarget():
                entries = (self._storage.disclosures.entry(id) for id in target.disclosures)
                return [e.id for e in entries if e and self._disclosure_ended(e, holds, today)]
            case BooksTarget():
                pages = self._pages(target.records)
                ours = [r for records in pages for r in records if r.kind in ledger_retention.BOOKS]
                return sorted(self._due_books(ours, holds, today))
        due: dict[int, date] = {}
        kind = "consents" if isinstance(target, ConsentsTarget) else "audit"
        for records in self._pages(target.records):
            due |= self._due(records, holds, today)[kind]
        return sorted(ledger_retention.in_ranges(target.records) & due.keys())

    def _pages(self, ranges: Iterable[Sequence[int]]) -> Iterator[list[LedgerRecord]]:
        for first, last in ranges:
            found = self._storage.ledger.records(first - 1, last - first + 1)
            yield [record for record in found if record.seq <= last and record.body is not None]

    def _plan_ledger(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        for kind, found in self._due(self._old_records(today), holds, today).items():
            seqs = sorted(found)
            for start in range(0, len(seqs), _BATCH):
                some = seqs[start : start + _BATCH]
                first = min(found[seq] for seq in some)
                yield Planned(LEDGER_TARGETS[kind](records=ranges(some)), first + timedelta(days=1))

    def _due(self, records: Iterable[LedgerRecord], holds: Sequence[Hold], today: date) -> dict[str, dict[int, date]]:
        """Of each kind the records that are due, with their last day; a visitor's all at once."""
        due: dict[str, dict[int, date]] = {"consents": {}, "audit": {}}
        seen: set[bytes] = set()
        for record in records:
            if record.kind == "audit":
                last = self._audit_last_day(record)
                if last is not None and last < today and not self._held(holds, ledger_retention.AUDIT, record, None):
                    due["audit"][record.seq] = last
            elif record.visitor is not None and record.visitor not in seen:
                seen.add(record.visitor)
                due["consents"] |= self._ended_consents(record.visitor, holds, today)
        return due

    def _old_records(self, today: date) -> Iterator[LedgerRecord]:
        """Ledger records with content, oldest first, up to the first that is too young to have ended."""
        after = self._start
        notices = [n for site in self._registry.sites() for n in self._registry.notices(site.ref)]
        while page := self._storage.ledger.records(after, _PAGE):
            for record in page:
                if record.body is None or not (record.kind == "audit" or record.kind in ledger_retention.CONSENT_KINDS):
                    if self._start == record.seq - 1:
                        self._start = record.seq  # nothing before it will ever end: not looked at again
                    continue
                if notices and ledger_retention.earliest_end(notices, day_of(record.at, notices[0].zone)) >= today:
                    return
                yield record
            after = page[-1].seq

    def _ended_consents(self, visitor: bytes, holds: Sequence[Hold], today: date) -> dict[int, date]:
        records = self._storage.ledger.records_of(visitor)
        site_ref = records[0].site_ref
        if site_ref is None:
            return {}
        last_days = ledger_retention.consent_last_days(records, self._registry.notices(site_ref))
        by_seq = {r.seq: r for r in records}
        return {
            seq: last
            for seq, last in last_days.items()
            if last < today and not self._held(holds, ledger_retention.CONSENT, by_seq[seq], visitor)
        }

    def _held(self, holds: Sequence[Hold], class_id: str, record: LedgerRecord, visitor: bytes | None) -> bool:
        sites = [s.ref for s in self._registry.published() if record.site_ref in (None, s.ref)]
        for ref in sites if holds else ():
            day = day_of(record.at, self._registry.in_force(ref, record.at).zone)
            if ledger_retention.held(holds, class_id, ref, day, visitor):
                return True
        return False

    def _audit_last_day(self, record: LedgerRecord) -> date | None:
        sites = [s.ref for s in self._registry.published() if record.site_ref in (None, s.ref)]
        return ledger_retention.audit_last_day(record.at, [self._registry.in_force(ref, record.at) for ref in sites])

    def _plan_requests(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        ended = [r.id for r in self._storage.admin.requests() if self._request_ended(r, holds, today)]
        return [Planned(RequestsTarget(requests=tuple(ended)), today)] if ended else []

    def _request_ended(self, request: StoredRequest, holds: Sequence[Hold], today: date) -> bool:
        closed_at = request.closed_at
        if not closed_at:
            return False
        notice = self._registry.in_force(request.site_ref, closed_at)
        last = ledger_retention.request_last_day(request, notice)
        visitor = bytes.fromhex(request.visitor) if request.visitor else None
        day = day_of(request.at or closed_at, notice.zone)
        return (
            last is not None
            and last < today
            and not ledger_retention.held(holds, ledger_retention.REQUEST, notice.site_ref, day, visitor)
        )

    # -- disclosures, and what else the ledger says of our own doing

    def _plan_disclosures(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        entries = self._storage.disclosures.entries()
        ended = [e.id for e in entries if self._disclosure_ended(e, holds, today)]
        return [Planned(DisclosuresTarget(disclosures=tuple(ended)), today)] if ended else []

    def _disclosure_ended(self, entry: Disclosure, holds: Sequence[Hold], today: date) -> bool:
        notice = self._registry.in_force(entry.site_ref, entry.at)
        last, day = ledger_retention.disclosure_last_day(entry, notice), day_of(entry.at, notice.zone)
        kept = ledger_retention.held(holds, ledger_retention.DISCLOSURE, entry.site_ref, day, None)
        return last is not None and last < today and not kept

    def _plan_books(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        due: dict[int, date] = {}
        for kind in ledger_retention.BOOKS:
            after = 0
            while records := self._storage.ledger.of_kind(kind, after, _PAGE):
                due |= self._due_books(records, holds, today)
                last = self._book_last_day(records[-1])
                if last is not None and last >= today:
                    break  # what comes after is younger still
                after = records[-1].seq
        for start in range(0, len(due), _BATCH):
            some = sorted(due)[start : start + _BATCH]
            first = min(due[seq] for seq in some)
            yield Planned(BooksTarget(records=ranges(some)), first + timedelta(days=1))

    def _due_books(self, records: Iterable[LedgerRecord], holds: Sequence[Hold], today: date) -> dict[int, date]:
        """Records of ``ledger_retention.BOOKS`` whose period is over and that nothing needs."""
        return {
            record.seq: last
            for record in records
            if record.body is not None
            and (last := self._book_last_day(record)) is not None
            and last < today
            and self._is_spent(record)
            and not self._held(holds, ledger_retention.CLASS_OF[record.kind], record, None)
        }

    def _book_last_day(self, record: LedgerRecord) -> date | None:
        sites = [s.ref for s in self._registry.published() if record.site_ref in (None, s.ref)]
        return ledger_retention.book_last_day(record, [self._registry.in_force(ref, record.at) for ref in sites])

    def _is_spent(self, record: LedgerRecord) -> bool:
        """Whether what a record tells of is over: the file it belongs to is gone, a later word took its place."""
        body = record.body or {}
        if record.kind == "request":
            return self._storage.admin.request(body.get("id", 0)) is None
        if record.kind == "disclosure":
            return self._storage.disclosures.entry(body.get("id", 0)) is None
        if record.kind == "account":
            return record.seq not in self._newest_of_accounts()
        if record.kind == "reconfirmed":
            return self._told_again(record, body)
        return True

    def _told_again(self, record: LedgerRecord, body: Json) -> bool:
        """Whether the people of a purpose were told once more since: the next term counts from the last time (K16)."""
        after = record.seq
        while later := self._storage.ledger.of_kind("reconfirmed", after, _PAGE):
            same_site = (r for r in later if r.site_ref == record.site_ref and r.body)
            if any(r.body and r.body.get("purpose") == body.get("purpose") for r in same_site):
                return True
            after = later[-1].seq
        return False

    def _newest_of_accounts(self) -> set[int]:
        """The last word on each account that there is: what the list of accounts is verified against."""
        names = {account.name for account in self._storage.accounts.accounts()}
        newest: dict[str, int] = {}
        after = 0
        while records := self._storage.ledger.of_kind("account", after, _PAGE):
            newest |= {r.body["name"]: r.seq for r in records if r.body and r.body.get("name") in names}
            after = records[-1].seq
        return set(newest.values())

    def forget(self, seq: int) -> None:
        """Before a consent record goes: the standing that it proved goes too, and the visitor with the last one.

        Called inside the writing transaction.
        """
        ledger = self._storage.ledger
        found = ledger.records(seq - 1, 1)
        if not found or found[0].seq != seq or found[0].visitor is None:
            return
        visitor = ledger.visitor(found[0].visitor)
        if visitor is None:
            return
        standings = {bit: s for bit, s in visitor.standings.items() if s.seq != seq}
        if len(standings) != len(visitor.standings):
            ledger.drop_visitor(visitor.key)
            if standings:
                ledger.put_visitor(replace(visitor, standings=standings))
