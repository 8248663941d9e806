"""Reports take turns: a long one keeps a core busy, and a flood of them must not take the desk."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dongui_collector.intake.problems import Problem

_turns = threading.BoundedSemaphore(2)
_WAIT_S = 20.0


@contextmanager
def turn() -> Iterator[None]:
    """Wait for one's turn. Raises a 503 :class:`Problem` when it does not come."""
    if not _turns.acquire(timeout=_WAIT_S):
        raise Problem("unavailable", "other reports are being worked out; ask again in a moment")
    try:
        yield
    finally:
        _turns.release()
