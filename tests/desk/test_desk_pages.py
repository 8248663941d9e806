"""The console's pages: what they show is what is held, and what they change is changed."""

from __future__ import annotations

import re
import sqlite3
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import dongui_collector.desk
import pytest
from desk_world import World, send
from dongui_collector.desk.overview import SHOWN_DAYS, DayBar, bars
from flask.testing import FlaskClient

from tests.catalogs import entries

TEMPLATES = Path(dongui_collector.desk.__file__).parent / "templates"
PAGES = [
    "/console/",
    "/console/consent",
    "/console/visits",
    "/console/visits/list/pages",
    "/console/destructions",
    "/console/holds",
    "/console/ledger",
    "/console/access",
]


def text_of(browser: FlaskClient, page: str) -> str:
    """A page as a person reads it."""
    answer = browser.get(page)
    assert answer.status_code == 200
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_in_every_language(world: World, officer: FlaskClient, visitor: str, page: str, lang: str) -> None:
    answer = officer.get(f"{page}?lang={lang}")
    assert answer.status_code == 200
    assert f'<html lang="{lang}">' in answer.text
    assert answer.headers["Content-Language"] == lang
    assert "style=" not in answer.text
    assert all(re.fullmatch(r' src="[^"]+" defer', one) for one in re.findall(r"<script([^>]*)>", answer.text))
    assert len(re.findall(r"<script[^>]*></script>", answer.text)) == answer.text.count("<script")
    assert visitor not in answer.text


def test_templates_use_only_words_that_exist() -> None:
    used = {name for page in TEMPLATES.rglob("*.html") for name in re.findall(r"\bw\.([a-z_0-9]+)", page.read_text())}
    assert used - {"get"} <= entries("en", "console").keys()


def test_headers_lock_the_page_down(officer: FlaskClient) -> None:
    headers = officer.get("/console/").headers
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"


# --- overview --------------------------------------------------------------------------------------------------------


def test_the_overview_counts_what_is_held_and_why(world: World, officer: FlaskClient) -> None:
    world.visitor_with_events("statistics", events=5)
    world.visitor_with_events("statistics", "marketing", events=3, days_ago=2)
    world.choose(None, (), ("statistics", "marketing"))
    shown = text_of(officer, "/console/?lang=en")
    assert "Rows held 8" in shown
    number = r'<td class="n">(\d+)</td>'
    day = r'<tr><td class="d">[^<]+(?:<span class="soft">[^<]+</span>)?</td>'
    rows = re.findall(rf'{day}{number}{number}{number}<td class="d">', officer.get("/console/").text)
    assert rows == [("5", "5", "0"), ("3", "3", "3")]


def test_the_overview_follows_a_withdrawal(world: World, officer: FlaskClient) -> None:
    visitor = world.visitor_with_events("statistics", events=4)
    world.choose(visitor, (), ("statistics",))
    shown = text_of(officer, "/console/?lang=en")
    assert "Rows held 0" in shown


def test_refused_events_are_counted_by_reason(world: World, officer: FlaskClient) -> None:
    line = '{"visitor": "nobody", "id": "8c2e8b1c-6d3d-4f9a-8b1e-0d5d8f3f0a11", "name": "n", "at": 1}'
    world.ask("events.import", lines=[line.replace('"at": 1', f'"at": {world.core.clock.now()}')])
    assert "no consent 1" in text_of(officer, "/console/?lang=en")


def test_a_site_added_meanwhile_is_there(world: World, officer: FlaskClient) -> None:
    officer.get("/console/")
    world.ask("sites.add", name="Blog", origins=["https://blog.example.com"])
    assert "Blog" in text_of(officer, "/console/")
    assert officer.get("/console/?site=Blog").status_code == 200
    assert officer.get("/console/?site=nowhere").status_code == 400


def test_a_purpose_that_only_an_earlier_notice_knew_is_shown_too(world: World, officer: FlaskClient) -> None:
    world.visitor_with_events("personalisation", events=2)
    text = Path(world.installed.config).with_name("policy.toml").read_text()
    start, end = text.index("[purposes.personalisation]"), text.index("[purposes.marketing]")
    text = text[:start] + text[end:]
    text = re.sub(r'version = "[^"]+"', 'version = "next"', text, count=1)
    world.ask("policy.publish", text=text)
    shown = text_of(officer, "/console/?lang=en")
    assert "Notice next" in shown
    assert "personalisation" in shown
    assert "Rows held 2" in shown


def test_bars_fit_their_chart() -> None:
    held = [DayBar(date(2026, 1, n), n * 7, {}, 0, None) for n in range(31, 0, -1)]
    drawn = bars(held, width=310, height=100)
    assert len(drawn) == SHOWN_DAYS
    assert [bar.rows for bar in drawn] == [n * 7 for n in range(1, 32)]
    assert all(0 <= bar.x <= bar.x + bar.width <= 310 for bar in drawn)
    assert all(bar.y >= 0 and bar.y + bar.height <= 100.1 for bar in drawn)
    assert max(bar.height for bar in drawn) == 100
    assert bars([]) == []


# --- destruction -----------------------------------------------------------------------------------------------------


def test_nothing_waits_on_a_fresh_installation(officer: FlaskClient) -> None:
    shown = text_of(officer, "/console/destructions?lang=en")
    assert "No destruction waits for approval." in shown
    assert "approved in advance (dongui init" in shown


def test_the_standing_approval_is_revoked_and_given_again(world: World, officer: FlaskClient) -> None:
    send(officer, "/console/destructions", "/console/destructions/standing")
    assert "approved one by one" in text_of(officer, "/console/destructions?lang=en")
    send(officer, "/console/destructions", "/console/destructions/standing", grant="1")
    assert world.core.retention.overview.status().standing_approval.by == "admin"


def test_what_is_selected_is_approved_by_name_and_destroyed(
    world: World, officer: FlaskClient, visitor: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(officer, "/console/destructions", "/console/destructions/standing")
    monkeypatch.setenv("DONGUI_CLOCK", f"{world.core.clock.today(world.settings.zone) + timedelta(days=368)}T12:00:00Z")
    world.ask("retention.run")
    assert world.core.storage.events.days()
    assert "a day's rows · " in text_of(officer, "/console/destructions?lang=en")
    assert '<span class="badge">1</span>' in officer.get("/console/").text
    [id] = re.findall(r'name="id" value="(\d+)"', officer.get("/console/destructions").text)
    answer = send(officer, "/console/destructions", "/console/destructions/approve", id=id)
    assert answer.status_code == 303
    assert not world.core.storage.events.days()
    [done] = [d for d in world.core.storage.admin.destructions(("done",)) if d.what["kind"] == "day"]
    assert done.approved_by == "admin"
    assert done.certificate
    assert "Past destructions" in text_of(officer, "/console/destructions?lang=en")


# --- legal holds -----------------------------------------------------------------------------------------------------


def test_a_hold_is_added_shown_and_released(world: World, officer: FlaskClient) -> None:
    answer = send(
        officer, "/console/holds", "/console/holds",
        ground="investigation", reason="<b>investigation</b>", record_class="access_log", first_day="2026-01-01",
    )  # fmt: skip
    assert answer.status_code == 303
    [hold] = world.core.storage.admin.holds()
    assert hold.class_id == "access_log"
    assert "<b>investigation</b> (admin)" in text_of(officer, "/console/holds").replace("&lt;", "<")
    assert "<b>investigation" not in officer.get("/console/holds").text
    send(officer, "/console/holds", f"/console/holds/{hold.id}/release")
    assert world.core.storage.admin.holds() == []
    assert "released" in text_of(officer, "/console/holds?lang=en")


def test_a_hold_without_a_reason_is_refused_with_a_page(world: World, officer: FlaskClient) -> None:
    answer = send(officer, "/console/holds", "/console/holds", reason="  ")
    assert answer.status_code == 400
    assert "needs a reason" in answer.text
    assert world.core.storage.admin.holds() == []


# --- the ledger ------------------------------------------------------------------------------------------------------


def test_the_ledger_verifies_on_demand(world: World, officer: FlaskClient, visitor: str) -> None:
    assert "not verified yet" in text_of(officer, "/console/ledger?lang=en")
    send(officer, "/console/ledger", "/console/ledger/verify")
    shown = text_of(officer, "/console/ledger?lang=en")
    assert "verified (Verified" in shown
    assert f"Records: {world.core.storage.ledger.head()[0]}" in shown


def test_an_edited_record_shows(world: World, officer: FlaskClient, visitor: str) -> None:
    conn = sqlite3.connect(world.settings.data_path / "dongui.db")
    conn.execute("UPDATE chain SET at = at + 1 WHERE seq = 3")
    conn.commit()
    conn.close()
    send(officer, "/console/ledger", "/console/ledger/verify")
    shown = text_of(officer, "/console/ledger?lang=en")
    assert "broken" in shown
    assert re.search(r"record 3\b", shown)


# --- who may read ----------------------------------------------------------------------------------------------------


def test_a_token_made_here_is_shown_once(world: World, officer: FlaskClient, visitor: str) -> None:
    made = send(officer, "/console/access", "/console/access/tokens", purpose="statistics", role="consumer", note="<i>")
    [token] = re.findall(r"dgt_[A-Za-z0-9_-]+", made.text)
    assert world.export(token).text.count("\n") == 5
    again = officer.get("/console/access").text
    assert token not in again
    assert "<i>" not in again
    [kept] = world.core.storage.admin.tokens()
    send(officer, "/console/access", f"/console/access/tokens/{kept.id}/revoke")
    assert world.export(token).status_code == 401


def test_an_account_made_here_may_sign_in(world: World, officer: FlaskClient) -> None:
    fields = {"name": "kim", "password": "a long enough password", "role": "officer"}
    send(officer, "/console/access", "/console/access/accounts", **fields)
    assert world.signed_in("kim", "a long enough password").get("/console/").status_code == 200


def test_a_missing_page_is_a_page(officer: FlaskClient) -> None:
    answer = officer.get("/console/nowhere?lang=en")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text


def test_days_are_destroyed_the_day_after_their_last(world: World, officer: FlaskClient, visitor: str) -> None:
    today = world.core.clock.today(world.settings.zone)
    [day] = world.core.retention.overview.status().days
    assert day.day == today
    assert day.destroyed_on > today + timedelta(days=364)
