"""Circuit breakers: a collector that does not answer is left alone for a while and costs the site nothing.

Its health is judged by connections that fail and by a probe of our own. One slow answer says nothing about it: what one
visitor asks for, however much it is, must not keep others from their consent.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens after ``patience`` failures in a row, for ``pause`` seconds at first, up to ``longest`` while they go on.

    When a pause is over, one caller at a time is let through to try.
    """

    def __init__(
        self,
        *,
        patience: int = 2,
        pause: float = 2.0,
        longest: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._first = pause
        self._longest = longest
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = pause
        self._open_until = 0.0

    def allow(self) -> bool:
        """Whether to try. After a True the caller says how it went."""
        if self._failures < self._patience:
            return True
        with self._lock:
            now = self._clock()
            if now < self._open_until:
                return False
            self._open_until = now + self._pause
            return True

    def succeeded(self) -> None:
        """The collector answered."""
        if self._failures:
            with self._lock:
                self._failures = 0
                self._pause = self._first

    def failed(self) -> None:
        """The collector could not be reached, or did not answer sensibly."""
        with self._lock:
            self._failures += 1
            if self._failures >= self._patience:
                self._open_until = self._clock() + self._pause
                self._pause = min(self._pause * 2, self._longest)

    def wait(self) -> float:
        """Seconds until the next try; 0 when now."""
        return max(0.0, self._open_until - self._clock()) if self._failures >= self._patience else 0.0

    def after_fork(self) -> None:
        """In the child: the lock may have been held by a thread that is not here."""
        self._lock = threading.Lock()


class Breakers:
    """A breaker for each kind of call. ``probe`` asks the collector how it is: True when it answers that it lives."""

    def __init__(self, probe: Callable[[], bool], make: Callable[[], Breaker] = Breaker) -> None:
        self._probe = probe
        self._make = make
        self._each: dict[str, Breaker] = {}

    def of(self, kind: str) -> Breaker:
        """The breaker of one kind of call."""
        try:
            return self._each[kind]
        except KeyError:
            return self._each.setdefault(kind, self._make())

    def failed(self, kind: str, trouble: Exception) -> None:
        """A call failed. A connection that broke counts as it is; an answer that is late counts where the probe has
        none either.
        """
        if not isinstance(trouble, TimeoutError) or not self._probe():
            self.of(kind).failed()

    def after_fork(self) -> None:
        """In the child: the locks may have been held by threads that are not here."""
        for breaker in list(self._each.values()):
            breaker.after_fork()
