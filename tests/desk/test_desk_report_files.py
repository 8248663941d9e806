"""Reports as CSV files: every row and column of the same report as JSON, safe in a spreadsheet, from every panel."""

from __future__ import annotations

import csv
import io
import json
import uuid
from typing import Any

import pytest
from desk_world import ORIGIN, World
from dongui_collector.analytics.reports import NEIGHBOURS, REPORTS
from dongui_collector.core.clock import day_of
from dongui_collector.desk.visits.downloads import DOWNLOADS
from dongui_collector.desk.visits.extras import EXTRAS
from dongui_collector.desk.visits.panels import LISTS, TABS, panel_of
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

NEEDED = {"funnel": "&step=page:/p00&step=event:purchase", "property_values": "&property=plan"}
NEEDED |= dict.fromkeys(NEIGHBOURS, "&beside=/p01")
FORMULA = "=HYPERLINK(1)"


@pytest.fixture
def visited(world: World) -> str:
    """The days of some visits that every report counts, as a query."""
    visitor, now = world.choose(None, ("statistics", "marketing")), world.core.clock.now()
    events = [("pageview", f"/p{n:02}", {}) for n in range(110)]
    events += [
        ("purchase", "/p00", {"plan": FORMULA, "amount": 2.5}),
        (FORMULA, "/p00", {}),
        ("vital", "/p00", {"name": "LCP", "value": 1200}),
    ]
    lines = [
        {"visitor": visitor, "id": str(uuid.uuid4()), "name": name, "at": now, "url": f"{ORIGIN}{path}", "props": props}
        for name, path, props in events
    ]
    assert (
        world.ask("events.import", lines=[json.dumps(line | {"search": "lamp"}) for line in lines])["recorded"] == 113
    )
    day = day_of(now, world.settings.zone)
    return f"from={day}&to={day}"


def table_of(answer: TestResponse) -> list[dict[str, str]]:
    """The rows of a CSV file, which must begin with the mark by which Excel knows UTF-8."""
    assert (answer.status_code, answer.content_type) == (200, "text/csv; charset=utf-8"), answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


def as_text(row: dict[str, Any]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def test_every_report_as_csv_has_the_rows_and_columns_of_its_json(world: World, visited: str) -> None:
    token = world.token("statistics", "marketing")["token"]
    for name in (one for one in REPORTS if one != "now"):  # which is of the moment at which it is asked for
        query = f"/v1/reports/{name}?{visited}{NEEDED.get(name, '')}"
        wanted = json.loads(world.get(f"{query}&limit=1000", token).text)["rows"]
        assert wanted, name
        found = table_of(world.get(f"{query}&format=csv", token))
        assert [{k: v.removeprefix("'") for k, v in row.items()} for row in found] == [
            as_text(row) for row in wanted
        ], name


def test_a_file_without_rows_still_says_what_its_columns_are(world: World, visited: str) -> None:
    token = world.token("statistics", "marketing")["token"]
    for name in REPORTS:
        needed = NEEDED.get(name, "")
        rows = json.loads(world.get(f"/v1/reports/{name}?{visited}{needed}", token).text)["rows"]
        empty = world.get(f"/v1/reports/{name}?from=2021-02-03&to=2021-02-03{needed}&format=csv", token)
        table_of(empty)
        assert next(csv.reader(io.StringIO(empty.data.decode("utf-8-sig")))) == list(rows[0]), name


def test_a_file_has_every_row_unless_a_limit_is_given(world: World, visited: str) -> None:
    token = world.token("statistics")["token"]
    assert len(json.loads(world.get(f"/v1/reports/pages?{visited}", token).text)["rows"]) == 100
    assert len(table_of(world.get(f"/v1/reports/pages?{visited}&format=csv", token))) == 110
    assert len(table_of(world.get(f"/v1/reports/pages?{visited}&format=csv&limit=7", token))) == 7
    assert len(table_of(world.get(f"/v1/reports/pages?{visited}&format=csv&offset=100", token))) == 10


def test_the_period_before_stands_in_columns_of_its_own(world: World, visited: str) -> None:
    token = world.token("statistics")["token"]
    (row,) = table_of(world.get(f"/v1/reports/overview?{visited}&compare=previous&format=csv", token))
    assert (row["visits"], row["previous_visits"]) == ("1", "0")


@pytest.mark.parametrize(
    ("accept", "query", "kind"),
    [
        ("text/csv", "", "text/csv"),
        ("text/csv;q=0.9, application/json;q=0.1", "", "text/csv"),
        ("text/csv", "&format=json", "application/json"),
        ("application/json", "&format=csv", "text/csv"),
        ("*/*", "", "application/json"),
        ("text/html", "", "application/json"),
    ],
)
def test_what_is_asked_for_by_the_header_or_by_the_address(
    world: World, visited: str, accept: str, query: str, kind: str
) -> None:
    headers = {"Authorization": f"Bearer {world.token('statistics')['token']}", "Accept": accept}
    answer = world.browser().get(f"/v1/reports/pages?{visited}{query}", headers=headers)
    assert (answer.status_code, answer.mimetype) == (200, kind)


def test_a_refusal_is_a_problem_also_where_a_file_was_asked_for(world: World, visited: str) -> None:
    token = world.token("statistics")["token"]
    for query in ("format=xlsx", "format=csv&format=json", "format=csv&sort=sentinel", "format=csv&limit=0"):
        answer = world.get(f"/v1/reports/pages?{visited}&{query}", token)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), query
    assert world.get(f"/v1/reports/click_ids?{visited}&format=csv", token).status_code == 403


def test_no_cell_is_a_formula(world: World, visited: str, officer: FlaskClient) -> None:
    token = world.token("statistics")["token"]
    for answer in (
        world.get(f"/v1/reports/events?{visited}&format=csv", token),
        officer.get("/console/visits/csv/events"),
    ):
        assert f"'{FORMULA}" in [row["event"] for row in table_of(answer)]


# --- the console -----------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("visited")
def test_every_panel_is_a_file_and_leads_to_it(world: World, officer: FlaskClient) -> None:
    pages = {name: f"/panel/{panel_of(name)}?tab_{panel_of(name)}={name}" for name in TABS}
    pages |= {"property_values": "/list/property_values?property=plan&event=purchase"}
    pages |= {name: f"/extra/{name}" for name in EXTRAS} | {"timeseries": "/head"}
    assert pages.keys() == set(DOWNLOADS)
    for name, page in pages.items():
        table_of(officer.get(f"/console/visits/csv/{name}{'?property=plan' if name == 'property_values' else ''}"))
        assert f'href="/console/visits/csv/{name}' in officer.get(f"/console/visits{page}").text, name
    for name in TABS:
        assert f'href="/console/visits/csv/{name}' in officer.get(f"/console/visits/list/{name}").text, name
    assert officer.get("/console/visits/csv/consent").status_code == 404


@pytest.mark.usefixtures("visited")
def test_a_file_goes_by_the_screen_that_it_was_asked_from(officer: FlaskClient) -> None:
    assert len(table_of(officer.get("/console/visits/csv/pages"))) == 110
    upwards = table_of(officer.get("/console/visits/csv/pages?sort=page&order=asc"))
    downwards = table_of(officer.get("/console/visits/csv/pages?sort=page"))
    assert (upwards[0]["page"], downwards[0]["page"]) == ("/p00", "/p99")
    assert table_of(officer.get("/console/visits/csv/pages?filter=event:nothing")) == []
    assert table_of(officer.get("/console/visits/csv/pages?period=custom&from=2021-02-03&to=2021-02-03")) == []


@pytest.mark.usefixtures("visited")
def test_goals_and_funnels_stand_in_a_file_under_their_names(world: World, officer: FlaskClient) -> None:
    world.ask("visits.keep", kind="goals", fields={"name": "Bought", "what": "event:purchase"})
    world.ask("visits.keep", kind="funnels", fields={"name": "Way", "steps": ["page:/p00", "event:nothing"]})
    (goal,) = table_of(officer.get("/console/visits/csv/goals"))
    assert (goal["goal"], goal["visits"], goal["rate"]) == ("Bought", "1", "1.0")
    steps = table_of(officer.get("/console/visits/csv/funnels"))
    assert [(row["funnel"], row["step"], row["visits"]) for row in steps] == [("Way", "1", "1"), ("Way", "2", "0")]


def test_who_may_not_look_gets_no_file(world: World) -> None:
    world.ask("accounts.put", name="auditor", password="a-long-password", role="auditor")
    browser = world.signed_in("auditor", "a-long-password")
    assert browser.get("/console/visits/csv/pages").status_code == 403
    assert world.browser().get("/console/visits/csv/pages").status_code == 303


@pytest.mark.usefixtures("visited")
@pytest.mark.parametrize("lang", ["ko", "en"])
def test_every_list_and_every_dimension_has_a_name(officer: FlaskClient, lang: str) -> None:
    """A text without its place in the catalog was an empty heading."""
    for name in LISTS:
        shown = officer.get(f"/console/visits/list/{name}?lang={lang}&property=plan").text
        for empty in ("<h1></h1>", "></option>", '<th scope="col"></th>'):
            assert empty not in shown, name
