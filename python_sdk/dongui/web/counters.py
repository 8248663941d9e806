"""Page views counted by what was recorded of them: numbers, without any identifier, address, path or agent.

They say of how many visits' pages nothing was recorded, which nobody could know otherwise: what is not consented to is
not recorded. They leave this process summed up, about once a minute, and say of the time only the quarter of an hour.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from dongui.worker import at_fork

_QUARTER = 900  # seconds; the days of every time zone begin with one
_MOST = 256  # different counts at a time; as many combinations of purposes as a report may hold

Key = str | frozenset[str]


class PageViewCounter:
    """Counts from any thread. ``send(at, counts)`` passes on what :meth:`tell` has summed up; ``wake`` is called with
    the first of it, so that somebody will call :meth:`tell`.
    """

    def __init__(self, send: Callable[[int, Mapping[str, Any]], object], wake: Callable[[], object]) -> None:
        self._send = send
        self._wake = wake
        self.after_fork()
        at_fork(self)

    def after_fork(self) -> None:
        """In the child: what was counted before is the parent's to tell."""
        self._lock = threading.Lock()
        self._counts: dict[tuple[int, Key], int] = {}

    def add(self, key: Key) -> None:
        """One page view: the purposes that it was recorded under, or the reason why nothing was."""
        counted = (int(time.time()) // _QUARTER, key)
        with self._lock:
            counts = self._counts
            number = counts.get(counted, 0)
            if number or len(counts) < _MOST:
                counts[counted] = number + 1
        if not number:
            self._wake()

    def tell(self) -> None:
        """Passes on what was counted since the last time."""
        with self._lock:
            counts, self._counts = self._counts, {}
        reports: dict[int, dict[str, Any]] = {}
        for (quarter, key), number in counts.items():
            report = reports.setdefault(quarter, {})
            if isinstance(key, str):
                report[key] = number
            else:
                report.setdefault("recorded", {})[".".join(sorted(key))] = number
        for quarter, report in reports.items():
            self._send(quarter * _QUARTER * 1000, report)
