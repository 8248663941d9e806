"""``GET /v1/reports/{name}``: a token counts what its purposes cover, of its own site, and nothing by any parameter."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from desk_world import World
from dongui_collector.analytics.reports import NEIGHBOURS, REPORTS
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def get(world: World, name: str, query: str = "", *, token: str | None = None) -> TestResponse:
    token = token or world.token("statistics")["token"]
    today = world.core.clock.today(world.settings.zone)
    return world.get(f"/v1/reports/{name}?from={today - timedelta(days=3)}&to={today}{query}", token)


def said(answer: TestResponse) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.text)
    return found


def problem_of(answer: TestResponse) -> str:
    assert answer.content_type == "application/problem+json"
    slug: str = said(answer)["type"].removeprefix("urn:dongui:problem:")
    return slug


NEEDED = {"funnel": "&step=page:/&step=event:purchase", "property_values": "&property=plan"}
NEEDED |= dict.fromkeys(NEIGHBOURS, "&beside=/")


def test_every_report_says_which_purposes_it_rests_on(world: World, visitor: str) -> None:
    token = world.token("statistics", "marketing")["token"]
    for name in REPORTS:
        more = NEEDED.get(name, "")
        answer = get(world, name, f"&purpose=statistics{more}", token=token)
        if name == "click_ids":  # rests on advertising_id, which statistics does not list
            assert problem_of(answer) == "forbidden"
            continue
        assert answer.status_code == 200, (name, answer.text)
        assert (said(answer)["report"], said(answer)["purposes"]) == (name, ["statistics"])
        assert said(answer)["consented"] is None
        assert visitor not in answer.text
    assert said(get(world, "overview"))["rows"][0]["visits"] == 1


def test_a_token_counts_only_what_its_purposes_cover(world: World) -> None:
    """S1.0, S4.0: neither rows of other purposes nor a word about their items."""
    world.visitor_with_events("statistics", events=2)
    world.visitor_with_events("marketing", "personalisation", events=2)
    assert said(get(world, "overview"))["visits"] == 1
    both = world.token("marketing", "personalisation")["token"]
    assert said(get(world, "overview", token=both))["visits"] == 1
    for path, query in (("browsers", ""), ("overview", "&filter=browser:Firefox"), ("pages", "&filter=!country:KR")):
        assert problem_of(get(world, path, query, token=both)) == "forbidden"
    assert [row["click_id"] for row in said(get(world, "click_ids", token=both))["rows"]] == ["gclid"]
    assert problem_of(get(world, "overview", token=world.token("marketing")["token"])) == "forbidden"
    assert problem_of(get(world, "overview", "&purpose=marketing")) == "forbidden"


def test_withdrawn_is_counted_no_more(world: World) -> None:
    """S3.0: from the decision on."""
    visitor = world.visitor_with_events("statistics", events=2)
    token = world.token("statistics")["token"]
    assert said(get(world, "overview", token=token))["visits"] == 1
    world.choose(visitor, refused=("statistics",))
    assert said(get(world, "overview", token=token))["visits"] == 0
    [row] = said(get(world, "consent", token=token))["rows"]
    assert (row["given"], row["withdrawn"]) == (1, 1)


def test_filters_and_comparison(world: World, visitor: str) -> None:
    assert said(get(world, "overview", "&filter=event:visit&filter=browser:Firefox"))["visits"] == 1
    assert said(get(world, "overview", "&filter=browser:Chr*"))["visits"] == 0
    [row] = said(get(world, "overview", "&compare=previous"))["rows"]
    assert (row["visits"], row["previous"]["visits"]) == (1, 0)
    assert len(said(get(world, "timeseries", "&interval=day"))["rows"]) == 4


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("pages", "&filter=person:sentinel"),
        ("pages", "&filter=sentinel"),
        ("pages", "&sort=sentinel"),
        ("pages", "&order=sentinel"),
        ("pages", "&limit=0"),
        ("pages", "&limit=sentinel"),
        ("pages", "&offset=-1"),
        ("timeseries", "&compare=previous"),
        ("overview", "&compare=sentinel"),
        ("timeseries", "&interval=sentinel"),
        ("pages", "&sentinel=1"),
        ("pages", "&filter=page:x" * 51),
        ("consent", "&filter=page:/"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_remedy_and_no_echo(world: World, name: str, query: str) -> None:
    answer = get(world, name, query)
    assert (answer.status_code, problem_of(answer)) == (400, "malformed")
    assert said(answer)["detail"]
    assert "sentinel" not in answer.text


@pytest.mark.parametrize("days", ["", "from=2026-01-01", "from=x&to=y", "from=2026-02-01&to=2026-01-01"])
def test_days_are_needed(world: World, days: str) -> None:
    assert problem_of(world.get(f"/v1/reports/overview?{days}", world.token("statistics")["token"])) == "malformed"


def test_who_may_ask(world: World, officer: FlaskClient) -> None:
    """S7.2: nobody without a token or a session; an auditor and a recipient get no reports; a signed-in person does."""
    assert problem_of(world.browser().get("/v1/reports/overview")) == "unauthorised"
    auditor = world.token("statistics", role="auditor")["token"]
    assert problem_of(get(world, "overview", token=auditor)) == "forbidden"
    today = world.core.clock.today(world.settings.zone)
    mine = officer.get(f"/v1/reports/overview?from={today}&to={today}")
    assert (mine.status_code, mine.headers["Cache-Control"]) == (200, "no-store")


def test_reading_leaves_nothing_behind(world: World, visitor: str) -> None:
    head = world.core.storage.ledger.head()
    token = world.token("statistics")["token"]
    before = world.core.storage.ledger.head()
    assert before != head
    get(world, "pages", token=token)
    assert world.core.storage.ledger.head() == before


def test_hostile_text_is_data(world: World) -> None:
    """A name of an event is given back as JSON, never as markup."""
    name = "</script><img src=x onerror=alert(1)>"
    visitor = world.choose(None, ("statistics",))
    line = {
        "visitor": visitor,
        "id": "019ab0c4-7a00-7000-8000-000000000001",
        "name": name,
        "at": world.core.clock.now(),
    }
    assert world.ask("events.import", lines=[json.dumps(line)])["recorded"] == 1
    answer = get(world, "events")
    assert answer.content_type == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert said(answer)["rows"][0]["event"] == name


def test_s4_1_a_recipients_token_gets_no_report(world: World) -> None:
    """Also not the one that rests on no item: what leaves the house is exported, and written down."""
    outside = world.token("marketing", recipient="Meta Platforms, Inc.")["token"]
    answer = get(world, "consent", token=outside)
    assert problem_of(answer) == "forbidden"
    assert "exported" in said(answer)["detail"]
    assert get(world, "consent", token=world.token("marketing")["token"]).status_code == 200
