"""The proxy's own I/O: asks the collector on a visitor's behalf, within bounds that protect the site."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from dongui.compiled_policy import CompiledPolicy
from dongui.http.breaker import Breaker
from dongui.http.client import TROUBLE, HttpClient, Response, StreamedResponse
from dongui.http.worker import at_fork
from dongui.web.page_view_owner import told
from dongui.web.proxy_rules import Forward, Local, ProxiedRequest, bodiless, decided, erased, passed_back, problem

# Each waiting request occupies a thread of the host: few at a time, and none for long.
_MOST_AT_ONCE = 4
_A_MOMENT = 0.1  # seconds: a burst passes in it, and beside a collector that hangs it holds up hardly anybody
_TIMEOUT = 4.0
_MOST_AT_A_GULP = 256 * 1024
_MOST_DECISION = 1 << 20


class Proxy:
    """Passes visitors' requests on to the collector, a few at a time.

    When it is away, slow or talks nonsense, the answer is 503 with ``Retry-After``, and soon without even trying. Short
    answers are read at once, so that a visitor who reads slowly occupies nothing here; long ones are streamed.
    """

    def __init__(self, collector: str, breaker: Breaker) -> None:
        self._collector = collector
        self._breaker = breaker
        self._idle: list[HttpClient] = []
        self._room = threading.Semaphore(_MOST_AT_ONCE)
        at_fork(self)

    def after_fork(self) -> None:
        """In the child: the connections are the parent's."""
        self._room = threading.Semaphore(_MOST_AT_ONCE)
        while self._idle:
            self._idle.pop().forget()

    def close(self) -> None:
        """Closes the connections that are kept for the next visitor."""
        while self._idle:
            self._idle.pop().close()

    def ask(self, request: Forward, visit: ProxiedRequest, terms: CompiledPolicy) -> tuple[Local, Rest | None]:
        """The answer, and its body when that is still on its way: for the caller to close. Never raises."""
        if not self._breaker.allow():
            return _away(max(1, round(self._breaker.wait()))), None
        room = self._room
        if not room.acquire(timeout=_A_MOMENT):
            return _away(1), None
        try:
            return self._ask(request, visit, terms)
        finally:
            room.release()

    def _ask(self, request: Forward, visit: ProxiedRequest, terms: CompiledPolicy) -> tuple[Local, Rest | None]:
        wire = self._wire()
        try:
            answer = wire.open(request.method, request.path, request.headers, request.body)
            if not 200 <= answer.status < 600:
                raise ValueError("this is no answer")
            read = request.notice is not None or request.counted or answer.length() <= _MOST_AT_A_GULP
            body = answer.read(_MOST_DECISION) if read else None
        except TROUBLE:
            wire.close()
            self._breaker.failed()
            return _away(2), None
        except BaseException:
            wire.close()
            raise
        self._breaker.succeeded()
        now = int(time.time())
        if body is not None:
            answer.close()
            self._idle.append(wire)  # never more than wait at once
        if request.counted:
            return told(Response(answer.status, answer.headers, body or b""), visit), None
        if request.notice is not None:
            return decided(request, Response(answer.status, answer.headers, body or b""), visit, terms, now), None
        headers = bodiless(answer.status, passed_back(answer.headers))
        if request.method == "DELETE" and answer.status == 200:
            headers += erased(visit, terms, now)
        return Local(answer.status, headers, body or b""), None if body is not None else Rest(wire, answer)

    def _wire(self) -> HttpClient:
        with contextlib.suppress(IndexError):
            return self._idle.pop()
        return HttpClient(self._collector, timeout=_TIMEOUT)


class Rest:
    """The body of a long answer as it comes. No generator: it closes the connection also when nobody began to read.

    A collector that fails half-way ends it short; ``Content-Length`` tells the visitor. Without one the failure is
    passed on, since the end would look like a proper one.
    """

    def __init__(self, wire: HttpClient, answer: StreamedResponse) -> None:
        self._wire = wire
        self._answer = answer

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
        """Closes the connection: it is not kept for somebody else."""
        self._answer.close()
        self._wire.close()


def _away(seconds: int) -> Local:
    return problem(503, "unavailable", "The collector does not answer", retry_after=seconds)
