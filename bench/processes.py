"""Child processes of the bench: a port, a start that is waited for, an end that is certain."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_START = 30.0


class StartError(Exception):
    """A server did not come up."""


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(
    command: Sequence[str], port: int, *, env: Mapping[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends; it is SIGKILLed then, so that only what it had on disk counts.

    Raises :class:`StartError` with the end of its log when it does not listen within 30 s.
    """
    with (log or Path(os.devnull)).open("wb") as out:
        child = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **(env or {})}, stdout=out, stderr=out, start_new_session=True
        )
        try:
            _await_port(child, command, port, log)
            yield child
        finally:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()


def _await_port(child: subprocess.Popen[bytes], command: Sequence[str], port: int, log: Path | None) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    said = log.read_text(errors="replace")[-2000:] if log and log.exists() else ""
    raise StartError(f"{' '.join(command)} does not listen on port {port}\n{said}")


def python(*args: str) -> list[str]:
    """A command of the interpreter that runs the bench."""
    return [sys.executable, *args]


def script(name: str) -> str:
    """A console script of the same environment."""
    return str(Path(sys.executable).with_name(name))
