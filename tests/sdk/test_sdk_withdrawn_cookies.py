"""Cookies that a withdrawal left behind end wherever they lie, though a request tells nothing but their name."""

from __future__ import annotations

import asyncio
import copy
import http.cookiejar
import pickle
import urllib.request
from email.message import Message
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse
from django.test import override_settings
from dongui import Client, ConsentMiddleware
from dongui.integrations.django.responses import put_headers
from dongui.testing import FakeClient
from dongui.web.expiry import Place, SeenPlaces, expire, place_of, places
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk import django_site
from tests.sdk.calls import call, choice, environ, run
from tests.sdk.conftest import QUICK
from tests.sdk.sdk_stub import POLICY, SECRET, SITE

HOST = "www.shop.example.com"
PAGE = "/account/orders/17"


class Answer:
    """As urllib hands a jar an answer."""

    def __init__(self, lines: list[str]) -> None:
        self._message = Message()
        for line in lines:
            self._message["Set-Cookie"] = line

    def info(self) -> Message:
        return self._message


def jar_with(set_cookie: str, page: str = PAGE, host: str = HOST) -> tuple[http.cookiejar.CookieJar, Any]:
    jar = http.cookiejar.CookieJar()
    request = urllib.request.Request(f"https://{host}{page}")
    jar.extract_cookies(Answer([set_cookie]), request)  # type: ignore[arg-type]
    assert len(jar) == 1, "the browser took it"
    return jar, request


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param("Path=/", id="the root"),
        pytest.param("Path=/; HttpOnly; Secure", id="HttpOnly"),
        pytest.param("HttpOnly", id="the default path"),
        pytest.param("Path=/account; HttpOnly", id="a folder"),
        pytest.param("Path=/account/; HttpOnly", id="a folder with its slash"),
        pytest.param(f"Path={PAGE}", id="the page"),
        pytest.param("Path=/; Domain=shop.example.com", id="a domain above"),
        pytest.param("Path=/account; Domain=.example.com; HttpOnly", id="both"),
    ],
)
def test_it_ends_with_the_page_it_is_sent_to(attributes: str) -> None:
    jar, request = jar_with(f"_ga=1; {attributes}")
    ends = [value for _, value in expire(["_ga"], HOST, PAGE, https=True, turn=1)]
    ends += [value for _, value in expire(["_ga"], HOST, PAGE, https=True, turn=2)]
    jar.extract_cookies(Answer(ends), request)  # type: ignore[arg-type]
    assert len(jar) == 0


def test_a_partitioned_one_is_ended_as_it_was_set() -> None:
    ends = [value for _, value in expire(["_ga"], HOST, "/", https=True)]
    assert "_ga=; Max-Age=0; Path=/; Secure; Partitioned" in ends
    assert not any("Partitioned" in value for _, value in expire(["_ga"], HOST, "/", https=False))


def test_where_it_was_seen_being_set_comes_first() -> None:
    seen = SeenPlaces()
    seen.add("_ga=1; Path=/deep/in/the/shop; HttpOnly; Partitioned", "/")
    [first, *_] = expire(["_ga"], HOST, "/", https=True, known=seen.places)
    assert first[1] == "_ga=; Max-Age=0; Path=/deep/in/the/shop; Secure; Partitioned"
    assert place_of("x=1; Domain=.Example.com", "/a/b") == Place("/a", "example.com")
    assert place_of("x=1; Path=relative", "/a") == Place("/")
    for number in range(1000):
        seen.add(f"name{number}=1", "/")
        seen.add(f"_ga=1; Path=/{number}", "/")
    assert len(seen.places) <= 200
    assert len(seen.places["_ga"]) <= 4


def test_many_cookies_end_within_a_few_pages() -> None:
    names = [f"_ga_{n}" for n in range(20)]
    wanted = {line for name in names for _, line in expire([name], HOST, "/", https=True)}
    ended: set[str] = set()
    for turn in range(40):
        lines = [line for _, line in expire(names, HOST, "/", https=True, turn=turn)]
        assert len(lines) <= 30
        ended |= set(lines)
    assert ended == wanted


@given(st.text(max_size=40), st.text(max_size=30))
def test_no_address_breaks_it_or_writes_another_header(path: str, host: str) -> None:
    latin = path.encode("utf-8", "replace").decode("latin-1")
    for _, line in expire(["_ga"], host, latin, https=True):
        assert line.isprintable()
        assert line.count(";") <= 5
    assert places(host, latin, https=True)[0] == Place()


def test_the_middleware_ends_a_cookie_of_another_path() -> None:
    client = Client(site=SITE, collector="http://127.0.0.1:9", secret_key=SECRET, policy=POLICY, delivery=QUICK)

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        sets = [("Set-Cookie", "_ga=1; Path=/shop; HttpOnly")] if environ["PATH_INFO"] == "/sets" else []
        start_response("200 OK", [("Content-Type", "text/html"), *sets])
        return [b"<p>"]

    try:
        app = ConsentMiddleware(application, client=client)
        assert call(app, "/sets", cookie=choice("statistics")).cookies() == ["_ga"]
        ended = call(app, "/shop/cart", cookie=f"{choice()}; _ga=1").all("Set-Cookie")
        assert ended[0] == "_ga=; Max-Age=0; Path=/shop"
        assert "_ga=; Max-Age=0; Path=/" in ended
        assert call(app, "/shop/cart", cookie="_ga=1").all("Set-Cookie") == [], "nobody has withdrawn"
    finally:
        client.close()


# Django: its jar has one place for each name.

assert django_site.fake


def through_wsgi(path: str, cookie: str, scheme: str) -> tuple[list[str], bytes]:
    """(the ``Set-Cookie`` lines, the body) that a WSGI server sends."""
    got = run(WSGIHandler(), {**environ(path, cookie=cookie), "wsgi.url_scheme": scheme, "HTTP_HOST": HOST})
    return [line.strip() for line in got.all("Set-Cookie")], got.body


def through_asgi(path: str, cookie: str, scheme: str) -> tuple[list[str], bytes]:
    """The same of an ASGI server."""
    headers = [(b"host", HOST.encode()), (b"cookie", cookie.encode()), (b"user-agent", b"Mozilla/5.0 Firefox/130.0")]
    scope = {"type": "http", "method": "GET", "path": path, "scheme": scheme, "headers": headers, "query_string": b""}
    sent: list[Any] = []

    async def ask() -> None:
        asked = False

        async def receive() -> Any:
            nonlocal asked
            if asked:
                await asyncio.Event().wait()
            asked = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await ASGIHandler()(scope, receive, send)

    asyncio.run(ask())
    lines = [value.decode() for name, value in sent[0]["headers"] if name.lower() == b"set-cookie"]
    return lines, b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("through", [through_wsgi, through_asgi])
def test_django_ends_it_at_every_place(through: Any, scheme: str) -> None:
    fake = FakeClient(inject=True)
    with override_settings(DONGUI={"client": fake}):
        lines, body = through("/sign-out", f"{fake.cookie()}; _ga=1; _fbp=2", scheme)
    for name in ("_ga", "_fbp"):
        for line in places_ended(name, "/sign-out", scheme):
            assert line in lines
    assert [line for line in lines if "Path=/members" in line and line.startswith("_ga=")], "the application's own"
    assert len(set(lines)) == len(lines) > 10
    assert b"/_dongui/v1/dongui.js" in body, "the page takes its tag all the same"
    assert fake.stats()["mishaps"] == {}


def places_ended(name: str, path: str, scheme: str) -> list[str]:
    """The lines that end a cookie at its first few places."""
    return [line for _, line in expire([name], HOST, path, https=scheme == "https", turn=1)][:8]


@pytest.mark.parametrize("name", ["_ga", "path", "version", "Secure"])
def test_a_line_leaves_django_as_it_came(name: str) -> None:
    response = HttpResponse()
    response.set_cookie("_ga", "the application's own")
    own = response.cookies["_ga"].OutputString()
    ends = [("Set-Cookie", line) for line in (f"{name}=; Max-Age=0; Path=/; Secure; Partitioned", f"{name}=; Path=/x")]
    put_headers(response, [*response.items(), ("Set-Cookie", own), *ends])
    for one in (response.cookies, copy.deepcopy(response.cookies), pickle.loads(pickle.dumps(response.cookies))):
        lines = [morsel.OutputString() for morsel in one.values()]
        assert sorted(lines) == sorted([own, *(line for _, line in ends)])
        assert [morsel.key for morsel in one.values()].count(name) == (3 if name == "_ga" else 2)
