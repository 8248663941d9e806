"""``GET /v1/export/events?since``: over HTTP, what keeps a copy true."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import Any

import pyarrow.parquet as pq
import pytest
from desk_world import World
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.contract.journal import EPOCH

CALL = "/v1/export/events"


@pytest.fixture
def token(world: World) -> str:
    return str(world.token("statistics")["token"])


def ask(world: World, token: str, since: str, query: str = "") -> tuple[list[dict[str, Any]], str]:
    with world.get(f"{CALL}?since={since}{query}", token) as answer:
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.data.splitlines()], answer.headers["Dongui-Cursor"]


@pytest.mark.parametrize("begin", ["", "0"])
def test_a_copy_is_begun_and_kept(world: World, token: str, begin: str) -> None:
    visitor = world.visitor_with_events("statistics", "marketing", events=3)
    first, cursor = ask(world, token, begin)
    assert len(first) == 3
    assert {row["received_at"] >= row["at"] > 0 for row in first} == {True}
    assert ask(world, token, cursor)[0] == []
    world.visitor_with_events("statistics", events=1, days_ago=3)
    world.choose(visitor, (), ("marketing", "statistics"))
    second, cursor = ask(world, token, cursor)
    assert [row for row in second if "ended" in row] == [{"id": row["id"], "ended": True} for row in first]
    assert len([row for row in second if "ended" not in row]) == 1
    assert ask(world, token, cursor)[0] == []


def test_it_is_on_the_ledger_and_in_the_erasure_feed_of_who_has_a_copy(world: World, token: str) -> None:
    visitor = world.visitor_with_events("statistics")
    ask(world, token, "0")
    record = world.core.storage.ledger.last_of("audit")
    assert record is not None
    assert record.body is not None
    assert record.body["action"] == "export"
    assert date.fromisoformat(record.body["from"]) <= date.fromisoformat(record.body["to"])
    world.choose(visitor, (), ("statistics",))
    assert [entry["kind"] for entry in world.get("/v1/feed/erasures", token).json["entries"]] == ["withdrawal"]


def test_an_answers_file_is_not_named_for_days(world: World, token: str) -> None:
    """Its days are those of all sites and purposes, of which the reader may see none."""
    world.visitor_with_events("marketing", days_ago=9)
    with world.get(f"{CALL}?since=0", token) as answer:
        assert answer.data == b""
        assert answer.headers["Content-Disposition"] == 'attachment; filename="events-changes.ndjson"'


def test_the_link_leads_on_while_there_is_more(world: World, token: str) -> None:
    world.visitor_with_events("statistics", events=5)
    found, address = [], f"{CALL}?since=&limit=2"
    while address:
        with world.get(address, token) as answer:
            assert answer.status_code == 200, answer.text
            found.append(len(answer.data.splitlines()))
            address = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
            cursor = answer.headers["Dongui-Cursor"]
    assert found == [2, 2, 1]
    assert ask(world, token, cursor)[0] == []


def test_a_copy_of_some_days_columns_and_events(world: World, token: str) -> None:
    world.visitor_with_events("statistics", events=3)
    world.visitor_with_events("statistics", events=3, days_ago=4)
    today = world.core.clock.today(world.settings.zone)
    query = f"&columns=page&filter=page:/page1&from={today}&to={today}"
    rows, cursor = ask(world, token, "0", query)
    assert [(set(row), row["page"]) for row in rows] == [({"id", "page"}, "/page1")]
    assert ask(world, token, cursor, query)[0] == []
    assert ask(world, token, cursor, query.partition("&from")[0])[0] == []
    for other in (query.replace("page1", "page2"), query.replace("columns=page", "columns=url"), query + "&to="):
        assert world.get(f"{CALL}?since={cursor}{other}", token).status_code == 400
    moved = query.replace(f"to={today}", "to=2999-01-01")
    assert "begin anew" in world.get(f"{CALL}?since={cursor}{moved}", token).json["detail"]


def test_tables_have_a_column_for_what_ended(world: World, token: str) -> None:
    visitor = world.visitor_with_events("statistics", events=1)
    (row,), cursor = ask(world, token, "0")
    with world.get(f"{CALL}?since=0&format=csv", token) as answer:
        (first,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (first["id"], first["ended"]) == (row["id"], "false")
    world.choose(visitor, (), ("statistics",))
    with world.get(f"{CALL}?since={cursor}&format=csv", token) as answer:
        (last,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert {name for name, value in last.items() if value} == {"id", "ended"}
    assert (last["id"], last["ended"]) == (row["id"], "true")
    with world.get(f"{CALL}?since={cursor}&format=parquet", token) as answer:
        assert pq.read_table(io.BytesIO(answer.data)).to_pylist()[0]["ended"] is True


def test_what_is_known_no_longer_is_gone_and_says_the_remedy(world: World, token: str) -> None:
    _, cursor = ask(world, token, "0")
    core = open_core(world.settings, writable=True)
    with core.storage.ledger.writing():  # as a restored backup does
        core.storage.admin.put_setting(EPOCH, {"id": "another", "parents": []})
    core.close()
    answer = world.get(f"{CALL}?since={cursor}", token)
    assert answer.status_code == 410
    assert answer.json["type"] == "urn:dongui:problem:cursor-expired"
    assert "since=0" in answer.json["detail"]


def test_another_tokens_cursor_is_none(world: World, token: str) -> None:
    _, cursor = ask(world, token, "0")
    other = world.token("statistics")["token"]
    answer = world.get(f"{CALL}?since={cursor}", other)
    assert answer.status_code == 400
    assert cursor not in answer.text
