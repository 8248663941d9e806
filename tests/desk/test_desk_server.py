"""The desk's own process: it answers, survives slow readers, and ends with its collector."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_world import World

from tests.ports import free_port

PATIENCE_S = 60.0


@pytest.fixture
def address(world: World) -> tuple[str, int]:
    port = free_port()
    with Path(world.installed.config).open("a", encoding="utf-8") as settings:
        settings.write(f"desk_port = {port}\n")
    return "127.0.0.1", port


@pytest.fixture
def process(world: World, address: tuple[str, int]) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "dongui_collector.runtime.desk_serve", "--config", world.installed.config]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        try:
            socket.create_connection(address, 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield process
    process.kill()
    process.wait()
    if process.stdin:
        process.stdin.close()


def get(address: tuple[str, int], path: str, token: str | None = None) -> bytes:
    request = urllib.request.Request(f"http://{address[0]}:{address[1]}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        return bytes(answer.read())


def stalled(address: tuple[str, int], world: World, token: str) -> socket.socket:
    """A download that is asked for and then never read."""
    client = socket.create_connection(address, PATIENCE_S)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    today = world.core.clock.today(world.settings.zone)
    path = f"/v1/export/events?from={today}&to={today}"
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    return client


def test_it_answers(process: subprocess.Popen[bytes], address: tuple[str, int]) -> None:
    assert json.loads(get(address, "/healthz")) == {"alive": True}


def test_it_ends_when_its_collector_is_gone(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0


def test_stalled_downloads_neither_delay_others_nor_the_end(
    world: World, process: subprocess.Popen[bytes], address: tuple[str, int]
) -> None:
    for _ in range(3):
        world.visitor_with_events("statistics", events=4000)
    token = world.token("statistics")["token"]
    clients = [stalled(address, world, token) for _ in range(5)]
    assert json.loads(get(address, "/healthz")) == {"alive": True}
    process.terminate()
    assert process.wait(PATIENCE_S) == 0
    for client in clients:
        client.close()


def test_a_stalled_download_holds_no_snapshot_that_keeps_what_was_withdrawn(
    world: World, process: subprocess.Popen[bytes], address: tuple[str, int]
) -> None:
    visitor = world.visitor_with_events("statistics", events=4000)
    world.visitor_with_events("statistics", events=4000)
    client = stalled(address, world, world.token("statistics")["token"])
    client.recv(1000)
    world.choose(visitor, (), ("statistics",))
    assert world.core.storage.events.count(world.core.storage.events.days()[0]) == 4000
    assert not [p for p in (world.settings.data_path / "events").glob("*-wal") if p.stat().st_size]
    client.close()
