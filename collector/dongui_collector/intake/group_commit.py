"""Group commit: the requests of one turn of the event loop, one transaction a day, one fsync, then all are answered."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from dongui_collector.core.clock import Clock, day_of, start_of
from dongui_collector.core.errors import NotAllowed, StorageFull
from dongui_collector.core.settings import Settings
from dongui_collector.intake.enrich import agent_of
from dongui_collector.intake.gate import ConsentBasis, RowMaker, Sender
from dongui_collector.intake.replaced import replaced
from dongui_collector.intake.schema import Event
from dongui_collector.ledger import state
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.storage.contract.stores import EventStore, IngestTransaction
from dongui_collector.storage.contract.values import Row, Visitor

DAY_MS = 86_400_000
_LIVES = 20_000
_MOST_TURNS = 8
_MOST_WAIT_S = 0.003


@dataclass(slots=True)
class Pending:
    """One request's events, waiting for the commit that answers it."""

    site_ref: int
    visitor: bytes | None
    events: list[Event]
    sender: Sender
    received: int
    future: asyncio.Future[Pending]
    recorded: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    replaced: Counter[str] = field(default_factory=Counter)  # kind of personal pattern → how often, in what is stored

    def refuse(self, reason: str, number: int = 1) -> None:
        """Count events that are not stored."""
        self.refused[reason] = self.refused.get(reason, 0) + number


class DayBatch(NamedTuple):
    """Those events of a request that belong to one day, their times, and the keys under which they are kept."""

    pending: Pending
    events: list[Event]
    times: list[int]
    keys: list[bytes]


class GroupCommit:
    """Collects requests and commits them inline: one transaction, one fsync.

    A queue to a writer thread costs twice as much.
    """

    def __init__(
        self, events: EventStore, registry: NoticeRegistry, rows: RowMaker, clock: Clock, settings: Settings
    ) -> None:
        self._events = events
        self._registry = registry
        self._rows = rows
        self._clock = clock
        self._zone = settings.zone
        self._periods = Periods(registry)
        self._waiting: list[Pending] = []
        self._expected = 1  # as many requests as came together lately: worth waiting for
        self._took = 0.0  # seconds that the last commit took
        self._due: asyncio.Handle | None = None  # the next look at what is waiting
        self._seen = 0  # how many waited at the last look
        self._turns = 0  # for how many turns of the loop it was looked at
        self._lives: dict[bytes, tuple[Visitor, LoadedNotice, bool, int, int, int]] = {}
        self._today: tuple[int, int, date] = (0, 0, date.min)
        self.counts: Counter[tuple[date, int, str]] = Counter()
        self.failing_since: int | None = None
        self.full = False

    def add(self, site_ref: int, visitor: bytes | None, events: list[Event], sender: Sender) -> asyncio.Future[Pending]:
        """Queue one request's events.

        The future ends when they are on disk, or with the error that kept them off it.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Pending] = loop.create_future()
        self._waiting.append(Pending(site_ref, visitor, events, sender, self._clock.now(), future))
        have = len(self._waiting)
        if have == self._expected:
            if self._due:
                self._due.cancel()
            self._due = loop.call_soon(self._look)
        elif have == 1:
            # Those who were answered together ask again together. It is worth as long as a commit takes: less is not
            # lost by waiting in vain than by one commit too many.
            self._due = loop.call_later(min(self._took, _MOST_WAIT_S), self._look)
        return future

    def _look(self) -> None:
        """Commit what waits, unless the loop goes on bringing more."""
        if len(self._waiting) > self._seen and self._turns < _MOST_TURNS:
            self._seen, self._turns = len(self._waiting), self._turns + 1
            self._due = asyncio.get_running_loop().call_soon(self._look)
            return
        self._due = None
        self._seen = self._turns = 0
        self._flush()

    def forget(self, visitor: bytes) -> None:
        """Forget what is remembered of a visitor whose data end, and of everybody's addresses and URLs."""
        self._lives.pop(visitor, None)
        self._rows.forget()

    def _flush(self) -> None:
        batch, self._waiting = self._waiting, []
        self._expected = max(len(batch), self._expected * 3 // 4)
        begun = time.perf_counter()
        try:
            self._commit_somehow(batch)
        except Exception as error:
            if self.failing_since is None:
                self.failing_since = self._clock.now()
            self.full = isinstance(error, StorageFull)
            for pending in batch:
                if not pending.future.done():
                    pending.future.set_exception(error)
            return
        finally:
            self._took = time.perf_counter() - begun
        self.failing_since, self.full = None, False
        for pending in batch:
            if not pending.future.done():
                pending.future.set_result(pending)

    def _commit_somehow(self, batch: list[Pending]) -> None:
        """Commit a batch; where that fails and the disk is not full, each request alone: none fails its neighbours."""
        try:
            self.commit(batch)
        except StorageFull:
            raise
        except Exception:
            if len(batch) == 1:
                raise
            for pending in batch:
                pending.recorded, pending.refused, pending.replaced = 0, {}, Counter()
                try:
                    self.commit([pending])
                except Exception as own:
                    pending.future.set_exception(own)

    def commit(self, batch: list[Pending]) -> None:
        """Gate and store a batch; on return everything that ``recorded`` counts is on disk."""
        by_day: dict[date, list[DayBatch]] = {}
        for pending in batch:
            self._sort(pending, by_day)
        kept: set[bytes] = set()  # one id, one row, also where a batch names it on several days
        for day, parts in by_day.items():
            self._commit_day(day, parts, kept)
        self._count(batch)

    def _sort(self, pending: Pending, by_day: dict[date, list[DayBatch]]) -> None:
        """Put the events of a request to their days; refuse those that need no ledger for it."""
        sender, received, site_ref, key = pending.sender, pending.received, pending.site_ref, self._rows.key
        all_bots = not sender.secret and agent_of(sender.user_agent).is_bot
        oldest = 0 if sender.secret else received - DAY_MS
        parts: dict[date, DayBatch] = {}
        for event in pending.events:
            if all_bots or (sender.secret and event.user_agent and agent_of(event.user_agent).is_bot):
                pending.refuse("bot")
            elif event.at < oldest:
                pending.refuse("too_old")
            elif pending.visitor is None:
                pending.refuse("no_consent")
            else:
                at = event.at if event.at < received else received
                day = self._day(at)
                part = parts.get(day)
                if part is None:
                    part = parts[day] = DayBatch(pending, [], [], [])
                    by_day.setdefault(day, []).append(part)
                part.events.append(event)
                part.times.append(at)
                part.keys.append(key(event, site_ref))

    def _count(self, batch: list[Pending]) -> None:
        """Add a batch to the day's totals, which outlive the day: numbers only."""
        today = self._day(self._clock.now())
        recorded: dict[int, int] = {}
        for pending in batch:
            recorded[pending.site_ref] = recorded.get(pending.site_ref, 0) + pending.recorded
            for reason, n in pending.refused.items():
                self.counts[today, pending.site_ref, f"events.refused.{reason}"] += n
            for kind, n in pending.replaced.items():
                self.counts[today, pending.site_ref, f"events.replaced.{kind}"] += n
        for site_ref, n in recorded.items():
            self.counts[today, site_ref, "events.recorded"] += n

    def _day(self, at: int) -> date:
        start, end, day = self._today
        if not start <= at < end:
            day = day_of(at, self._zone)
            start = start_of(day, self._zone)
            end = start_of(date.fromordinal(day.toordinal() + 1), self._zone)
            self._today = (start, end, day)
        return day

    def _commit_day(self, day: date, parts: list[DayBatch], kept: set[bytes]) -> None:
        if self._all_expired(day, parts):
            return
        try:
            with self._events.ingest(day) as tx:
                reasons = self._store(tx, day, parts, kept)
        except NotAllowed:  # the day's key was destroyed: its period has ended under every notice that it held
            reasons = ["expired"] * len(parts)
        for part, reason in zip(parts, reasons, strict=True):
            if reason:
                part.pending.refuse(reason, len(part.events))
            else:
                part.pending.recorded += len(part.events)

    def _all_expired(self, day: date, parts: list[DayBatch]) -> bool:
        """Refuse, without making a file, what is past every period of its site's notice."""
        if not self._rows.is_over(day) and any(self._standing_mask(self._current(p.pending), day) for p in parts):
            return False
        for part in parts:
            part.pending.refuse("expired", len(part.events))
        return True

    def _current(self, pending: Pending) -> LoadedNotice:
        return self._registry.in_force(pending.site_ref, pending.received)

    def _standing_mask(self, notice: LoadedNotice, day: date) -> int:
        """The consent purposes whose period for rows of ``day`` has not ended yet (S3.1, K17)."""
        today = self._day(self._clock.now())
        return (
            notice.consent_mask
            if day >= today
            else self._periods.retained_mask(notice.ref, notice.consent_mask, day, today)
        )

    def _store(self, tx: IngestTransaction, day: date, parts: list[DayBatch], kept: set[bytes]) -> list[str | None]:
        """Insert what the ledger lets stand; of every part why it may not, or None."""
        known = self._known(tx, [key for part in parts for key in part.keys]) | kept
        rows: list[Row] = []
        reasons: list[str | None] = []
        for part in parts:
            basis = self._basis(tx, part.pending, day)
            if isinstance(basis, str):
                reasons.append(basis)
                continue
            reasons.append(None)
            make = self._rows.of(part.pending.sender, basis, day, part.pending.received).row
            for event, at, key in zip(part.events, part.times, part.keys, strict=True):
                if key not in known:
                    known.add(key)
                    kept.add(key)
                    rows.append(row := make(event, at, key))
                    for kind, number in replaced(row):
                        part.pending.replaced[kind] += number
        tx.insert(rows)
        return reasons

    def _known(self, tx: IngestTransaction, keys: list[bytes]) -> set[bytes]:
        """Those of ``keys`` whose event is kept already, be it under its timeless key."""
        if all("visit_time" in self._registry.items_of(b.notice_ref, b.purposes) for b in tx.bases()):
            return tx.known(keys)  # no row of these days can lie under a timeless key
        timeless = {self._rows.timeless(key): key for key in keys}
        return {timeless.get(found, found) for found in tx.known([*keys, *timeless])}

    def _basis(self, tx: IngestTransaction, pending: Pending, day: date) -> ConsentBasis | str:
        """What the ledger lets this visitor's events stand on, or the reason why nothing may be recorded."""
        if pending.visitor is None:
            return "no_consent"
        visitor = tx.visitor(pending.visitor)
        if visitor is None or visitor.site_ref != pending.site_ref:
            return "no_consent"
        notice = self._current(pending)
        mask, seq = self._live(visitor, notice, pending)
        if not mask:
            return "suspended" if visitor.suspended else "no_consent"
        mask &= self._standing_mask(notice, day)
        if not mask:
            return "expired"
        return ConsentBasis(pending.visitor, notice, mask, seq, self._registry.items_of(notice.ref, mask))

    def _live(self, visitor: Visitor, notice: LoadedNotice, pending: Pending) -> tuple[int, int]:
        """What :func:`consents.live` says; remembered for the very same visitor value and notice."""
        now, gpc = pending.received, pending.sender.gpc
        known = self._lives.get(visitor.key)
        if known and known[0] is visitor and known[1] is notice and known[2] == gpc and now < known[3]:
            return known[4], known[5]
        mask, seq = state.live(visitor, notice, self._registry, now, gpc=gpc)
        if len(self._lives) >= _LIVES:
            self._lives.pop(next(iter(self._lives)))
        self._lives[visitor.key] = (visitor, notice, gpc, state.live_until(visitor, mask, self._registry), mask, seq)
        return mask, seq
