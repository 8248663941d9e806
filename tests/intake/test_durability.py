"""Invariant 3: what was answered 202 survives kill -9 at any instant; what was not is whole or absent.

Nothing is doubled.
"""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from dongui_collector.runtime import serve

from tests.collector import ORIGIN, Installation, dongui, event, marker

ROUNDS = 4


class Load:
    """Clients that send until told to stop, remembering what was acknowledged."""

    def __init__(self, collector: Installation, visitor: str, clients: int = 6) -> None:
        self.acknowledged: set[str] = set()
        self.sent: set[str] = set()
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(collector, visitor)) for _ in range(clients)]
        for thread in self._threads:
            thread.start()

    def _send(self, collector: Installation, visitor: str) -> None:
        with httpx.Client(base_url=collector.base, timeout=60, headers=collector.bearer) as http:
            while not self._stop.is_set():
                events = [event(), event()]
                for e in events:
                    e["url"] += "/" + marker()
                urls = {e["url"] for e in events}
                self.sent |= urls
                body = {"site": collector.site, "visitor": visitor, "events": events}
                try:
                    answer = http.post("/v1/events", json=body)
                except httpx.TransportError:
                    return
                if answer.status_code == 202:
                    self.acknowledged |= urls

    def await_answers(self, at_least: int) -> None:
        """Until so many events were acknowledged, however slow the machine is today."""
        deadline = time.monotonic() + 60
        while len(self.acknowledged) < at_least and time.monotonic() < deadline:
            time.sleep(0.01)

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_kill_9_under_load_again_and_again(fresh: Installation) -> None:
    fresh.start()
    visitor = fresh.consent(["statistics"])["visitor"]
    acknowledged: set[str] = set()
    sent: set[str] = set()
    for number in range(ROUNDS):
        load = Load(fresh, visitor)
        load.await_answers(10 + number * 7)
        fresh.stop(signal.SIGKILL)
        load.end()
        acknowledged |= load.acknowledged
        sent |= load.sent
        fresh.start()
    urls = [row["url"] for row in fresh.me(visitor)["events"]]
    assert len(acknowledged) > 10
    assert len(urls) == len(set(urls))
    assert acknowledged <= set(urls) <= sent
    fresh.run("verify")


def test_a_withdrawal_under_load_leaves_nothing_and_lets_nothing_in_behind_it(fresh: Installation) -> None:
    """Events are on their way while the choice is recorded: each was destroyed with the others, or is refused."""
    fresh.start()
    leaving, staying = (fresh.consent(["statistics"])["visitor"] for _ in range(2))
    gone, kept = Load(fresh, leaving, clients=4), Load(fresh, staying, clients=2)
    gone.await_answers(60)
    assert fresh.consent([], ["statistics"], leaving)["state"]["statistics"] == "withdrawn"
    seen = len(gone.acknowledged)
    gone.await_answers(seen + 20)  # they go on sending, and are answered that nothing was recorded
    for load in (gone, kept):
        load.end()
    assert fresh.send(leaving, event()).json() == {"recorded": 0, "refused": {"no_consent": 1}}
    sent = [url.rsplit("/", 1)[-1].encode() for url in gone.sent]

    def left() -> list[bytes]:
        held = fresh.bytes()
        return [url for url in sent if url in held]

    deadline = time.monotonic() + 60
    while left() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert left() == []
    assert {row["url"] for row in fresh.me(staying)["events"]} == kept.acknowledged
    fresh.run("verify")


def test_a_withdrawal_interrupted_by_kill_9_is_finished_at_the_next_start(fresh: Installation) -> None:
    """The intent is on the ledger: from its commit on nothing is shown, and the start-up destroys what is left."""
    fresh.start()
    visitor = fresh.consent(["statistics"])["visitor"]
    now = event()["at"]
    for day in range(120):
        events = [event(now - day * 86_400_000, url=f"{ORIGIN}/SENTINEL-WITHDRAWN/{day}/{n}") for n in range(20)]
        assert fresh.send(visitor, *events, headers=fresh.bearer).status_code == 202
    killer = threading.Timer(0.05, lambda: fresh.process and fresh.process.kill())
    killer.start()
    with suppress(httpx.TransportError):
        fresh.consent([], ["statistics"], visitor)
    killer.join()
    fresh.process.wait(60) if fresh.process else None
    fresh.start()
    assert fresh.me(visitor)["state"]["statistics"] in ("withdrawn", "given")
    fresh.consent([], ["statistics"], visitor)  # a visitor whose choice got no answer tries again
    assert fresh.me(visitor)["events"] == []
    assert b"SENTINEL-WITHDRAWN" not in fresh.bytes()
    fresh.run("verify")


def test_sigterm_ends_within_five_seconds_beside_slow_clients(fresh: Installation) -> None:
    """Idle keep-alive, ten stalled downloads and a drip-fed body are open, and would be for ever.

    The bound of the contract is the one at which ``serve`` ends itself: a test of its own would measure the machine.
    """
    import socket

    fresh.start()
    visitor = fresh.consent(["statistics"])["visitor"]
    for _ in range(60):
        fresh.send(visitor, *(event(props={"x": "y" * 500}) for _ in range(80)), headers=fresh.bearer)
    stalled = []
    for _ in range(10):
        raw = socket.create_connection(("127.0.0.1", fresh.port))
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.sendall(f"GET /v1/me/export HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {visitor}\r\n\r\n".encode())
        stalled.append(raw)
    drip = socket.create_connection(("127.0.0.1", fresh.port))
    drip.sendall(
        b"POST /v1/events HTTP/1.1\r\nhost: x\r\norigin: https://shop.example.com\r\ncontent-length: 500\r\n\r\n{"
    )
    idle = socket.create_connection(("127.0.0.1", fresh.port))
    idle.sendall(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
    assert idle.recv(100)
    assert fresh.send(visitor, event()).status_code == 202  # nobody else is held up
    assert fresh.process is not None
    process = fresh.process
    process.terminate()
    assert process.wait(60) == 0
    assert serve._LAST_S < 5
    fresh.process = None
    for raw in (*stalled, drip, idle):
        raw.close()


def test_a_second_serve_is_refused_with_the_holders_pid(fresh: Installation) -> None:
    fresh.start()
    assert fresh.process is not None
    second = dongui("serve", "--config", fresh.config, "--port", "0", "--desk-port", "0", code=2)
    assert str(fresh.process.pid) in second.stderr


@pytest.mark.parametrize("what", ["withdrawal", "erasure"])
def test_a_full_disk(tmp_path: Path, what: str) -> None:
    """503 with Retry-After, nothing acknowledged; withdrawal and destruction still work."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=80m", "tmpfs", str(folder)], check=True)
    try:
        collector = Installation(folder / "installation").start()
        try:
            _full_disk(collector, folder, what)
        finally:
            collector.close()
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _full_disk(collector: Installation, folder: Path, what: str) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    collector.send(visitor, *(event(url=f"{ORIGIN}/SENTINEL-FULL/{n}") for n in range(50)))
    deadline = time.monotonic() + 60
    while not (folder / "installation/data/reserve").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    fill(folder / "filler")
    refused = None
    stored = 0
    for _ in range(3000):
        answer = collector.send(visitor, *(event(props={"x": "y" * 400}) for _ in range(100)), headers=collector.bearer)
        if answer.status_code != 202:
            refused = answer
            break
        stored += answer.json()["recorded"]
    assert refused is not None
    assert refused.status_code == 503
    assert refused.headers["retry-after"]
    assert json.loads(refused.text)["type"] == "urn:dongui:problem:unavailable"
    assert len(collector.me(visitor)["events"]) == 50 + stored
    if what == "withdrawal":
        assert collector.consent([], ["statistics"], visitor)["state"]["statistics"] == "withdrawn"
        assert collector.me(visitor)["events"] == []
    else:
        assert collector.http.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"}).status_code == 200
    deadline = time.monotonic() + 60
    while b"SENTINEL-FULL" in collector.bytes() and time.monotonic() < deadline:
        time.sleep(0.2)
    assert b"SENTINEL-FULL" not in collector.bytes()
    (folder / "filler").unlink()
    again = collector.consent(["statistics"])["visitor"]
    assert collector.send(again, event()).status_code == 202


def fill(path: Path) -> None:
    """Write until nothing more fits."""
    with suppress(OSError), path.open("wb", buffering=0) as filler:
        while filler.write(bytes(1 << 16)) == 1 << 16:
            pass
