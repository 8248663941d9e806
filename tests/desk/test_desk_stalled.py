"""A reader that stands still in the middle of an export keeps no withdrawal, no log and no other reader waiting."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.clock import now_ms, today
from tests.collector import ORIGIN, Installation, event, marker

_ROWS = 12_000  # more than the sockets' buffers take


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "i").start()
    yield installation
    installation.close()


def waited(condition: Any, what: str) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def stalled(port: int, token: str, query: str) -> socket.socket:
    """A connection that asked for an export, saw that it began, and reads no further."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(60)
    connection.connect(("127.0.0.1", port))
    request = f"GET /v1/export/events?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    connection.sendall(request.encode())
    assert connection.recv(512).startswith(b"HTTP/1.1 200")
    return connection


def test_a_stalled_reader_keeps_neither_the_log_nor_a_withdrawal_nor_the_desk(
    served: Installation, tmp_path: Path
) -> None:
    secret, visitor = marker(), served.consent(["statistics"])["visitor"]
    filler = served.consent(["statistics"])["visitor"]
    now = now_ms()
    made = [{"visitor": filler, **event(now, url=f"{ORIGIN}/{'x' * 300}/{n}")} for n in range(_ROWS)]
    # On both ends: the first page is read before the reader stalls, the last one never.
    ours = [{"visitor": visitor, **event(now, url=f"{ORIGIN}/{secret}")} for _ in range(2)]
    file = tmp_path / "lines"
    file.write_text("".join(json.dumps(line) + "\n" for line in (ours[0], *made, ours[1])))
    served.run("import", str(file))
    token, other = (
        json.loads(served.run("tokens", "create", "--purpose", "statistics", "--json").stdout)["token"]
        for _ in range(2)
    )
    query = f"from={today() - timedelta(days=1)}&to={today() + timedelta(days=1)}"
    readers = [stalled(served.desk_port, token, query) for _ in range(2)]
    try:
        assert secret.encode() in served.bytes()
        served.consent([], ["statistics"], visitor)
        waited(lambda: secret.encode() not in served.bytes(), "the withdrawn value is still in the data folder")
        desk = httpx.Client(base_url=f"http://127.0.0.1:{served.desk_port}", timeout=60)
        assert desk.get("/healthz").status_code == 200
        path = f"/v1/export/events?{query}"
        assert desk.get(path, headers={"authorization": f"Bearer {token}"}).status_code == 503
        answer = desk.get(path, headers={"authorization": f"Bearer {other}"})
        assert len(answer.text.splitlines()) == _ROWS
        assert secret not in answer.text
        desk.close()
    finally:
        for reader in readers:
            reader.close()
    with httpx.Client(base_url=f"http://127.0.0.1:{served.desk_port}", timeout=60) as desk:
        headers = {"authorization": f"Bearer {token}"}
        waited(lambda: desk.get(f"{path}&limit=1", headers=headers).status_code == 200, "the desk did not come back")
        waited(lambda: desk.get(path, headers=headers).status_code == 200, "the streams were not let go of")
