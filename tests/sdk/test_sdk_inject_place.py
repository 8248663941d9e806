"""Where the tag is put: never into a script, text or attribute, and into every page that a browser shows as one."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from dongui import Client, ConsentMiddleware
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.testing import FakeClient
from dongui.web.html_head import NOWHERE, place
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse
from starlette.routing import Route

from tests.sdk.calls import Result, call
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import POLICY, SECRET, SITE
from tests.sdk.test_sdk_asgi import ask
from tests.sdk.test_sdk_inject import PAGE, TAG, serving

Options = dict[str, Any]


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client(
        site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY, delivery=QUICK, inject=True
    )
    yield client
    client.close()


HERE = b"[TAG]"
PLACES = [
    pytest.param(b"<!doctype html><html><head>[TAG]<title>x</title>", id="a head"),
    pytest.param(
        b"<!DOCTYPE html>\r\n<HTML LANG=ko>\r\n<HEAD class=x>[TAG]<script>'<head>'</script>", id="in capitals"
    ),
    pytest.param(b"\xef\xbb\xbf<!doctype html><head>[TAG]<p>", id="behind a byte order mark"),
    pytest.param(b"<!-- <head> --><!doctype html><head>[TAG]<p>", id="a head in a comment"),
    pytest.param(b"<!--><!doctype html><head>[TAG]<p>", id="an empty comment"),
    pytest.param(b"<!-- a --!><head>[TAG]<p>", id="a comment that ends wrongly"),
    pytest.param(b"<!doctype html><html data-x='<head>'><head>[TAG]<p>", id="a head in an attribute"),
    pytest.param(b'<!doctype html><html data-x="a>b"><head data-y=">">[TAG]<p>', id="attributes with an end of a tag"),
    pytest.param(b'<!doctype html><html data-x=a"b><head>[TAG]<p>', id="a quote in an unquoted attribute"),
    pytest.param(b'<?xml version="1.0"?><!DOCTYPE html><html><head>[TAG]<p>', id="an XML declaration"),
    pytest.param(b"<!doctype html><head><meta charset=utf-8>[TAG]<title>x", id="the charset goes first"),
    pytest.param(
        b"<!doctype html><head>\n<meta http-equiv=Content-Type content='text/html; charset=euc-kr'>[TAG]<title>x",
        id="the charset as a header",
    ),
    pytest.param(b"<!doctype html><head>[TAG]<meta name=viewport>", id="another meta"),
    pytest.param(b"<!doctype html>[TAG]<title>x</title><script>'<head>'</script>", id="no head"),
    pytest.param(b"<!doctype html>[TAG]<header>x</header>", id="a header is no head"),
    pytest.param(b"<!doctype html><html>[TAG]<body><textarea><head></textarea>", id="a body at once"),
    pytest.param(b"<!doctype html>[TAG]<script>const page = `<head>`</script>", id="a template literal"),
    pytest.param(b"<!doctype html>[TAG]<title><head></title>", id="a title"),
    pytest.param(b"<!doctype html>[TAG]<iframe srcdoc='<head>'></iframe>", id="srcdoc"),
    pytest.param(b"<!doctype html>[TAG]text", id="text"),
    pytest.param(b"[TAG]<body><p>x", id="no doctype either"),
]


@pytest.mark.parametrize("marked", PLACES)
def test_the_place(marked: bytes, client: Client) -> None:
    page = marked.replace(HERE, b"")
    assert place(page) == marked.index(HERE)
    assert call(ConsentMiddleware(serving(page), client=client)).body == marked.replace(HERE, TAG)


@pytest.mark.parametrize(
    "page", [b"<p>x</p>", b"<script>'<head>'</script>", b"<header></header>", b"x<head>", b"<!-- x --><p>", b"{}"]
)
def test_a_fragment_is_left_alone_unless_a_browser_shows_it_as_a_page(page: bytes, client: Client) -> None:
    assert place(page) == NOWHERE
    app = ConsentMiddleware(serving(page), client=client)
    assert call(app).body == page
    assert call(app, SEC_FETCH_DEST="empty").body == page
    assert call(app, SEC_FETCH_DEST="document").body.replace(TAG, b"") == page
    assert TAG in call(app, SEC_FETCH_DEST="document").body


WIDE = ["utf-16", "utf-16-be", "utf-32", "utf-32-be"]


@pytest.mark.parametrize("parts", [1, 2, 5], ids=["at once", "in two parts", "in parts"])
@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8", "text/html; charset=utf-16"])
@pytest.mark.parametrize("charset", WIDE)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no mark", "a mark"])
def test_a_page_whose_letters_are_wide_stays_as_it_is_and_that_is_said_once(
    charset: str, mark: str, kind: str, parts: int, client: Client, caplog: pytest.LogCaptureFixture
) -> None:
    page = (mark * (not charset[6:].isdigit() and "-be" in charset) + PAGE.decode()).encode(charset)
    cut = [page] if parts == 1 else [page[at : at + 1] for at in range(parts - 1)] + [page[parts - 1 :]]

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", kind)])
        return cut

    app = ConsentMiddleware(application, client=client)
    with caplog.at_level(logging.WARNING, "dongui"):
        for _ in range(2):
            assert call(app, SEC_FETCH_DEST="document").body == page
    assert len([one for one in caplog.messages if "no tag into pages" in one]) == 1


@pytest.mark.parametrize("marked", [*PLACES, pytest.param(b"<!x>[TAG]<html>", id="another declaration")])
def test_a_place_that_is_found_in_a_beginning_is_the_place(marked: Any) -> None:
    page = marked.replace(HERE, b"")
    for cut in range(len(page)):
        assert place(page[:cut]) in (None, place(page)), page[:cut]


@given(st.binary(max_size=60) | st.text(alphabet="<!->headtml =\"'/?", max_size=40).map(str.encode))
def test_no_page_breaks_the_search(page: bytes) -> None:
    found = place(page)
    assert found is None or -1 <= found <= len(page)


# Answers that are no plain GET.


def test_the_page_that_answers_a_post_takes_the_tag(client: Client) -> None:
    app = ConsentMiddleware(serving(PAGE), client=client)
    got = call(app, method="POST", body=b"paid=1", SEC_FETCH_SITE="cross-site", SEC_FETCH_DEST="document")
    assert TAG in got.body


def test_head_has_the_length_of_get(client: Client) -> None:
    etag = ("ETag", '"v7"')

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        page = PAGE if environ["PATH_INFO"] == "/page" else b"<p>fragment</p>"
        changed = ("Last-Modified", "Mon, 30 Nov 2026 00:00:00 GMT")
        start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(page))), etag, changed])
        return [page] if environ["REQUEST_METHOD"] != "HEAD" else []

    app = ConsentMiddleware(application, client=client)
    unknown = call(app, "/page", method="HEAD", strict=False)
    assert [unknown.all(name) for name in ("Content-Length", "ETag", "Last-Modified")] == [[], [], []], (
        "nobody knows yet"
    )
    got = call(app, "/page")
    head = call(app, "/page", method="HEAD", strict=False)
    assert sorted(head.headers) == sorted(got.headers)
    assert head.all("Content-Length") == [str(len(got.body))]
    assert got.all("Last-Modified") == []


# Validators.


def revalidated(app: Any, etag: str, **headers: str) -> Result:
    return call(app, IF_NONE_MATCH=etag, strict=False, **headers)


def conditional(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """A page with a validator of its own, as Flask, Django's ConditionalGetMiddleware or whitenoise have it."""
    held = [tag.strip().removeprefix("W/") for tag in environ.get("HTTP_IF_NONE_MATCH", "").split(",")]
    unchanged = '"v7"' in held or (not any(held) and "HTTP_IF_MODIFIED_SINCE" in environ)
    headers = [("ETag", '"v7"'), ("Last-Modified", "Mon, 30 Nov 2026 00:00:00 GMT")]
    if unchanged:
        start_response("304 Not Modified", headers)
        return []
    start_response("200 OK", [("Content-Type", "text/html"), *headers])
    return [PAGE]


def test_a_page_with_the_tag_is_another_representation(client: Client) -> None:
    app = ConsentMiddleware(conditional, client=client)
    got = call(app)
    [etag] = got.all("ETag")
    assert etag != '"v7"'
    assert etag.startswith('"v7-')
    again = revalidated(app, etag)
    assert (again.status, again.all("ETag")) == ("304 Not Modified", [etag])
    assert revalidated(app, f'"other", W/{etag}').status == "304 Not Modified"


def test_what_was_held_under_another_policy_is_not_confirmed() -> None:
    def site(version: str) -> Client:
        policy = {**POLICY, "version": version, "accepts": [version]}
        return Client(
            site=SITE,
            collector="http://127.0.0.1:9",
            secret_key=SECRET,
            policy=policy,
            delivery=QUICK,
            inject=True,
            consent_mode=True,
        )

    old, new = site("v1"), site("v2")
    try:
        [etag] = call(ConsentMiddleware(conditional, client=old)).all("ETag")
        app = ConsentMiddleware(conditional, client=new)
        again = revalidated(app, etag)
        assert again.status == "200 OK"
        assert again.all("ETag") != [etag]
    finally:
        old.close()
        new.close()


def test_a_page_that_a_browser_holds_from_before_the_tag_is_not_confirmed(client: Client) -> None:
    app = ConsentMiddleware(conditional, client=client)
    assert revalidated(app, '"v7"', SEC_FETCH_DEST="document").status == "200 OK"
    since = {"IF_MODIFIED_SINCE": "Mon, 30 Nov 2026 00:00:00 GMT"}
    assert call(app, SEC_FETCH_DEST="document", strict=False, **since).status == "200 OK"
    # A picture is no page: its validators are the application's own.
    assert revalidated(app, '"v7"', SEC_FETCH_DEST="image").status == "304 Not Modified"
    assert call(app, SEC_FETCH_DEST="image", strict=False, **since).status == "304 Not Modified"


# The nonce.

POLICY_HEADER = ("Content-Security-Policy", "script-src 'nonce-YES' 'strict-dynamic'")
REPORTED = ("Content-Security-Policy-Report-Only", "script-src 'nonce-NO'")


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([REPORTED, POLICY_HEADER], id="one that only reports goes first"),
        pytest.param([POLICY_HEADER, REPORTED], id="or last"),
        pytest.param([("content-security-policy", POLICY_HEADER[1])], id="in small letters"),
        pytest.param([("CONTENT-SECURITY-POLICY", "SCRIPT-SRC 'NONCE-YES'")], id="in capitals"),
        pytest.param([("Content-Security-Policy", "default-src 'nonce-NO'; script-src-elem 'nonce-YES'")], id="elem"),
        pytest.param(
            [("Content-Security-Policy", "img-src *, script-src 'nonce-NO' 'nonce-YES'"), POLICY_HEADER], id="2"
        ),
    ],
)
def test_the_nonce_is_that_of_the_enforced_policies(headers: list[tuple[str, str]], client: Client) -> None:
    assert b' nonce="YES"></script>' in call(ConsentMiddleware(serving(PAGE, *headers), client=client)).body


def test_no_nonce_is_taken_from_a_policy_that_only_reports(client: Client) -> None:
    assert b"nonce=" not in call(ConsentMiddleware(serving(PAGE, REPORTED), client=client)).body


# What compresses inside.


def test_pages_that_arrive_compressed_are_said_once(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    packed = gzip.compress(PAGE)
    app = ConsentMiddleware(serving(packed, ("Content-Encoding", "gzip")), client=client)
    with caplog.at_level(logging.WARNING, "dongui"):
        for _ in range(3):
            assert call(app).body == packed
    [said] = [record.getMessage() for record in caplog.records if "no tag" in record.getMessage()]
    assert said == (
        "dongui puts no tag into pages with Content-Encoding: gzip; let dongui stand inside what compresses"
    )


def test_gzip_middleware_inside_is_said_and_outside_works(caplog: pytest.LogCaptureFixture) -> None:
    async def page(request: Any) -> HTMLResponse:
        return HTMLResponse(PAGE.decode() + "x" * 1000)

    fake = FakeClient(inject=True)
    inner = Starlette(routes=[Route("/", page)])
    with caplog.at_level(logging.WARNING, "dongui"):
        ask(AsgiMiddleware(GZipMiddleware(inner), client=fake), "/", accept_encoding="gzip")
    assert any("inside what compresses" in record.getMessage() for record in caplog.records)
    _, _, body = ask(GZipMiddleware(AsgiMiddleware(inner, client=fake)), "/", accept_encoding="gzip")
    assert b"/_dongui/v1/dongui.js" in gzip.decompress(body)
    asyncio.run(asyncio.sleep(0))
    fake.close()
