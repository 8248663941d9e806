"""``GET /v1/export/events`` with ``columns`` and ``filter``: less of what the reader may see, never more."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest
from desk_world import World


@pytest.fixture
def token(world: World) -> str:
    world.visitor_with_events("statistics", "marketing", events=4)
    return str(world.token("statistics")["token"])


def lines(world: World, token: str, query: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in whole(world, token, query).splitlines()]


def whole(world: World, token: str, query: str) -> bytes:
    with world.export(token, query) as answer:  # closed: of one consumer two may be open
        assert answer.status_code == 200, answer.text
        return answer.data


def test_columns_are_chosen_in_every_format(world: World, token: str) -> None:
    query = "&columns=environment.os,page,id"
    rows = lines(world, token, query)
    assert [list(row) for row in rows] == [["id", "environment", "page"]] * 4
    assert {tuple(row["environment"]) for row in rows} == {("os",)}
    table = list(csv.reader(io.StringIO(whole(world, token, f"{query}&format=csv").decode(), newline="")))
    assert table[0] == ["id", "page", "environment.os"]
    assert [row[0] for row in table[1:]] == [row["id"] for row in rows]
    parquet = pq.read_table(io.BytesIO(whole(world, token, f"{query}&format=parquet")))
    assert parquet.column_names == ["id", "page", "environment"]
    assert parquet.column("environment").to_pylist() == [row["environment"] for row in rows]


def test_a_composite_is_all_of_its_parts(world: World, token: str) -> None:
    every = [row["environment"] for row in lines(world, token, "")]
    assert [row["environment"] for row in lines(world, token, "&columns=environment")] == every
    assert lines(world, token, "&columns=purposes") == [{"purposes": ["statistics"]}] * 4


@pytest.mark.parametrize(
    ("filters", "pages"),
    [
        (["page:/page1"], [1]),
        (["page:/page1", "page:/page3"], [1, 3]),
        (["!page:/page1"], [0, 2, 3]),
        (["page:/page*", "event:visit"], [0, 1, 2, 3]),
        (["event:page_view"], []),
        (["entry_page:/page2"], [2]),
        (["browser:Firefox", "page:/page0"], [0]),
        (["country:"], [0, 1, 2, 3]),
    ],
)
def test_an_event_meets_a_filter_as_a_visit_of_it_alone_would(
    world: World, token: str, filters: list[str], pages: list[int]
) -> None:
    query = "".join(f"&filter={one}" for one in filters)
    assert [row["page"] for row in lines(world, token, query)] == [f"/page{n}" for n in pages]


def test_a_filter_over_what_is_not_covered_is_refused(world: World, token: str) -> None:
    assert world.export(token, "&filter=click_id:gclid").status_code == 403
    both = world.token("statistics", "marketing")["token"]
    assert len(lines(world, both, "&filter=click_id:gclid")) == 4


def test_a_page_of_what_a_filter_chose_is_full(world: World, token: str) -> None:
    answer = world.export(token, "&filter=page:/page3&limit=1")
    assert [json.loads(line)["page"] for line in answer.data.splitlines()] == ["/page3"]
    assert "filter=page%3A%2Fpage3" in answer.headers["Link"]
