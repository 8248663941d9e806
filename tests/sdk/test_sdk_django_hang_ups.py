"""Visitors of a Django site who hang up: the one reading room of the process is free again after each of them."""

from __future__ import annotations

import asyncio
import gc
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIHandler
from django.test import Client, override_settings
from dongui.asgi import in_thread
from dongui.http.forwarder import Forwarder

from tests.sdk import django_site
from tests.sdk.conftest import ClientOf
from tests.sdk.sdk_stub import Collector

assert django_site.fake


@pytest.fixture
def visitor(collector: Collector, client_of: ClientOf) -> Iterator[str]:
    """One of whom so much is held that the answer comes in pieces."""
    one = collector.visitor("statistics")
    collector.events = {str(n): {"visitor": one, "text": "x" * 1000} for n in range(1000)}
    with override_settings(DONGUI={"client": client_of(collector)}):
        yield one


def scope_of(visitor: str) -> dict[str, Any]:
    headers = [(b"host", b"shop.example.com"), (b"x-dongui", b"1"), (b"cookie", f"dongui_id={visitor}".encode())]
    return {"type": "http", "method": "GET", "path": "/_dongui/v1/me", "query_string": b"", "headers": headers}


async def ask(visitor: str, send: Callable[[Any], Any], gone: asyncio.Event) -> None:
    """Django's ASGI handler answers, until the visitor hangs up."""
    asked = False

    async def receive() -> Any:
        nonlocal asked
        if asked:
            await gone.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    await ASGIHandler()(scope_of(visitor), receive, send)


def assert_readable(collector: Collector, visitor: str) -> None:
    """The room comes free: an answer that nobody waits for is let go of in the thread that brought it."""
    cookies = {"Cookie": f"dongui_id={visitor}", "X-Dongui": "1"}

    def reads() -> bool:
        got: Any = Client().get("/_dongui/v1/me", headers=cookies)
        body = b"".join(got.streaming_content) if got.streaming else got.content
        got.close()
        return got.status_code == 200 and len(json.loads(body)["events"]) == 1000

    collector.wait_for(reads, 60)


def test_while_the_collector_is_waited_for(collector: Collector, visitor: str) -> None:
    gate = threading.Event()
    collector.slow_paths = {"/v1/me": gate}

    def arrived() -> bool:
        return any(path == "/v1/me" for _, path, _ in collector.requests)

    async def visit() -> None:
        gone = asyncio.Event()

        async def send(message: Any) -> None:
            pytest.fail("nobody is there any more")

        answering = asyncio.create_task(ask(visitor, send, gone))
        await asyncio.to_thread(collector.wait_for, arrived, 60)
        gone.set()
        await answering
        gate.set()
        await asyncio.to_thread(assert_readable, collector, visitor)

    asyncio.run(visit())


@pytest.mark.parametrize("at", ["http.response.start", "http.response.body"])
def test_while_the_answer_is_sent(collector: Collector, visitor: str, at: str) -> None:
    async def visit() -> None:
        gone = asyncio.Event()

        async def send(message: Any) -> None:
            if message["type"] == at:
                gone.set()
                await asyncio.Event().wait()

        await ask(visitor, send, gone)

    asyncio.run(visit())
    assert_readable(collector, visitor)


def test_an_answer_of_django_is_closed_before_its_first_part(collector: Collector, visitor: str) -> None:
    for _ in range(3):
        got: Any = Client().get("/_dongui/v1/me", headers={"Cookie": f"dongui_id={visitor}", "X-Dongui": "1"})
        assert got.status_code == 200
        got.close()


def test_an_answer_that_is_dropped_unclosed_gives_its_place_back(
    collector: Collector, visitor: str, client_of: ClientOf
) -> None:
    forwarder: Forwarder = client_of(collector).forwarder
    headers = {"Authorization": f"Bearer {visitor}"}
    for _ in range(3):
        reply, rest = forwarder.send("reading", "GET", "/v1/me", headers, None, whole=False)
        assert (reply.status, rest is not None) == (200, True)
        del rest
        gc.collect()


def test_a_value_that_comes_in_the_moment_of_the_hanging_up_is_given_to_somebody() -> None:
    abandoned: list[str] = []

    async def visit() -> None:
        before = set(threading.enumerate())
        waiting = asyncio.create_task(in_thread(lambda: "value", abandoned.append))
        await asyncio.sleep(0)
        for thread in set(threading.enumerate()) - before:
            thread.join()
        # The value is the loop's next step, the hanging up the one after it, and only then goes the waiting task on.
        asyncio.get_running_loop().call_soon(waiting.cancel)
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(visit())
    assert abandoned == ["value"]
