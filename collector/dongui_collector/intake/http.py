"""HTTP in plain ASGI: bodies read within bounds, answers sent whole, errors turned into problems."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from dongui_collector.core.errors import StorageDamaged, StorageError, StorageFull
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import MAX_BODY

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Pairs = list[tuple[bytes, bytes]]

JSON: Pairs = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
BODY_WITHIN_S = 20.0
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_DRAIN_BYTES = 16 << 20
_DRAIN_WITHIN_S = 3.0
log = logging.getLogger("dongui.door")


class Served:
    """The peers that the door serves right now, and those that it has answered since somebody looked.

    A connection has one request at a time, so that a set says it all.
    """

    def __init__(self) -> None:
        self.busy: set[tuple[str, int]] = set()
        self.answered: set[tuple[str, int]] = set()

    def taken(self) -> set[tuple[str, int]]:
        """Everybody who was served since the last time. Safe from another thread: each step is one of C."""
        answered, self.answered = self.answered, set()
        return answered | self.busy


def failure(error: Exception) -> Problem:
    """What the caller is told of an error that is ours. The log gets its kind and place, never what was sent."""
    if isinstance(error, StorageFull):
        log.error("disk full", extra={"kind": type(error).__name__})
        return Problem("unavailable", "the disk is full; nothing was stored")
    if isinstance(error, StorageDamaged):
        log.error("the data folder cannot be used", exc_info=error)
    if isinstance(error, StorageError):
        return Problem("unavailable", "nothing was stored")
    log.error("internal error", exc_info=error)  # logs.py writes its type and places, never its text
    return Problem("internal")


class _BodyDeadline:
    """Gives up bodies that do not come in time, from the first byte on. One timer for all: one a request would cost
    more than reading it."""

    def __init__(self) -> None:
        self._since: dict[asyncio.Task[Any], float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> asyncio.Task[Any]:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._since = loop, {}
            loop.call_later(1.0, self._look)
        task = asyncio.current_task()
        assert task is not None
        self._since[task] = loop.time()
        return task

    def end(self, task: asyncio.Task[Any]) -> bool:
        """Whether it was in time."""
        return self._since.pop(task, None) is not None

    def _look(self) -> None:
        assert self._loop is not None
        late = self._loop.time() - BODY_WITHIN_S
        for task in [task for task, since in self._since.items() if since < late]:
            del self._since[task]
            task.cancel()
        self._loop.call_later(1.0, self._look)


_bodies = _BodyDeadline()


async def read_body(receive: Receive, length: int | None) -> bytes:
    """The body, at most 64 KiB and within 20 s. A drip-fed one holds nobody else up: it waits in its own task."""
    task = _bodies.begin()
    try:
        body = await _whole_body(receive, length)
    except asyncio.CancelledError:
        if _bodies.end(task):
            raise  # the server ends
        task.uncancel()
        raise Problem("timeout") from None
    except BaseException:
        _bodies.end(task)
        raise
    _bodies.end(task)
    return body


async def _whole_body(receive: Receive, length: int | None) -> bytes:
    message = await receive()
    body: bytes = message.get("body", b"")
    if len(body) == length or not message.get("more_body"):  # the server says that it was all in a message of its own
        if len(body) > MAX_BODY:
            raise Problem("too-large")
        return body
    chunks, size = [body], len(body)
    while message.get("more_body"):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Problem("malformed", "the body ended early")
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            raise Problem("too-large")
    return b"".join(chunks)


async def drain(receive: Receive) -> None:
    """Let go of a body that is too large, within bounds: a connection closed on unread bytes may lose the answer."""
    left = _DRAIN_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAIN_WITHIN_S):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


async def respond(send: Send, status: int, body: bytes, headers: Pairs) -> None:
    """One whole answer."""
    headers = [*headers, (b"content-length", b"%d" % len(body)), _NOSNIFF]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def query_of(scope: Scope) -> dict[str, str]:
    """The query's first values; bytes that are no UTF-8 become U+FFFD, never an error."""
    return {k: v[0] for k, v in parse_qs(scope["query_string"].decode("utf-8", "replace"), errors="replace").items()}
