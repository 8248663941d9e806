"""A Chromium of one's own, driven by the DevTools protocol over a pipe: no port that others could speak to.

https://chromedevtools.github.io/devtools-protocol/ ; messages are JSON, each ended by a NUL byte.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LARGEST = 8 << 20  # bytes of one message
_MOST_EVENTS = 10_000
_FLAGS = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-component-update",
    "--disable-background-networking",
    "--disable-breakpad",
    "--disable-dev-shm-usage",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--proxy-bypass-list=<-loopback>",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
Json = Mapping[str, Any]


class BrowserGone(Exception):
    """The browser did not start, ended, or did not answer in time."""


def chromium_path() -> str | None:
    """Where a Chromium is on the PATH; None for none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class DevTools:
    """The browser's end of the pipe. Events that arrive while a call waits are kept for :meth:`events`."""

    def __init__(self, read: int, write: int, deadline: float) -> None:
        self._read, self._write, self._deadline = read, write, deadline
        self._buffer, self._last = b"", 0
        self._events: list[tuple[str, Json]] = []
        self.session: str | None = None

    def call(self, method: str, /, **given: Any) -> Json:
        """Have something done; what it answered, empty where it was refused. Raises :class:`BrowserGone`."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": given}
        if self.session is not None:
            message["sessionId"] = self.session
        try:
            os.write(self._write, json.dumps(message).encode() + b"\0")
        except OSError:
            raise BrowserGone from None
        while True:
            answer = self._message(self._deadline)
            if answer is None:
                raise BrowserGone
            if answer.get("id") == self._last:
                result: Json = answer.get("result", {})
                return result

    def events(self, until: float) -> Iterator[tuple[str, Json]]:
        """What happened and happens up to an instant of the monotonic clock: name and facts, each once."""
        while True:
            while self._events:
                yield self._events.pop(0)
            if self._message(min(until, self._deadline)) is None:
                return

    def _message(self, until: float) -> Json | None:
        """The next message; None when none came in time. Raises :class:`BrowserGone`."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            if not ready:
                return None
            data = os.read(self._read, 1 << 20)
            if not data or len(self._buffer) > LARGEST:
                raise BrowserGone
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\0")
        message: Json = json.loads(line)
        if "method" in message and len(self._events) < _MOST_EVENTS:
            self._events.append((message["method"], message.get("params", {})))
        return message


@contextmanager
def chromium(path: str, proxy_port: int, deadline: float) -> Iterator[DevTools]:
    """A browser with an empty profile, in its sandbox, whose only way out is the proxy; ended at the end.

    ``deadline``: when it is given up, by the monotonic clock. The profile stays, for who made the temporary folder.
    Raises :class:`BrowserGone`.
    """
    profile = tempfile.mkdtemp(prefix="dongui-check-")
    to_browser, from_browser = os.pipe(), os.pipe()
    flags = (f"--user-data-dir={profile}", f"--proxy-server=http://127.0.0.1:{proxy_port}", "about:blank")
    wired = [
        (os.POSIX_SPAWN_DUP2, to_browser[0], 3),
        (os.POSIX_SPAWN_DUP2, from_browser[1], 4),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    process = os.posix_spawn(path, [path, *_FLAGS, *flags], _environment(profile), file_actions=wired)
    os.close(to_browser[0])
    os.close(from_browser[1])
    try:
        yield DevTools(from_browser[0], to_browser[1], deadline)
    finally:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        os.close(to_browser[1])
        os.close(from_browser[0])


def _environment(profile: str) -> dict[str, str]:
    """Nothing of ours, and nothing that a library would read a setting or a proxy from."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": profile, "TMPDIR": profile, "LANG": "C.UTF-8"}
