"""Visitors' requests on to the collector, a few at a time, within bounds that protect the site."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping

from dongui.errors import CollectorAway
from dongui.http.breaker import Breakers
from dongui.http.client import TROUBLE, HttpClient, StreamedResponse
from dongui.result import Response
from dongui.worker import at_fork

# Each waiting request occupies a thread of the host: few at a time of each kind, and none for long. A process reads one
# visitor's data at a time, so that exports never take the place of decisions.
_MOST_AT_ONCE = 4
_ROOM = {"reading": 1}
_A_MOMENT = 0.1  # seconds: a burst passes in it, and beside a collector that hangs it holds up hardly anybody
_TIMEOUT = 4.0
_PAGE = 256 * 1024
_PAGE_TIME = 1.0  # seconds for one page of a long answer
_LONGEST = 30.0  # seconds for a long answer as a whole, however slowly its reader takes it
_MOST_WHOLE = 1 << 20


class Forwarder:
    """Asks the collector for visitors. Short answers are read at once, so that a visitor who reads slowly occupies
    nothing here; long ones come page by page.
    """

    def __init__(self, collector: str, breakers: Breakers) -> None:
        self._collector = collector
        self._breakers = breakers
        self._idle: list[HttpClient] = []
        self._rooms: dict[str, threading.Semaphore] = {}
        self._lock = threading.Lock()
        self._dropped: deque[Callable[[], object]] = deque()
        at_fork(self)

    def after_fork(self) -> None:
        """In the child: the connections are the parent's."""
        self._lock = threading.Lock()
        self._rooms = {}
        self._dropped.clear()
        while self._idle:
            self._idle.pop().forget()

    def close(self) -> None:
        """Closes the connections that are kept for the next visitor, and those of dropped answers."""
        self._let_go()
        while self._idle:
            self._idle.pop().close()

    def send(
        self, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, whole: bool
    ) -> tuple[Response, Rest | None]:
        """The answer, and its body when that is still on its way: for the caller to close. ``whole``: never so.

        ``kind`` of call: each has its own share of the host and its own breaker. Raises :class:`CollectorAway`.
        """
        breaker = self._breakers.of(kind)
        if not breaker.allow():
            raise CollectorAway(max(1, round(breaker.wait())))
        self._let_go()
        room = self._room(kind)
        if not room.acquire(timeout=_A_MOMENT):
            raise CollectorAway(1)
        held = True
        try:
            reply, rest = self._ask(kind, method, path, headers, body, whole=whole)
            if rest is not None:
                rest.afterwards(room.release)
                held = False
            return reply, rest
        finally:
            if held:
                room.release()

    def _let_go(self) -> None:
        """Finishes the long answers that were dropped unclosed, so that none keeps its room for good."""
        with contextlib.suppress(IndexError):
            while True:
                self._dropped.popleft()()

    def _room(self, kind: str) -> threading.Semaphore:
        with self._lock:
            return self._rooms.setdefault(kind, threading.Semaphore(_ROOM.get(kind, _MOST_AT_ONCE)))

    def _ask(
        self, kind: str, method: str, path: str, headers: Mapping[str, str], body: bytes | None, *, whole: bool
    ) -> tuple[Response, Rest | None]:
        wire = self._wire()
        try:
            answer = wire.open(method, path, headers, body)
            if not 200 <= answer.status < 600:
                raise ValueError("this is no answer")
            data = answer.read(_MOST_WHOLE) if whole or answer.length() <= _PAGE else None
        except TROUBLE as trouble:
            wire.close()
            self._breakers.failed(kind, trouble)
            raise CollectorAway(2) from None
        except BaseException:
            wire.close()
            raise
        self._breakers.of(kind).succeeded()
        if data is None:
            return Response(answer.status, answer.headers), Rest(wire, answer, self._dropped)
        answer.close()
        self._idle.append(wire)  # never more than wait at once
        return Response(answer.status, answer.headers, data), None

    def _wire(self) -> HttpClient:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return HttpClient(self._collector, timeout=_TIMEOUT)


class Rest:
    """The body of a long answer as it comes, in pages. No generator: it closes the connection also when nobody began.

    A collector that fails half-way, or a reader who takes too long, ends it short; ``Content-Length`` tells the
    visitor. Without one the failure is passed on, since the end would look like a proper one.

    ``dropped`` takes what is still to be done for one that a server let go of without closing it.
    """

    def __init__(self, wire: HttpClient, answer: StreamedResponse, dropped: deque[Callable[[], object]]) -> None:
        self._answer = answer
        self._deadline = time.monotonic() + _LONGEST
        self._finish = contextlib.ExitStack()
        self._finish.callback(wire.close)
        self._finish.callback(answer.close)
        self._dropped = dropped

    def afterwards(self, call: Callable[[], object]) -> None:
        """Has ``call`` called once, when this is closed."""
        self._finish.callback(call)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if time.monotonic() > self._deadline:
                raise TimeoutError("the answer was not taken in time")
            data = self._answer.chunk(_PAGE_TIME)
        except TROUBLE:
            if "content-length" not in self._answer.headers:
                raise
            data = b""
        if not data:
            raise StopIteration
        return data

    def close(self) -> None:
        """Closes the connection: it is not kept for somebody else."""
        self._finish.close()

    def __del__(self) -> None:
        # Not finished here: garbage is collected in any thread, be it one that holds the lock of that very room.
        self._dropped.append(self._finish.close)
