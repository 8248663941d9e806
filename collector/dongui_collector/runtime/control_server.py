"""The local socket inside ``serve``, over which the command line and the desk ask for changes."""

from __future__ import annotations

import asyncio
import logging
import sys
from contextlib import suppress
from typing import Any

import msgspec
from dongui.errors import DonguiError

from dongui_collector.core import operations
from dongui_collector.core.control import MAX_LINE, SOCKET, Address, Call, Reply, ServeAddress, short_path
from dongui_collector.core.installation import InstallationCore
from dongui_collector.core.operations import operation

log = logging.getLogger("dongui.control")


def own_cleanup(version: tuple[int, ...]) -> dict[str, Any]:
    """What an event loop of this Python is told, so that it leaves the socket to us.

    From 3.13 on it would remove it by the path that it was given, which leads nowhere any more at the end, and log an
    error; ``stop`` removes it by its own.
    """
    return {"cleanup_socket": False} if version >= (3, 13) else {}


_OWN_CLEANUP = own_cleanup(sys.version_info[:3])


@operation("serve.address", changes=False)
def serve_address(installation: InstallationCore, request: ServeAddress) -> Address:
    """The settings as ``serve`` was given them."""
    return Address(installation.settings.host, installation.settings.port)


class ControlServer:
    """The local socket inside ``serve``. Only the folder's owner can reach it (the folder is 0700, the socket 0600)."""

    def __init__(self, installation: InstallationCore) -> None:
        self._installation = installation
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        path = self._installation.settings.data_path / SOCKET
        with suppress(FileNotFoundError):
            path.unlink()  # a crash's remains: the folder's lock says that no one else serves
        with short_path(self._installation.settings.data_path) as short:
            self._server = await asyncio.start_unix_server(self._serve, short, limit=MAX_LINE, **_OWN_CLEANUP)
        path.chmod(0o600)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            call = msgspec.json.decode(await reader.readline(), type=Call)
            reply = await asyncio.to_thread(self._answer, call)
            writer.write(msgspec.json.encode(reply) + b"\n")
            await writer.drain()
        except (ValueError, ConnectionError):
            pass
        finally:
            writer.close()

    def _answer(self, call: Call) -> Reply:
        try:
            known = operations.named(call.operation)
            try:
                request = msgspec.json.decode(call.arguments, type=known.request)
            except msgspec.ValidationError as error:
                raise operations.refusal(known.request, error) from None
            return Reply(result=msgspec.Raw(msgspec.json.encode(operations.execute(self._installation, request))))
        except DonguiError as error:
            return Reply(error=str(error) or type(error).__name__)
        except Exception as error:  # the socket's answer must not be a traceback
            log.error("an operation failed", exc_info=error)
            return Reply(error=f"{call.operation} failed ({type(error).__name__}); the server's log says more")

    def stop(self) -> None:
        if self._server:
            self._server.close()
        with suppress(OSError):
            (self._installation.settings.data_path / SOCKET).unlink()
