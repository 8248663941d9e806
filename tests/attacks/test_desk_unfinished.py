"""Unfinished requests, silent connections and slow readers hold nobody at the desk up."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from typing import Any

import httpx
import pytest
from dongui_collector.runtime.connections import ConnectionGuard, ConnectionLimits, ConnectionTable
from dongui_collector.runtime.desk_serve import lanes
from dongui_collector.runtime.wsgi_bridge import Lane, Limits, WsgiBridge, environ_of
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from tests.collector import Installation
from tests.ports import free_port

UNFINISHED = [
    b"POST /console/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 50000\r\n\r\nname=",
    b"POST /console/login HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nname=\r\n",
    b"POST /console/policy/check HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 200000\r\n\r\ntext=",
    b"POST /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1\r\n\r\n",
]
SILENT = [b"", b"PRI * HTTP", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"\x16\x03"]


# --- the real desk ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("desk") / "i").start()
    try:
        until(lambda: healthy(installation), "the desk did not start")
        yield installation
    finally:
        installation.close()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def healthy(installation: Installation) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(f"http://127.0.0.1:{installation.desk_port}/healthz", timeout=60).status_code == 200
    return False


def connections(installation: Installation, number: int, first: bytes) -> list[socket.socket]:
    made = [socket.create_connection(("127.0.0.1", installation.desk_port), 60) for _ in range(number)]
    for connection in made:
        with contextlib.suppress(ConnectionError):  # one of too many may be closed already
            connection.sendall(first)
    return made


def close(made: list[socket.socket]) -> None:
    for connection in made:
        connection.close()


def is_closed(connection: socket.socket) -> bool:
    """Whether the other end has let go of it, whatever it said before."""
    connection.setblocking(False)
    try:
        while connection.recv(4096):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


@pytest.mark.parametrize("request_", UNFINISHED, ids=["length", "chunked", "large", "no-such-page"])
def test_unfinished_requests_leave_the_desk_to_others(served: Installation, request_: bytes) -> None:
    waiting = connections(served, 60, request_)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{served.desk_port}", timeout=60) as desk:
            assert desk.get("/healthz").status_code == 200
            assert desk.get("/console/login").status_code == 200
            assert desk.post("/console/login", data={"name": "x" * 1000}).status_code == 400  # read, and no token
    finally:
        close(waiting)


@pytest.mark.parametrize("first", SILENT, ids=["nothing", "half-preface", "preface", "half-header", "tls"])
def test_silent_connections_beyond_the_ceiling_are_closed(served: Installation, first: bytes) -> None:
    waiting = connections(served, 200, first)
    try:
        ceiling = ConnectionLimits().of_one
        until(lambda: sum(map(is_closed, waiting)) >= 200 - ceiling, "silent connections stay open")
        assert healthy(served)
    finally:
        close(waiting)


# --- the bridge ------------------------------------------------------------------------------------------------------

Message = dict[str, Any]


class Exchange:
    """One request to a bridge and what it answers."""

    def __init__(self, bridge: WsgiBridge, path: str = "/", *, address: str = "192.0.2.1", **more: Any) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.readable = asyncio.Event()
        self.readable.set()
        self._incoming: asyncio.Queue[Message] = asyncio.Queue()
        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "http_version": "1.1"}
        scope |= {"client": (address, 1000), "headers": [(b"content-length", b"5")], **more}
        self.task = asyncio.create_task(bridge(scope, self._received, self._send))

    async def _received(self) -> MutableMapping[str, Any]:
        return await self._incoming.get()

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        await self.readable.wait()
        self.sent.append(message)

    def body(self, data: bytes, *, more: bool = False) -> Exchange:
        self._incoming.put_nowait({"type": "http.request", "body": data, "more_body": more})
        return self

    async def status(self) -> int:
        await asyncio.wait_for(self.task, 60)
        return int(self.sent[0]["status"])

    def answer(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.sent)


def echo(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ["wsgi.input"].read()]


def run(work: Callable[[], Awaitable[None]]) -> None:
    async def whole() -> None:
        await work()

    asyncio.run(whole())


def test_a_whole_request_is_answered() -> None:
    async def work() -> None:
        exchange = Exchange(WsgiBridge(echo, [Lane("all", ["/"], 1)])).body(b"he", more=True).body(b"llo")
        assert (await exchange.status(), exchange.answer()) == (200, b"hello")

    run(work)


def test_a_body_that_does_not_come_is_given_up() -> None:
    async def work() -> None:
        bridge = WsgiBridge(echo, [Lane("all", ["/"], 1)], Limits(body_within_s=0.05))
        assert await Exchange(bridge).body(b"he", more=True).status() == 408

    run(work)


def test_a_body_that_is_too_large_never_reaches_the_application() -> None:
    async def work() -> None:
        bridge = WsgiBridge(echo, [Lane("all", ["/"], 1)], Limits(body=10))
        assert await Exchange(bridge, headers=[(b"content-length", b"11")]).status() == 413
        assert await Exchange(bridge, headers=[]).body(b"x" * 6, more=True).body(b"x" * 6).status() == 413

    run(work)


@pytest.mark.parametrize("of_all", [False, True], ids=["one-address", "many-addresses"])
def test_the_oldest_unfinished_body_gives_way(of_all: bool) -> None:
    async def work() -> None:
        limits = Limits(unfinished=100, unfinished_in_all=3) if of_all else Limits(unfinished=3)
        bridge = WsgiBridge(echo, [Lane("all", ["/"], 1)], limits)
        waiting = [Exchange(bridge, address=f"192.0.2.{n if of_all else 0}") for n in range(3)]
        await asyncio.sleep(0)
        assert await Exchange(bridge, address="192.0.2.0").body(b"hello").status() == 200
        assert await waiting[0].status() == 408
        assert await waiting[1].body(b"hello").status() == 200

    run(work)


def test_a_reader_that_stands_still_holds_no_thread() -> None:
    def long(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        return iter([b"piece"] * 10)

    async def work() -> None:
        bridge = WsgiBridge(long, [Lane("all", ["/"], 1)])
        stalled = [Exchange(bridge) for _ in range(5)]
        for exchange in stalled:
            exchange.readable.clear()
            exchange.body(b"")
        assert await Exchange(bridge).body(b"").status() == 200
        for exchange in stalled:
            exchange.readable.set()
            assert await exchange.status() == 200

    run(work)


def test_what_an_answer_holds_is_let_go_of_when_its_reader_stands_still() -> None:
    closed = threading.Event()

    class Answer:
        def __iter__(self) -> Iterator[bytes]:
            return iter([b"1", b"2"])

        def close(self) -> None:
            closed.set()

    def app(_environ: dict[str, Any], start_response: Any) -> Answer:
        start_response("200 OK", [])
        return Answer()

    async def work() -> None:
        exchange = Exchange(WsgiBridge(app, [Lane("all", ["/"], 1)], Limits(piece_within_s=0.05)))
        exchange.readable.clear()
        with pytest.raises(TimeoutError):  # the guard closes the connection
            await asyncio.wait_for(exchange.body(b"").task, 60)

    run(work)
    assert closed.is_set()


async def once_it_listens(client: httpx.AsyncClient) -> None:
    while True:
        with contextlib.suppress(httpx.ConnectError):
            await client.get("/")
            return


def test_half_an_answer_does_not_look_like_a_whole_one() -> None:
    def app(_environ: dict[str, Any], start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"a row"
        raise OSError

    async def work() -> None:
        port = free_port()
        guard = ConnectionGuard(WsgiBridge(app, [Lane("all", ["/"], 1)]), port)
        server = Server(guard, port=port, interface=Interfaces.ASGINL, http=HTTPModes.http1, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
                await once_it_listens(client)
        server.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait_for(serving, 60)

    run(work)


def test_a_flood_of_one_kind_leaves_the_threads_of_the_others() -> None:
    go_on = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        if environ["PATH_INFO"] != "/console/":
            go_on.wait(60)
        return echo(environ, start_response)

    async def work() -> None:
        bridge = WsgiBridge(app, lanes(1))
        flood = [
            Exchange(bridge, path).body(b"").task
            for path in ("/console/login", "/v1/reports/pages", "/v1/export/events", "/share/x")
            for _ in range(20)
        ]
        assert await Exchange(bridge, "/console/").body(b"").status() == 200
        go_on.set()
        await asyncio.gather(*flood)

    run(work)


def test_what_waits_for_a_thread_is_bounded() -> None:
    go_on = threading.Event()

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        go_on.wait(60)
        return echo(environ, start_response)

    async def work() -> None:
        lane = Lane("all", ["/"], 1, waiting=2)
        bridge = WsgiBridge(app, [lane])
        waiting = [Exchange(bridge).body(b"") for _ in range(3)]
        async with asyncio.timeout(60):
            while not lane.full:
                await asyncio.sleep(0)
        refused = Exchange(bridge).body(b"")
        assert await refused.status() == 503
        assert (b"retry-after", b"5") in refused.sent[0]["headers"]
        go_on.set()
        assert [await exchange.status() for exchange in waiting] == [200] * 3

    run(work)


def test_an_underscore_does_not_stand_in_for_a_proxys_header() -> None:
    headers = [(b"x_forwarded_for", b"1.1.1.1"), (b"x-forwarded-for", b"2.2.2.2"), (b"cookie", b"a"), (b"cookie", b"b")]
    scope = {"method": "GET", "path": "/가", "query_string": b"", "http_version": "1.1", "headers": headers}
    environ = environ_of(scope, b"abc")
    assert environ["HTTP_X_FORWARDED_FOR"] == "2.2.2.2"
    assert environ["HTTP_COOKIE"] == "a; b"
    assert environ["CONTENT_LENGTH"] == "3"
    assert environ["PATH_INFO"].encode("latin-1").decode() == "/가"


# --- which connections are closed ------------------------------------------------------------------------------------

LIMITS = ConnectionLimits(silent_s=15, idle_s=75, of_one=3, of_all=5)


def peers(address: str, *ports: int) -> set[tuple[str, int]]:
    return {(address, port) for port in ports}


def test_a_connection_that_asks_for_nothing_is_closed_after_a_while() -> None:
    table = ConnectionTable(LIMITS)
    assert table.to_close(peers("a", 1), 0) == []
    assert table.to_close(peers("a", 1), 15) == []
    assert table.to_close(peers("a", 1), 16) == [("a", 1)]


def test_between_two_requests_there_is_more_time_and_during_one_any() -> None:
    table = ConnectionTable(LIMITS)
    table.began(("a", 1), 0)
    assert table.to_close(peers("a", 1), 1000) == []
    table.ended(("a", 1), 1000)
    assert table.to_close(peers("a", 1), 1075) == []
    assert table.to_close(peers("a", 1), 1076) == [("a", 1)]


def test_of_one_address_the_oldest_idle_ones_give_way() -> None:
    table = ConnectionTable(LIMITS)
    table.began(("a", 9), 0)
    for port in range(1, 6):
        table.to_close(peers("a", 9, *range(1, port + 1)), port)
    assert table.to_close(peers("a", 9, *range(1, 6)) | peers("b", 1), 6) == [("a", 2), ("a", 1)]


def test_of_all_addresses_the_oldest_idle_ones_give_way() -> None:
    table = ConnectionTable(LIMITS)
    first = peers("a", 1, 2) | peers("b", 1)
    table.to_close(first, 1)
    every = first | peers("c", 1) | peers("d", 1) | peers("e", 1)
    assert len(closed := table.to_close(every, 2)) == 1
    assert set(closed) <= first


def test_an_address_that_is_used_again_begins_anew() -> None:
    table = ConnectionTable(LIMITS)
    table.to_close(peers("a", 1), 0)
    table.to_close(set(), 10)
    assert table.to_close(peers("a", 1), 20) == []
