"""Where an address without a page leads, keys that only close, and events that a browser sends by itself."""

from __future__ import annotations

import pytest
from desk_world import World, sign_in
from dongui_collector.desk.visits.panels import TABS, without_lead_of_technical
from flask.testing import FlaskClient

PASSWORD = "a long enough password"


def test_the_root_leads_to_the_console(world: World, officer: FlaskClient) -> None:
    assert world.browser().get("/").headers["Location"] == "/console/login"
    assert officer.get("/").headers["Location"] == "/console/due"


@pytest.mark.parametrize("wanted", [{}, {"next": "/console/"}], ids=["nothing", "the-console"])
def test_an_analyst_lands_on_visits(world: World, wanted: dict[str, str]) -> None:
    world.ask("accounts.put", name="kim", password=PASSWORD, role="analyst")
    browser = world.browser()
    assert sign_in(browser, "kim", PASSWORD, **wanted).headers["Location"] == "/console/visits"
    assert browser.get("/").headers["Location"] == "/console/visits"


def test_escape_presses_nothing_and_the_question_mark_lists_the_keys(officer: FlaskClient) -> None:
    page = officer.get("/console/visits?keys=on&filter=page:/x&filter=country:KR&whole=1").text
    assert 'data-key="Escape"' not in page
    assert 'popovertarget="shortcuts" data-key="?"' in page
    assert page.count("<dt><kbd>") > 10


def test_technical_events_do_not_lead() -> None:
    answer = {"rows": [{"event": name} for name in ("engagement", "scroll", "purchase", "vital", "sign_up")]}
    found = [row["event"] for row in without_lead_of_technical(TABS["events"], answer)["rows"]]
    assert found == ["purchase", "sign_up", "engagement", "scroll", "vital"]
