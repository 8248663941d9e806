"""The load generator: keep-alive connections in one epoll loop, sending request bytes that were prepared beforehand.

It does as little as it can for each request (one recv, one look-up of the answer, one send), so that the server beside
it is what is measured. ``Outcome.generator_share`` says how much of one core it took: below 1, it was no bottleneck.
"""

from __future__ import annotations

import gc
import json
import select
import socket
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import quantiles

CONNECTIONS = 64
_PATIENCE = 30.0  # seconds without any answer until a server counts as dead


class LoadError(Exception):
    """The server closed a connection, answered nothing for long, or answered something that is not HTTP."""


@dataclass(slots=True)
class Outcome:
    """What came back. ``done`` (seconds since the start) and ``took`` (latency in seconds) are parallel."""

    seconds: float = 0.0
    answers: Counter[tuple[int, bytes]] = field(default_factory=Counter)
    done: array[float] = field(default_factory=lambda: array("d"))
    took: array[float] = field(default_factory=lambda: array("d"))
    generator_share: float = 0.0

    @property
    def requests(self) -> int:
        return len(self.done)

    def rate(self, warm: float = 0.0) -> float:
        """Answers a second, those of the first ``warm`` seconds left out (a run must be longer than that)."""
        if self.seconds <= warm:
            raise LoadError(f"the prepared requests ran out after {self.seconds:.1f} s; prepare more")
        return sum(1 for at in self.done if at >= warm) / (self.seconds - warm)

    def count(self, status: int) -> int:
        return sum(n for (found, _), n in self.answers.items() if found == status)

    def recorded(self) -> int:
        """Events that the collector said are on disk (``{"recorded": n}`` of every 202)."""
        return sum(json.loads(body)["recorded"] * n for (status, body), n in self.answers.items() if status == 202)

    def percentile(self, percent: int, between: tuple[float, float] | None = None) -> float:
        """Latency in seconds; ``between`` restricts to answers that came, or were under way, in that span."""
        low, high = between or (0.0, self.seconds)
        took = [took for at, took in zip(self.done, self.took, strict=True) if at >= low and at - took <= high]
        return quantiles(took, n=100)[percent - 1] if len(took) > 1 else 0.0


def drive(
    port: int, requests: Iterable[bytes], *, seconds: float, connections: int = CONNECTIONS, rate: float | None = None
) -> Outcome:
    """Send ``requests`` until ``seconds`` are over or they run out, then wait for what is in flight.

    Without ``rate`` each connection sends again as soon as it is answered (the server is saturated). With ``rate``
    requests fall due at that many a second whatever the server does, and a latency counts from when a request was due,
    so that a stalled server cannot hide by being asked less.
    """
    lanes = [socket.create_connection(("127.0.0.1", port)) for _ in range(connections)]
    for lane in lanes:
        lane.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    outcome = Outcome()
    gc.collect()
    gc.disable()  # a collection over a million prepared requests would be measured as the server's latency
    cpu, start = time.process_time(), time.perf_counter()
    try:
        _Loop(lanes, iter(requests), outcome, start, start + seconds, rate).run()
        outcome.seconds = time.perf_counter() - start
        outcome.generator_share = (time.process_time() - cpu) / outcome.seconds
    finally:
        gc.enable()
        for lane in lanes:
            lane.close()
    return outcome


class _Loop:
    def __init__(
        self,
        lanes: list[socket.socket],
        supply: Iterator[bytes],
        outcome: Outcome,
        start: float,
        end: float,
        rate: float | None,
    ) -> None:
        self.lanes = {lane.fileno(): lane for lane in lanes}
        self.supply, self.outcome, self.start, self.end = supply, outcome, start, end
        self.gap = 1 / rate if rate else 0.0
        self.due = start
        self.idle = list(self.lanes)
        self.since: dict[int, float] = {}
        self.partial: dict[int, bytes] = {}
        self.known: dict[bytes, tuple[int, bytes]] = {}

    def run(self) -> None:
        poll = select.epoll()
        for fd in self.lanes:
            poll.register(fd, select.EPOLLIN)
        try:
            self.feed()
            while self.since or (self.gap and self.due < self.end):
                ready = poll.poll(self.pause())
                if not ready and not self.gap:
                    raise LoadError(f"no answer for {_PATIENCE:.0f} s; {len(self.since)} requests are in flight")
                for fd, _ in ready:
                    self.receive(fd)
                self.feed()
        finally:
            poll.close()

    def pause(self) -> float:
        if not self.gap or not self.idle:
            return _PATIENCE
        return max(0.0, min(self.due - time.perf_counter(), 1.0))

    def feed(self) -> None:
        """Send on every idle connection for which a request is due."""
        while self.idle:
            now = time.perf_counter()
            since = self.due if self.gap else now
            if since > now:
                return
            request = next(self.supply, None) if since < self.end else None
            if request is None:
                self.end = 0.0
                return
            fd = self.idle.pop()
            self.since[fd] = since
            self.due += self.gap
            if (sent := self.lanes[fd].send(request)) < len(request):
                self.lanes[fd].sendall(request[sent:])

    def receive(self, fd: int) -> None:
        data = self.lanes[fd].recv(65536)
        if not data:
            raise LoadError("the server closed a connection")
        if fd in self.partial:
            data = self.partial.pop(fd) + data
        answer = self.known.get(data)
        if answer is None:
            answer = parse_answer(data)
            if answer is None:
                self.partial[fd] = data
                return
            self.known[data] = answer
        now = time.perf_counter()
        self.outcome.answers[answer] += 1
        self.outcome.done.append(now - self.start)
        self.outcome.took.append(now - self.since.pop(fd))
        self.idle.append(fd)


def parse_answer(data: bytes) -> tuple[int, bytes] | None:
    """Status and body of one whole HTTP/1.1 answer; None while something is missing."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    status_line, *fields = head.split(b"\r\n")
    if not status_line.startswith(b"HTTP/1.1 "):
        raise LoadError(f"not HTTP/1.1: {status_line[:40]!r}")
    headers = {name.lower(): value.strip() for name, _, value in (field.partition(b":") for field in fields)}
    if b"content-length" not in headers:
        raise LoadError("an answer without Content-Length")
    return (int(status_line[9:12]), body) if len(body) == int(headers[b"content-length"]) else None
