"""One HTTP exchange with the collector: a kept-alive connection, one deadline for the whole, bounded answers."""

from __future__ import annotations

import contextlib

# Resolving a name needs this codec; importing it first at the interpreter's exit, while the queue is flushed, fails.
import encodings.idna  # noqa: F401
import http.client
import io
import json
import os
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast
from urllib.parse import urlsplit

from dongui.errors import ConfigurationError

# Everything that can go wrong with a peer that is down, slow or talks nonsense. ValueError: http.client on garbage;
# LookupError: a codec that is gone at exit.
TROUBLE = (OSError, http.client.HTTPException, ValueError, LookupError)
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """An answer that was read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is anything else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    def retry_after(self) -> float | None:
        """The pause in seconds that the answer asks for; None without one, or for a date: the collector sends none."""
        text = self.headers.get("retry-after", "")
        return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None


class HttpClient:
    """A kept-alive connection to the collector at ``base``. One exchange at a time; the callers take turns.

    ``timeout`` (seconds) ends an exchange as a whole, however slowly the peer drips, ``connect_timeout`` the first part
    of it. Whatever goes wrong is one of :data:`TROUBLE`.
    """

    def __init__(self, base: str, *, timeout: float = 10.0, connect_timeout: float = 2.0) -> None:
        self._secure, self._host, self._port, self.prefix = parse_base(base)
        self._timeout = timeout
        self._connect_timeout = min(connect_timeout, timeout)
        self._connection: _Connection | None = None

    def exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None, *, limit: int = 1 << 22
    ) -> Response:
        """Sends a request and reads the answer, of at most ``limit`` bytes.

        A kept-alive connection that the peer has closed meanwhile is replaced once: what is sent must bear repetition.
        """
        opened = self.open(method, path, headers, body)
        try:
            data = opened.read(limit)
        finally:
            opened.close()
        return Response(opened.status, opened.headers, data)

    def open(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None) -> StreamedResponse:
        """Sends a request and returns the answer with its body unread. The caller closes it."""
        deadline = time.monotonic() + self._timeout
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                return self._send(connection, deadline, method, path, headers, body)
            except TimeoutError:
                raise
            except (ConnectionError, http.client.RemoteDisconnected):
                pass
        return self._send(self._connect(), deadline, method, path, headers, body)

    def close(self) -> None:
        """Closes the connection; the next exchange opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def forget(self) -> None:
        """After a fork: the connection is the parent's, and only our copy of its descriptor is closed."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.sock is not None:
            cast(_TimedSocket, connection.sock).abandon()

    def _connect(self) -> _Connection:
        self.close()
        self._connection = _Connection(self._host, self._port, self._secure, self._connect_timeout)
        return self._connection

    def _send(
        self,
        connection: _Connection,
        deadline: float,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> StreamedResponse:
        try:
            connection.deadline = deadline
            connection.request(method, self.prefix + path, body, dict(headers))
            return StreamedResponse(connection, connection.getresponse())
        except BaseException:
            connection.close()
            raise


class StreamedResponse:
    """An answer whose body is still on its way."""

    def __init__(self, connection: _Connection, response: http.client.HTTPResponse) -> None:
        self._connection = connection
        self._response = response
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}

    def read(self, limit: int) -> bytes:
        """The whole body; ``ValueError`` when it is longer than ``limit`` bytes."""
        data = self._response.read(limit + 1)
        if len(data) > limit:
            raise ValueError("the answer is longer than it may be")
        return self._whole(data)

    def length(self) -> float:
        """The bytes that the body has left; infinite where the peer did not say."""
        left = self._response.length
        return float("inf") if left is None else left

    def chunk(self, timeout: float) -> bytes:
        """The next piece of the body as it comes, within ``timeout`` seconds; empty at its end."""
        self._connection.deadline = time.monotonic() + timeout
        data = self._response.read1(_CHUNK)
        return data if data else self._whole(data)

    def _whole(self, data: bytes) -> bytes:
        """http.client itself takes an answer for whole that is shorter than it said, when it is read in pieces."""
        if self._response.length:
            raise http.client.IncompleteRead(data, self._response.length)
        return data

    def close(self) -> None:
        """Gives the connection back, or closes it when the body was not read to its end."""
        if not self._response.isclosed():
            self._response.close()
            self._connection.close()


class _Connection(http.client.HTTPConnection):
    """An HTTP connection all of whose socket calls share one deadline (``time.monotonic``)."""

    deadline = 0.0

    def __init__(self, host: str, port: int, secure: bool, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self._tls = ssl.create_default_context() if secure else None

    def connect(self) -> None:
        limit = min(cast(float, self.timeout), max(0.001, self.deadline - time.monotonic()))
        raw = socket.create_connection((self.host, self.port), limit)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            raw = self._tls.wrap_socket(raw, server_hostname=self.host)
        self.sock = cast(socket.socket, _TimedSocket(raw, self))


class _TimedSocket:
    """The few calls that http.client makes of a socket, each with what is left until the deadline as its timeout."""

    def __init__(self, raw: socket.socket, owner: _Connection) -> None:
        self._raw = raw
        self._owner = owner

    def arm(self) -> None:
        """Raises ``TimeoutError`` when the deadline has passed."""
        left = self._owner.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the collector did not answer in time")
        self._raw.settimeout(left)

    def sendall(self, data: bytes) -> None:
        self.arm()
        self._raw.sendall(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_TimedReader(self, self._raw.makefile("rb", buffering=0)))

    def close(self) -> None:
        self._raw.close()

    def abandon(self) -> None:
        # No close(): it would wait for readers that are not here, and say goodbye (TLS) in the parent's name.
        with contextlib.suppress(OSError):
            os.close(self._raw.detach())


class _TimedReader(io.RawIOBase):
    def __init__(self, sock: _TimedSocket, raw: io.RawIOBase) -> None:
        super().__init__()
        self._sock = sock
        self._raw = raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.arm()
        return cast("int | None", self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


def parse_base(base: str) -> tuple[bool, str, int, str]:
    """``(TLS?, host, port, path prefix)`` of the collector's address, as in ``http://127.0.0.1:8787``.

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
    return secure, host, port or (443 if secure else 80), parts.path.rstrip("/")
