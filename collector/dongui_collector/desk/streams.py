"""How many exports may stream at once: each keeps memory, and its pieces are made in threads that reports use too."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable

from dongui_collector.intake.problems import Problem

# A slow or stalled reader must keep neither the console nor another consumer waiting.
OF_ALL = 4  # for each of the setting's workers
OF_ONE = 2


class Streams:
    """Counts the streams that are open, by consumer."""

    def __init__(self, workers: int = 1) -> None:
        self._most = OF_ALL * workers
        self._open: Counter[str] = Counter()
        self._lock = threading.Lock()

    def enter(self, consumer: str) -> Callable[[], None]:
        """Begin one; call what is returned at its end. Raises a 503 :class:`Problem` where there are too many."""
        with self._lock:
            if self._open[consumer] >= OF_ONE or self._open.total() >= self._most:
                raise Problem("unavailable", "other exports are being read; ask again later, or in pages with limit")
            self._open[consumer] += 1
        once = threading.Lock()

        def leave() -> None:
            if once.acquire(blocking=False):
                with self._lock:
                    self._open[consumer] -= 1

        return leave
