"""The transport's own line to the collector: small requests, small answers, one socket.

http.client spends some 200 µs on such an exchange, most of it in parsing headers as e-mail; under a busy site that is
CPU taken from the host. This speaks only what the transport needs of HTTP/1.1: whatever it does not understand is
trouble, and trouble is tried again.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import time
from collections.abc import Mapping

from dongui.http.client import Response, parse_base

_MOST_HEAD = 64 * 1024


class Connection:
    """A kept-alive connection for one exchange at a time. ``timeout`` (seconds) ends an exchange as a whole.

    Whatever goes wrong is one of :data:`dongui.http.client.TROUBLE`.
    """

    def __init__(self, base: str, *, timeout: float = 10.0, connect_timeout: float = 2.0) -> None:
        self._secure, self._host, self._port, self._prefix = parse_base(base)
        name = f"[{self._host}]" if ":" in self._host else self._host
        self._authority = name if self._port == (443 if self._secure else 80) else f"{name}:{self._port}"
        self.timeout = timeout
        self._connect_timeout = min(connect_timeout, timeout)
        self._tls = ssl.create_default_context() if self._secure else None
        self._socket: socket.socket | None = None
        self._deadline = 0.0

    def exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes, *, limit: int) -> Response:
        """Sends a request and reads the answer, of at most ``limit`` bytes. What is sent must bear repetition."""
        request = self._request(method, path, headers, body)
        self._deadline = time.monotonic() + self.timeout
        if self._socket is not None:
            try:
                return self._try(request, limit)
            except TimeoutError:
                raise
            except ConnectionError:
                pass  # kept alive for too long: the peer has closed it
        self._connect()
        return self._try(request, limit)

    def close(self) -> None:
        """Closes the connection; the next exchange opens another."""
        opened, self._socket = self._socket, None
        if opened is not None:
            opened.close()

    def forget(self) -> None:
        """After a fork: the connection is the parent's, and only our copy of its descriptor is closed."""
        opened, self._socket = self._socket, None
        if opened is not None:
            with contextlib.suppress(OSError):
                os.close(opened.detach())

    def _request(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> bytes:
        lines = [f"{method} {self._prefix}{path} HTTP/1.1", f"Host: {self._authority}", f"Content-Length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        text = "\r\n".join(lines)
        if not text.isascii() or text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
            raise ValueError("a header cannot hold this")
        return text.encode() + b"\r\n\r\n" + body

    def _connect(self) -> None:
        limit = max(0.001, min(self._connect_timeout, self._deadline - time.monotonic()))
        opened = socket.create_connection((self._host, self._port), limit)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = opened if self._tls is None else self._tls.wrap_socket(opened, server_hostname=self._host)

    def _try(self, request: bytes, limit: int) -> Response:
        try:
            reply, keep = self._speak(request, limit)
        except BaseException:
            self.close()
            raise
        if not keep:
            self.close()
        return reply

    def _speak(self, request: bytes, limit: int) -> tuple[Response, bool]:
        """(the answer, whether the connection may be used again)."""
        assert self._socket is not None
        self._socket.settimeout(max(0.001, self._deadline - time.monotonic()))
        self._socket.sendall(request)
        status = 100
        rest = b""
        while 100 <= status < 200:  # "103 Early Hints" and their like come before the answer
            head, rest = self._head(rest)
            version, status, headers = _parsed(head)
        body, whole = self._body(status, headers, rest, limit)
        keep = whole and version == b"HTTP/1.1" and headers.get("connection", "").lower() != "close"
        return Response(status, headers, body), keep

    def _head(self, data: bytes) -> tuple[bytes, bytes]:
        while (end := data.find(b"\r\n\r\n")) < 0:
            if len(data) > _MOST_HEAD:
                raise ValueError("the answer's head does not end")
            data += self._more()
        return data[:end], data[end + 4 :]

    def _body(self, status: int, headers: Mapping[str, str], data: bytes, limit: int) -> tuple[bytes, bool]:
        """(the body, whether its end was marked): by its length, by chunks, or by the end of the connection."""
        if status in (204, 304):
            return b"", not data
        if "transfer-encoding" in headers:
            return self._chunks(data, limit), True
        length = headers.get("content-length")
        if length is None:
            with contextlib.suppress(ConnectionError):
                while len(data) <= limit:
                    data += self._more()
            return _within(data, limit), False
        wanted = int(length)
        if not 0 <= wanted <= limit:
            raise ValueError("the answer is longer than it may be")
        while len(data) < wanted:
            data += self._more()
        return data[:wanted], len(data) == wanted

    def _chunks(self, data: bytes, limit: int) -> bytes:
        body = b""
        while True:
            while b"\r\n" not in data:
                data += self._more()
            size, _, data = data.partition(b"\r\n")
            length = int(size.partition(b";")[0], 16)
            if length < 0 or len(body) + length > limit:
                raise ValueError("the answer is longer than it may be")
            while len(data) < length + 2:
                data += self._more()
            if length == 0:
                if data != b"\r\n":
                    raise ValueError("trailers are not read here")
                return body
            body += data[:length]
            data = data[length + 2 :]

    def _more(self) -> bytes:
        assert self._socket is not None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the collector did not answer in time")
        self._socket.settimeout(left)
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the collector hung up")
        return data


def _parsed(head: bytes) -> tuple[bytes, int, dict[str, str]]:
    """(version, status, headers by their names in lower case); ``ValueError`` for what is no head of an answer."""
    first, *lines = head.split(b"\r\n")
    version, _, rest = first.partition(b" ")
    status = int(rest[:3])
    if version not in (b"HTTP/1.1", b"HTTP/1.0") or not 100 <= status < 600:
        raise ValueError("this is no answer")
    headers = {}
    for line in lines:
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ValueError("this is no header")
        headers[name.lower()] = value.strip(" \t")
    return version, status, headers


def _within(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise ValueError("the answer is longer than it may be")
    return data
