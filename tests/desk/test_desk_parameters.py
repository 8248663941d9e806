"""Every HTTP call of the desk refuses what it does not know: a filter that was left out would show too much."""

from __future__ import annotations

import re

import pytest
from desk_world import World, send
from dongui_collector.analytics.reports import REPORTS
from dongui_collector.desk.validation import LARGEST, ParameterError, refuse
from flask.testing import FlaskClient

DAYS = "from=2026-01-01&to=2026-01-31"
CALLS = {
    "/v1/export/events": DAYS,
    "/v1/reports/pages": DAYS,
    "/v1/reports/consent": DAYS,
    "/v1/reports/now": "",
    "/v1/feed/erasures": "",
    "/v1/admin/retention": "",
    "/v1/openapi.json": "",
}


@pytest.fixture
def token(world: World) -> str:
    made = world.token("statistics", role="officer")
    return str(made["token"])


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("odd", ["filtre=page:/a", "form=2026-01-01", "From=2026-01-01", "x", "filter[]=page:/a"])
def test_an_unknown_parameter_is_refused(world: World, token: str, call: str, odd: str) -> None:
    assert world.get(f"{call}?{CALLS[call]}", token).status_code == 200
    answer = world.get(f"{call}?{CALLS[call]}&{odd}", token)
    assert answer.status_code == 400
    assert answer.json["type"] == "urn:dongui:problem:malformed"
    assert odd.partition("=")[0] not in answer.json["detail"].split(" are ")[0]


@pytest.mark.parametrize(
    ("call", "odd"),
    [
        ("/v1/export/events", "from=2026-01-02"),
        ("/v1/export/events", "format=csv&format=ndjson"),
        ("/v1/reports/pages", "limit=1&limit=2"),
        ("/v1/feed/erasures", "after=0&after=1"),
    ],
)
def test_what_may_be_said_once_is_not_said_twice(world: World, token: str, call: str, odd: str) -> None:
    assert world.get(f"{call}?{CALLS[call]}&{odd}", token).status_code == 400


@pytest.mark.parametrize("call", ["/v1/export/events", "/v1/reports/pages", "/v1/reports/consent"])
def test_from_does_not_lie_after_to(world: World, token: str, call: str) -> None:
    answer = world.get(f"{call}?from=2026-02-01&to=2026-01-31", token)
    assert answer.status_code == 400
    assert "from must not lie after to" in answer.json["detail"]


@pytest.mark.parametrize(
    ("call", "odd"),
    [
        ("/v1/export/events", "filter=colour:red"),
        ("/v1/export/events", "filter=page"),
        ("/v1/export/events", "columns=id,colour"),
        ("/v1/export/events", "columns="),
        ("/v1/export/events", "columns=id&columns=day"),
        ("/v1/export/events", "since=x"),
        ("/v1/export/events", "since=0&after=x"),
        ("/v1/export/events", "since=0&since=0"),
        ("/v1/reports/pages?from=2026-W45&to=2026-11-23", ""),
        ("/v1/export/events?from=20261101&to=2026-11-23", ""),
        ("/v1/feed/erasures", "limit=1001"),
        ("/v1/feed/erasures", "purpose=statistics"),
        ("/v1/feed/erasures", "after=-1"),
        ("/v1/reports/overview", "compare=year"),
        ("/v1/reports/pages", "filter=nothing:x"),
    ],
)
def test_what_cannot_be_asked_is_refused(world: World, token: str, call: str, odd: str) -> None:
    address = call if "?" in call else f"{call}?{CALLS.get(call, DAYS)}&{odd}"
    assert world.get(address, token).status_code == 400


def test_a_column_that_there_is_not_is_named_by_its_place(world: World, token: str) -> None:
    answer = world.get(f"/v1/export/events?{DAYS}&columns=id,colour,day", token)
    assert "name 2 of columns" in answer.json["detail"]
    assert "environment.browser" in answer.json["detail"]
    assert "colour" not in answer.json["detail"]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7", True),
        (str(LARGEST), True),
        ("0" * 18 + "7", True),
        (str(LARGEST + 1), False),
        ("0" * 5000, False),
        ("0" * 20 + "9" * 27, False),
        ("9" * 5000, False),
        ("٣", False),
        ("-1", False),
    ],
)
def test_a_number_is_judged_as_a_whole(officer: FlaskClient, text: str, number: bool) -> None:
    asked = [("id", text)]
    if number:
        refuse(asked, 10_000, re.compile("\x00"))
    else:
        with pytest.raises(ParameterError, match="a whole number"):
            refuse(asked, 10_000, re.compile("\x00"))
    answer = send(officer, "/console/destructions", "/console/destructions/approve", id=text)
    assert answer.status_code < 500
    assert (answer.status_code == 400) or number
    assert officer.get(f"/console/disclosures/{text}").status_code in (400, 404)


@pytest.mark.parametrize("text", ["2026-W45", "2026-W45-1", "20261101", "2026-11-1", "２０２６-11-01", "2026-02-30"])
def test_a_day_is_written_in_one_way(text: str) -> None:
    refuse([("first", "2026-11-01")], 100, re.compile("\x00"))
    with pytest.raises(ParameterError, match="a day such as"):
        refuse([("first", text)], 100, re.compile("\x00"))


@pytest.mark.parametrize("name", ["nonsense", "Pages", "pages.csv", "hours", "overview%00"])
def test_an_unknown_report_is_not_found(world: World, token: str, name: str) -> None:
    answer = world.get(f"/v1/reports/{name}?{DAYS}", token)
    assert answer.status_code == 404
    assert answer.json["type"] == "urn:dongui:problem:not-found"
    assert ", ".join(REPORTS) in answer.json["detail"]


def test_nobody_learns_reports_without_a_token(world: World) -> None:
    assert world.get(f"/v1/reports/nonsense?{DAYS}").status_code == 401


@pytest.mark.parametrize("id", ["\u00b2", "1\u00b9", "0" * 5000, "9" * 5000, "9" * 19, "-1", "1_0"], ids=range(7))
def test_a_number_of_a_form_is_one_that_can_be_read(world: World, officer: FlaskClient, id: str) -> None:
    """``str.isdigit`` takes more for a digit than ``int`` does, and ``int`` takes no more than 4300 of them."""
    answer = send(officer, "/console/destructions", "/console/destructions/approve", id=id)
    assert answer.status_code == 400
    page = officer.get("/console/requests", query_string={"page": id[:2000]})
    assert page.status_code == 400


@pytest.mark.parametrize("id", ["", " ", "\t"])
def test_a_number_that_is_blank_is_none(world: World, officer: FlaskClient, id: str) -> None:
    assert send(officer, "/console/destructions", "/console/destructions/approve", id=id).status_code == 303


def test_only_bearer_claims_a_token(world: World, officer: FlaskClient) -> None:
    """Behind a proxy that asks for a password every request of a browser brings ``Basic``."""
    call = f"/v1/reports/pages?{DAYS}"
    for scheme in ("Basic dTpw", "basic dTpw", "Digest x"):
        assert officer.get(call, headers={"Authorization": scheme}).status_code == 200
        assert world.browser().get(call, headers={"Authorization": scheme}).status_code == 401
    for claim in ("Bearer wrong", "bearer wrong", "Bearer"):
        assert officer.get(call, headers={"Authorization": claim}).status_code == 401
