"""One visitor's requests through the mount keep nobody else from a decision and hold little of the host."""

from __future__ import annotations

import asyncio
import io
import threading
from types import SimpleNamespace
from typing import Any

import pytest
from dongui.asgi import ConsentMiddleware as AsgiMiddleware
from dongui.http import forwarder
from dongui.http.breaker import Breaker, Breakers
from dongui.web import proxy_rules

from tests.attacks.mount import decision, post, shop
from tests.sdk.calls import call, environ
from tests.sdk.sdk_stub import ORIGIN, SITE, Collector
from tests.sdk.test_sdk_asgi import page as asgi_page
from tests.sdk.test_sdk_asgi import scope_of


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


class Dripping(io.BytesIO):
    """A body that comes a few bytes at a time, a second each."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__(b"x" * 60_000)
        self._clock = clock

    def read(self, size: int | None = -1) -> bytes:
        self._clock[0] += 1.0
        return super().read(min(size or 1, 16))


def test_a_body_that_drips_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from dongui import middleware

    now = [0.0]
    monkeypatch.setattr(middleware, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with shop() as (app, _):
        made = environ("/_dongui/v1/events", method="POST", ORIGIN=ORIGIN)
        made |= {"wsgi.input": Dripping(now), "CONTENT_LENGTH": "60000"}
        seen: list[str] = []
        app(made, lambda status, headers: seen.append(status))
        assert seen == ["408 Request Timeout"]
        assert now[0] <= proxy_rules.BODY_TIME + 2


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
