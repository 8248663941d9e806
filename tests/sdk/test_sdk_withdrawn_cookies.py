"""Cookies that a withdrawal left behind end wherever they lie, though a request tells nothing but their name."""

from __future__ import annotations

import http.cookiejar
import urllib.request
from email.message import Message
from typing import Any

import pytest
from dongui import Client, ConsentMiddleware
from dongui.web.expiry import Place, SeenPlaces, expire, place_of, places
from hypothesis import given
from hypothesis import strategies as st

from tests.sdk.calls import call, choice
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
