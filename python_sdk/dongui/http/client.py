"""HTTP/1.1 to the collector: a kept-alive connection, one deadline for an exchange, bounded answers.

http.client spends some 200 µs on a small exchange, most of it in parsing headers as e-mail; under a busy site that is
CPU taken from the host. This speaks only what the SDK needs: whatever it does not understand is trouble.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Iterator, Mapping

from dongui.http.connection import Connection, parse_base
from dongui.result import Response

# Everything that can go wrong with a peer that is down, slow or talks nonsense. ValueError: it is no HTTP; LookupError:
# a codec that is gone at exit.
TROUBLE = (OSError, ValueError, LookupError)

_MOST_HEAD = 64 * 1024
_CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}")


class HttpClient:
    """A kept-alive connection to the collector at ``base``. One exchange at a time; the callers take turns.

    ``timeout`` (seconds) ends an exchange as a whole, however slowly the peer drips, ``connect_timeout`` the first part
    of it. Whatever goes wrong is one of :data:`TROUBLE`; an answer that is late is a ``TimeoutError``.
    """

    def __init__(self, base: str, *, timeout: float = 10.0, connect_timeout: float = 2.0) -> None:
        self._endpoint = parse_base(base)
        self.timeout = timeout
        self._connect_timeout = connect_timeout
        self._tls = ssl.create_default_context() if self._endpoint.secure else None
        self._kept: Connection | None = None

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
        request = self.request(method, path, headers, body)
        deadline = time.monotonic() + self.timeout
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.deadline = deadline
            try:
                return self._speak(kept, method, request)
            except TimeoutError:
                raise
            except ConnectionError:
                pass  # kept alive for too long: the peer has closed it
        opened = Connection(self._endpoint, self._tls, min(self._connect_timeout, self.timeout), deadline)
        return self._speak(opened, method, request)

    def request(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> bytes:
        """The bytes of a request. ``ValueError`` where a header or the path cannot hold what is given."""
        lines = [f"{method} {self._endpoint.prefix}{path} HTTP/1.1", f"Host: {self._endpoint.authority}"]
        if body is not None or method in ("POST", "PUT"):
            lines.append(f"Content-Length: {len(body or b'')}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "\r\n".join(lines)
        if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1 or "\0" in text:
            raise ValueError("a header cannot hold this")
        return text.encode("latin-1") + b"\r\n\r\n" + (body or b"")

    def keep(self, connection: Connection) -> None:
        """Takes back the connection of an answer that was read to its end."""
        self.close()
        self._kept = connection

    def close(self) -> None:
        """Closes the connection; the next exchange opens another."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.close()

    def forget(self) -> None:
        """After a fork: the connection is the parent's, and only our copy of its descriptor is closed."""
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.abandon()

    def _speak(self, connection: Connection, method: str, request: bytes) -> StreamedResponse:
        try:
            connection.send(request)
            status, data = 100, b""
            while 100 <= status < 200:  # "103 Early Hints" and their like come before the answer
                head, data = _head(connection, data)
                version, status, headers = _parsed(head)
            lasting = version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
            bodiless = method == "HEAD" or status in (204, 304)
            return StreamedResponse(self, connection, status, headers, data, bodiless=bodiless, lasting=lasting)
        except BaseException:
            connection.close()
            raise


class StreamedResponse:
    """An answer whose body is still on its way. Header names are in lower case."""

    def __init__(
        self,
        client: HttpClient,
        connection: Connection,
        status: int,
        headers: Mapping[str, str],
        data: bytes,
        *,
        bodiless: bool,
        lasting: bool,
    ) -> None:
        self.status = status
        self.headers = headers
        self._client = client
        self._connection: Connection | None = connection
        self._data = data  # what has come of the body
        self._lasting = lasting
        self._ended = False
        self._length: float = 0 if bodiless else _length(headers)
        self._pieces = self._body(bodiless=bodiless)

    def length(self) -> float:
        """The bytes that the body has in all; infinite where the peer did not say."""
        return self._length

    def read(self, limit: int) -> bytes:
        """The whole body; ``ValueError`` when it is longer than ``limit`` bytes."""
        parts: list[bytes] = []
        size = 0 if self._length == float("inf") else self._length
        if size <= limit:
            size = 0
            for piece in self._pieces:
                parts.append(piece)
                size += len(piece)
                if size > limit:
                    break
        if size > limit:
            raise ValueError("the answer is longer than it may be")
        return b"".join(parts)

    def chunk(self, timeout: float) -> bytes:
        """The next piece of the body as it comes, within ``timeout`` seconds; empty at its end."""
        if self._connection is not None:
            self._connection.deadline = time.monotonic() + timeout
        return next(self._pieces, b"")

    def close(self) -> None:
        """Gives the connection back, or closes it when the body was not read to its end."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._ended and self._lasting:
            self._client.keep(connection)
        else:
            connection.close()

    def _more(self) -> bytes:
        if self._connection is None:
            raise ValueError("the answer was closed")
        return self._connection.more()

    def _body(self, *, bodiless: bool) -> Iterator[bytes]:
        if bodiless:
            self._lasting = self._lasting and not self._data
        elif "transfer-encoding" in self.headers:
            yield from self._chunks()
        elif self._length != float("inf"):
            yield from self._exactly(int(self._length))
        else:
            yield from self._to_the_end()
        self._ended = True

    def _exactly(self, wanted: int) -> Iterator[bytes]:
        while wanted > 0:
            data = self._data or self._more()
            piece, self._data = data[:wanted], data[wanted:]
            wanted -= len(piece)
            yield piece
        self._lasting = self._lasting and not self._data

    def _chunks(self) -> Iterator[bytes]:
        while True:
            size = self._line().partition(b";")[0].strip()
            if not _CHUNK_SIZE.fullmatch(size):
                raise ValueError("this is no chunk")
            length = int(size, 16)
            if length:
                lasting = self._lasting
                yield from self._exactly(length)
                self._lasting = lasting
            if self._line():
                raise ValueError("trailers are not read here")
            if not length:
                return

    def _to_the_end(self) -> Iterator[bytes]:
        self._lasting = False
        while True:
            data, self._data = self._data, b""
            if not data:
                try:
                    data = self._more()
                except ConnectionError:
                    return
            yield data

    def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > _MOST_HEAD:
                raise ValueError("the line does not end")
            self._data += self._more()
        line, self._data = self._data[:end], self._data[end + 2 :]
        return line


def _length(headers: Mapping[str, str]) -> float:
    said = headers.get("content-length")
    if said is None or "transfer-encoding" in headers:
        if headers.get("transfer-encoding", "chunked").lower() != "chunked":
            raise ValueError("this transfer encoding is not read here")
        return float("inf")
    if not (said.isascii() and said.isdigit() and len(said) < 16):
        raise ValueError("this is no length")
    return int(said)


def _head(connection: Connection, data: bytes) -> tuple[bytes, bytes]:
    """(the head of an answer, what has come after it)."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        if len(data) > _MOST_HEAD:
            raise ValueError("the answer's head does not end")
        data += connection.more()
    return data[:end], data[end + 4 :]


def _parsed(head: bytes) -> tuple[bytes, int, dict[str, str]]:
    """(version, status, headers by their names in lower case); ``ValueError`` for what is no head of an answer."""
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not rest[:3].isdigit() or not 100 <= int(rest[:3]) < 600:
        raise ValueError("this is no answer")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError("this is no header")
        name, value = name.lower(), value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return version, int(rest[:3]), headers
