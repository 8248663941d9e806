"""The proxy through which the browser goes: it connects to the permitted places alone, at addresses that were judged.

Whatever the page does (redirects, frames, workers, sockets, a name that changes its address), there is no other way
out.
"""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from contextlib import suppress

from dongui_collector.core.networks import connected
from dongui_collector.site_check.destinations import DestinationRefused, Destinations, place_of
from dongui_collector.site_check.model import Outcome

LARGEST = 64 << 20  # bytes of a whole visit
_HEAD = 64 << 10
_IDLE_S = 20.0
_REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_HOP_BY_HOP = (b"proxy-connection:", b"connection:", b"keep-alive:", b"proxy-authorization:")


class FilterProxy(socketserver.ThreadingTCPServer):
    """Listens on loopback until it is closed. ``refused`` says of each place that was not reached why."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def __init__(self, places: Destinations) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.places = places
        self.refused: dict[tuple[str, int], Outcome] = {}
        self._left = LARGEST
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """A connection that broke is the page's own affair."""

    def connect(self, host: str, port: int) -> socket.socket | None:
        """A connection to a permitted place; None for any other."""
        try:
            return connected(self.places.addresses_of(host, port), port)
        except DestinationRefused as refused:
            self.refused.setdefault((host, port), refused.outcome)
        except OSError:
            self.refused.setdefault((host, port), "unreachable")
        return None

    def count(self, number: int) -> bool:
        """Whether the visit may still receive that many bytes."""
        self._left -= number
        return self._left >= 0


class _Handler(socketserver.BaseRequestHandler):
    server: FilterProxy

    def handle(self) -> None:
        self.request.settimeout(_IDLE_S)
        head, rest = _head(self.request)
        line = head.split(b"\r\n", 1)[0].split(b" ")
        if len(line) != 3:
            return
        tunnel = line[0] == b"CONNECT"
        target = line[1].decode("latin-1")
        place = place_of(f"https://{target}" if tunnel else target)
        upstream = self.server.connect(*place)
        if upstream is None:
            self.request.sendall(_REFUSED)
            return
        with upstream:
            if tunnel:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                upstream.sendall(rest)
            else:
                upstream.sendall(_forwarded(head, line) + rest)
            self._relay(upstream)

    def _relay(self, upstream: socket.socket) -> None:
        other = {self.request: upstream, upstream: self.request}
        while True:
            ready, _, _ = select.select(list(other), [], [], _IDLE_S)
            if not ready:
                return
            for one in ready:
                data = one.recv(64 << 10)
                if not data or not self.server.count(len(data)):
                    return
                with suppress(TimeoutError):
                    other[one].sendall(data)


def _head(connection: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request, and what came behind it; empty where none comes."""
    got = b""
    while b"\r\n\r\n" not in got and len(got) < _HEAD:
        data = connection.recv(16 << 10)
        if not data:
            break
        got += data
    head, end, rest = got.partition(b"\r\n\r\n")
    return (head, rest) if end else (b"", b"")


def _forwarded(head: bytes, line: list[bytes]) -> bytes:
    """A request to a proxy as one to the server itself, which is to close the connection behind its answer."""
    path = b"/" + line[1].split(b"://", 1)[-1].partition(b"/")[2]
    fields = [f for f in head.split(b"\r\n")[1:] if not f.lower().startswith(_HOP_BY_HOP)]
    return b"\r\n".join([b" ".join((line[0], path, line[2])), *fields, b"Connection: close", b"", b""])
