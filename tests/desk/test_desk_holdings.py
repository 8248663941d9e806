"""What is held and when it goes: the sums and the calendar, and that they tell what the keeper then does (S3.1, S5)."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter
from datetime import date, timedelta

from desk_world import ORIGIN, World
from dongui_collector.desk.portions import DayCounts, gather, rows_held
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.inventory import MONTHS, Portion, agenda, by_class, by_item, calendar
from dongui_collector.runtime.composition import open_core
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from test_desk_pages import text_of

TODAY = date(2026, 3, 15)
DAYS = st.integers(-40, 900).map(lambda n: TODAY + timedelta(days=n))
PORTIONS = st.lists(
    st.builds(
        Portion,
        class_id=st.sampled_from(["access_log", "payment"]),
        place=st.sampled_from(["events", "archive"]),
        count=st.integers(1, 50),
        first=DAYS,
        last=DAYS,
        ends_on=st.none() | DAYS,
        items=st.frozensets(st.sampled_from(["cookie", "ip_address"])),
        holds=st.frozensets(st.integers(1, 2), max_size=1),
        exact=st.booleans(),
    ),
    max_size=25,
)


@given(PORTIONS)
def test_every_class_adds_up_and_what_is_held_back_has_no_end(portions: list[Portion]) -> None:
    found = by_class(portions)
    assert sum(held.count for held in found) == sum(p.count for p in portions)
    for held in found:
        mine = [p for p in portions if (p.class_id, p.place) == (held.key, held.place)]
        free = [p for p in mine if p.ends_on and not p.holds]
        assert held.held == sum(p.count for p in mine if p.holds)
        assert held.next_on == min((p.ends_on for p in free if p.ends_on), default=None)
        assert held.next_count == sum(p.count for p in free if p.ends_on == held.next_on)
        assert (held.last_on is None) == (len(free) < len(mine))
    for held in by_item(portions):
        assert held.count == sum(p.count for p in portions if held.key in p.items)


@given(PORTIONS)
def test_the_calendar_holds_what_has_a_day_and_nothing_else(portions: list[Portion]) -> None:
    found = calendar(portions, TODAY)
    sure = [p for p in portions if p.ends_on and p.exact and not p.holds]
    assert sum(cell.count for row in found.rows for cell in row.cells) == sum(p.count for p in sure)
    assert len(found.months) == MONTHS
    assert (found.months[0], found.months[12]) == (date(2026, 3, 1), date(2027, 3, 1))
    for row in found.rows:
        assert len(row.cells) == MONTHS + 1
        assert all((cell.shade == 0) == (cell.count == 0) and cell.shade <= 4 for cell in row.cells)
    overdue = sum(p.count for p in sure if p.ends_on and p.ends_on < date(2026, 4, 1))
    assert sum(row.cells[0].count for row in found.rows) == overdue
    days = Counter(p.ends_on for p in sure)
    assert [g.on for g in agenda(portions, 5)] == sorted(day for day in days if day)[:5]


def test_what_is_told_to_go_next_is_what_the_keeper_takes(world: World, visitor: str) -> None:
    """The page promises a day: on the day before nothing goes, on the day itself exactly that."""
    world.visitor_with_events("marketing", events=3, days_ago=2)
    world.record("payment")
    [first, *_] = agenda(gather(world.core, world.core.registry.sites()[0], DayCounts(world.core)))
    assert (first.parts[0].class_id, first.parts[0].count) == ("access_log", 3)
    schedule = world.core.retention.planner
    assert not [p for p in schedule.plan([], first.on - timedelta(days=1)) if p.what["kind"] == "day"]
    assert [p.what["day"] for p in schedule.plan([], first.on) if p.what["kind"] == "day"] == [
        str(first.parts[0].first)
    ]


def test_archive_holds_and_open_ends_stand_apart(world: World, officer: FlaskClient, visitor: str) -> None:
    world.record("payment", ended=True)
    world.record("complaint")
    world.ask("holds.add", ground="claim", reason="a claim", record_class="complaint")
    world.ask("requests.add", kind="access", channel="letter")
    found = {
        (held.key, held.place): held
        for held in by_class(gather(world.core, world.core.registry.sites()[0], DayCounts(world.core)))
    }
    assert found["payment", "archive"].count == 1
    assert found["payment", "archive"].held == 0
    assert found["complaint", "records"].held == 1
    assert found["complaint", "records"].next_on is None
    assert found["request", "office"].last_on is None
    assert found["consent_record", "ledger"].count == 1
    assert not found["consent_record", "ledger"].exact
    shown = text_of(officer, "/console/?lang=en")
    assert "archive" in shown
    assert "on hold: 1" in shown
    assert "or later" in shown


def test_only_what_will_still_stand_and_names_nobody_holds_a_portion_back(world: World, visitor: str) -> None:
    """S3.2: a hold that ends before the period does keeps nothing longer, one on a person not the others' rows."""
    today = world.core.retention.today()
    world.ask("holds.add", ground="claim", reason="short", until=(today + timedelta(days=5)).isoformat())
    world.ask("holds.add", ground="claim", reason="one", subject=visitor, site=world.core.registry.sites()[0].name)
    assert [
        portion.holds
        for portion in gather(world.core, world.core.registry.sites()[0], DayCounts(world.core))
        if portion.place == "events"
    ] == [frozenset()]
    kept = world.ask("holds.add", ground="claim", reason="all", record_class="access_log")
    assert [
        portion.holds
        for portion in gather(world.core, world.core.registry.sites()[0], DayCounts(world.core))
        if portion.place == "events"
    ] == [{kept["id"]}]


def test_items_are_counted_where_a_purpose_lists_them(world: World, officer: FlaskClient, visitor: str) -> None:
    items = {
        held.key: held.count
        for held in by_item(gather(world.core, world.core.registry.sites()[0], DayCounts(world.core)))
    }
    listed = world.core.registry.notices(1)[0].policy.purposes["statistics"].items
    assert items == dict.fromkeys(listed, 5)
    world.choose(visitor, (), ("statistics",))
    assert by_item(gather(world.core, world.core.registry.sites()[0], DayCounts(world.core))) == []


def test_rows_held_and_visit_records_of_a_site_count_the_same(world: World, officer: FlaskClient) -> None:
    """Line 36: every day counts, and of several sites the chosen one's rows alone."""
    world.visitor_with_events("statistics", events=5)
    world.visitor_with_events("statistics", events=3, days_ago=40)
    blog = world.ask("sites.add", name="Blog", origins=["https://blog.example.com"])["site"]
    for name, rows in (("Shop", 8), (blog, 0)):
        shown = text_of(officer, f"/console/?lang=en&site={name}")
        assert f"Rows held {rows}" in shown
        same = re.search(rf"Visit records \(logins and access\) \D*{rows} ", shown[shown.index("By class") :])
        assert (same is not None) == bool(rows)
    core = open_core(world.settings, writable=True)
    try:
        notice = core.registry.in_force(core.registry.site(blog).ref, core.clock.now())
        with core.storage.ledger.writing():
            visitor = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {})).answer["visitor"]
    finally:
        core.close()
    line = {"visitor": visitor, "id": str(uuid.uuid4()), "name": "visit", "at": world.core.clock.now()}
    world.ask("events.import", lines=[json.dumps(line | {"url": "https://blog.example.com/"})], site=blog)
    counts = DayCounts(world.core)
    for site, rows in zip(world.core.registry.sites(), (8, 1), strict=True):
        found = list(gather(world.core, site, counts))
        assert rows_held(found) == rows
        assert [held.count for held in by_class(found) if held.place == "events"] == [rows]
    world.ask("events.import", lines=[json.dumps(line | {"id": str(uuid.uuid4()), "url": ORIGIN})], site=blog)
    assert rows_held(gather(world.core, world.core.registry.sites()[1], counts)) == 2, "what changed is counted anew"
