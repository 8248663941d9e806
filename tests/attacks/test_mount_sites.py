"""The mount speaks for its own site, to pages of its own origin, and for visitors alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.attacks.mount import HOST, SECURE, decision, post, shop
from tests.sdk.calls import call
from tests.sdk.sdk_stub import ORIGIN, SITE, Collector


def asked(collector: Collector) -> list[str]:
    """What reached the collector, but for the middleware's own look at the policy."""
    return [path for _, path, headers in collector.requests if "Dongui-Address" in headers]


def test_a_decision_for_another_site_does_not_become_this_sites_cookies() -> None:
    with shop() as (app, collector):
        for body in (decision("statistics", site="site-two"), {**decision("statistics"), "site": None}):
            got = post(app, "consents", body)
            assert got.status == "404 Not Found"
            assert b"unknown-site" in got.body
            assert got.cookies() == []
        got = post(app, "events", {"site": "site-two", "events": []})
        assert got.status == "404 Not Found"
        assert asked(collector) == []


@pytest.mark.parametrize("query", ["site=site-two", f"site={SITE}&site=site-two", "s%69te=site-two", "site="])
@pytest.mark.parametrize(("method", "path"), [("GET", "policy"), ("GET", "notice"), ("GET", "me"), ("DELETE", "me")])
def test_no_other_site_is_named_in_a_query(method: str, path: str, query: str) -> None:
    with shop() as (app, collector):
        visitor = collector.visitor("statistics")
        cookie = f"dongui_id={visitor}"
        got = call(app, f"/_dongui/v1/{path}", method=method, query=query, cookie=cookie, X_DONGUI="1")
        assert got.status == "404 Not Found"
        assert asked(collector) == []
        assert visitor in collector.granted


FOREIGN = [
    pytest.param({"SEC_FETCH_SITE": "same-site", "ORIGIN": f"https://blog.{HOST}"}, id="a sibling"),
    pytest.param({"SEC_FETCH_SITE": "cross-site", "ORIGIN": "https://evil.example"}, id="a stranger"),
    pytest.param({"SEC_FETCH_SITE": "cross-site", "ORIGIN": ORIGIN}, id="a stranger with our origin in an old header"),
    pytest.param({"SEC_FETCH_SITE": "none", "ORIGIN": ORIGIN}, id="nobody types a POST"),
    pytest.param({"ORIGIN": f"https://blog.{HOST}"}, id="a sibling, without fetch metadata"),
    pytest.param({"ORIGIN": f"http://{HOST}:8080"}, id="another port"),
    pytest.param({"ORIGIN": f"http://{HOST}.evil.example"}, id="a name that begins like ours"),
    pytest.param({"ORIGIN": "null"}, id="an opaque origin"),
    pytest.param({"ORIGIN": f"chrome-extension://{HOST}"}, id="an extension"),
]


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("path", ["consents", "events", "me/requests"])
def test_only_pages_of_this_origin_may_write(path: str, headers: dict[str, str]) -> None:
    with shop() as (app, collector):
        got = post(app, path, decision("statistics"), X_DONGUI="1", **headers)
        assert got.status == "403 Forbidden"
        assert got.cookies() == []
        assert asked(collector) == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"SEC_FETCH_SITE": "same-origin", "ORIGIN": ORIGIN}, id="fetch metadata"),
        pytest.param({"ORIGIN": ORIGIN}, id="an older browser"),
        pytest.param({"ORIGIN": ORIGIN, "HOST": f"{HOST.upper()}:80"}, id="the default port spelt out"),
    ],
)
def test_its_own_pages_may(headers: dict[str, str]) -> None:
    with shop() as (app, _):
        assert post(app, "consents", decision("statistics"), **headers).status == "201 Created"


def test_the_scheme_is_ignored_where_tls_ends_before_us() -> None:
    with shop() as (app, _):
        # The stub lists one origin only; what counts here is that the mount let it through.
        got = post(app, "consents", decision("statistics"), ORIGIN=SECURE)
        assert b"origin-not-listed" in got.body
        assert got.all("Content-Type") == ["application/problem+json"]
        assert got.all("Cache-Control") == []  # the mount's own refusal says no-store


SERVER_ONLY = [
    "v1/records",
    "v1/members",
    "v1/inventory",
    "v1/counts",
    "v1/channels",
    "v1/./records",
    "v1/x/../records",
    "v1/records/.",
    "v1//records",
    "V1/records",
    "v1/Records",
    "v1/%72ecords",
    "v1/%2572ecords",
    "v1\\records",
    "v1/records;x",
    "v1/records%00",
    "metrics",
    "readyz",
    "v1/openapi.json/../records",
]


@pytest.mark.parametrize("path", SERVER_ONLY)
def test_what_only_servers_call_is_out_of_reach_however_it_is_spelt(path: str) -> None:
    with shop() as (app, collector):
        for method in ("GET", "POST"):
            data: Any = {"method": method, "body": b"{}" if method == "POST" else b""}
            got = call(app, f"/_dongui/{path}", ORIGIN=ORIGIN, **data)
            assert got.status == "404 Not Found"
        assert asked(collector) == []


def test_no_stranger_reads_through_the_mount_by_cors() -> None:
    with shop() as (app, collector):
        got = call(app, "/_dongui/v1/me", method="OPTIONS", ORIGIN="https://evil.example", SEC_FETCH_SITE="cross-site")
        assert got.status == "403 Forbidden"
        assert [name for name, _ in got.headers if name.lower().startswith("access-control")] == []
        assert asked(collector) == []
