"""Connections that say nothing, half of it, or too much of HTTP/2: closed in time, and never in another's place."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from dongui_collector.runtime.door_connections import DoorLimits, beyond, capacity, close, established

from tests.collector import ORIGIN, Installation, event

SILENT = {
    "nothing": b"",
    "half-preface": b"PRI * HTTP",
    "half-request-line": b"GET /heal",
    "half-header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-A: ",
    "tls": b"\x16\x03\x01",
}
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
# HEADERS without END_HEADERS on stream 1, and what a flood sends after it.
OPENED = b"\x00\x00\x01\x01\x00\x00\x00\x00\x01\x82"
CONTINUATION = b"\x00\x00\x01\x09\x00\x00\x00\x00\x01\x82"
RESET = b"\x00\x00\x01\x01\x05\x00\x00\x00%c\x82" + b"\x00\x00\x04\x03\x00\x00\x00\x00%c\x00\x00\x00\x08"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("connections") / "i").start()
    yield installation
    installation.close()


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + 90
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def connected(door: Installation, first: bytes, source: str = "127.0.0.1") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", door.port), 60, source_address=(source, 0))
    with contextlib.suppress(ConnectionError):  # one of too many may be closed already
        made.sendall(first)
    return made


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    with contextlib.suppress(ConnectionError):
        try:
            while connection.recv(4096):
                pass
        except BlockingIOError:
            return False
    return True


def served(door: Installation, source: str = "127.0.0.1") -> bool:
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(transport=transport, base_url=door.base, timeout=60) as client:
        return client.get("/healthz").status_code == 200


@contextlib.contextmanager
def several(made: list[socket.socket]) -> Iterator[list[socket.socket]]:
    try:
        yield made
    finally:
        for one in made:
            one.close()


def test_what_does_not_finish_its_header_is_closed(door: Installation) -> None:
    """All kinds at once: also before the first byte, and between two requests."""
    idle = connected(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    with several([idle, *(connected(door, first) for first in SILENT.values())]) as made:
        kinds = ["idle", *SILENT]
        until(lambda: all(map(is_closed, made)), f"some of {kinds} stay open")
        assert served(door)


@pytest.mark.parametrize(
    "flood",
    [OPENED + CONTINUATION * 5000, b"".join(RESET % (n, n) for n in range(1, 250, 2)) * 20, b""],
    ids=["continuation", "rapid-reset", "preface-then-silence"],
)
def test_http_2_is_not_spoken_and_so_not_flooded(door: Installation, flood: bytes) -> None:
    with several([connected(door, PREFACE)]) as (connection,):
        with contextlib.suppress(ConnectionError):
            connection.sendall(SETTINGS + flood)
        until(lambda: is_closed(connection), "the connection stays open")
        assert served(door)


def test_a_body_that_does_not_come_is_given_up(door: Installation) -> None:
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\nContent-Length: 100\r\n\r\n".encode()
    with several([connected(door, head + b"{"), connected(door, head)]) as waiting:
        for one in waiting:
            one.settimeout(60)
            assert b"408" in one.recv(4096).split(b"\r\n")[0]


def test_one_address_holds_only_so_many_and_the_others_have_room(door: Installation) -> None:
    ceiling = DoorLimits.of(capacity(), behind_proxies=False).of_one
    with several([connected(door, b"", "127.0.0.2") for _ in range(ceiling + 200)]) as made:
        until(lambda: sum(map(is_closed, made)) >= 200, "one address holds more than its share")
        assert served(door)
        assert served(door, "127.0.0.2"), "its own requests too: the oldest silent one makes room"
        visitor = door.consent(["statistics"])["visitor"]
        assert door.send(visitor, event()).json() == {"recorded": 1, "refused": {}}


# -- what is decided


def peers(address: str, number: int, since: float) -> dict[tuple[str, int], float]:
    return {(address, port): since + port / 1e6 for port in range(number)}


def test_the_oldest_beyond_a_ceiling_go() -> None:
    idle = peers("192.0.2.1", 5, 10.0) | peers("192.0.2.2", 2, 5.0)
    assert list(beyond(idle, DoorLimits(of_one=3, of_all=100))) == [("192.0.2.1", 1), ("192.0.2.1", 0)]
    assert set(beyond(idle, DoorLimits(of_one=3, of_all=4))) == {
        ("192.0.2.1", 1),
        ("192.0.2.1", 0),
        ("192.0.2.2", 0),
    }
    assert list(beyond({}, DoorLimits(1, 1))) == []


def test_whoever_asked_something_stays_before_the_silent_however_new() -> None:
    honest, silent = peers("192.0.2.1", 2, 1.0), peers("192.0.2.2", 4, 10.0)
    limits = DoorLimits(of_one=100, of_all=3)
    assert set(beyond(honest | silent, limits, set(honest))) == set(list(silent)[:3])


def test_many_addresses_together_leave_a_quarter_of_the_room() -> None:
    limits = DoorLimits.of(1000, behind_proxies=False)
    idle = {(f"10.0.{n // 250}.{n % 250}", 1): float(n) for n in range(1000)}
    assert len(list(beyond(idle, limits))) == 250
    behind = DoorLimits.of(1000, behind_proxies=True)
    assert behind.of_one == behind.of_all, "all connections are the proxy's"


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_a_port_s_own_connections_are_found_and_closed(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        port = listener.getsockname()[1]
        clients = [socket.create_connection((host, port)) for _ in range(3)]
        accepted = [listener.accept()[0] for _ in clients]
        with several([*clients, *accepted]):
            found = established(port)
            assert set(found) == {tuple(client.getsockname()[:2]) for client in clients}
            first = tuple(clients[0].getsockname()[:2])
            assert close({first}, {found[first]}, port) == 1  # type: ignore[index, arg-type]
            assert clients[0].recv(1) == b""
            assert not is_closed(clients[1])
