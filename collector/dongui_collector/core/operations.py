"""Changes from the command line and the desk.

Done by the running ``serve`` over a local socket, or here under the folder's lock.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from dongui.errors import DonguiError

from dongui_collector.core.errors import CollectorError, Unknown
from dongui_collector.core.settings import Settings

if TYPE_CHECKING:
    from dongui_collector.core.installation import Installation

Operation = Callable[..., Any]
F = TypeVar("F", bound=Operation)
log = logging.getLogger("dongui.control")
operations: dict[str, Operation] = {}

# Modules that register operations when they are imported.
_REGISTERING = (
    "dongui_collector.access.audit_log",
    "dongui_collector.ledger.sites",
    "dongui_collector.access.tokens",
    "dongui_collector.access.accounts",
    "dongui_collector.access.sessions",
    "dongui_collector.keys.operations",
    "dongui_collector.webhooks.operations",
    "dongui_collector.rights.receipts",
    "dongui_collector.rights.requests",
    "dongui_collector.rights.delivery",
    "dongui_collector.rights.correction",
    "dongui_collector.rights.letters",
    "dongui_collector.rights.channels",
    "dongui_collector.rights.disclosures",
    "dongui_collector.rights.manual_disclosures",
    "dongui_collector.rights.transfers",
    "dongui_collector.rights.investigations",
    "dongui_collector.rights.breach",
    "dongui_collector.rights.profiles",
    "dongui_collector.runtime.event_import",
    "dongui_collector.retention.operations",
    "dongui_collector.exports.operations",
    "dongui_collector.analytics.saved_views",
    "dongui_collector.analytics.shared_links",
    "dongui_collector.analytics.weekly_mail",
)
_SOCKET = "control.sock"
_MAX_LINE = 64 << 20


def operation(name: str) -> Callable[[F], F]:
    """Register a function ``(core, **arguments) -> JSON value`` under a name such as ``policy.publish``."""

    def register(function: F) -> F:
        operations[name] = function
        return function

    return register


def perform(core: Installation, name: str, arguments: dict[str, Any]) -> Any:
    """Run an operation on an open, writable installation."""
    for module in _REGISTERING:
        import_module(module)
    if name not in operations:
        raise Unknown(f"there is no operation {name!r}")
    return operations[name](core, **arguments)


@operation("serve.address")
def _address(core: Installation) -> dict[str, Any]:
    """Where the public door listens: the settings as ``serve`` was told, which its options may have changed."""
    return {"host": core.settings.host, "port": core.settings.port}


def serve_address(settings: Settings) -> tuple[str, int]:
    """Where the running ``serve`` listens by its own word; where the settings say if it gives none."""
    try:
        told = _ask(settings.data_path, "serve.address", {}, timeout=5)
        return told["host"], told["port"]
    except (OSError, ValueError, RefusedByServer):
        return settings.host, settings.port


def call(settings: Settings, name: str, /, **arguments: Any) -> Any:
    """Run an operation in the running ``serve``, or, where none runs, in this process under the folder's lock."""
    try:
        return _ask(settings.data_path, name, arguments)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    from dongui_collector.runtime.composition import open_core

    core = open_core(settings, writable=True)
    try:
        return perform(core, name, arguments)
    finally:
        core.close()


class RefusedByServer(CollectorError):
    """The running ``serve`` refused an operation; the message is its own."""


def _ask(data: Path, name: str, arguments: dict[str, Any], timeout: float | None = None) -> Any:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(timeout)
        with _short_path(data) as path:
            client.connect(path)
        client.sendall(json.dumps({"operation": name, "arguments": arguments}, default=str).encode() + b"\n")
        with client.makefile("rb") as answer:
            line = answer.readline(_MAX_LINE)
    if not line:
        raise RefusedByServer("the running serve ended before it answered; run the command again")
    reply = json.loads(line)
    if "error" in reply:
        raise RefusedByServer(reply["error"])
    return reply["result"]


class _short_path:
    """The socket's path through an open folder: a Unix socket's own path may have only 107 bytes."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __enter__(self) -> str:
        self._fd = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return f"/proc/self/fd/{self._fd}/{_SOCKET}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def own_cleanup(version: tuple[int, ...]) -> dict[str, Any]:
    """What an event loop of this Python is told, so that it leaves the socket to us.

    From 3.13 on it would remove it by the path that it was given, which leads nowhere any more at the end, and log an
    error; ``stop`` removes it by its own.
    """
    return {"cleanup_socket": False} if version >= (3, 13) else {}


_OWN_CLEANUP = own_cleanup(sys.version_info[:3])


class ControlServer:
    """The local socket inside ``serve``. Only the folder's owner can reach it (the folder is 0700, the socket 0600)."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        path = self._core.settings.data_path / _SOCKET
        with suppress(FileNotFoundError):
            path.unlink()  # a crash's remains: the folder's lock says that no one else serves
        with _short_path(self._core.settings.data_path) as short:
            self._server = await asyncio.start_unix_server(self._serve, short, limit=_MAX_LINE, **_OWN_CLEANUP)
        path.chmod(0o600)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = json.loads(await reader.readline())
            reply = await asyncio.to_thread(self._perform, asked["operation"], asked["arguments"])
            writer.write(json.dumps(reply, default=str).encode() + b"\n")
            await writer.drain()
        except (ValueError, KeyError, ConnectionError):
            pass
        finally:
            writer.close()

    def _perform(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return {"result": perform(self._core, name, arguments)}
        except DonguiError as error:
            return {"error": str(error)}
        except Exception as error:  # the socket's answer must not be a traceback
            log.error("an operation failed", exc_info=error)
            return {"error": f"{name} failed ({type(error).__name__}); the server's log says more"}

    def stop(self) -> None:
        if self._server:
            self._server.close()
        with suppress(OSError):
            (self._core.settings.data_path / _SOCKET).unlink()
