"""A WSGI application behind an asynchronous server: only whole requests get a thread, and no slow reader holds one.

A WSGI server gives a thread to each request from its first byte to its last, so as many unfinished requests as there
are threads stop everybody. Here the loop reads the whole request, within a size and a time, before a thread is used;
of an answer, each piece is made in a thread and sent by the loop.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, MutableMapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
WsgiApplication = Callable[..., Iterable[bytes]]


class Lane:
    """Threads for one kind of request, with a bounded queue: a flood of one kind takes nothing from the others."""

    def __init__(self, name: str, prefixes: Sequence[str], threads: int, waiting: int = 64) -> None:
        self.prefixes = tuple(prefixes)
        self._most = threads + waiting
        self._busy = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=f"desk-{name}")

    @property
    def full(self) -> bool:
        return self._busy >= self._most

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        """Run ``work`` in one of the threads and return its result."""
        self._busy += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)
        finally:
            self._busy -= 1


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of a request. ``unfinished`` bodies are read at once for one address and ``unfinished_in_all`` for all;
    beyond that the oldest gives way, since an honest body is whole long before."""

    body: int = 256 * 1024
    body_within_s: float = 15.0
    piece_within_s: float = 120.0
    unfinished: int = 32
    unfinished_in_all: int = 256


class _Refused(Exception):
    """A request that is answered without the application."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class _Unfinished:
    """The bodies that are being read, oldest first, by address."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._reading: dict[asyncio.Timeout, str] = {}

    def enter(self, timeout: asyncio.Timeout, address: str) -> None:
        """Count a body in; the oldest one of this address, or of all, gives way where there are too many."""
        same = [other for other, of in self._reading.items() if of == address]
        if len(same) >= self._limits.unfinished:
            self._end(same[0])
        elif len(self._reading) >= self._limits.unfinished_in_all:
            self._end(next(iter(self._reading)))
        self._reading[timeout] = address

    def leave(self, timeout: asyncio.Timeout) -> None:
        self._reading.pop(timeout, None)

    def _end(self, timeout: asyncio.Timeout) -> None:
        self.leave(timeout)
        timeout.reschedule(asyncio.get_running_loop().time())


@dataclass(slots=True)
class _Start:
    """What the application said with ``start_response``."""

    status: int = 500
    headers: Headers = field(default_factory=list)

    def __call__(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        self.status = int(status.partition(" ")[0])
        self.headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        return _no_write


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("the desk's application yields its answers")


class WsgiBridge:
    """An ASGI application over a WSGI one. Raises what breaks an answer off, :class:`TimeoutError` for a reader that
    stands still: whoever serves it closes the connection, so that half an answer never looks like a whole one.

    :param app: the application.
    :param lanes: the threads, by the prefixes of paths; the last lane takes what no other does.
    """

    def __init__(self, app: WsgiApplication, lanes: Sequence[Lane], limits: Limits | None = None) -> None:
        self._app = app
        self._lanes = lanes
        self._limits = limits or Limits()
        self._unfinished = _Unfinished(self._limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            lane = self._lane_of(scope["path"])
            body = await self._body(scope, receive)
            if lane.full:
                raise _Refused(HTTPStatus.SERVICE_UNAVAILABLE)
        except _Refused as refused:
            await _refuse(send, refused.status)
            return
        await self._answer(lane, environ_of(scope, body), send)

    def _lane_of(self, path: str) -> Lane:
        return next((lane for lane in self._lanes if path.startswith(lane.prefixes)), self._lanes[-1])

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """The whole body. Raises :class:`_Refused` for one that is too large, too slow, or that ends early."""
        length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if int(length) > self._limits.body:  # the server has checked that it is a number
            raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        address = (scope.get("client") or ("",))[0]
        try:
            async with asyncio.timeout(self._limits.body_within_s) as timeout:
                self._unfinished.enter(timeout, address)
                try:
                    return await self._read(receive)
                finally:
                    self._unfinished.leave(timeout)
        except TimeoutError:
            raise _Refused(HTTPStatus.REQUEST_TIMEOUT) from None

    async def _read(self, receive: Receive) -> bytes:
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise _Refused(HTTPStatus.BAD_REQUEST)
            body += message.get("body", b"")
            if len(body) > self._limits.body:
                raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            if not message.get("more_body"):
                return bytes(body)

    async def _answer(self, lane: Lane, environ: dict[str, Any], send: Send) -> None:
        start = _Start()
        pieces, first = await lane.run(_begin, self._app, environ, start)
        within = self._limits.piece_within_s
        try:
            async with asyncio.timeout(within):
                await send({"type": "http.response.start", "status": start.status, "headers": start.headers})
            piece = first
            while piece is not None:
                async with asyncio.timeout(within):
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await lane.run(next, pieces.iterator, None)
            await send({"type": "http.response.body", "body": b""})
        finally:
            # Shielded, so that a cancelled task lets go of what the answer holds, too.
            await asyncio.shield(lane.run(pieces.close))


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A WSGI answer and its iterator."""

    answer: Iterable[bytes]
    iterator: Iterator[bytes]

    def close(self) -> None:
        if close := getattr(self.answer, "close", None):
            close()


def _begin(app: WsgiApplication, environ: dict[str, Any], start: _Start) -> tuple[_Pieces, bytes | None]:
    """Call the application and take its first piece, before which the status is not known (PEP 3333)."""
    answer = app(environ, start)
    pieces = _Pieces(answer, iter(answer))
    try:
        return pieces, next(pieces.iterator, None)
    except BaseException:
        pieces.close()
        raise


def environ_of(scope: Scope, body: bytes) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of an ASGI request. Pure.

    Header names with an underscore are dropped: ``X_Forwarded_For`` would stand for ``X-Forwarded-For``.
    """
    server = scope.get("server") or ("localhost", 80)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode("utf-8", "surrogateescape").decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1").upper()
        if "_" in name:
            continue
        key = name.replace("-", "_")
        key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
        text = value.decode("latin-1")
        between = "; " if key == "HTTP_COOKIE" else ","
        environ[key] = f"{environ[key]}{between}{text}" if key in environ else text
    environ["CONTENT_LENGTH"] = str(len(body))
    environ.pop("HTTP_TRANSFER_ENCODING", None)  # the body is whole
    return environ


async def _refuse(send: Send, status: HTTPStatus) -> None:
    body = f"{status.value} {status.phrase}\n".encode()
    headers: Headers = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"connection", b"close"),
    ]
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers.append((b"retry-after", b"5"))
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
