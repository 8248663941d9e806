"""The way to change an installation: the running ``serve`` does it over a local socket; where none runs, this process
does it under the folder's lock."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import msgspec

from dongui_collector.core import operations
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import R, Request
from dongui_collector.core.settings import Settings

SOCKET = "control.sock"
MAX_LINE = 64 << 20
Open = Callable[[Settings], AbstractContextManager[Any]]


class RefusedByServer(CollectorError):
    """The running ``serve`` refused an operation; the message is its own."""


class Call(msgspec.Struct):
    """A line to the server: the operation's name, and its request as JSON."""

    operation: str
    arguments: msgspec.Raw


class Reply(msgspec.Struct, omit_defaults=True):
    """A line from the server: the reply as JSON, or why there is none."""

    result: msgspec.Raw = msgspec.Raw()
    error: str = ""


class Address(msgspec.Struct, frozen=True):
    """Where the public door listens."""

    host: str
    port: int


class ServeAddress(Request[Address], frozen=True):
    """Ask the running serve where it listens: its options may have changed what the settings say."""


class Control:
    """Asks for changes of one installation. ``open_alone`` opens it in this process where no ``serve`` runs."""

    def __init__(self, settings: Settings, open_alone: Open) -> None:
        self._settings = settings
        self._open_alone = open_alone

    def __call__(self, request: Request[R]) -> R:
        """Have a request answered. Raises :class:`RefusedByServer`, or here what the operation raises."""
        known = operations.of_request(type(request))
        try:
            answer = self._ask(known.name, _encoded(request))
        except (FileNotFoundError, ConnectionRefusedError):
            with self._open_alone(self._settings) as installation:
                return operations.execute(installation, request)
        reply: R = msgspec.json.decode(answer, type=known.reply)
        return reply

    def if_running(self, request: Request[R]) -> R | None:
        """Have the running ``serve`` answer what it alone knows; None where none runs.

        Raises :class:`RefusedByServer`.
        """
        known = operations.of_request(type(request))
        try:
            answer = self._ask(known.name, _encoded(request), timeout=5)
        except OSError:
            return None
        reply: R = msgspec.json.decode(answer, type=known.reply)
        return reply

    def ask(self, name: str, /, **arguments: Any) -> Any:
        """The same for plain values, by the operation's name; the reply is plain values too."""
        return operations.plain(self(operations.typed(operations.named(name).request, arguments)))

    def address(self) -> tuple[str, int]:
        """Where the running ``serve`` listens by its own account; where the settings say if it gives none."""
        try:
            known = msgspec.json.decode(self._ask("serve.address", b"{}", timeout=5), type=Address)
        except (OSError, ValueError, RefusedByServer):
            return self._settings.host, self._settings.port
        return known.host, known.port

    def _ask(self, name: str, arguments: bytes, timeout: float | None = None) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(timeout)
            with short_path(self._settings.data_path) as path:
                client.connect(path)
            client.sendall(msgspec.json.encode(Call(name, msgspec.Raw(arguments))) + b"\n")
            with client.makefile("rb") as answer:
                line = answer.readline(MAX_LINE)
        if not line:
            raise RefusedByServer("the running serve ended before it answered; run the command again")
        reply = msgspec.json.decode(line, type=Reply)
        if reply.error:
            raise RefusedByServer(reply.error)
        return bytes(reply.result)


def _encoded(request: Request[Any]) -> bytes:
    try:
        return msgspec.json.encode(request)
    except UnicodeEncodeError:
        raise CollectorError("a text that was given is not UTF-8; give it as UTF-8") from None


class short_path:
    """The socket's path through an open folder: a Unix socket's own path may have only 107 bytes."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> str:
        self._fd = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._fd}/{SOCKET}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
