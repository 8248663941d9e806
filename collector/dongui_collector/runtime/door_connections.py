"""The public door's connections: room for everybody, whoever opens thousands and says nothing.

The server itself closes a connection that does not finish its next header in time. Until then it holds a place, so of
one address, and of all together, only so many may be idle; those that never asked anything go first, then the oldest.
The door notes which peers are served (two set operations a request), and a thread compares them once a second with the
kernel's list of connections.
"""

from __future__ import annotations

import logging
import os
import re
import resource
import socket
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from dongui_collector.intake.http import Served

Peer = tuple[str, int]

HEADERS_WITHIN_MS = 15_000
MOST = 65_536
_UNKNOWN = 768
_SPARE_FILES = 1024  # descriptors for everything else: databases, days, pipes
_STALLED_MS = 30_000
_EVERY_S = 1.0
log = logging.getLogger("dongui.connections")


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """Idle connections, so far as none is served: of one address, and of all together."""

    of_one: int
    of_all: int

    @classmethod
    def of(cls, capacity: int, *, behind_proxies: bool) -> DoorLimits:
        """Behind proxies all connections are theirs, and what one visitor may hold is for them to say."""
        of_all = capacity * 3 // 4
        return cls(of_all if behind_proxies else min(512, of_all), of_all)


def capacity() -> int:
    """How many connections may be open: as many as the system gives descriptors for. Raises the soft limit for it."""
    try:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST + _SPARE_FILES if hard == resource.RLIM_INFINITY else min(MOST + _SPARE_FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(ValueError, OSError):  # a sandbox forbids it: then as many as there are
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
                soft = wanted
    except OSError:
        return _UNKNOWN
    return MOST if soft == resource.RLIM_INFINITY else min(MOST, soft - min(_SPARE_FILES, soft // 4))


def beyond(idle: Mapping[Peer, float], limits: DoorLimits, answered: Collection[Peer] = ()) -> Iterator[Peer]:
    """Those to close of idle connections and since when each is: beyond a ceiling, first those that were never
    ``answered`` anything, of them the oldest."""
    of_one: dict[str, int] = {}
    kept = 0
    for peer in sorted(idle, key=lambda peer: (peer in answered, idle[peer]), reverse=True):
        if of_one.get(peer[0], 0) >= limits.of_one or kept >= limits.of_all:
            yield peer
        else:
            of_one[peer[0]] = of_one.get(peer[0], 0) + 1
            kept += 1


class DoorConnections:
    """Watches the connections of one port of this process."""

    def __init__(self, served: Served, port: int, limits: DoorLimits) -> None:
        self._served = served
        self._port = port
        self._limits = limits
        self._idle: dict[Peer, float] = {}
        self._answered: set[Peer] = set()
        self._stopped = threading.Event()
        self._tuned = False

    def start(self) -> None:
        threading.Thread(target=self._watch, name="connections", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(_EVERY_S):
            try:
                self._tuned = self._tuned or self._tune()
                self.sweep(monotonic())
            except OSError as error:
                log.warning("connections could not be looked at", extra={"kind": type(error).__name__})

    def sweep(self, now: float) -> int:
        """Close what is beyond a ceiling. Returns how many."""
        served = self._served.taken()
        opened = established(self._port)
        self._idle = {peer: now if peer in served else self._idle.get(peer, now) for peer in opened}
        self._answered = {peer for peer in opened if peer in served or peer in self._answered}
        if len(opened) <= self._limits.of_one:
            return 0
        idle = {peer: since for peer, since in self._idle.items() if peer not in self._served.busy}
        excess = set(beyond(idle, self._limits, self._answered))
        return close(excess, {opened[peer] for peer in excess}, self._port) if excess else 0

    def _tune(self) -> bool:
        """Have the kernel give up a connection whose peer takes nothing for half a minute: an answer that nobody reads
        would stay in memory for as long as its reader likes."""
        for listener in _sockets(_own()):
            with suppress(OSError):
                if listener.getsockname()[1] == self._port and listener.getsockopt(
                    socket.SOL_SOCKET, socket.SO_ACCEPTCONN
                ):
                    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, _STALLED_MS)  # inherited
                    return True
        return False


def established(port: int) -> dict[Peer, str]:
    """The connections of a port: peer → inode of the socket."""
    # TIME_WAIT leaves thousands of lines behind a busy hour: the expression gives them up at their state.
    lines = re.compile(
        rf"^ *\d+: [0-9A-F]+:{port:04X} ([0-9A-F]+):([0-9A-F]{{4}}) 01 (?:\S+ +){{5}}(\d+)", re.MULTILINE
    )
    tables = []
    for name, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        with suppress(FileNotFoundError):
            tables.append((Path(f"/proc/self/net/{name}").read_text(), family))
    if not tables:  # a sandbox hides them: the process's own descriptors say the same, more slowly
        return dict(_connections(port))
    return {
        (_address(host, family), int(peer_port, 16)): inode
        for text, family in tables
        for host, peer_port, inode in lines.findall(text)
    }


def _connections(port: int) -> Iterator[tuple[Peer, str]]:
    for connection in _sockets(_own()):
        with suppress(OSError):  # it listens, or has ended
            if connection.getsockname()[1] == port:
                host, peer_port = connection.getpeername()[:2]
                yield (host, peer_port), str(os.fstat(connection.fileno()).st_ino)


def _address(text: str, family: int) -> str:
    """An address as the kernel's table has it: 32-bit words in hexadecimal, each in the host's byte order."""
    words = [int(text[i : i + 8], 16).to_bytes(4, "little") for i in range(0, len(text), 8)]
    return socket.inet_ntop(family, b"".join(words))


def close(peers: set[Peer], inodes: set[str], port: int) -> int:
    """End these connections. A descriptor may be closed and used again at any time: what is asked of the duplicate is
    true of it alone."""
    closed = 0
    for connection in _sockets(_own(inodes)):
        with suppress(OSError):
            if connection.getsockname()[1] == port and tuple(connection.getpeername()[:2]) in peers:
                connection.shutdown(socket.SHUT_RDWR)
                closed += 1
    return closed


def _own(inodes: set[str] | None = None) -> Iterator[int]:
    """This process's descriptors of sockets; all, or those of some inodes."""
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 (thousands of them: plain strings cost a fifth)
        with suppress(OSError):
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115
            if target.startswith("socket:[") and (inodes is None or target[8:-1] in inodes):
                yield int(name)


def _sockets(descriptors: Iterable[int]) -> Iterator[socket.socket]:
    for number in descriptors:
        with suppress(OSError), socket.socket(fileno=os.dup(number)) as duplicate:
            if duplicate.family in (socket.AF_INET, socket.AF_INET6):
                yield duplicate
