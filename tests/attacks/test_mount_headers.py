"""Header names with ``_`` that shadow what a trusted proxy wrote, and caches that must not keep a visitor's cookies."""

from __future__ import annotations

import logging
import socket
import threading
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dongui import ConsentMiddleware
from dongui.testing import FakeClient
from dongui.web import wsgi_request
from dongui.web.set_cookie import unshared

from tests.attacks.mount import decision, post, shop
from tests.sdk.calls import call, environ, run


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Not into the tests' output."""


def asked(app: Any, *headers: str) -> None:
    """One request to the application under wsgiref's server."""
    server = make_server("127.0.0.1", 0, app, handler_class=Quiet)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    with socket.create_connection(server.server_address[:2], timeout=10) as browser:
        lines = ["GET / HTTP/1.1", "Host: shop.example.com", "Connection: close", *headers]
        browser.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while browser.recv(65536):
            pass
    thread.join()
    server.server_close()


@pytest.mark.parametrize("forged", ["X_Forwarded_For: 6.6.6.6", "x_forwarded-for: 6.6.6.6", "X-Forwarded_For: 6.6.6.6"])
@pytest.mark.parametrize("last", [True, False], ids=["after", "before"])
def test_a_name_with_an_underscore_is_not_the_proxys(forged: str, last: bool) -> None:
    fake = FakeClient(trusted_proxies=1)
    seen: list[str] = []

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.append(environ.get("HTTP_X_FORWARDED_FOR", ""))
        start_response("200 OK", [("Content-Type", "text/html")])
        return [b"<p>"]

    app = ConsentMiddleware(application, client=fake)
    cookie = f"Cookie: {fake.cookie('statistics')}"
    own = "X-Forwarded-For: 8.8.8.8, 203.0.113.7"
    asked(app, "User-Agent: Mozilla/5.0 Firefox/130.0", cookie, *([own, forged] if last else [forged, own]))
    assert seen == ["8.8.8.8, 203.0.113.7"]
    assert [event.fields["ip"] for event in fake.events] == ["203.0.113.7"]
    asked(app, "User-Agent: Mozilla/5.0 Firefox/130.0", cookie, forged)
    assert seen[1] == ""
    assert fake.events[1].fields["ip"] == "127.0.0.1"


@pytest.mark.parametrize("mark", [{"uwsgi.version": b"2.0"}, {"SERVER_SOFTWARE": "Granian"}], ids=["uWSGI", "granian"])
def test_a_server_that_folds_the_names_is_said_once(mark: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    wsgi_request._say_that_names_are_folded.cache_clear()

    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b""]

    with caplog.at_level(logging.WARNING, "dongui"):
        for hops in (0, 1, 1):
            run(ConsentMiddleware(application, client=FakeClient(trusted_proxies=hops)), {**environ(), **mark})
    assert len([r for r in caplog.records if "X_Forwarded_For" in r.getMessage()]) == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([("Cache-Control", "public, max-age=600")], ["private, max-age=600"]),
        ([("Cache-Control", "s-maxage=9")], ["private"]),
        ([("Cache-Control", "public"), ("Cache-Control", "max-age=5")], ["private, max-age=5"]),
        ([("cache-control", "no-store")], ["no-store"]),
        ([("Cache-Control", 'private="x", public')], ['private, private="x"']),
        ([("Surrogate-Control", "max-age=9"), ("CDN-Cache-Control", "public")], ["private"]),
        ([], ["private"]),
    ],
)
def test_an_answer_with_a_visitors_cookie_is_for_that_visitor(
    given: list[tuple[str, str]], expected: list[str]
) -> None:
    out = unshared(given)
    assert [value for name, value in out if name == "Cache-Control"] == expected
    assert [name for name, _ in out if name != "Cache-Control"] == []


def test_a_decision_on_a_public_page_makes_it_private() -> None:
    def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        assert environ["dongui.consent"].decide(granted=["statistics"], method="signup")
        start_response("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "public, max-age=600")])
        return [b"<p>"]

    got = call(ConsentMiddleware(application, client=FakeClient()))
    assert "dongui_id" in got.cookies()
    assert got.all("Cache-Control") == ["private, max-age=600"]


def test_a_decision_through_the_mount_is_private() -> None:
    with shop() as (app, _):
        assert post(app, "consents", decision("statistics")).all("Cache-Control") == ["private"]
