"""How the collector is, asked by ourselves: no visitor's request can make this answer slow."""

from __future__ import annotations

import threading
import time

from dongui.http.client import TROUBLE, HttpClient

_TIMEOUT = 1.0
_REMEMBERED = 1.0  # seconds: several callers who find it slow ask once


class Probe:
    """Whether ``GET /healthz`` of the collector is answered within a second."""

    def __init__(self, collector: str) -> None:
        self._collector = collector
        self.after_fork()

    def after_fork(self) -> None:
        """In the child: the lock may have been held by a thread that is not here."""
        self._lock = threading.Lock()
        self._asked = float("-inf")
        self._lives = False

    def __call__(self) -> bool:
        """Never raises."""
        with self._lock:
            if time.monotonic() - self._asked >= _REMEMBERED:
                self._lives = self._ask()
                self._asked = time.monotonic()
            return self._lives

    def _ask(self) -> bool:
        client = HttpClient(self._collector, timeout=_TIMEOUT, connect_timeout=_TIMEOUT)
        try:
            return client.exchange("GET", "/healthz", {}, limit=1 << 16).status < 500
        except TROUBLE:
            return False
        finally:
            client.close()
