"""Invariants 1 and 2 by state machine: after any sequence of choices, events, withdrawals, notices, erasures, records,
members who join and leave, holds, approvals given and revoked, key rotations, restores and clock steps, what is stored
is exactly what a standing basis, a statute or a hold covers: no item more (S1.0, S3.0–S3.2), and none lost."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import shutil
import tempfile
import uuid
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import dongui_collector.runtime.composition
import pytest
from dongui.policy import default_policy_text
from dongui_collector.backup.backup import make_backup
from dongui_collector.core.clock import Clock
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.group_commit import GroupCommit, Pending
from dongui_collector.intake.places import GeoDatabase
from dongui_collector.intake.schema import Event
from dongui_collector.keys.keyring import new_master, write_master
from dongui_collector.ledger.rows import PendingErasures
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import Installation, open_core
from dongui_collector.runtime.restore import restore_backup
from dongui_collector.storage.contract.stores import iter_rows
from dongui_collector.storage.contract.values import Row
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from machine import (
    MEMBERS,
    MONTHS,
    PURPOSES,
    SEOUL,
    Holds,
    ModelEvent,
    ModelHold,
    ModelRecord,
    ModelVersion,
    ModelVisitor,
    a_year_later,
    age_out,
    day_of,
    end,
    end_records,
    released,
)

START = datetime(2026, 1, 31, 12, tzinfo=SEOUL)
CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
ITEMS = {
    "statistics": {"cookie", "visit_time", "service_usage", "access_environment", "ip_address"},
    "marketing": {"cookie", "visit_time", "advertising_id"},
    "personalisation": {"cookie", "service_usage"},
    "analysis": {"cookie", "visit_time", "service_usage", "member_reference"},
}


class SteppingClock(Clock):
    """A clock that only moves when it is told to."""

    current = 0

    def now(self) -> int:
        return type(self).current


MARKER = re.compile(rb"shop\.example\.com/([a-p]{32})")


def policy_text(version: str, effective: date, *, more: bool) -> str:
    text = default_policy_text(version=version, effective=effective, presets=("ga4", "meta"))
    if more:  # a purpose that lists another item needs a new consent
        old = 'items = ["cookie", "visit_time", "advertising_id"]'
        assert old in text
        text = text.replace(old, 'items = ["cookie", "visit_time", "advertising_id", "access_environment"]')
    return text


WHO = st.integers(0, 5)
SETS = st.sets(st.sampled_from(PURPOSES))
# Time matters near its edges: hours, month ends, the choice's 180 days, the access log's year.
HOURS = st.sampled_from([1, 12, 24, 24 * 27, 24 * 100, 24 * 180, 24 * 181, 24 * 365, 24 * 366, 24 * 1830])
AGO = st.lists(
    st.tuples(st.integers(0, 23 * 60), st.sampled_from([0, 0, 0, 1, 30, 364, 365, 366, 367])), min_size=1, max_size=4
)


class Rule(RuleBasedStateMachine):
    under: Path  # where each run's folder lies

    @initialize()
    def install(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="dongui-rule-", dir=self.under))
        (self.folder / "keys").mkdir()
        (self.folder / "keys" / "master.key").write_text("A" * 43 + "=\n")
        (self.folder / "keys" / "master.key").chmod(0o600)
        SteppingClock.current = int(START.timestamp() * 1000)
        self.loop = asyncio.new_event_loop()
        self.open()
        perform(
            self.core, "sites.add", {"name": "shop", "origins": [], "text": policy_text("v0", START.date(), more=False)}
        )
        self.core.retention.standing.grant("officer")
        self.approved = True
        self.holds = Holds()
        self.members = {name: ModelVisitor(name) for name in MEMBERS}
        self.numbered = 0
        self.site = self.core.registry.sites()[0]
        self.versions = [ModelVersion(ITEMS, False, START.date())]
        self.more = False
        self.numbers = {"v0": 0}
        self.model: list[ModelVisitor] = []  # whom the ledger knows
        self.everyone: list[ModelVisitor] = []  # and whom it knew
        for granted in ({"statistics"}, {"statistics", "marketing"}, {"personalisation", "marketing"}):
            self.arrive(granted)
        for subject in (*self.members.values(), self.model[0]):
            for class_id in MONTHS:
                self.take(subject, class_id)

    def open(self) -> None:
        self.core: Installation = open_core(Settings(folder=self.folder), writable=True)
        rows = RowMaker(self.core.registry, self.core.keyring, GeoDatabase(None))
        self.commit = GroupCommit(
            self.core.storage.events, self.core.registry, rows, self.core.clock, self.core.settings
        )

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
        notice = self.core.registry.in_force(self.site.ref, self.now)
        choice = Decision(tuple(granted), tuple(refused), "banner", "ko", {}, None)
        with self.core.storage.ledger.writing():
            outcome = self.core.ledger.choose(notice, visitor.id if visitor else None, choice)
        if outcome.intent:
            self.core.retention.endings.finish(outcome.intent)
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
        ended = refused & visitor.given.keys()
        for purpose in ended:
            del visitor.given[purpose]
        visitor.given |= dict.fromkeys(granted, (self.now, self.current()))
        end(visitor, ended, self.holds)
        if ended and not visitor.given:
            end_records(visitor, self.holds, withdrawn=True)
        if "analysis" not in visitor.given:
            visitor.member = None
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
            self.core.retention.endings.finish(self.core.ledger.erase(self.core.ledger.key_of(visitor.id), "request"))
            self.gone(visitor)

    def gone(self, visitor: ModelVisitor) -> None:
        """In the model: erased. What a hold keeps of it stays with it, unseen."""
        self.model.remove(visitor)
        end(visitor, set(PURPOSES), self.holds)
        end_records(visitor, self.holds)

    # -- members, and records of other classes

    @rule(who=WHO, member=st.sampled_from(MEMBERS))
    def join(self, who: int, member: str) -> None:
        visitor = self.someone(who)
        live = visitor.live(self.now, self.versions, self.current()) if visitor in self.model else set()
        notice = self.core.registry.in_force(self.site.ref, self.now)
        keys = self.core.ledger.key_of(visitor.id), self.core.ledger.member_key(self.site.ref, member)
        assert self.core.ledger.identify(notice, *keys) == ("analysis" in live)
        if "analysis" in live:
            visitor.member = member
            for hold in self.holds.standing:
                if hold.member == member and hold.people is not None:
                    hold.people.append(visitor)

    @rule(member=st.sampled_from(MEMBERS), how=st.sampled_from(["closed", "minor"]))
    def leave(self, member: str, how: str) -> None:
        key = self.core.ledger.member_key(self.site.ref, member)
        for visitor_key in self.core.storage.ledger.visitors_of_member(key):
            self.core.retention.endings.finish(self.core.ledger.erase(visitor_key, how))
        self.core.retention.endings.finish(self.core.ledger.end_member(self.site.ref, key, how))
        for visitor in [v for v in self.model if v.member == member]:
            self.gone(visitor)
        end_records(self.members[member], self.holds)

    @rule(who=WHO, member=st.none() | st.sampled_from(MEMBERS), classes=st.sets(st.sampled_from(sorted(MONTHS))))
    def take_records(self, who: int, member: str | None, classes: set[str]) -> None:
        visitor = self.someone(who)
        if member is None and (visitor not in self.model or not visitor.given):
            return
        subject = visitor if member is None else self.members[member]
        for class_id in sorted(classes):
            self.take(subject, class_id)

    def take(self, subject: ModelVisitor, class_id: str) -> None:
        SteppingClock.current += 1
        self.numbered += 1
        data = {"number": self.numbered, "transaction": "t", "password": "p"}
        self.core.retention.records.add(self.site, class_id, subject.id, self.now, "settlement", data)
        subject.records.append(ModelRecord(self.numbered, class_id, self.now))
        SteppingClock.current += 1

    # -- legal holds

    @rule(
        who=WHO,
        whom=st.sampled_from(["everyone", "visitor", *MEMBERS]),
        class_id=st.sampled_from([None, None, "access_log", "payment", "abuse"]),
        span=st.none() | st.tuples(st.integers(-400, 1), st.integers(0, 400)),
    )
    def hold(self, who: int, whom: str, class_id: str | None, span: tuple[int, int] | None) -> None:
        people, subject, member = None, None, None
        if whom == "visitor":
            visitor = self.someone(who)
            if visitor not in self.model:
                return
            people, subject = [visitor], visitor.id
        elif whom != "everyone":
            people, subject, member = [self.members[whom], *(v for v in self.model if v.member == whom)], whom, whom
        first = last = None
        if span:
            first = day_of(self.now) + timedelta(days=span[0])
            last = first + timedelta(days=span[1])
        days = {"first_day": first and first.isoformat(), "last_day": last and last.isoformat()}
        asked = {"ground": "claim", "reason": "r", "record_class": class_id, "subject": subject, "site": self.site.id}
        made = perform(self.core, "holds.add", asked | days)
        self.holds.standing.append(ModelHold(made["id"], people, member, class_id, first, last))

    @rule(which=st.integers(0, 3))
    def release(self, which: int) -> None:
        if not self.holds.standing:
            return
        hold = self.holds.standing.pop(which % len(self.holds.standing))
        perform(self.core, "holds.release", {"id": hold.id, "by": "officer"})
        for one in (*self.everyone, *self.members.values()):
            released(one, day_of(self.now), self.holds)
        self.consents_aged_out()

    # -- the officer's approvals

    @rule(stands=st.sampled_from([True, True, False]))
    def standing_approval(self, stands: bool) -> None:
        if stands:
            self.core.retention.standing.grant("officer")
        elif self.approved:
            self.core.retention.standing.revoke("officer")
        self.approved = stands

    @rule(days=st.sampled_from([366, 185]))
    def time_passes_without_an_approval(self, days: int) -> None:
        if self.approved:
            self.standing_approval(False)
        self.time_passes(24 * days)

    # -- the house

    @rule()
    def rotate_the_master_key(self) -> None:
        master = new_master()
        self.core.keyring.rotate(base64.b64decode(master))
        path = self.folder / "keys" / "master.key"
        path.unlink()
        write_master(path, master)
        self.restart()

    @rule()
    def back_up_and_restore(self) -> None:
        out = io.BytesIO()
        perform(self.core, "backup.prepare", {})
        make_backup(self.core, out)
        self.core.close()
        out.seek(0)
        restore_backup(Settings(folder=self.folder), out, replace_present=True)
        self.open()

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
        before = self.stored() if not self.approved else []
        outcome = self.core.retention.run()
        assert (outcome.failed, outcome.refused) == (0, 0)
        if not self.approved:
            assert self.stored() == before, "nothing is destroyed without an approval"
            assert perform(self.core, "destruction.approve", {"by": "officer"})["failed"] == 0
        for one in (*self.everyone, *self.members.values()):
            age_out(one, day_of(self.now), self.holds)
        self.consents_aged_out()

    def consents_aged_out(self) -> None:
        """A consent's own record ends too, and the consent with it: only where nothing stands on it any more."""
        bits = self.core.registry.in_force(self.site.ref, self.now).bits
        for visitor in list(self.model):
            known = self.core.storage.ledger.visitor(self.core.ledger.key_of(visitor.id))
            gone = {p for p in visitor.given if known is None or bits[p] not in known.standings}
            assert not gone & visitor.live(self.now, self.versions, self.current())
            for event in visitor.events:
                assert not gone & event.bases or self.holds.cover(visitor, "access_log", event.at)
            for purpose in gone:
                del visitor.given[purpose]
            if known is None:
                self.model.remove(visitor)

    @rule()
    def restart(self) -> None:
        self.core.close()
        self.open()

    # -- what must hold

    def stored(self) -> list[tuple[date, Row]]:
        days = self.core.storage.events.days()
        return [(day, row) for day in days for row in iter_rows(self.core.storage.events, day)]

    def shown(self, masks: PendingErasures) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
        found = []
        for day, row in self.stored():
            if shown := self.core.reader.readable(row, day, masks):
                columns = {name for name in set().union(*COLUMN_NAMES) if shown[name] is not None}
                found.append((tuple(sorted(shown["purposes"])), tuple(sorted(columns))))
        return sorted(found)

    @invariant()
    def stored_is_exactly_what_stands(self) -> None:
        if not hasattr(self, "core"):
            return
        events = [e for v in self.everyone for e in v.events]
        assert self.shown(PendingErasures({}).own()) == sorted(
            (tuple(sorted(e.bases)), tuple(sorted(e.columns()))) for e in events
        )

    @invariant()
    def nobody_sees_what_ended(self) -> None:
        if not hasattr(self, "core"):
            return
        visible = [
            (tuple(sorted(left)), tuple(sorted(e.columns(left))))
            for v in self.everyone
            for e in v.events
            if (left := e.bases - e.masked)
        ]
        assert self.shown(self.core.masks().own()) == sorted(visible)
        today = day_of(self.now)
        kept = [
            (tuple(sorted(left)), tuple(sorted(e.columns(left))))
            for v in self.everyone
            for e in v.events
            if (left := e.bases - e.masked) and a_year_later(day_of(e.at)) >= today and not v.suspended
        ]
        # But for the person nobody sees what is past its period and waits, or whose visitor is suspended.
        assert self.shown(self.core.masks()) == sorted(kept)

    @invariant()
    def records_are_where_they_must_be(self) -> None:
        if not hasattr(self, "core"):
            return
        people = (*self.everyone, *self.members.values())
        expected = sorted((r.number, r.archived, not r.archived) for one in people for r in one.records)
        found = []
        for store, archived in ((self.core.storage.archive, True), (self.core.storage.records, False)):
            for record in store.of_site(self.site.ref):
                data = self.core.retention.records.opened(record)["data"]
                found.append((data["number"], archived, "password" in data))
        assert sorted(found) == expected

    @invariant()
    def verify_finds_nothing(self) -> None:
        if hasattr(self, "core"):
            assert [str(f) for f in verify(self.core).findings] == []

    @invariant()
    def no_byte_of_what_ended(self) -> None:
        if not hasattr(self, "core"):
            return
        alive = {e.marker for v in self.everyone for e in v.events if "url" in e.columns()}
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


def test_the_rule_holds_for_every_sequence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """S1.0, S3.0."""
    monkeypatch.setattr(Rule, "under", tmp_path, raising=False)
    monkeypatch.setattr(dongui_collector.runtime.composition, "clock_from_environment", lambda testing: SteppingClock())
    run_state_machine_as_test(
        Rule,
        settings=settings(
            max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
