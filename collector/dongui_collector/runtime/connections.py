"""Connections that ask for nothing: closed after a while, and of one address only so many.

The server reads bytes before it knows of a request, so a connection that stays silent, sends half a preface or half a
header is seen by nobody but the operating system. :class:`ConnectionGuard` compares the process's own sockets with the
requests that arrived, and closes those that have none.
"""

from __future__ import annotations

import logging
import os
import socket
import stat
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

Peer = tuple[str, int]
AsgiApplication = Callable[..., Awaitable[None]]

log = logging.getLogger("dongui.connections")


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """``silent_s``: seconds until the first request; ``idle_s``: seconds between two. Only idle connections count:
    ``of_one`` address keeps so many, and ``of_all`` addresses together; the oldest are closed first."""

    silent_s: float = 15.0
    idle_s: float = 75.0
    of_one: int = 64
    of_all: int = 768
    every_s: float = 0.5


@dataclass(slots=True)
class _Connection:
    since: float  # of the last request's end, or when it was first seen
    requests: int = 0  # in flight
    answered: bool = False


class ConnectionTable:
    """What is known of each connection; decides which ones to close. No I/O."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self._limits = limits
        self._known: dict[Peer, _Connection] = {}
        self._lock = threading.Lock()

    def began(self, peer: Peer, now: float) -> None:
        """A request of this peer has arrived with all its headers."""
        with self._lock:
            self._known.setdefault(peer, _Connection(now)).requests += 1

    def ended(self, peer: Peer, now: float) -> None:
        """Its answer is whole."""
        with self._lock:
            if connection := self._known.get(peer):
                connection.requests -= 1
                connection.since, connection.answered = now, True

    def to_close(self, peers: set[Peer], now: float) -> list[Peer]:
        """Of the connections that are open now, those to close."""
        with self._lock:
            for gone in self._known.keys() - peers:
                if not self._known[gone].requests:
                    del self._known[gone]
            for peer in peers:
                self._known.setdefault(peer, _Connection(now))
            idle = sorted(
                ((c.since, peer, c.answered) for peer, c in self._known.items() if not c.requests), reverse=True
            )
        return list(self._beyond(idle, now))

    def _beyond(self, idle: list[tuple[float, Peer, bool]], now: float) -> Iterator[Peer]:
        """Of idle connections, newest first, those past their time or beyond a ceiling."""
        limits, kept = self._limits, 0
        of_one: dict[str, int] = {}
        for since, peer, answered in idle:
            patience = limits.idle_s if answered else limits.silent_s
            if now - since > patience or of_one.get(peer[0], 0) >= limits.of_one or kept >= limits.of_all:
                yield peer
                continue
            of_one[peer[0]] = of_one.get(peer[0], 0) + 1
            kept += 1


class ConnectionGuard:
    """Wraps an ASGI application, so that it knows the requests, and closes idle sockets of the port.

    :param app: what answers.
    :param port: the port whose connections are watched; others of the process are left alone.
    """

    def __init__(self, app: AsgiApplication, port: int, limits: ConnectionLimits | None = None) -> None:
        self._app = app
        self._port = port
        self._limits = limits or ConnectionLimits()
        self._table = ConnectionTable(self._limits)
        self._stopped = threading.Event()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        client = scope.get("client")
        if scope["type"] != "http" or not client:
            await self._app(scope, receive, send)
            return
        peer = (str(client[0]), int(client[1]))
        self._table.began(peer, monotonic())
        try:
            await self._app(scope, receive, send)
        except Exception as error:
            # The server would end a broken answer as if it were whole, so the connection goes before it can.
            log.error("an answer broke off", exc_info=error)  # logs.py writes its type and places, never its text
            self._close({peer})
        finally:
            self._table.ended(peer, monotonic())

    def start(self) -> None:
        """Begin to watch, in a thread of its own."""
        threading.Thread(target=self._watch, name="connections", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._limits.every_s):
            try:
                self.sweep(monotonic())
            except OSError as error:  # a process without free descriptors: the next turn finds some
                log.warning("connections could not be looked at", extra={"kind": type(error).__name__})

    def sweep(self, now: float) -> int:
        """Close what is to be closed. Returns how many."""
        to_close = set(self._table.to_close(set(_peers(self._port)), now))
        return self._close(to_close) if to_close else 0

    def _close(self, peers: set[Peer]) -> int:
        closed = 0
        for connection, peer in _sockets(self._port):
            if peer in peers:
                with suppress(OSError):  # it has ended by itself
                    connection.shutdown(socket.SHUT_RDWR)
                    closed += 1
        return closed


def _peers(port: int) -> Iterator[Peer]:
    return (peer for _, peer in _sockets(port))


def _sockets(port: int) -> Iterator[tuple[socket.socket, Peer]]:
    """This process's established connections of a port, each as a duplicate that is closed when the next is taken.

    A descriptor may be closed and used again at any time; what is asked of the duplicate is true of it alone.
    """
    for name in Path("/dev/fd").iterdir():
        try:
            if not stat.S_ISSOCK(os.fstat(int(name.name)).st_mode):
                continue
            duplicate = socket.socket(fileno=os.dup(int(name.name)))
        except OSError:
            continue
        with duplicate:
            try:
                if duplicate.family not in (socket.AF_INET, socket.AF_INET6) or duplicate.getsockname()[1] != port:
                    continue
                host, peer_port = duplicate.getpeername()[:2]
            except OSError:  # it listens, or has ended
                continue
            yield duplicate, (host, peer_port)
