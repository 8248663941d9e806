"""Slowing guessing down: after five failures a name waits, twice as long each time, up to a quarter of an hour. Pure
but for :class:`Throttle`, which remembers names that are nobody's; an account's own failures stand with the account, so
that a restart forgives nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

FREE = 5
LONGEST_S = 900.0


def pause(failures: int, *, free: int = FREE, longest: float = LONGEST_S) -> float:
    """Seconds to wait after so many failures in a row."""
    return min(longest, 5.0 * 2 ** min(failures - free, 10)) if failures >= free else 0.0


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    until: float = 0.0


class Throttle:
    """Failures by name, kept in memory and bounded. By name, not by address: behind a proxy everybody shares one."""

    def __init__(self, *, free: int = FREE, longest: float = LONGEST_S, known: int = 1000) -> None:
        self._free, self._longest, self._known = free, longest, known
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, now: float) -> float:
        """Seconds until this name may be tried again; 0 when it may be now."""
        with self._lock:
            tries = self._tries.get(name)
            return max(0.0, tries.until - now) if tries else 0.0

    def failed(self, name: str, now: float) -> None:
        with self._lock:
            tries = self._tries.setdefault(name, _Tries())
            self._tries.move_to_end(name)
            tries.failures += 1
            tries.until = now + pause(tries.failures, free=self._free, longest=self._longest)
            while len(self._tries) > self._known:
                self._tries.popitem(last=False)

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._tries.pop(name, None)
