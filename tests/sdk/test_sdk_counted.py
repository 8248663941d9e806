"""Who counts the page: the server says that it does, in the answers from which the snippet learns the policy."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from dongui import ConsentMiddleware
from dongui.result import Response
from dongui.rules import VisitorIds
from dongui.web.own_cookies import CookieNaming
from dongui.web.page_view_owner import told, whole
from dongui.web.proxy_rules import LEARNING, Forward, ProxiedRequest
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.calls import Result, call
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import POLICY, SITE, Collector
from tests.sdk.test_sdk_mount import application


def ask(shop: Any, what: str = "policy", **headers: Any) -> Result:
    return call(shop, f"/_dongui/v1/{what}", query=f"site={SITE}", **headers)


def visit(**headers: str) -> ProxiedRequest:
    sent = {name.lower(): value for name, value in headers.items()}
    return ProxiedRequest(
        method="GET",
        path="/_dongui/v1/policy",
        query="",
        header=lambda name: sent.get(name.replace("-", "_"), ""),
        host="shop.example.com",
        address=None,
        ids=VisitorIds(None, []),
        naming=CookieNaming(),
    )


def test_the_server_says_that_it_counts(collector: Collector, client_of: ClientOf) -> None:
    shop = ConsentMiddleware(application, client=client_of(collector))
    got = ask(shop)
    assert json.loads(got.body) == {**POLICY, "page_views": "server"}
    assert got.all("Content-Length") == [str(len(got.body))]
    head = ask(shop, method="HEAD")
    assert (head.status, head.body, head.all("Content-Length")) == ("200 OK", b"", got.all("Content-Length"))


def test_a_server_that_does_not_count_leaves_the_policy_as_it_is(collector: Collector, client_of: ClientOf) -> None:
    shop = ConsentMiddleware(application, client=client_of(collector, page_views=False))
    assert json.loads(ask(shop).body) == POLICY


def test_before_a_policy_is_known_nothing_is_counted_here(collector: Collector, client_of: ClientOf) -> None:
    collector.mode = "error"
    client = client_of(collector, learn_timeout=0.01, refresh=3600)
    client.knowledge.stop()
    collector.mode = "ok"
    shop = ConsentMiddleware(application, client=client)
    assert json.loads(ask(shop).body) == POLICY


def test_only_answers_are_marked_and_no_refusals(collector: Collector, client_of: ClientOf) -> None:
    shop = ConsentMiddleware(application, client=client_of(collector))
    got = call(shop, "/_dongui/v1/policy", query="site=another")
    assert got.status.startswith("404")
    assert "page_views" not in json.loads(got.body)
    got = ask(shop, "notice")
    assert got.status.startswith("404"), "the stub has no notice: as it said"


@pytest.mark.parametrize("body", [b"[1]", b"garbage", b"\xff", b"", b'"text"', b"[" * 100_000])
def test_what_is_no_policy_passes_as_it_came(body: bytes) -> None:
    reply = Response(200, {"content-length": str(len(body)), "content-type": "application/json"}, body)
    assert told(reply, visit(Accept_Encoding="gzip")).body == body


TAGS = st.text(st.sampled_from("abc-server"), max_size=12)


@given(tag=TAGS, encoding=st.sampled_from(["", "gzip", "br, gzip", "gzip;q=0", "identity"]), weak=st.booleans())
def test_each_representation_has_its_own_tag_and_is_found_by_it(tag: str, encoding: str, weak: bool) -> None:
    reply = Response(200, {"etag": f'"{tag}"', "vary": "Origin", "cache-control": "public, max-age=60"}, b'{"a": 1}')
    first = told(reply, visit(Accept_Encoding=encoding))
    headers = dict(first.headers)
    assert headers["Vary"] == "Origin, Accept-Encoding"
    assert headers["Cache-Control"] == "public, max-age=60"
    assert headers["Content-Length"] == str(len(first.body))
    zipped = headers.get("Content-Encoding") == "gzip"
    assert zipped == (encoding in ("gzip", "br, gzip"))
    plain = gzip.decompress(first.body) if zipped else first.body
    assert json.loads(plain) == {"a": 1, "page_views": "server"}

    # The browser asks again: the collector is asked by its own tag, and its 304 becomes ours, under the same tag.
    said = f"W/{headers['ETag']}" if weak else headers["ETag"]
    again = visit(Accept_Encoding=encoding, If_None_Match=f'"stranger", {said}')
    asked = whole(
        Forward(LEARNING, "HEAD", "/v1/policy", {"If-None-Match": "x", "Accept-Encoding": "gzip"}, None), again
    )
    assert (asked.method, asked.headers) == ("GET", {"If-None-Match": f'"{tag}"'})
    second = told(Response(304, {"etag": f'"{tag}"', "content-length": "99"}), again)
    assert (second.status, second.body) == (304, b"")
    assert dict(second.headers) == {"ETag": headers["ETag"], "Vary": "Accept-Encoding"}


@given(tag=TAGS, encoding=st.sampled_from(["", "gzip"]))
def test_what_a_cache_holds_of_another_representation_is_not_confirmed(tag: str, encoding: str) -> None:
    other = "-server" if encoding else "-server-gz"
    for held in (f'"{tag}"', f'"{tag}{other}"', "*", ""):
        asked = whole(
            Forward(LEARNING, "GET", "/v1/policy", {"If-None-Match": held}, None),
            visit(Accept_Encoding=encoding, If_None_Match=held),
        )
        mine = "-server-gz" if encoding else "-server"
        assert ("If-None-Match" in asked.headers) == held.endswith(f'{mine}"')
