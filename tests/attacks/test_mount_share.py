"""One visitor's requests through the mount keep nobody else from a decision and hold little of the host."""

from __future__ import annotations

import asyncio
import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.test import override_settings
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.http import forwarder
from dongui.http.breaker import Breaker, Breakers
from dongui.integrations.django import middleware as django_middleware
from dongui.web import proxy_rules, wsgi_body

from tests.attacks.mount import decision, post, shop
from tests.sdk import django_site
from tests.sdk.calls import call, environ, run
from tests.sdk.sdk_stub import ORIGIN, SITE, Collector
from tests.sdk.test_sdk_asgi import page as asgi_page
from tests.sdk.test_sdk_asgi import scope_of

assert django_site.fake


def export(app: Any, collector: Collector, visitor: str) -> str:
    return call(app, "/_dongui/v1/me/export", cookie=f"dongui_id={visitor}", X_DONGUI="1").status


def test_slow_exports_open_no_breaker_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forwarder, "_TIMEOUT", 0.2)
    with shop() as (app, collector):
        visitor = collector.visitor("statistics")
        gate = threading.Event()
        collector.slow_paths = {"/v1/me/export": gate}
        assert [export(app, collector, visitor) for _ in range(6)] == ["503 Service Unavailable"] * 6
        for number in range(5):
            body = decision(refused=("statistics",), id=f"00000000-0000-4000-8000-00000000000{number}")
            refused = post(app, "consents", body)
            assert refused.status == "201 Created"
        assert call(app, "/_dongui/v1/policy", query=f"site={SITE}").status == "200 OK"
        gate.set()
        collector.slow_paths = {}
        assert call(app, "/_dongui/v1/me", cookie=f"dongui_id={visitor}", X_DONGUI="1").status == "200 OK", (
            "a collector that answers its probe is not away for exports either"
        )


def test_a_process_reads_one_export_at_a_time_and_decisions_pass_beside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with shop() as (app, collector):
        visitor = collector.visitor("statistics")
        gate = threading.Event()
        collector.slow_paths = {"/v1/me/export": gate}
        done: list[str] = []
        threads = [threading.Thread(target=lambda: done.append(export(app, collector, visitor))) for _ in range(4)]
        for thread in threads:
            thread.start()
        collector.wait_for(lambda: len(done) == 3)
        assert done == ["503 Service Unavailable"] * 3
        for kind in range(8):
            body = decision("statistics", id=f"00000000-0000-4000-8000-00000000000{kind}")
            assert post(app, "consents", body).status == "201 Created"
        gate.set()
        for thread in threads:
            thread.join()


def test_a_long_answer_that_nobody_reads_to_its_end_gives_its_place_back() -> None:
    with shop() as (app, collector):
        visitor = collector.visitor("statistics")
        collector.events = {str(n): {"visitor": visitor, "text": "x" * 1000} for n in range(1000)}
        made = environ("/_dongui/v1/me", cookie=f"dongui_id={visitor}", HTTP_X_DONGUI="1")
        made["HTTP_X_DONGUI"] = "1"
        answer = app(made, lambda *_: lambda data: None)
        piece = next(iter(answer))
        assert 0 < len(piece) <= 256 * 1024
        assert export(app, collector, visitor) == "503 Service Unavailable", "one reader of exports a process"
        answer.close()
        assert call(app, "/_dongui/v1/me", cookie=f"dongui_id={visitor}", X_DONGUI="1").status == "200 OK"


def test_a_reader_who_takes_too_long_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(forwarder, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with shop() as (app, collector):
        visitor = collector.visitor("statistics")
        collector.events = {str(n): {"visitor": visitor, "text": "x" * 1000} for n in range(1000)}
        made = environ("/_dongui/v1/me", cookie=f"dongui_id={visitor}")
        made["HTTP_X_DONGUI"] = "1"
        answer = app(made, lambda *_: lambda data: None)
        assert next(iter(answer))
        now[0] += forwarder._LONGEST + 1
        assert list(answer) == [], "Content-Length tells the reader that it is short"
        answer.close()
        assert call(app, "/_dongui/v1/me", cookie=f"dongui_id={visitor}", X_DONGUI="1").status == "200 OK"


class Dripping:
    """A body that comes a byte a second; ``read`` waits for all that it was asked for, as ``wsgi.input`` may."""

    def __init__(self, clock: list[float], body: bytes) -> None:
        self._clock = clock
        self._body = io.BytesIO(body)

    def read(self, size: int = -1) -> bytes:
        data = self._body.read(size)
        self._clock[0] += len(data)
        return data

    def readline(self, size: int = -1) -> bytes:
        return self.read(size)


class DrippingBuffered(Dripping):
    """The same behind a buffer, whose ``read1`` waits for the next bytes only."""

    def read1(self, size: int = -1) -> bytes:
        return self.read(1)


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that bodies are read by."""
    clock = [0.0]
    monkeypatch.setattr(wsgi_body, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    return clock


@pytest.mark.parametrize("kind", [Dripping, DrippingBuffered])
@pytest.mark.parametrize("django", [False, True], ids=["WSGI", "Django"])
def test_a_body_that_drips_is_refused(now: list[float], kind: type[Dripping], django: bool) -> None:
    with shop() as (app, _), override_settings(DONGUI={"client": app.client}):
        made = environ("/_dongui/v1/events", method="POST", ORIGIN=ORIGIN)
        made |= {"wsgi.input": kind(now, b"x" * 60_000), "CONTENT_LENGTH": "60000"}
        assert run(WSGIHandler() if django else app, made).status.split()[0] == "408"
        assert now[0] <= proxy_rules.BODY_TIME + 2


@pytest.mark.parametrize("kind", [Dripping, DrippingBuffered, io.BytesIO])
@pytest.mark.parametrize("django", [False, True], ids=["WSGI", "Django"])
def test_a_body_that_comes_in_time_is_taken_as_it_is(now: list[float], kind: Any, django: bool) -> None:
    body = b'{"v":1}'
    with shop() as (app, _), override_settings(DONGUI={"client": app.client}):
        read: list[bytes] = []
        made = environ("/_dongui/v1/events", method="POST", ORIGIN=ORIGIN, CONTENT_TYPE="text/plain")
        made["wsgi.input"] = kind(body + b"the next request") if kind is io.BytesIO else kind(now, body + b"the next")
        made["CONTENT_LENGTH"] = str(len(body))
        site = django_middleware.site() if django else app.site
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                site, "ask", lambda visit, body, consent: (read.append(body), (proxy_rules.UNAVAILABLE, None))[1]
            )
            assert run(WSGIHandler() if django else app, made).status.split()[0] == "503"
    assert read == [body]


@pytest.mark.parametrize("django", [False, True], ids=["WSGI", "Django"])
def test_a_body_that_says_it_is_too_long_is_refused_unread(now: list[float], django: bool) -> None:
    with shop() as (app, _), override_settings(DONGUI={"client": app.client}):
        made = environ("/_dongui/v1/events", method="POST", ORIGIN=ORIGIN)
        made |= {"wsgi.input": Dripping(now, b"x" * 70_000), "CONTENT_LENGTH": "70000"}
        assert run(WSGIHandler() if django else app, made).status.split()[0] == "413"
        assert now[0] == 0.0


def test_a_body_that_never_ends_holds_nothing_of_an_asgi_server(monkeypatch: pytest.MonkeyPatch) -> None:
    from dongui import asgi

    monkeypatch.setattr(asgi, "BODY_TIME", 0.05)
    with shop() as (app, _):
        guarded = AsgiMiddleware(asgi_page(), client=app.client)

        async def never() -> list[Any]:
            sent: list[Any] = []

            async def receive() -> Any:
                await asyncio.Event().wait()

            async def send(message: Any) -> None:
                sent.append(message)

            scope = scope_of("/_dongui/v1/events", method="POST", origin=ORIGIN)
            await asyncio.wait_for(guarded(scope, receive, send), 10)
            return sent

        assert asyncio.run(never())[0]["status"] == 408


# The breaker by itself.


def test_a_late_answer_counts_only_where_the_probe_has_none_either() -> None:
    lives = [True]
    breakers = Breakers(lambda: lives[0])
    for _ in range(50):
        breakers.failed("reading", TimeoutError())
    assert breakers.of("reading").allow()
    lives[0] = False
    for _ in range(2):
        breakers.failed("reading", TimeoutError())
    assert not breakers.of("reading").allow()
    assert breakers.of("decisions").allow(), "apart for each kind of call"


def test_a_connection_that_fails_counts_at_once() -> None:
    breakers = Breakers(lambda: pytest.fail("no probe is needed"), lambda: Breaker(patience=2))
    for _ in range(2):
        breakers.failed("decisions", ConnectionRefusedError())
    assert not breakers.of("decisions").allow()
    assert breakers.of("events").allow()
