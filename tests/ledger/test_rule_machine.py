"""Invariant 1 by state machine: after any sequence of choices, events, withdrawals, notice changes, erasures and clock steps,
what is stored is exactly what a standing basis covers: no item more (S1.0, S3.0), and none lost."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, rule, run_state_machine_as_test

import dongui_collector.app
from dongui.policy import default_policy_text
from dongui_collector.app import Core, open_core
from dongui_collector.clock import Clock
from dongui_collector.control import perform
from dongui_collector.intake.commit import GroupCommit, Pending
from dongui_collector.intake.enrich import Places
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.wire import Event
from dongui_collector.keeping.verify import verify
from dongui_collector.ledger.ledger import Choice
from dongui_collector.ledger.rows import Masks
from dongui_collector.settings import Settings
from dongui_collector.storage.base import iter_rows
from machine import PURPOSES, SEOUL, ModelEvent, ModelVersion, ModelVisitor, day_of

START = datetime(2026, 1, 31, 12, tzinfo=SEOUL)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
ITEMS = {
    "statistics": {"cookie", "visit_time", "service_usage", "access_environment", "ip_address"},
    "marketing": {"cookie", "visit_time", "advertising_id"},
    "personalisation": {"cookie", "service_usage"},
}


class SteppingClock(Clock):
    """A clock that only moves when it is told to."""

    current = 0

    def now(self) -> int:
        return type(self).current


def policy_text(version: str, effective: date, *, more: bool) -> str:
    text = default_policy_text(version=version, effective=effective)
    if more:  # a purpose that lists another item needs a new consent
        old = 'items = ["cookie", "visit_time", "advertising_id"]'
        assert old in text
        text = text.replace(old, 'items = ["cookie", "visit_time", "advertising_id", "access_environment"]')
    return text


class Rule(RuleBasedStateMachine):
    visitors = Bundle("visitors")

    @initialize()
    def install(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dongui-rule-"))
        (self.folder / "keys").mkdir()
        (self.folder / "keys" / "master.key").write_text("A" * 43 + "=\n")
        (self.folder / "keys" / "master.key").chmod(0o600)
        SteppingClock.current = int(START.timestamp() * 1000)
        self.loop = asyncio.new_event_loop()
        self.open()
        perform(self.core, "sites.add", {"name": "shop", "origins": [], "text": policy_text("v0", START.date(), more=False)})
        self.core.keeper.grant_standing("officer")
        self.site = self.core.book.sites()[0]
        self.versions = [ModelVersion(ITEMS, False, START.date())]
        self.more = False
        self.numbers = {"v0": 0}
        self.model: list[ModelVisitor] = []

    def open(self) -> None:
        self.core: Core = open_core(Settings(folder=self.folder), writable=True)
        rows = RowMaker(self.core.book, self.core.keyring, Places(None))
        self.commit = GroupCommit(self.core.storage.events, self.core.book, rows, self.core.clock, self.core.settings)

    def teardown(self) -> None:
        if hasattr(self, "core"):
            self.core.close()
            self.loop.close()
            shutil.rmtree(self.folder)

    # -- what is in force

    @property
    def now(self) -> int:
        return SteppingClock.current

    def current(self) -> int:
        return max(n for n, v in enumerate(self.versions) if v.effective <= day_of(self.now))

    def choose(self, visitor: ModelVisitor | None, granted: set[str], refused: set[str]) -> dict[str, Any]:
        notice = self.core.book.in_force(self.site.ref, self.now)
        choice = Choice(tuple(granted), tuple(refused), "banner", "ko", {}, None)
        with self.core.storage.ledger.writing():
            outcome = self.core.ledger.choose(notice, visitor.id if visitor else None, choice)
        if outcome.intent:
            self.core.ledger.finish(outcome.intent)
        return outcome.answer

    # -- steps

    @rule(target=visitors, granted=st.sets(st.sampled_from(PURPOSES), min_size=1))
    def arrive(self, granted: set[str]) -> ModelVisitor:
        answer = self.choose(None, granted, set(PURPOSES) - granted)
        visitor = ModelVisitor(answer["visitor"])
        visitor.given = dict.fromkeys(granted, (self.now, self.current()))
        self.model.append(visitor)
        return visitor

    @rule(refused=st.sets(st.sampled_from(PURPOSES)))
    def refuse_without_id(self, refused: set[str]) -> None:
        assert self.choose(None, set(), refused)["visitor"] is None

    @rule(visitor=visitors, granted=st.sets(st.sampled_from(PURPOSES)), refused=st.sets(st.sampled_from(PURPOSES)))
    def change_mind(self, visitor: ModelVisitor, granted: set[str], refused: set[str]) -> None:
        if visitor not in self.model:
            return
        refused = refused - granted
        answer = self.choose(visitor, granted, refused)
        if not visitor.given:  # after the last withdrawal the old id means nobody
            if granted:
                fresh = ModelVisitor(answer["visitor"], dict.fromkeys(granted, (self.now, self.current())))
                assert fresh.id != visitor.id
                self.model.append(fresh)
            return
        visitor.withdraw(refused)
        visitor.given |= dict.fromkeys(granted, (self.now, self.current()))
        assert answer["visitor"] == (visitor.id if visitor.given else None)

    @rule(visitor=visitors, ago=st.integers(0, 23 * 60), server=st.booleans(), years=st.integers(0, 430))
    def visit(self, visitor: ModelVisitor, ago: int, server: bool, years: int) -> None:
        at = self.now - ago * 60_000 - (years * 86_400_000 if server else 0)
        marker = uuid.uuid4().hex
        event = Event(
            id=uuid.uuid4(), name="page_view", at=at, url=f"https://shop.example.com/{marker}?gclid=G{marker}", props={"m": marker}, search=marker
        )
        if server:
            event.ip = "203.0.113.7"
        sender = Sender(None if server else "203.0.113.7", CHROME, "ko", server, False, "homepage")
        pending = Pending(
            self.site.ref, self.core.ledger.key_of(visitor.id), [event], sender, self.now, self.loop.create_future()
        )
        self.commit.commit([pending])
        live = visitor.live(self.now, self.versions, self.current()) if visitor in self.model else set()
        made = ModelEvent(marker, at, live, self.versions[self.current()].items, server)
        before = len(visitor.events)
        if live:
            visitor.events.append(made)
            visitor.age_out(day_of(self.now))
        assert pending.recorded == (len(visitor.events) > before)

    @rule(visitor=visitors, on=st.booleans())
    def suspend(self, visitor: ModelVisitor, on: bool) -> None:
        if visitor in self.model:
            self.core.ledger.suspend(self.core.ledger.key_of(visitor.id), on)
            visitor.suspended = on

    @rule(visitor=consumes(visitors))
    def erase(self, visitor: ModelVisitor) -> None:
        if visitor in self.model:
            self.core.ledger.finish(self.core.ledger.erase(self.core.ledger.key_of(visitor.id), "request"))
            self.model.remove(visitor)

    @rule(asks=st.booleans(), ahead=st.integers(0, 40))
    def publish(self, asks: bool, ahead: int) -> None:
        effective = max(day_of(self.now) + timedelta(days=ahead), self.versions[-1].effective)
        self.more = self.more != asks
        version = f"v{len(self.versions)}"
        text = policy_text(version, effective, more=self.more)
        perform(self.core, "policy.publish", {"text": text})
        items = ITEMS | ({"marketing": ITEMS["marketing"] | {"access_environment"}} if self.more else {})
        # Taking the item away again needs no new consent.
        self.versions.append(ModelVersion(items, asks and self.more, effective))

    @rule(hours=st.sampled_from([1, 11, 12, 13, 24, 24 * 27, 24 * 100, 24 * 181, 24 * 366]))
    def time_passes(self, hours: int) -> None:
        SteppingClock.current += hours * 3_600_000
        self.core.keeper.run()
        for visitor in self.model:
            visitor.age_out(day_of(self.now))

    @rule()
    def restart(self) -> None:
        self.core.close()
        self.open()

    # -- what must hold

    @invariant()
    def stored_is_exactly_what_stands(self) -> None:
        if not hasattr(self, "core"):
            return
        expected = sorted(
            (tuple(sorted(e.bases)), tuple(sorted(e.columns()))) for v in self.model for e in v.events
        )
        found = []
        for day in self.core.storage.events.days():
            for row in iter_rows(self.core.storage.events, day):
                shown = self.core.reader.readable(row, day, Masks({}))
                assert shown is not None
                columns = {name for name in set().union(*COLUMN_NAMES) if shown[name] is not None}
                found.append((tuple(sorted(shown["purposes"])), tuple(sorted(columns))))
        assert sorted(found) == expected

    @invariant()
    def verify_finds_nothing(self) -> None:
        if hasattr(self, "core"):
            assert [str(f) for f in verify(self.core).findings] == []

    @invariant()
    def no_byte_of_what_ended(self) -> None:
        if not hasattr(self, "core"):
            return
        alive = {e.marker for v in self.model for e in v.events if "url" in e.columns()}
        raw = b"".join(p.read_bytes() for p in (self.folder / "data").rglob("*") if p.is_file())
        found = {m.decode() for m in MARKER.findall(raw)}
        assert found == alive, json.dumps(sorted(found ^ alive))


COLUMN_NAMES = [{"at", "day"}, {"name", "url", "secure", "props", "search"}, {"ip_address"}, {"environment"}, {"advertising_ids"}, {"visitor"}]
MARKER = __import__("re").compile(rb"shop\.example\.com/([0-9a-f]{32})")


def test_the_rule_holds_for_every_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dongui_collector.app, "clock_from_environment", lambda testing: SteppingClock())
    run_state_machine_as_test(
        Rule,
        settings=settings(max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)),
    )
