"""What is due today, gathered from the stores and decided by the calendar."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

from dongui_collector.clock import day_of
from dongui_collector.keeping import calendar, proofs
from dongui_collector.keeping.calendar import Planned
from dongui_collector.ledger.book import Book
from dongui_collector.ledger.periods import Periods
from dongui_collector.security.keys import day_name
from dongui_collector.storage.base import Destruction, Hold, Json, LedgerRecord, RecordStore, Storage

_PAGE = 1000
_BATCH = 2000  # ledger records in one destruction


class Planner:
    """Reads the stores; decides nothing that the pure calendar does not."""

    def __init__(self, storage: Storage, book: Book, periods: Periods) -> None:
        self._storage = storage
        self._book = book
        self._periods = periods
        # "bases" leave a trace in a day's list of bases for ever, so those that are done are remembered.
        self._cleared: set[str] | None = None
        self._proofs: tuple[object, list[Planned]] | None = None
        self._start = 0

    def plan(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        """Everything that is due on ``today``."""
        return [*self._plan_days(holds, today), *self._plan_records(holds, today), *self._plan_proofs(holds, today)]

    def still_due(self, destruction: Destruction, holds: Sequence[Hold], today: date) -> bool:
        """Whether a destruction selected earlier, or interrupted, may go on."""
        what = destruction.what
        match what["kind"]:
            case "day":
                day = date.fromisoformat(what["day"])
                # Once a crash came after the key went, there is no day to be kept any more.
                lost = self._storage.keys.destroyed(day_name(day)) or day not in self._storage.events.days()
                return (destruction.state == "running" and lost) or calendar.still_due(
                    what, self._plan_day(day, holds, today)
                )
            case "bases":
                # Running: what is left of it; the holds of now are asked again when it is carried out.
                return destruction.state == "running" or calendar.still_due(
                    what, self._plan_day(date.fromisoformat(what["day"]), holds, today)
                )
            case "records":
                group = (what["site"], what["class"], date.fromisoformat(what["last_day"]))
                store = self._storage.archive if what["store"] == "archive" else self._storage.records
                return destruction.state == "running" or calendar.still_due(
                    what, self._plan_group(what["store"], store, (*group, self._number(store, group)), holds, today)
                )
        return calendar.still_due(what, self._plan_proofs(holds, today)) or destruction.state == "running"

    def done(self, destruction: Destruction) -> None:
        """Take note of a destruction that is done."""
        if destruction.what["kind"] == "bases":
            self._cleared_bases().add(_text(destruction.what))
        self._proofs = None

    def schedule(self, holds: Sequence[Hold]) -> list[Json]:
        """Every day that is stored and when it ends. For people to read."""
        events = self._storage.events
        return [
            calendar.schedule(day, events.bases(day), self._periods, holds, self._periods.latest(day))
            | {"bytes": events.size(day)}
            for day in events.days()
        ]

    # -- days

    def _plan_days(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        for day in self._storage.events.days():
            # Most days end by no rule yet: their files need not be opened.
            if self._periods.earliest(day) < today:
                yield from self._plan_day(day, holds, today)

    def _plan_day(self, day: date, holds: Sequence[Hold], today: date) -> list[Planned]:
        if day not in self._storage.events.days():
            return []
        bases = self._storage.events.bases(day)
        plan = calendar.plan_day(day, bases, self._periods, holds, today, self._periods.latest(day))
        return [p for p in plan if p.what["kind"] != "bases" or _text(p.what) not in self._cleared_bases()]

    def _cleared_bases(self) -> set[str]:
        if self._cleared is None:
            done = self._storage.office.destructions(("done",))
            self._cleared = {_text(d.what) for d in done if d.what["kind"] == "bases"}
        return self._cleared

    # -- records

    def _plan_records(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        for name, store in (("archive", self._storage.archive), ("records", self._storage.records)):
            for group in store.groups():
                if group[2] < today:
                    yield from self._plan_group(name, store, group, holds, today)

    def _plan_group(
        self, name: str, store: RecordStore, group: tuple[int, str, date, int], holds: Sequence[Hold], today: date
    ) -> list[Planned]:
        site_ref, class_id, last, _ = group
        held: list[bytes] = []
        if calendar.may_hold(holds, site_ref, class_id):
            held = calendar.held_records(store.find(site_ref, class_id=class_id, last_day=last, limit=1 << 40), holds)
        return calendar.plan_records(name, group, held, today)

    @staticmethod
    def _number(store: RecordStore, group: tuple[int, str, date]) -> int:
        return next((n for *key, n in store.groups() if tuple(key) == group), 0)

    # -- the ledger's own contents: looked through once a day, and whenever the holds change

    def _plan_proofs(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        state = (today, tuple(holds), len(self._book.sites()))
        if self._proofs is None or self._proofs[0] != state:
            self._proofs = (state, [*self._plan_ledger(holds, today), *self._plan_requests(holds, today)])
        return self._proofs[1]

    def _plan_ledger(self, holds: Sequence[Hold], today: date) -> Iterator[Planned]:
        due: dict[str, dict[int, date]] = {"consents": {}, "audit": {}}
        seen: set[bytes] = set()
        for record in self._old_records(today):
            if record.kind == "audit":
                last = self._audit_last_day(record)
                if last is not None and last < today and not self._held(holds, proofs.AUDIT, record, None):
                    due["audit"][record.seq] = last
            elif record.visitor is not None and record.visitor not in seen:
                seen.add(record.visitor)
                due["consents"] |= self._ended_consents(record.visitor, holds, today)
        for kind, found in due.items():
            seqs = sorted(found)
            for start in range(0, len(seqs), _BATCH):
                some = seqs[start : start + _BATCH]
                yield Planned(
                    {"kind": kind, "records": proofs.ranges(some)}, min(found[s] for s in some) + timedelta(days=1)
                )

    def _old_records(self, today: date) -> Iterator[LedgerRecord]:
        """Ledger records with content, oldest first, up to the first that is too young to have ended."""
        after = self._start
        notices = [n for site in self._book.sites() for n in self._book.notices(site.ref)]
        while page := self._storage.ledger.records(after, _PAGE):
            for record in page:
                if record.body is None or not (record.kind == "audit" or record.kind in proofs.CONSENT_KINDS):
                    if self._start == record.seq - 1:
                        self._start = record.seq  # nothing before it will ever end: not looked at again
                    continue
                if notices and proofs.earliest_end(notices, day_of(record.at, notices[0].zone)) >= today:
                    return
                yield record
            after = page[-1].seq

    def _ended_consents(self, visitor: bytes, holds: Sequence[Hold], today: date) -> dict[int, date]:
        records = self._storage.ledger.records_of(visitor)
        site_ref = records[0].site_ref
        if site_ref is None:
            return {}
        last_days = proofs.consent_last_days(records, self._book.notices(site_ref))
        by_seq = {r.seq: r for r in records}
        return {
            seq: last
            for seq, last in last_days.items()
            if last < today and not self._held(holds, proofs.CONSENT, by_seq[seq], visitor)
        }

    def _held(self, holds: Sequence[Hold], class_id: str, record: LedgerRecord, visitor: bytes | None) -> bool:
        sites = [s.ref for s in self._book.sites() if record.site_ref in (None, s.ref)]
        for ref in sites if holds else ():
            day = day_of(record.at, self._book.in_force(ref, record.at).zone)
            if proofs.held(holds, class_id, ref, day, visitor):
                return True
        return False

    def _audit_last_day(self, record: LedgerRecord) -> date | None:
        sites = [s.ref for s in self._book.sites() if record.site_ref in (None, s.ref)]
        return proofs.audit_last_day(
            record.at, [self._book.in_force(ref, record.at) for ref in sites if self._book.notices(ref)]
        )

    def _plan_requests(self, holds: Sequence[Hold], today: date) -> list[Planned]:
        ended = [r["id"] for r in self._storage.office.requests() if self._request_ended(r, holds, today)]
        return [Planned({"kind": "requests", "requests": ended}, today)] if ended else []

    def _request_ended(self, request: Json, holds: Sequence[Hold], today: date) -> bool:
        closed_at = request.get("closed_at")
        if not closed_at:
            return False
        notice = self._book.in_force(request["site_ref"], closed_at)
        last = proofs.request_last_day(request, notice)
        visitor = bytes.fromhex(request["visitor"]) if request.get("visitor") else None
        day = day_of(int(request.get("at") or closed_at), notice.zone)
        return (
            last is not None and last < today and not proofs.held(holds, proofs.REQUEST, notice.site_ref, day, visitor)
        )

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


def _text(what: Json) -> str:
    return json.dumps(what, sort_keys=True)
