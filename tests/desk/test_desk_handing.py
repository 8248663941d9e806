"""Disclosures in the console: the ledger for who reads, notes, transfers and demands for the officer alone (S4)."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from html import unescape

import pytest
from desk_world import World, csrf, send
from dongui_collector.core.operations import plain
from dongui_collector.rights.disclosures import listed
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

LIST = "/console/disclosures"
META = "Meta Platforms, Inc."
PASSWORD = "long enough for all"


def text(answer: TestResponse) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


def today(world: World) -> date:
    return world.core.clock.today(world.settings.zone)


@pytest.fixture
def demanded(world: World, officer: FlaskClient, visitor: str) -> str:
    """The page of a recorded demand about a visitor with five rows."""
    day = str(today(world))
    said = {
        "authority": "Example Police",
        "statute": "형사소송법 제215조",
        "procedure": "warrant",
        "document": "2026-1",
    }
    answer = send(officer, LIST, f"{LIST}/demands", **said, item="ip_address", first=day, last=day, visitors=visitor)
    assert answer.status_code == 303, text(answer)
    return answer.headers["Location"]


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_page_in_every_language(
    world: World, officer: FlaskClient, demanded: str, visitor: str, lang: str
) -> None:
    for page in (LIST, demanded):
        answer = officer.get(f"{page}?lang={lang}")
        assert answer.status_code == 200
        assert f'<html lang="{lang}">' in answer.text
        assert "style=" not in answer.text
        assert "<script>" not in answer.text
        assert visitor not in answer.text


def test_s4_1_a_hand_over_is_noted_and_one_to_a_stranger_refused(
    world: World, officer: FlaskClient, visitor: str
) -> None:
    note = {"purpose": "marketing", "what": "<b>a list</b>", "visitors": visitor}
    assert send(officer, LIST, LIST, recipient=META, **note).status_code == 303
    refused = send(officer, LIST, LIST, recipient="Somebody", **note)
    assert refused.status_code == 400
    assert "register it in the policy" in text(refused)
    (entry,) = plain(listed(world.core))
    assert (entry["recipient"], entry["people"], entry["way"]) == (META, 1, "noted")
    assert META in text(officer.get(f"{LIST}?lang=en"))
    assert "<b>a list" not in officer.get(f"{LIST}/1").text


def test_s4_2c_a_demand_is_downloaded_once_and_exactly(world: World, officer: FlaskClient, demanded: str) -> None:
    answer = send(officer, demanded, f"{demanded}/hand-over")
    rows = [json.loads(line) for line in answer.text.splitlines()]
    assert [(row["ip_address"], row["url"], row["visitor"]) for row in rows] == [("203.0.113.9", None, None)] * 5
    (entry,) = plain(listed(world.core))
    assert (entry["state"], entry["rows"], entry["people"]) == ("done", 5, 1)
    again = send(officer, LIST, f"{demanded}/hand-over")
    assert again.status_code == 400
    assert "is done" in text(again)


def test_s4_2a_a_transfer_says_what_is_missing_and_is_not_offered(world: World, officer: FlaskClient) -> None:
    until = str(today(world) + timedelta(days=40))
    said = {"recipient": "Example Successor", "address": "1 Example Street", "contact": "+82 2 000 0000"}
    answer = send(officer, LIST, f"{LIST}/transfers", **said, fact="sale", opt_out="write to us", until=until)
    page = answer.headers["Location"]
    shown = officer.get(f"{page}?lang=en")
    assert "no notice is logged" in text(shown)
    assert f"opt out until {until}" in text(shown)
    assert "hand-over" not in shown.text
    assert send(officer, page, f"{page}/notice", means="email", proof="dispatch 17").status_code == 303
    assert send(officer, page, f"{page}/opt-out", members="m-1\nm-2").status_code == 303
    shown = officer.get(f"{page}?lang=en")
    assert "no notice is logged" not in text(shown)
    assert "Who said no: 2" in text(shown)
    refused = send(officer, page, f"{page}/hand-over")
    assert refused.status_code == 400
    assert f"opt out until {until}" in text(refused)
    assert send(officer, page, f"{page}/cancel").status_code == 303
    assert [e["state"] for e in plain(listed(world.core))] == ["cancelled"]


@pytest.mark.parametrize(("role", "sees"), [("auditor", 200), ("analyst", 403), ("officer", 200)])
def test_s4_2c_only_the_officer_hands_over(
    world: World, officer: FlaskClient, demanded: str, role: str, sees: int
) -> None:
    world.ask("accounts.put", name=f"the {role}", password=PASSWORD, role=role)
    browser = world.signed_in(f"the {role}", PASSWORD)
    assert browser.get(LIST).status_code == sees
    if role == "officer":
        return
    for action in (f"{demanded}/hand-over", f"{LIST}/transfers", f"{LIST}/demands", LIST):
        assert browser.post(action, data={"csrf_token": csrf(browser, "/console/")}).status_code == 403
    assert [e["state"] for e in plain(listed(world.core))] == ["planned"]


def test_s4_2c_no_token_can_do_it(world: World, demanded: str) -> None:
    token = world.token("statistics", role="consumer")["token"]
    for action in (f"{demanded}/hand-over", f"{LIST}/demands"):
        answer = world.browser().post(action, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code in (302, 303, 400, 401, 403)
    assert [e["state"] for e in plain(listed(world.core))] == ["planned"]
