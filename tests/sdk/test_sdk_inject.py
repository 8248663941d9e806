"""The snippet's tag in pages, and what a site serves of its own: the snippet's files and its word on GPC."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from dongui import Client, ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.web.inject import TagInjector, is_page, lengthened, obstacle
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.calls import Headers, call, choice, environ, run
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import POLICY, SECRET, SITE
from tests.sdk.test_sdk_asgi import ask, converse, scope_of

TAG = f'<script async src="/_dongui/v1/dongui.js" data-site="{SITE}"></script>'.encode()
PAGE = '<!doctype html><html lang="ko"><head><title>상점</title></head><body>…</body></html>'.encode()
WOVEN = PAGE.replace(b"<head>", b"<head>" + TAG)

ClientOf = Callable[..., Client]


@pytest.fixture
def client() -> Iterator[Client]:
    """Of a collector that is away; the pages take the tag."""
    client = Client(
        site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY, delivery=QUICK, inject=True
    )
    yield client
    client.close()


def serving(
    page: bytes, *headers: tuple[str, str], status: str = "200 OK", kind: str = "text/html; charset=utf-8"
) -> Any:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response(status, [("Content-Type", kind), *headers])
        return [page]

    return application


def test_a_page_takes_the_tag_and_its_length(client: Client) -> None:
    got = call(
        ConsentMiddleware(serving(PAGE, ("Content-Length", str(len(PAGE))), ("Accept-Ranges", "bytes")), client=client)
    )
    assert got.body == WOVEN
    assert got.all("Content-Length") == [str(len(WOVEN))]
    assert got.all("Accept-Ranges") == []


@pytest.mark.parametrize(
    ("page", "headers", "kind", "request_"),
    [
        pytest.param(b"<p>a fragment</p>", [], "text/html", {}, id="no page"),
        pytest.param(PAGE, [("Content-Encoding", "gzip")], "text/html", {}, id="compressed"),
        pytest.param(PAGE, [("Cache-Control", "public, no-transform")], "text/html", {}, id="no-transform"),
        pytest.param(PAGE, [], "application/xhtml+xml", {}, id="not HTML"),
        pytest.param(PAGE, [], "text/html; charset=utf-16", {}, id="another kind of charset"),
        pytest.param(PAGE, [("Content-MD5", "x")], "text/html", {}, id="signed"),
        pytest.param(PAGE, [], "text/html", {"method": "PUT"}, id="PUT"),
        pytest.param(PAGE, [], "text/html", {"SEC_FETCH_DEST": "empty"}, id="fetched by a script"),
        pytest.param(WOVEN, [], "text/html", {}, id="there already"),
        pytest.param(b"<!-- <head> --><p>x</p>", [], "text/html", {}, id="a fragment with a head in a comment"),
        pytest.param(b"<header>x</header>", [], "text/html", {}, id="a fragment that begins like a head"),
    ],
)
def test_what_is_no_page_or_not_readable_stays_as_it_is(
    client: Client, page: bytes, headers: Headers, kind: str, request_: dict[str, Any]
) -> None:
    got = call(ConsentMiddleware(serving(page, *headers, kind=kind), client=client), **request_)
    assert got.body == page
    assert got.headers == [("Content-Type", kind), *headers]


@pytest.mark.parametrize("status", ["404 Not Found", "206 Partial Content", "304 Not Modified"])
def test_only_whole_pages_take_it(client: Client, status: str) -> None:
    application = serving(PAGE, status=status)
    assert call(ConsentMiddleware(application, client=client), strict=False).body == PAGE


def test_the_nonce_of_the_page_is_taken_over(client: Client) -> None:
    policy = (
        "Content-Security-Policy",
        "default-src 'self'; script-src 'self' 'nonce-AbC+/='; style-src 'nonce-other'",
    )
    got = call(ConsentMiddleware(serving(PAGE, policy), client=client))
    assert TAG.replace(b"></script>", b' nonce="AbC+/="></script>') in got.body


def test_an_application_mounted_below_asks_there(client: Client) -> None:

    got = run(ConsentMiddleware(serving(PAGE), client=client), {**environ("/page"), "SCRIPT_NAME": "/shop"})
    assert b'src="/shop/_dongui/v1/dongui.js"' in got.body


CUTS = st.lists(st.integers(0, len(PAGE)), max_size=6).map(sorted)
STYLES = st.sampled_from(["list", "generator", "late generator", "write"])


def parts_of(page: bytes, cuts: list[int]) -> list[bytes]:
    edges = [0, *cuts, len(page)]
    return [page[start:end] for start, end in pairwise(edges)]


@given(cuts=CUTS, style=STYLES, long=st.booleans(), page=st.sampled_from([PAGE, b"<p>fragment</p>", PAGE[:60], b""]))
def test_a_page_in_parts_is_the_same_page(cuts: list[int], style: str, long: bool, page: bytes) -> None:
    client = LONELY
    parts = parts_of(page, [cut for cut in cuts if cut <= len(page)])
    headers = [("Content-Type", "text/html"), *([("Content-Length", str(len(page)))] if long else [])]

    def application(environ: dict[str, Any], start_response: Any) -> Any:
        if style == "late generator":
            return late(start_response)
        write = start_response("200 OK", headers)
        if style == "write":
            for part in parts:
                write(part)
            return []
        return list(parts) if style == "list" else iter(parts)

    def late(start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", headers)
        yield from parts

    got = call(ConsentMiddleware(application, client=client))
    assert got.body.replace(TAG, b"") == page
    assert got.body.count(TAG) <= 1
    assert got.all("Content-Length") == ([str(len(got.body))] if long else [])
    if len(parts) == 1 and style != "write" and page == PAGE:
        assert got.body == WOVEN
    if not long and style != "write" and page == PAGE and len(parts[0]) > 9:
        assert got.body == WOVEN


@given(cuts=CUTS, long=st.booleans(), page=st.sampled_from([PAGE, b"<p>fragment</p>", b""]), empty=st.booleans())
def test_a_page_in_messages_is_the_same_page(cuts: list[int], long: bool, page: bytes, empty: bool) -> None:
    parts = parts_of(page, [cut for cut in cuts if cut <= len(page)])
    length = [(b"content-length", str(len(page)).encode())] if long else []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send(
            {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html"), *length]}
        )
        for number, part in enumerate(parts):
            more = empty or number < len(parts) - 1
            await send({"type": "http.response.body", "body": part, "more_body": more})
        if empty:
            await send({"type": "http.response.body"})

    _, headers, body = ask(AsgiMiddleware(application, client=LONELY))
    assert body.replace(TAG, b"") == page
    assert [int(value) for name, value in headers if name == "content-length"] == ([len(body)] if long else [])
    if page == PAGE and len(parts[0]) > 9 and not long:
        assert body == WOVEN


def test_other_messages_pass_an_answer_that_waits(client: Client) -> None:
    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
        await send({"type": "http.response.push", "path": "/x"})
        await send({"type": "http.response.pathsend", "path": "/tmp/page.html"})

    sent, _, _ = asyncio.run(converse(AsgiMiddleware(application, client=client), scope_of(), []))
    assert [message["type"] for message in sent] == [
        "http.response.push",
        "http.response.start",
        "http.response.pathsend",
    ]


def test_an_error_page_replaces_a_page_that_waits(client: Client) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        try:
            raise LookupError
        except LookupError as error:
            start_response("500 Oh", [("Content-Type", "text/plain")], (type(error), error, error.__traceback__))
        return [b"sorry"]

    got = call(ConsentMiddleware(application, client=client))
    assert (got.status, got.body) == ("500 Oh", b"sorry")


def test_an_exception_passes_a_page_that_waits(client: Client) -> None:
    def application(environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Type", "text/html")])
        raise LookupError("the application's own")
        yield b""

    with pytest.raises(LookupError, match="own"):
        call(ConsentMiddleware(application, client=client))


@given(st.lists(st.binary(max_size=30), min_size=1), st.booleans())
def test_a_weaver_only_ever_adds_the_tag(parts: list[bytes], known: bool) -> None:
    weaver = TagInjector(b"<TAG>", known_length=known)
    out, longer = weaver.first(parts[0])
    out += b"".join(weaver.more(part) for part in parts[1:]) + weaver.end()
    assert out.replace(b"<TAG>", b"", 1) == b"".join(parts).replace(b"<TAG>", b"", 1) or out == b"".join(parts)
    assert longer is not None or out == b"".join(parts)


def test_a_compressed_page_is_not_even_looked_at() -> None:
    plain = [("Content-Type", "text/html")]
    assert is_page("200 OK", plain, "")
    assert not obstacle(plain)
    assert obstacle([*plain, ("content-encoding", "br")])


# What a site serves itself.


def test_the_snippet_is_served_though_the_collector_is_away(client: Client) -> None:
    app = ConsentMiddleware(serving(PAGE), client=client)
    plain = call(app, "/_dongui/v1/dongui.js")
    assert plain.status == "200 OK"
    assert plain.all("Content-Type") == ["text/javascript; charset=utf-8"]
    zipped = call(app, "/_dongui/v1/dongui.js", ACCEPT_ENCODING="br, gzip")
    assert gzip.decompress(zipped.body) == plain.body
    assert zipped.all("Content-Encoding") == ["gzip"]
    assert call(app, "/_dongui/v1/dongui.js", ACCEPT_ENCODING="gzip;q=0").body == plain.body
    again = call(app, "/_dongui/v1/dongui.js", IF_NONE_MATCH=f"W/{plain.all('ETag')[0]}")
    assert (again.status, again.body) == ("304 Not Modified", b"")
    digest = hashlib.sha256(plain.body).hexdigest()[:12]
    hashed = call(app, f"/_dongui/v1/dongui.{digest}.js")
    assert "immutable" in hashed.all("Cache-Control")[0]
    assert hashed.body == plain.body
    assert call(app, "/_dongui/v1/dongui.000000000000.js").status.startswith("503"), "another version: the collector's"


def test_the_word_on_gpc(client: Client) -> None:
    app = ConsentMiddleware(serving(PAGE), client=client)
    got = call(app, "/.well-known/gpc.json")
    assert json.loads(got.body) == {"gpc": True, "lastUpdate": "2026-01-01"}
    assert call(app, "/.well-known/other").body == WOVEN


def test_without_a_policy_there_is_no_word_on_gpc() -> None:
    ignorant = Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, delivery=QUICK, learn_timeout=0)
    assert call(ConsentMiddleware(serving(PAGE), client=ignorant), "/.well-known/gpc.json").body == PAGE
    ignorant.close()


def test_page_views_are_recorded_of_pages_that_take_the_tag(client: Client) -> None:
    app = ConsentMiddleware(serving(PAGE), client=client)
    call(app, cookie=f"{choice('statistics')}; dongui_id={'v' * 22}")
    assert client.stats()["queued"] == 1


LONELY = Client(
    site=SITE,
    collector="http://127.0.0.1:9",
    secret_key=SECRET,
    policy=POLICY,
    delivery=QUICK,
    inject=True,
    page_views=True,
)
LONELY.close()


@pytest.mark.parametrize("length", ["\u00b2", "1\u00b9", "9" * 5000, "-1", ""])
def test_a_length_that_is_no_number_is_left_as_it_is(length: str) -> None:
    assert lengthened([("Content-Length", length)], 5) == [("Content-Length", length)]
    assert lengthened([("Content-Length", " 10 ")], 5) == [("Content-Length", "15")]
