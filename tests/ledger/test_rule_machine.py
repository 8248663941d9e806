"""Invariant 1 by state machine: after any sequence of choices, events, withdrawals, notice changes, erasures and
clock steps,
what is stored is exactly what a standing basis covers: no item more (S1.0, S3.0), and none lost."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import tempfile
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dongui_collector.app
import pytest
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
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from machine import PURPOSES, SEOUL, ModelEvent, ModelVersion, ModelVisitor, a_year_later, day_of

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


MARKER = re.compile(rb"shop\.example\.com/([a-p]{32})")


def policy_text(version: str, effective: date, *, more: bool) -> str:
    text = default_policy_text(version=version, effective=effective)
    if more:  # a purpose that lists another item needs a new consent
        old = 'items = ["cookie", "visit_time", "advertising_id"]'
        assert old in text
        text = text.replace(old, 'items = ["cookie", "visit_time", "advertising_id", "access_environment"]')
    return text


WHO = st.integers(0, 5)
SETS = st.sets(st.sampled_from(PURPOSES))
# Time matters near its edges: hours, month ends, the choice's 180 days, the access log's year.
HOURS = st.sampled_from([1, 12, 24, 24 * 27, 24 * 100, 24 * 180, 24 * 181, 24 * 365, 24 * 366])
AGO = st.lists(
    st.tuples(st.integers(0, 23 * 60), st.sampled_from([0, 0, 0, 1, 30, 364, 365, 366, 367])), min_size=1, max_size=4
)


class Rule(RuleBasedStateMachine):
    @initialize()
    def install(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dongui-rule-"))
        (self.folder / "keys").mkdir()
        (self.folder / "keys" / "master.key").write_text("A" * 43 + "=\n")
        (self.folder / "keys" / "master.key").chmod(0o600)
        SteppingClock.current = int(START.timestamp() * 1000)
        self.loop = asyncio.new_event_loop()
        self.open()
        perform(
            self.core, "sites.add", {"name": "shop", "origins": [], "text": policy_text("v0", START.date(), more=False)}
        )
        self.core.keeper.grant_standing("officer")
        self.site = self.core.book.sites()[0]
        self.versions = [ModelVersion(ITEMS, False, START.date())]
        self.more = False
        self.numbers = {"v0": 0}
        self.model: list[ModelVisitor] = []  # whom the ledger knows
        self.everyone: list[ModelVisitor] = []  # and whom it knew
        for granted in ({"statistics"}, {"statistics", "marketing"}, {"personalisation", "marketing"}):
            self.arrive(granted)

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

    def someone(self, who: int) -> ModelVisitor:
        return self.everyone[who % len(self.everyone)]

    def add(self, visitor_id: str, granted: set[str]) -> None:
        visitor = ModelVisitor(visitor_id, dict.fromkeys(granted, (self.now, self.current())))
        assert visitor.id not in {v.id for v in self.everyone}
        self.model.append(visitor)
        self.everyone.append(visitor)

    # -- steps

    @rule(granted=st.sets(st.sampled_from(PURPOSES), min_size=1))
    def arrive(self, granted: set[str]) -> None:
        self.add(self.choose(None, granted, set(PURPOSES) - granted)["visitor"], granted)

    @rule(refused=SETS)
    def refuse_without_id(self, refused: set[str]) -> None:
        assert self.choose(None, set(), refused)["visitor"] is None

    @rule(who=WHO, granted=SETS, refused=SETS)
    def change_mind(self, who: int, granted: set[str], refused: set[str]) -> None:
        visitor = self.someone(who)
        refused = refused - granted
        answer = self.choose(visitor, granted, refused)
        if (
            visitor not in self.model or not visitor.given
        ):  # after the last withdrawal, or erased, the old id means nobody
            if granted:
                self.add(answer["visitor"], granted)
            return
        visitor.withdraw(refused)
        visitor.given |= dict.fromkeys(granted, (self.now, self.current()))
        assert answer["visitor"] == (visitor.id if visitor.given else None)

    @rule(who=WHO, ago=AGO)
    def visit_reported_by_the_server(self, who: int, ago: list[tuple[int, int]]) -> None:
        self.visit(who, ago, True)

    def visit(self, who: int, ago: list[tuple[int, int]], server: bool) -> None:
        visitor = self.someone(who)
        live = visitor.live(self.now, self.versions, self.current()) if visitor in self.model else set()
        made: list[ModelEvent] = []
        sent: list[Event] = []
        for minutes, days in ago:
            marker = "".join(
                chr(ord("a") + int(d, 16)) for d in uuid.uuid4().hex
            )  # digits might be scrubbed as a number
            at = self.now - minutes * 60_000 - (days * 86_400_000 if server else 0)
            url = f"https://shop.example.com/{marker}?gclid=G{marker}"
            sent.append(Event(id=uuid.uuid4(), name="page_view", at=at, url=url, props={"m": marker}, search=marker))
            sent[-1].ip = "203.0.113.7" if server else None
            made.append(ModelEvent(marker, at, set(live), self.versions[self.current()].items))
        sender = Sender(None if server else "203.0.113.7", CHROME, "ko", server, False, "homepage")
        key = self.core.ledger.key_of(visitor.id)
        pending = Pending(self.site.ref, key, sent, sender, self.now, self.loop.create_future())
        self.commit.commit([pending])
        kept = [e for e in made if e.bases and a_year_later(day_of(e.at)) >= day_of(self.now)]
        visitor.events += kept
        assert pending.recorded == len(kept)
        assert sum(pending.refused.values()) == len(made) - len(kept)

    @rule(who=WHO, count=st.integers(1, 3))
    def browse(self, who: int, count: int) -> None:
        self.visit(who, [(0, 0)] * count, False)

    @rule(who=WHO, on=st.sampled_from([True, False, False]))
    def suspend(self, who: int, on: bool) -> None:
        visitor = self.someone(who)
        if visitor in self.model:
            self.core.ledger.suspend(self.core.ledger.key_of(visitor.id), on)
            visitor.suspended = on

    @rule(who=WHO)
    def erase(self, who: int) -> None:
        visitor = self.someone(who)
        if visitor in self.model:
            self.core.ledger.finish(self.core.ledger.erase(self.core.ledger.key_of(visitor.id), "request"))
            self.model.remove(visitor)

    @rule(asks=st.booleans(), ahead=st.sampled_from([0, 0, 0, 1, 40]))
    def publish(self, asks: bool, ahead: int) -> None:
        effective = max(day_of(self.now) + timedelta(days=ahead), self.versions[-1].effective)
        self.more = self.more != asks
        version = f"v{len(self.versions)}"
        text = policy_text(version, effective, more=self.more)
        perform(self.core, "policy.publish", {"text": text})
        items = ITEMS | ({"marketing": ITEMS["marketing"] | {"access_environment"}} if self.more else {})
        # Taking the item away again needs no new consent.
        self.versions.append(ModelVersion(items, asks and self.more, effective))

    @rule(hours=HOURS)
    def time_passes(self, hours: int) -> None:
        SteppingClock.current += hours * 3_600_000
        self.core.keeper.run()
        for visitor in list(self.model):
            visitor.age_out(day_of(self.now))
            if self.core.storage.ledger.visitor(self.core.ledger.key_of(visitor.id)) is None:
                # The consent's own record has aged out: allowed only where nothing stands on it any more.
                assert not visitor.events
                assert not visitor.live(self.now, self.versions, self.current())
                self.model.remove(visitor)

    @rule()
    def restart(self) -> None:
        self.core.close()
        self.open()

    # -- what must hold

    @invariant()
    def stored_is_exactly_what_stands(self) -> None:
        if not hasattr(self, "core"):
            return
        expected = sorted((tuple(sorted(e.bases)), tuple(sorted(e.columns()))) for v in self.model for e in v.events)
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


COLUMN_NAMES = [
    {"at", "day"},
    {"name", "url", "secure", "props", "search"},
    {"ip_address"},
    {"environment"},
    {"advertising_ids"},
    {"visitor"},
]


def test_the_rule_holds_for_every_sequence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dongui_collector.app, "clock_from_environment", lambda testing: SteppingClock())
    run_state_machine_as_test(
        Rule,
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
