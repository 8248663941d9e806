"""No question whatever lets a reader for statistics tell what statistics does not cover: two installations that differ
in nothing else answer alike. And two consumers hold nothing that says whose rows are the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import quote

import pytest
from dongui_collector.analytics.filters import DIMENSIONS
from dongui_collector.analytics.reports import REPORTS
from dongui_collector.core.operations import perform
from dongui_collector.desk.app import create_desk
from dongui_collector.exports.erasure_feed import erasures
from dongui_collector.exports.export import Entitlement, consumer_events
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.retention.house import House, at

DAYS = ("2025-03-10", "2025-03-11")
SEEN = {"page_view": "/seen", "purchase": "/paid"}
COVERED = ("statistics",)
OTHERS = (("marketing",), ("personalisation",), ("marketing", "personalisation"))


def covered_part(house: House, *also: str) -> str:
    """What statistics covers, the same in both houses; ``also`` are further purposes of the same visitors."""
    for number in range(3):
        visitor = house.arrive("statistics", *also)
        for day in DAYS:
            for name, path in SEEN.items():
                house.now = at(f"{day}T1{number}:00")
                house.visit(
                    visitor, name=name, url=f"https://shop.example.com{path}?gclid=secret{number}", search="shoes"
                )
    # One takes statistics back, which the report `consent` counts for its readers; the row goes, or stays for `also`.
    gone = house.arrive("statistics", *also)
    house.visit(gone, name="hidden", url="https://shop.example.com/hidden?gclid=hidden", search="hidden")
    house.choose((), ("statistics",), visitor=gone)
    return gone


def hidden_part(house: House, gone: str) -> None:
    """What it does not cover: other visitors' rows, on days of their own too; and what ``gone``, who took statistics
    back, does under other purposes."""
    for granted in OTHERS:
        visitor = house.arrive(*granted)
        for day in (*DAYS, "2025-03-12"):
            house.now = at(f"{day}T09:30")
            house.visit(visitor, name="hidden", url="https://shop.example.com/hidden?gclid=hidden", search="hidden")
    house.visit(gone, name="hidden", url="https://shop.example.com/hidden?gclid=hidden", search="hidden")
    house.choose((), ("marketing",), visitor=gone)


@pytest.fixture
def two(new_house: Callable[..., House]) -> tuple[tuple[House, FlaskClient, str], ...]:
    houses = []
    for name in ("without", "with"):
        house = new_house(name)
        house.add_site()
        gone = covered_part(house, *(("marketing", "personalisation") if name == "with" else ()))
        if name == "with":
            hidden_part(house, gone)
        house.now = at("2025-03-13T12:00")
        made = perform(house.core, "tokens.create", {"purposes": list(COVERED)})
        houses.append((house, create_desk(house.core).test_client(), made["token"]))
    return tuple(houses)


VALUES = st.sampled_from(
    ["/seen", "/hidden", "hidden", "secret0", "gclid", "direct", "paid_search", "KR", "", "*", "*hid*", "Chrome"]
)
FILTERS = st.builds(
    lambda no, d, v: f"{no}{d}:{v}", st.sampled_from(["", "!"]), st.sampled_from(sorted(DIMENSIONS)), VALUES
)
TEXT = st.one_of(
    st.sampled_from(["asc", "desc", "visitors", "page", "click_id", "time", "hour", "month"]), st.text(max_size=8)
)
QUESTIONS = st.fixed_dictionaries(
    {
        "name": st.sampled_from(REPORTS),
        "from": st.sampled_from(["2025-03-09", "2025-03-10", "2025-03-12", "2000-01-01", "x"]),
        "to": st.sampled_from(["2025-03-10", "2025-03-12", "2025-03-31", "2999-12-31"]),
    },
    optional={
        "filter": st.lists(FILTERS, max_size=3),
        "purpose": st.lists(st.sampled_from(["statistics", "marketing", "nothing"]), max_size=2),
        "interval": st.sampled_from(["hour", "day", "week", "month"]) | TEXT,
        "compare": st.sampled_from(["previous", "x"]),
        "sort": TEXT,
        "order": TEXT,
        "limit": st.sampled_from(["1", "2", "1000", "0", "x"]),
        "offset": st.sampled_from(["0", "1", "100"]),
        "join": TEXT,
        "event": st.sampled_from(["purchase", "x"]),
        "property": st.sampled_from(["plan", "secret"]),
    },
)


def asked(client: FlaskClient, token: str, question: dict[str, Any]) -> tuple[int, Any]:
    pairs = [
        (k, v) for k, value in question.items() if k != "name" for v in ([value] if isinstance(value, str) else value)
    ]
    query = "&".join(f"{k}={quote(v, errors='surrogatepass')}" for k, v in pairs)
    answer = client.get(f"/v1/reports/{question['name']}?{query}", headers={"Authorization": f"Bearer {token}"})
    told = answer.json or {}
    told.pop("site", None)
    return answer.status_code, told


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=QUESTIONS)
@example(question={"name": "consent", "from": "2025-03-09", "to": "2025-03-12"})
def test_no_question_tells_more_than_its_purposes_cover(
    two: tuple[tuple[House, FlaskClient, str], ...], question: dict[str, Any]
) -> None:
    (_, one, its), (_, other, others) = two
    status, told = asked(one, its, question)
    assert (status, told) == asked(other, others, question)
    assert status in (200, 400, 403)
    assert "secret" not in json.dumps(told) or "secret" in json.dumps(question)


def test_nor_does_an_export(two: tuple[tuple[House, FlaskClient, str], ...]) -> None:
    found = []
    for house, _, _ in two:
        reader = Entitlement("t", house.site, COVERED)
        rows = [row for _, row in consumer_events(house.core, reader, date(2025, 3, 1), date(2025, 3, 31))]
        found.append([{k: v for k, v in row.items() if k not in ("id", "visitor")} for row in rows])
    assert found[0] == found[1]
    assert len(found[0]) == 12
    assert "secret" not in json.dumps(found)


def test_two_consumers_hold_nothing_that_says_whose_rows_are_the_same(house: House) -> None:
    """Of export and erasure feed: whatever names a visitor or an event is another name for each of them."""
    held = []
    visitors = [house.arrive("statistics") for _ in range(3)]
    for visitor in visitors:
        house.visit(visitor)
    consumers = [perform(house.core, "tokens.create", {"purposes": ["statistics"]})["id"] for _ in range(2)]
    for consumer in consumers:
        said = {"consumer": consumer, "site": house.site.id, "purposes": ["statistics"], "by": "x", "format": "csv"}
        perform(house.core, "export.note", {**said, "first": "2025-03-10", "last": "2025-03-10"})
        reader = Entitlement(consumer, house.site, COVERED)
        held.append([row for _, row in consumer_events(house.core, reader, date(2025, 3, 10), date(2025, 3, 10))])
    house.choose((), ("statistics",), visitor=visitors[0])
    house.erase(visitors[1])
    fed = [erasures(house.core, consumer)["entries"] for consumer in consumers]
    names = [{row[n] for row in rows for n in ("id", "visitor")} for rows in held]
    ended = [{entry["visitor"] for entry in entries} for entries in fed]
    assert names[0].isdisjoint(names[1])
    assert ended[0].isdisjoint(ended[1])
    assert [len(some) for some in ended] == [2, 2]
    assert all(some <= mine for some, mine in zip(ended, names, strict=True)), "each finds its own copies by them"
