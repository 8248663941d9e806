"""Firefox and WebKitGTK by their own remote protocols, for smoke journeys: no driver of anybody else's is needed."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from tests.ports import free_port


class Tab(Protocol):
    """What a smoke journey needs of a browser."""

    def goto(self, url: str) -> None: ...

    def evaluate(self, script: str) -> Any:
        """The value of an expression, a promise's awaited; JSON values only."""

    def click(self, x: int, y: int) -> None:
        """Press the mouse at a point of the viewport, as a person does: the page may trust it."""


class _Socket:
    """The client's half of a WebSocket (RFC 6455), as far as text messages go."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._file = self._socket.makefile("rb")
        assert b"101" in self._file.readline()
        while self._file.readline().strip():
            pass

    def send(self, text: str) -> None:
        data, mask = text.encode(), secrets.token_bytes(4)
        size = bytes([len(data) | 0x80]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        if len(data) > 0xFFFF:
            size = b"\xff" + struct.pack(">Q", len(data))
        self._socket.sendall(b"\x81" + size + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(data)))

    def receive(self) -> str:
        text = b""
        while True:
            first, second = self._file.read(2)
            length = second & 0x7F
            if length > 125:
                length = struct.unpack(*((">H", self._file.read(2)) if length == 126 else (">Q", self._file.read(8))))[
                    0
                ]
            text += self._file.read(length)
            if first & 0x80 and first & 0x0F in (0, 1):
                return text.decode()
            if first & 0x0F > 1:
                text = b""

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class _Firefox:
    """A tab by WebDriver BiDi, which Firefox speaks itself."""

    def __init__(self, url: str) -> None:
        self._wire = _Socket(url)
        self._count = 0
        self._call("session.new", {"capabilities": {}})
        self._context = self._call("browsingContext.getTree", {})["contexts"][0]["context"]

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        self._count += 1
        self._wire.send(json.dumps({"id": self._count, "method": method, "params": params}))
        while (answer := json.loads(self._wire.receive())).get("id") != self._count:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def goto(self, url: str) -> None:
        self._call("browsingContext.navigate", {"context": self._context, "url": url, "wait": "complete"})

    def evaluate(self, script: str) -> Any:
        wrapped = f"(async () => JSON.stringify([await ({script})]))()"
        target = {"context": self._context}
        result = self._call("script.evaluate", {"expression": wrapped, "target": target, "awaitPromise": True})
        return json.loads(result["result"]["value"])[0]

    def click(self, x: int, y: int) -> None:
        self._call("input.performActions", {"context": self._context, "actions": _press(x, y)})

    def close(self) -> None:
        self._call("session.end", {})
        self._wire.close()


class _WebKit:
    """A tab by WebDriver, through WebKitGTK's own driver."""

    def __init__(self, url: str) -> None:
        options = {"binary": _mini_browser(), "args": ["--automation"]}
        self._url = url
        body = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
        self._url = f"{url}/session/{self._call('POST', '/session', body)['sessionId']}"

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def goto(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def evaluate(self, script: str) -> Any:
        wrapped = f"const done = arguments[0]; (async () => JSON.stringify([await ({script})]))().then(done)"
        return json.loads(self._call("POST", "/execute/async", {"script": wrapped, "args": []}))[0]

    def click(self, x: int, y: int) -> None:
        self._call("POST", "/actions", {"actions": _press(x, y)})

    def close(self) -> None:
        self._call("DELETE", "")


def _press(x: int, y: int) -> list[dict[str, Any]]:
    """WebDriver's actions for one press of the mouse; both protocols have the same."""
    move = {"type": "pointerMove", "x": x, "y": y, "duration": 0}
    buttons = [{"type": kind, "button": 0} for kind in ("pointerDown", "pointerUp")]
    return [{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": [move, *buttons]}]


def _mini_browser() -> str:
    found = sorted(Path("/usr/lib").glob("*/webkit*gtk*/MiniBrowser"))
    assert found, "install webkit2gtk-driver"
    return str(found[0])


@contextmanager
def firefox() -> Iterator[Tab]:
    """Debian's Firefox ESR, with a profile of its own."""
    folder = tempfile.mkdtemp()
    command = ["firefox-esr", "--headless", "--no-remote", "--profile", folder, "--remote-debugging-port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    try:
        assert process.stderr
        url = next(m[1] for line in process.stderr if (m := re.search(r"BiDi listening on (ws://\S+)", line)))
        tab = _Firefox(f"{url}/session")
        yield tab
        tab.close()
    finally:
        process.terminate()
        process.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def webkit() -> Iterator[Tab]:
    """Debian's WebKitGTK, on a virtual display."""
    port = free_port()
    command = ["xvfb-run", "-a", "WebKitWebDriver", f"--port={port}"]
    folder = tempfile.mkdtemp()
    process = subprocess.Popen(
        command, env={**os.environ, "XDG_DATA_HOME": folder, "XDG_CACHE_HOME": folder}, start_new_session=True
    )
    try:
        _reachable(port)
        tab = _WebKit(f"http://127.0.0.1:{port}")
        yield tab
        tab.close()
    finally:
        os.killpg(process.pid, 15)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _reachable(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the driver does not answer"
            time.sleep(0.05)
        else:
            return


BROWSERS = {"firefox": firefox, "webkit": webkit}
