"""A socket to the collector, all of whose calls share one deadline."""

from __future__ import annotations

import contextlib

# Resolving a name needs this codec; importing it first at the interpreter's exit, while the queue is flushed, fails.
import encodings.idna  # noqa: F401
import os
import socket
import ssl
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from dongui.errors import ConfigurationError


class Endpoint(NamedTuple):
    """Where the collector listens; ``prefix`` goes before every path."""

    secure: bool
    host: str
    port: int
    prefix: str

    @property
    def authority(self) -> str:
        """What its ``Host`` header says."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == (443 if self.secure else 80) else f"{name}:{self.port}"


def parse_base(base: str) -> Endpoint:
    """The collector's address, as in ``http://127.0.0.1:8787``.

    Raises :class:`ConfigurationError` for anything that is not a plain http or https address.
    """
    try:
        parts = urlsplit(base)
        host, port = parts.hostname, parts.port
    except (ValueError, AttributeError, TypeError):
        host = port = None
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not host or "@" in parts.netloc or parts.query or parts.fragment:
        raise ConfigurationError("collector", f"{base!r} is not an address such as http://127.0.0.1:8787")
    secure = parts.scheme == "https"
    return Endpoint(secure, host, port or (443 if secure else 80), parts.path.rstrip("/"))


class Connection:
    """An open connection. ``deadline`` (``time.monotonic``) ends what is under way, however slowly the peer drips."""

    def __init__(self, endpoint: Endpoint, tls: ssl.SSLContext | None, timeout: float, deadline: float) -> None:
        self.deadline = deadline
        limit = max(0.001, min(timeout, deadline - time.monotonic()))
        raw = socket.create_connection((endpoint.host, endpoint.port), limit)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self._socket = raw if tls is None else tls.wrap_socket(raw, server_hostname=endpoint.host)
        except BaseException:
            raw.close()
            raise

    def send(self, data: bytes) -> None:
        """Sends all of it. ``TimeoutError`` at the deadline."""
        self._arm()
        self._socket.sendall(data)

    def more(self) -> bytes:
        """What has come; ``ConnectionResetError`` where the peer has hung up, ``TimeoutError`` at the deadline."""
        self._arm()
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the collector hung up")
        return data

    def close(self) -> None:
        """Closes it."""
        self._socket.close()

    def abandon(self) -> None:
        """After a fork: the connection is the parent's, and only our copy of its descriptor is closed."""
        # No close(): over TLS it would say goodbye in the parent's name.
        with contextlib.suppress(OSError):
            os.close(self._socket.detach())

    def _arm(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the collector did not answer in time")
        self._socket.settimeout(left)
