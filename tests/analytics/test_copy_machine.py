"""A copy that is kept by asking for changes equals a full export after every step, for consumers of three kinds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from dongui_collector.core.operations import perform
from dongui_collector.exports.changes import CopyChanges
from dongui_collector.exports.copies import CopyCursors, CopyExpired, CopyState, check_known
from dongui_collector.exports.export import Entitlement, ReaderView, consumer_events, entitle
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.analytics.test_export import PARTY
from tests.retention.house import ALL, SEOUL, House, policy

DAY_MS = 86_400_000
SOME = st.sets(st.sampled_from(ALL), min_size=1)
# Periods that end while a copy is kept: rows after two months, marketing's part of them after one.
TEXT = policy(short_marketing=True).replace('keep = "P1Y"', 'keep = "P2M"').replace('keep = "P6M"', 'keep = "P1M"')


class Copy:
    """What a consumer holds, and the cursor that came with the last answer."""

    def __init__(self, house: House, reader: Entitlement, limit: int | None = None) -> None:
        self.house, self.reader, self.limit = house, reader, limit
        self.cursor: str | None = None
        self.rows: dict[str, dict[str, Any]] = {}

    @property
    def cursors(self) -> CopyCursors:
        return CopyCursors(self.house.core.keyring, self.reader)

    def answer(self) -> CopyChanges:
        core = self.house.core
        old = CopyState() if self.cursor is None else self.cursors.state(self.cursor)
        if self.cursor is not None:
            check_known(core, old)
        return CopyChanges.since(core, self.reader, ReaderView(core, self.reader), old, self.limit)

    def follow(self) -> None:
        """Ask until nothing is left; begin anew where the cursor has expired."""
        whole = False
        while not whole:
            try:
                changes = self.answer()
            except CopyExpired:
                self.rows, self.cursor = {}, None
                continue
            for row in changes.rows():
                if row.get("ended"):
                    assert set(row) == {"id", "ended"}
                    self.rows.pop(row["id"], None)
                else:
                    self.rows[row["id"]] = row
            self.cursor, whole = self.cursors.of(changes.new), changes.is_whole

    def exported(self) -> dict[str, dict[str, Any]]:
        found = consumer_events(self.house.core, self.reader, date.min, date.max)
        return {row["id"]: row for _, row in found}

    def check(self) -> None:
        self.follow()
        assert self.rows == self.exported()


class Copies(RuleBasedStateMachine):
    visitors: Bundle[str] = Bundle("visitors")

    @initialize()
    def open(self) -> None:
        self.monkeypatch = pytest.MonkeyPatch()
        self.folder = TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.house = House(Path(self.folder.name), self.monkeypatch)
        self.house.add_site(TEXT + PARTY)
        self.house.add_site(policy("other"), name="other")
        self.house.approve_routine()
        self.elsewhere = self.house.arrive(site=self.house.core.registry.sites()[1])
        self.versions = 1
        site = self.house.site
        party = entitle(self.house.core, site, ("marketing",), recipient="Example Ads")
        self.copies = [
            Copy(self.house, Entitlement("one", site, ("statistics", "marketing"))),
            Copy(self.house, Entitlement("two", site, ("personalisation", "statistics")), limit=2),
            Copy(self.house, party),
        ]

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.house.close()
            self.house.loop.close()
            self.monkeypatch.undo()
            self.folder.cleanup()

    # -- what visitors do

    @rule(target=visitors, granted=SOME)
    def arrive(self, granted: set[str]) -> str:
        visitor = self.house.arrive(*granted)
        self.house.visit(visitor)
        return visitor

    @rule(visitor=visitors, days_late=st.sampled_from([0, 0, 0, 1, 5, 40]))
    def visit(self, visitor: str, days_late: int) -> None:
        when = datetime.fromtimestamp(self.house.now / 1000, SEOUL) - timedelta(days=days_late)
        self.house.visit(visitor, when=when.replace(tzinfo=None).isoformat())

    @rule()
    def visit_elsewhere(self) -> None:
        self.house.visit(self.elsewhere, site=self.house.core.registry.sites()[1])

    @rule(visitor=visitors, refused=SOME, granted=st.booleans(), at_once=st.booleans())
    def withdraw(self, visitor: str, refused: set[str], granted: bool, at_once: bool) -> None:
        given = set(ALL) - refused if granted else set()
        if at_once:
            self.house.choose(given, refused, visitor)
            return
        self._deciding(lambda: self.house.choose(given, refused, visitor))

    @rule(visitor=visitors, at_once=st.booleans())
    def erase(self, visitor: str, at_once: bool) -> None:
        if not self._is_known(visitor):
            return
        if at_once:
            self.house.erase(visitor)
        else:
            self._deciding(lambda: self.house.erase(visitor))

    def _deciding(self, act: Any) -> None:
        """Decide, and leave the destruction for later, as a crash would."""
        endings = self.house.core.retention.endings
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(type(endings), "finish", lambda *_: None)
            act()

    @rule(visitor=visitors, suspended=st.booleans())
    def suspend(self, visitor: str, suspended: bool) -> None:
        if self._is_known(visitor):
            ledger = self.house.core.ledger
            ledger.suspend(ledger.key_of(visitor), suspended)

    def _is_known(self, visitor: str) -> bool:
        core = self.house.core
        return core.storage.ledger.visitor(core.ledger.key_of(visitor)) is not None

    # -- what time and the controller do

    @rule()
    def finish(self) -> None:
        self.house.core.retention.endings.resume()

    @rule(days=st.sampled_from([1, 31, 32, 62, 100]), runs=st.booleans())
    def wait(self, days: int, runs: bool) -> None:
        self.house.now += days * DAY_MS
        if runs:
            self.house.run()

    @precondition(lambda self: self.versions < 3)
    @rule(party=st.booleans(), dropped=st.booleans())
    def publish(self, party: bool, dropped: bool) -> None:
        self.versions += 1
        effective = datetime.fromtimestamp(self.house.now / 1000, SEOUL).date()
        text = TEXT.replace('version = "v1"', f'version = "v{self.versions}"')
        text = text.replace("effective = 2024-01-01", f"effective = {effective}")
        if dropped:  # statistics no longer cover the time
            text = text.replace(
                'items = ["cookie", "visit_time", "service_usage",', 'items = ["cookie", "service_usage",'
            )
        parts = PARTY if party else PARTY.replace(', "visit_time"', "")
        perform(self.house.core, "policy.publish", {"text": text + parts, "site": "shop"})

    @rule()
    def restart(self) -> None:
        self.house.reopen()

    @invariant()
    def copies_are_true(self) -> None:
        for copy in getattr(self, "copies", ()):
            copy.check()


TestCopies = Copies.TestCase
TestCopies.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
