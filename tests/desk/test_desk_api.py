"""The desk's HTTP calls: a token sees its site and purposes, nothing more, and every export is written down first."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pyarrow.parquet as pq
import pytest
from desk_world import World
from flask.testing import FlaskClient
from werkzeug.test import TestResponse


def rows_of(answer: TestResponse) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def problem_of(answer: TestResponse) -> str:
    assert answer.content_type == "application/problem+json"
    slug: str = answer.json["type"].removeprefix("urn:dongui:problem:")  # type: ignore[index]
    return slug


# --- exports ---------------------------------------------------------------------------------------------------------


def test_a_token_sees_what_its_purposes_cover(world: World) -> None:
    visitor = world.visitor_with_events("statistics", "marketing", events=3)
    statistics = rows_of(world.export(world.token("statistics")["token"]))
    marketing = rows_of(world.export(world.token("marketing")["token"]))
    assert [row["ip_address"] for row in statistics] == ["203.0.113.9"] * 3
    assert [row["advertising_ids"] for row in statistics] == [None] * 3
    assert {tuple(row["purposes"]) for row in statistics} == {("statistics",)}
    assert [row["ip_address"] for row in marketing] == [None] * 3
    assert [row["url"] for row in marketing] == [None] * 3
    assert [row["advertising_ids"] for row in marketing] == [{"gclid": f"click-{n}"} for n in range(3)]
    both = rows_of(world.export(world.token("statistics", "marketing")["token"]))
    assert all(row["ip_address"] and row["advertising_ids"] for row in both)
    assert visitor not in json.dumps([statistics, marketing, both])


def test_a_token_may_ask_for_less_but_not_for_more(world: World) -> None:
    world.visitor_with_events("statistics", "marketing", events=1)
    token = world.token("statistics", "marketing")["token"]
    [row] = rows_of(world.export(token, "&purpose=marketing"))
    assert row["ip_address"] is None
    narrow = world.token("statistics")["token"]
    assert problem_of(world.export(narrow, "&purpose=marketing")) == "forbidden"
    assert problem_of(world.export(narrow, "&purpose=statistics&purpose=marketing")) == "forbidden"


def test_two_consumers_cannot_join_what_they_hold(world: World, visitor: str) -> None:
    one = rows_of(world.export(world.token("statistics")["token"]))
    other = rows_of(world.export(world.token("statistics")["token"]))
    assert {row["visitor"] for row in one}.isdisjoint({row["visitor"] for row in other})
    assert {row["id"] for row in one}.isdisjoint({row["id"] for row in other})
    assert len({row["visitor"] for row in one}) == 1


def test_days_are_inclusive(world: World) -> None:
    for ago in (0, 1, 2, 3):
        world.visitor_with_events("statistics", events=1, days_ago=ago)
    token, today = world.token("statistics")["token"], world.core.clock.today(world.settings.zone)
    days = f"from={today - timedelta(days=2)}&to={today - timedelta(days=1)}"
    rows = rows_of(world.get(f"/v1/export/events?{days}", token))
    assert [row["day"] for row in rows] == [str(today - timedelta(days=2)), str(today - timedelta(days=1))]


def test_what_was_withdrawn_is_not_in_it(world: World) -> None:
    gone = world.visitor_with_events("statistics", events=2)
    world.visitor_with_events("statistics", events=1)
    world.choose(gone, (), ("statistics",))
    assert len(rows_of(world.export(world.token("statistics")["token"]))) == 1


def test_csv_and_parquet(world: World, visitor: str) -> None:
    token = world.token("statistics")["token"]
    answer = world.export(token, "&format=csv")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert len(list(csv.DictReader(io.StringIO(answer.text)))) == 5
    answer = world.export(token, "&format=parquet")
    assert answer.content_type == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(answer.data)).num_rows == 5
    assert answer.headers["Content-Disposition"].endswith('.parquet"')


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
def test_an_export_of_nothing_is_whole(world: World, format: str) -> None:
    assert world.export(world.token("statistics")["token"], f"&format={format}").status_code == 200


@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
def test_pages_are_whole_files_that_lead_on_to_the_next(world: World, format: str) -> None:
    world.visitor_with_events("statistics", events=5)
    token = world.token("statistics")["token"]
    today = world.core.clock.today(world.settings.zone)
    path, found, pages = f"/v1/export/events?from={today}&to={today}&format={format}&limit=2", [], 0
    whole = rows_of(world.export(token))
    while path:
        answer = world.get(path, token)
        assert answer.status_code == 200
        pages += 1
        if format == "csv":
            found += [row["id"] for row in csv.DictReader(io.StringIO(answer.text))]
        elif format == "parquet":
            found += pq.read_table(io.BytesIO(answer.data))["id"].to_pylist()
        else:
            found += [row["id"] for row in rows_of(answer)]
        link = answer.headers.get("Link", "")
        assert token not in link
        path = link.partition(">")[0].removeprefix("<")
    assert found == [row["id"] for row in whole]
    assert pages == 3


def test_a_cursor_of_another_token_is_none(world: World, visitor: str) -> None:
    one, other = world.token("statistics")["token"], world.token("statistics")["token"]
    path = world.export(one, "&limit=1").headers["Link"].partition(">")[0].removeprefix("<")
    assert world.get(path, one).status_code == 200
    answer = world.get(path, other)
    assert (answer.status_code, problem_of(answer)) == (400, "malformed")
    assert path.rpartition("after=")[2] not in answer.text
    for wrong in ("limit=0", "limit=10001", "limit=x", "after=", "after=%00", "after=x"):
        assert problem_of(world.export(one, f"&{wrong}")) == "malformed"


def test_one_consumer_cannot_take_every_thread_with_streams_that_it_does_not_read(world: World, visitor: str) -> None:
    greedy, other = world.token("statistics")["token"], world.token("statistics")["token"]
    today = world.core.clock.today(world.settings.zone)

    def begin(token: str) -> TestResponse:
        header = {"Authorization": f"Bearer {token}"}
        return world.browser().get(f"/v1/export/events?from={today}&to={today}", headers=header, buffered=False)

    open_ = [begin(greedy), begin(greedy)]
    assert problem_of(begin(greedy)) == "unavailable"
    assert world.export(greedy, "&limit=5").status_code == 200, "a page is read by us"
    assert len(rows_of(world.export(other))) == 5
    for answer in open_:
        answer.close()
    assert len(rows_of(world.export(greedy))) == 5


def test_an_export_is_on_the_ledger_before_its_first_row_is_read(world: World, visitor: str) -> None:
    made = world.token("statistics")
    answer = world.browser().get(
        f"/v1/export/events?from=2026-01-01&to={world.core.clock.today(world.settings.zone)}",
        headers={"Authorization": f"Bearer {made['token']}"},
        buffered=False,
    )
    body = world.core.storage.ledger.last_of("audit")
    assert body
    assert body.body
    assert body.body["consumer"] == made["id"]
    assert body.body["purposes"] == ["statistics"]
    assert made["token"] not in json.dumps(body.body)
    answer.close()


def test_a_person_signed_in_exports_for_the_controllers_own_use(
    world: World, officer: FlaskClient, visitor: str
) -> None:
    today = world.core.clock.today(world.settings.zone)
    rows = rows_of(officer.get(f"/v1/export/events?from={today}&to={today}&purpose=statistics"))
    assert len(rows) == 5
    record = world.core.storage.ledger.last_of("audit")
    assert record
    assert record.body
    assert record.body["by"] == "console: admin"


# --- who may not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/v1/export/events?from=2026-01-01&to=2026-01-02", "/v1/feed/erasures"])
@pytest.mark.parametrize(
    "header",
    [None, "Bearer dgt_nonsense", "Bearer", "Basic YTpi", "Bearer  ", "Bearer \xe9"],
    ids=["none", "unknown", "empty", "another kind", "blank", "no ASCII"],
)
def test_without_a_valid_token_nothing(world: World, path: str, header: str | None) -> None:
    answer = world.browser().get(path, headers={"Authorization": header} if header else {})
    assert answer.status_code == 401
    assert problem_of(answer) == "unauthorised"
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_revoked_token_ends_at_once(world: World, visitor: str) -> None:
    made = world.token("statistics")
    assert world.export(made["token"]).status_code == 200
    world.ask("tokens.revoke", id=made["id"])
    assert world.export(made["token"]).status_code == 401


def test_a_token_is_bound_to_its_site(world: World) -> None:
    world.ask("sites.add", name="Blog", origins=["https://blog.example.com"])
    token = world.token("statistics", site="Blog")["token"]
    assert world.export(token, "&site=Blog").status_code == 200
    assert problem_of(world.export(token, "&site=Shop")) == "forbidden"
    assert world.export(token).status_code == 200


@pytest.mark.parametrize(
    ("role", "export", "retention"),
    [("consumer", 200, 403), ("analyst", 200, 403), ("auditor", 403, 200), ("officer", 200, 200), ("admin", 200, 200)],
)
def test_each_role_has_its_calls(world: World, role: str, export: int, retention: int) -> None:
    token = world.token("statistics", role=role)["token"]
    assert world.export(token).status_code == export
    assert world.get("/v1/admin/retention", token).status_code == retention


@pytest.mark.parametrize(
    ("role", "export", "retention"),
    [("analyst", 200, 403), ("auditor", 403, 200), ("officer", 200, 200), ("admin", 403, 200)],
)
def test_each_person_has_the_calls_of_their_role(world: World, role: str, export: int, retention: int) -> None:
    """Signed in to the console, the same as in the console: who reads retention there reads it here."""
    world.ask("accounts.put", name="park", password="a long enough password", role="officer")
    world.ask("accounts.put", name="kim", password="a long enough password", role=role)
    browser, today = world.signed_in("kim", "a long enough password"), world.core.clock.today(world.settings.zone)
    assert browser.get(f"/v1/export/events?from={today}&to={today}").status_code == export
    assert browser.get("/v1/admin/retention").status_code == retention


def test_a_token_of_one_site_sees_nothing_of_anothers_retention(world: World) -> None:
    world.ask("sites.add", name="Blog", origins=["https://blog.example.com"])
    world.core.registry.reload()
    shop, blog = world.core.registry.sites()
    world.ask("approval.revoke")  # so that nobody has signed any period
    world.record("abuse")
    world.ask("destruction.select", record_class="abuse", reason="served", site="Shop")
    world.ask("holds.add", ground="claim", reason="a claim of the shop's", site="Shop")
    told = {
        site.name: world.get("/v1/admin/retention", world.token("statistics", role="auditor", site=site.name)["token"])
        for site in (shop, blog)
    }
    assert [one["what"]["site"] for one in told["Shop"].json["open"]] == [shop.ref]
    assert sum(told["Shop"].json["urgency"].values()) == 1
    assert told["Blog"].json["open"] == []
    assert sum(told["Blog"].json["urgency"].values()) == 0
    assert {one["site"] for one in told["Shop"].json["unsigned"]} == {"Shop"}
    assert {one["site"] for one in told["Blog"].json["unsigned"]} == {"Blog"}
    assert "Shop" not in told["Blog"].text


def test_a_session_cookie_of_nobody_is_nothing(world: World) -> None:
    browser = world.browser()
    browser.set_cookie("dongui_desk", "forged")
    assert browser.get("/v1/feed/erasures").status_code == 401


# --- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "",
        "from=2026-01-01",
        "from=yesterday&to=2026-01-01",
        "from=2026-02-30&to=2026-03-01",
        "from=2026-01-01&to=2026-01-02&format=xlsx",
        "from=2026-01-01&to=2026-01-02&format=",
        "from=%00&to=%ff",
        "from=2026-01-01&to=２０２６-01-01",
    ],
)
def test_bad_queries_are_named_problems(world: World, query: str) -> None:
    answer = world.get(f"/v1/export/events?{query}", world.token("statistics")["token"])
    assert answer.status_code == 400
    assert problem_of(answer) == "malformed"
    assert "yesterday" not in answer.text


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=1.5", "limit=%ff", "after=" + "9" * 40])
def test_bad_cursors_are_named_problems(world: World, query: str) -> None:
    answer = world.get(f"/v1/feed/erasures?{query}", world.token("statistics")["token"])
    assert (answer.status_code, problem_of(answer)) == (400, "malformed")


def test_unknown_paths_and_methods_are_problems(world: World) -> None:
    assert problem_of(world.get("/v1/nowhere")) == "not-found"
    assert problem_of(world.browser().delete("/v1/openapi.json")) in ("method-not-allowed", "malformed")


def test_an_unknown_site_is_not_echoed(world: World, officer: FlaskClient) -> None:
    answer = officer.get("/v1/export/events?from=2026-01-01&to=2026-01-02&site=no-such-place")
    assert (answer.status_code, problem_of(answer)) == (404, "unknown-site")
    assert "no-such-place" not in answer.text


def test_a_mistake_of_ours_is_a_500_that_tells_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token = world.token("statistics", role="auditor")["token"]

    def broken() -> None:
        raise RuntimeError("with something secret")

    monkeypatch.setattr(world.core.retention.overview, "status", broken)
    answer = world.get("/v1/admin/retention", token)
    assert (answer.status_code, problem_of(answer)) == (500, "internal")
    assert "secret" not in answer.text


# --- the feed --------------------------------------------------------------------------------------------------------


def test_the_feed_names_who_withdrew_as_this_consumer_knows_them(world: World, visitor: str) -> None:
    made = world.token("statistics")
    known = {row["visitor"] for row in rows_of(world.export(made["token"]))}
    empty = world.get("/v1/feed/erasures", made["token"]).json
    assert empty == {"entries": [], "next": 0}
    world.choose(visitor, (), ("statistics",))
    answer = world.get("/v1/feed/erasures", made["token"]).json
    assert answer
    [entry] = answer["entries"]
    assert entry["kind"] == "withdrawal"
    assert {entry["visitor"]} == known
    assert entry["purposes"] == ["statistics"]
    assert world.get(f"/v1/feed/erasures?after={answer['next']}", made["token"]).json["entries"] == []  # type: ignore[index]
    other = world.get("/v1/feed/erasures", world.token("statistics")["token"]).json
    assert visitor not in json.dumps([answer, other])


# --- what describes it -----------------------------------------------------------------------------------------------


def test_the_description_is_what_there_is(world: World) -> None:
    answer = world.get("/v1/openapi.json")
    assert answer.status_code == 200
    description = answer.json
    assert description
    assert description["openapi"] == "3.1.0"
    routes = {
        rule.rule.replace("<", "{").replace(">", "}")
        for rule in world.desk.url_map.iter_rules()
        if rule.endpoint.split(".")[0] in ("api", "reports", "segments", "health") and "GET" in (rule.methods or ())
    }
    paths = {path for path, calls in description["paths"].items() if not any("servers" in c for c in calls.values())}
    assert paths == routes


def test_health_and_metrics_need_no_token_and_name_nobody(world: World, visitor: str) -> None:
    assert world.get("/healthz").json == {"alive": True}
    answer = world.get("/metrics")
    assert answer.content_type.startswith("text/plain")
    assert "dongui_desk_days 1.0" in answer.text
    assert world.installed.site not in answer.text
    assert "Shop" not in answer.text


def test_retention_is_told_to_operators(world: World, visitor: str) -> None:
    told = world.get("/v1/admin/retention", world.token("statistics", role="auditor")["token"]).json
    assert told
    assert told["standing_approval"]["by"] == "dongui init"
    assert len(told["days"]) == 1
