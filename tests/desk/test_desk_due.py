"""What is due, from everywhere and in order; sites and health beside it (K3, K10, K12, K16, S4.2a)."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from desk_world import World, csrf, send, sign_in
from dongui_collector.access import audit_log
from dongui_collector.desk.due import Task, ordered
from dongui_collector.desk.due_pages import Reconfirmations, gather, pressing
from dongui_collector.desk.health_pages import vitals
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention import reconfirmation
from dongui_collector.storage.contract.values import Json
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from test_desk_pages import text_of

pytestmark = pytest.mark.hours

TODAY = date(2026, 3, 15)


@given(st.lists(st.none() | st.integers(-30, 30)))
def test_deadlines_come_first_and_each_has_its_level(days: list[int | None]) -> None:
    tasks = [Task("x", "y", None if n is None else TODAY + timedelta(days=n)) for n in days]
    found = ordered(tasks)
    assert sorted(n for n in days if n is not None) == [t.days(TODAY) for t in found if t.by]
    assert all(t.by is None for t in found[len([n for n in days if n is not None]) :])
    for task in found:
        left = task.days(TODAY)
        expected = "open" if left is None else "overdue" if left < 0 else "soon" if left <= 3 else "later"
        assert task.level(TODAY) == expected


def test_nothing_is_due_on_a_fresh_installation(world: World, officer: FlaskClient) -> None:
    assert "Nothing is due." in text_of(officer, "/console/due?lang=en")


def test_who_decides_begins_with_what_is_due(world: World) -> None:
    world.ask("accounts.put", name="kim", password="a long enough password", role="officer")
    world.ask("accounts.put", name="lee", password="a long enough password", role="auditor")
    answer = sign_in(world.browser(), "kim", "a long enough password")
    assert answer.headers["Location"] == "/console/due"
    assert sign_in(world.browser(), "lee", "a long enough password").headers["Location"] == "/console/"


def test_everything_that_waits_is_gathered(world: World, officer: FlaskClient, visitor: str) -> None:
    today = world.core.retention.today()
    filed = world.ask("requests.add", kind="access", channel="letter")["id"]
    soon = (today + timedelta(days=2)).isoformat()
    world.ask("holds.add", ground="claim", reason="a claim", record_class="payment", until=soon)
    world.ask("holds.add", ground="claim", reason="another", until=(today + timedelta(days=90)).isoformat())
    world.record("complaint")
    world.ask("destruction.select", record_class="complaint", reason="answered")
    text = world.core.registry.notices(1)[0].policy.text
    longer = re.sub(r'version = "[^"]+"', 'version = "next"', text, count=1).replace('"P1Y"', '"P2Y"')
    world.ask("policy.publish", text=longer)
    shown = text_of(officer, "/console/due?lang=en")
    assert [(t.kind, t.by) for t in ordered(gather(world.core, today))] == [
        ("hold", today + timedelta(days=2)),
        ("destruction", today + timedelta(days=4)),
        ("request", today + timedelta(days=10)),
        ("unsigned", None),
    ]
    assert f"Answer privacy request {filed} (Access)" in shown
    assert "Approve 1 destructions" in shown
    assert "Sign the periods of version next" in shown
    for link in set(re.findall(r'href="(/console/[^"]+)"', officer.get("/console/due").text)):
        assert officer.get(link).status_code == 200, link


def test_k12_last_months_log_is_due_by_the_end_of_this_month(
    world: World, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_month = (world.core.retention.today().replace(day=1) + timedelta(days=40)).replace(day=3)
    monkeypatch.setenv("DONGUI_CLOCK", f"{next_month}T12:00:00Z")
    with World(world.installed) as later:
        browser = later.signed_in()
        [task] = [t for t in gather(later.core, later.core.retention.today()) if t.kind == "review"]
        assert task.by
        assert task.by.month == next_month.month
        assert (task.by + timedelta(days=1)).day == 1
        later.ask("audit.review", month=task.values["month"], by="admin")
        assert "Review the access log" not in text_of(browser, "/console/due?lang=en")


def badge_of(browser: FlaskClient) -> int:
    entry = re.search(r'<a href="/console/due".*?</a>', browser.get("/console/ledger").text, re.S)
    assert entry
    found = re.search(r'class="badge">(\d+)<', entry[0])
    return int(found[1]) if found else 0


def test_the_menu_counts_what_is_overdue_or_due_today(
    world: World, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = world.core.retention.today()
    world.ask("requests.add", kind="access", channel="letter")
    world.ask("holds.add", ground="claim", reason="a claim", record_class="payment", until=today.isoformat())
    world.ask("holds.add", ground="claim", reason="another", until=(today + timedelta(days=1)).isoformat())
    assert badge_of(officer) == 1  # the hold that ends today; the request has ten days
    monkeypatch.setenv("DONGUI_CLOCK", f"{today + timedelta(days=11)}T12:00:00Z")
    with World(world.installed) as later:
        assert badge_of(later.signed_in()) == 1  # the request that is late


def test_the_menu_counts_what_the_page_calls_due_also_on_a_months_last_day(
    world: World, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.signed_in()  # which this month's log keeps
    first = (world.core.retention.today().replace(day=1) + timedelta(days=32)).replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    for day, number in ((last - timedelta(days=1), 0), (last, 1)):
        monkeypatch.setenv("DONGUI_CLOCK", f"{day}T03:00:00Z")
        with World(world.installed) as later:
            tasks = [t for t in gather(later.core, day) if t.by is not None and t.by <= day]
            assert len(tasks) == pressing(later.core, Reconfirmations(later.core), day) == number
            assert badge_of(later.signed_in()) == number


def test_k16_who_must_be_told_is_counted_beside_the_page(world: World, officer: FlaskClient) -> None:
    text = world.core.registry.notices(1)[0].policy.text
    text = re.sub(r'version = "[^"]+"', 'version = "next"', text, count=1)
    text = text.replace("[purposes.marketing]\n", '[purposes.marketing]\nreconfirm = "P20D"\n')
    world.ask("policy.publish", text=text)
    for _ in range(2):
        world.choose(None, ("marketing",))
    officer.get("/console/due")
    by = world.core.retention.today() + timedelta(days=20)
    [line] = world.desk.extensions["dongui-reconfirmations"].lines(wait=30)
    assert (line["purpose"], line["people"], line["by"]) == ("marketing", 2, by.isoformat())
    assert "Tell 2 people of their consent (marketing)" in text_of(officer, "/console/due?lang=en")


def test_a_failed_count_of_reconfirmations_is_begun_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    line = {"people": 3, "purpose": "marketing", "by": "2026-04-01"}
    answers = iter([OSError("the disk is gone for a moment"), [line]])

    def counts(*_: object) -> list[Json]:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    monkeypatch.setattr(reconfirmation, "counts", counts)
    counting = Reconfirmations(world.core)
    assert counting.lines(wait=30) == []
    assert counting.lines(wait=30) == [line]
    assert counting.lines(wait=30) == [line]  # once a day otherwise


# --- sites -----------------------------------------------------------------------------------------------------------


def test_a_site_is_added_with_its_key_shown_once(world: World, officer: FlaskClient) -> None:
    made = send(officer, "/console/sites", "/console/sites", name="Blog", origins="https://blog.example.com")
    [key] = re.findall(r"<code>(\S{20,})</code></p>", made.text)
    again = officer.get("/console/sites").text
    assert "Blog" in again
    assert key not in again
    more = send(officer, "/console/sites", "/console/sites", name="Blog", origins="https://b.example.com:444")
    assert key not in more.text
    assert world.core.registry.sites()[1].origins == ("https://blog.example.com", "https://b.example.com:444")
    answer = send(officer, "/console/sites", "/console/sites", name="Blog", origins="javascript:alert(1)")
    assert answer.status_code == 400


def test_an_origin_is_removed_on_the_chain_and_on_the_log(world: World, officer: FlaskClient) -> None:
    [site] = world.core.registry.sites()
    page, action = "/console/sites", f"/console/sites/{site.id}/origins"
    refused = send(officer, page, action, origin=site.origins[0])  # the last: nobody could withdraw
    assert refused.status_code == 400
    assert f'<span lang="en">{site.origins[0]} is the last origin' in refused.text  # the collector speaks English
    send(officer, page, page, name=site.name, origins="https://old.example.com")
    assert "https://old.example.com" in officer.get(page).text
    assert send(officer, page, action, origin="https://other.example.com").status_code == 400
    assert send(officer, page, action, origin="https://old.example.com").status_code == 303
    shown = officer.get(page).text
    assert "https://old.example.com" not in shown
    assert action not in shown  # one is left
    assert world.core.registry.sites()[0].origins == site.origins
    assert [str(found) for found in verify(world.core).findings] == []
    today = world.core.retention.today()
    [entry] = [
        e for e in audit_log.entries(world.core, today, today + timedelta(days=1)) if e.action == "sites.drop_origin"
    ]
    assert entry.what == {"origin": "https://old.example.com", "left": 1}


@pytest.mark.parametrize("role", ["officer", "auditor", "analyst"])
def test_s7_2_sites_are_the_administrators(world: World, role: str) -> None:
    world.ask("accounts.put", name="lee", password="a long enough password", role=role)
    browser = world.signed_in("lee", "a long enough password")
    assert browser.get("/console/sites").status_code == 403
    fields = {"csrf_token": csrf(browser, "/console/"), "name": "Mine", "origins": "https://mine.example.com"}
    assert browser.post("/console/sites", data=fields).status_code == 403
    action = f"/console/sites/{world.core.registry.sites()[0].id}/origins"
    assert browser.post(action, data=fields | {"origin": "https://shop.example.com"}).status_code == 403
    assert len(world.core.registry.sites()) == 1


# --- health ----------------------------------------------------------------------------------------------------------


def test_health_tells_what_the_doctor_does_and_the_last_backup(
    world: World, officer: FlaskClient, visitor: str
) -> None:
    assert vitals(world.core).last_backup is None
    world.ask("backup.prepare")
    found = vitals(world.core)
    assert found.last_backup
    assert found.days == 1
    assert found.data_bytes > found.log_bytes > 0
    assert [s.level for s in found.symptoms] == sorted(s.level for s in found.symptoms)
    shown = text_of(officer, "/console/health?lang=en")
    for symptom in found.symptoms:
        assert " ".join(symptom.what.split()) in shown
    assert "the settings allow a false clock" in shown
