"""The proxy's own I/O: asks the collector on a visitor's behalf, within bounds that protect the site."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

from dongui.background import at_fork
from dongui.breaker import Breaker
from dongui.mount import Forward, Local, Visit, bodiless, decided, erased, passed_back, problem
from dongui.terms import Terms
from dongui.wire import TROUBLE, Answer, Reply, Wire

_MOST_AT_ONCE = 16
_MOST_IDLE = 8
_TIMEOUT = 10.0
_MOST_DECISION = 1 << 20


class Proxy:
    """Passes visitors' requests on to the collector, a few at a time.

    When it is away, slow or talks nonsense, the answer is 503 with ``Retry-After``, and soon without even trying.
    """

    def __init__(self, collector: str, breaker: Breaker) -> None:
        self._collector = collector
        self._breaker = breaker
        self._idle: list[Wire] = []
        self.after_fork()
        at_fork(self)

    def after_fork(self) -> None:
        """In the child: the connections are the parent's."""
        self._room = threading.Semaphore(_MOST_AT_ONCE)
        for wire in self._idle:
            wire.forget()
        self._idle = []

    def close(self) -> None:
        """Closes the connections that are kept for the next visitor."""
        while self._idle:
            self._idle.pop().close()

    def ask(self, request: Forward, visit: Visit, terms: Terms) -> tuple[Local, Rest | None]:
        """The answer, and its body when that is still on its way: for the caller to close. Never raises."""
        if not self._breaker.allow():
            return _away(max(1, round(self._breaker.wait()))), None
        if not self._room.acquire(blocking=False):
            return _away(1), None
        wire = self._idle.pop() if self._idle else Wire(self._collector, timeout=_TIMEOUT)
        try:
            answer = wire.open(request.method, request.path, request.headers, request.body)
            if not 200 <= answer.status < 600:
                raise ValueError("this is no answer")
            if request.notice is not None:
                local = self._decision(answer, request, visit, terms)
                self._give_back(wire)
                return local, None
        except TROUBLE:
            wire.close()
            self._room.release()
            self._breaker.failed()
            return _away(2), None
        except BaseException:
            wire.close()
            self._room.release()
            raise
        self._breaker.succeeded()
        headers = bodiless(answer.status, passed_back(answer.headers))
        if request.method == "DELETE" and answer.status == 200:
            headers += erased(visit, terms, int(time.time()))
        return Local(answer.status, headers), Rest(answer, lambda: self._give_back(wire))

    def _decision(self, answer: Answer, request: Forward, visit: Visit, terms: Terms) -> Local:
        try:
            body = answer.read(_MOST_DECISION)
        finally:
            answer.close()
        self._breaker.succeeded()
        return decided(request, Reply(answer.status, answer.headers, body), visit, terms, int(time.time()))

    def _give_back(self, wire: Wire) -> None:
        if len(self._idle) < _MOST_IDLE:
            self._idle.append(wire)
        else:
            wire.close()
        self._room.release()


class Rest:
    """The body of an answer as it comes. No generator: it gives the connection back also when nobody began to read.

    A collector that fails half-way ends it short; ``Content-Length`` tells the visitor. Without one the failure is
    passed on, since the end would look like a proper one.
    """

    def __init__(self, answer: Answer, give_back: Callable[[], None]) -> None:
        self._answer = answer
        self._give_back: Callable[[], None] | None = give_back

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            data = self._answer.chunk(_TIMEOUT)
        except TROUBLE:
            if "content-length" not in self._answer.headers:
                raise
            data = b""
        if not data:
            raise StopIteration
        return data

    def close(self) -> None:
        """Gives the connection back, or closes it when the body was not read to its end."""
        give_back, self._give_back = self._give_back, None
        if give_back is not None:
            self._answer.close()
            give_back()


def _away(seconds: int) -> Local:
    return problem(503, "unavailable", "The collector does not answer", retry_after=seconds)
