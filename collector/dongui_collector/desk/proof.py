"""Verification on demand, its last outcome remembered: reading a long chain anew for every page would be waste."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from dongui_collector.core import Core
from dongui_collector.keeping.finding import Finding
from dongui_collector.keeping.verify import verify

log = logging.getLogger("dongui.desk")

_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a verification ended: ``at`` in epoch ms, what was counted, and the first findings."""

    ok: bool
    at: int
    checked: dict[str, int]
    findings: tuple[Finding, ...] = ()


class Verifier:
    """Verifies the installation in the background, one verification at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self.last: Outcome | None = None

    @property
    def running(self) -> bool:
        """Whether a verification is under way."""
        return self._running is not None and self._running.is_alive()

    def start(self, *, wait: float = 2.0) -> None:
        """Begin a verification unless one runs already; comes back when it is done, or after ``wait`` seconds."""
        with self._lock:
            if not self.running:
                self._running = threading.Thread(target=self._verify, name="verify", daemon=True)
                self._running.start()
            thread = self._running
        if thread:
            thread.join(wait)

    def _verify(self) -> None:
        at = self._core.clock.now()
        try:
            result = verify(self._core)
        except Exception as error:
            log.error("a verification failed", extra={"kind": type(error).__name__})
            failed = Finding(type(error).__name__, "the verification itself failed")
            self.last = Outcome(False, at, {}, (failed,))
            return
        self.last = Outcome(result.ok, at, result.checked, tuple(result.findings[:_FINDINGS]))
