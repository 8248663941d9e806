"""No parameter of any route of the desk ends in an error of ours: what is no value is refused, in words.

Every route is walked, GET and POST, so that a new one cannot be forgotten; field names are read from the source and the
templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from tests.desk.desk_world import World, csrf

SOURCE = Path(str(resources.files("dongui_collector.desk")))
FIELDS = sorted(
    {
        name
        for file in [*SOURCE.rglob("*.py"), *SOURCE.rglob("*.html")]
        for found in re.findall(
            r"""(?:form|args|given|_day|_lines|_number)(?:\.getlist|\.get)?[(\[]"([a-z_]+)"|name="([a-z_]+)\"""",
            file.read_text("utf-8"),
        )
        for name in found
        if name
    }
    | {"reason", "site", "record_class", "before", "until", "first", "last", "received", "contact", "recipient"}
)
NASTY = [
    "99999999999999999999999",
    "-1",
    "0",
    "9999-12",
    "9999-12-31",
    "0001-01-01",
    "0000-00",
    "/console/\r\n",
    "/console/%0d%0aSet-Cookie: x=y",
    "\x00",
    "\u2028\u202e",
    "가" * 300,
    "{{7*7}}",
    "'; drop table x; --",
    "[" * 300,
    '{"a":' * 100,
    "٣",
    "1e999",
    "nan",
    "../../etc/passwd",
    "%",
    "",
]
IDS = [
    "1",
    "0",
    "-1",
    "99999999999999999999999",
    "9" * 400,
    "%00",
    "%ff",
    "%0d%0a",
    "٣",
    "a" * 500,
    "1.0",
    "..",
    "%2e%2e",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(World.template(tmp_path_factory.mktemp("desk") / "d")) as world:
        yield world


@pytest.fixture(scope="module")
def officer(world: World) -> FlaskClient:
    return world.signed_in()


# Signing out would end the walk.
LEFT_OUT = {"logout", "static"}


def routes(world: World, method: str) -> list[Rule]:
    return [
        rule
        for rule in world.desk.url_map.iter_rules()
        if method in (rule.methods or ()) and rule.endpoint not in LEFT_OUT
    ]


def address(rule: Rule, value: str) -> str:
    return re.sub(r"<[^>]+>", value, rule.rule)


def refused_or_done(answer: TestResponse, rule: Rule, what: object) -> None:
    assert answer.status_code < 500 or answer.status_code == 503, (rule.rule, answer.status_code, what)


def asked(browser: FlaskClient, rule: Rule, path: str, fields: dict[str, str], token: str) -> TestResponse:
    if "GET" in (rule.methods or ()):
        return browser.get(path, query_string=fields)
    return browser.post(path, data=fields | {"csrf_token": token})


@pytest.mark.parametrize("value", NASTY, ids=lambda v: ascii(v)[:20])
def test_no_field_of_any_route_ends_in_an_error_of_ours(world: World, officer: FlaskClient, value: str) -> None:
    token = csrf(officer, "/console/holds")
    fields = dict.fromkeys(FIELDS, value)
    for rule in [*routes(world, "GET"), *routes(world, "POST")]:
        refused_or_done(asked(officer, rule, address(rule, "1"), fields, token), rule, value)


@pytest.mark.parametrize("name", ["month", "from", "to", "site", "id", "next", "period", "filter", "limit", "purpose"])
def test_no_single_field_ends_in_an_error_of_ours(world: World, officer: FlaskClient, name: str) -> None:
    token = csrf(officer, "/console/holds")
    for rule in routes(world, "GET"):
        for value in ("99999999999999999999999", "9999-12-31", "/console/\r\n"):
            refused_or_done(asked(officer, rule, address(rule, "1"), {name: value}, token), rule, (name, value))


@pytest.mark.parametrize("value", IDS, ids=lambda v: ascii(v)[:20])
def test_no_part_of_an_address_ends_in_an_error_of_ours(world: World, officer: FlaskClient, value: str) -> None:
    token = csrf(officer, "/console/holds")
    for rule in [*routes(world, "GET"), *routes(world, "POST")]:
        if rule.arguments:
            refused_or_done(asked(officer, rule, address(rule, value), {}, token), rule, value)


VALUES = st.one_of(
    st.sampled_from(NASTY),
    st.text(max_size=60),
    st.integers(-(10**30), 10**30).map(str),
    st.dates().map(str),
    st.sampled_from(["statistics", "payment", "custom", "page:/x", "goal", "admin", "role", "access", "email"]),
)


@settings(max_examples=60, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_that_can_be_written_ends_in_an_error_of_ours(
    world: World, officer: FlaskClient, data: st.DataObject
) -> None:
    token = csrf(officer, "/console/holds")
    for rule in data.draw(
        st.lists(st.sampled_from([*routes(world, "GET"), *routes(world, "POST")]), min_size=5, max_size=5)
    ):
        fields = data.draw(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=8))
        path = address(rule, data.draw(st.sampled_from([*IDS, "pages", "sources", "ko"])))
        refused_or_done(asked(officer, rule, path, fields, token), rule, (path, fields))
