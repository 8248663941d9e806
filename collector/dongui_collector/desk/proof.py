"""Verification on demand, its last outcome remembered: reading a long chain anew for every page would be waste."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention.installation import Installation

log = logging.getLogger("dongui.desk")

_FINDINGS = 20


@dataclass(frozen=True, slots=True)
class VerificationOutcome:
    """How a verification ended: ``at`` in epoch ms, what was counted, and the first findings."""

    ok: bool
    at: int
    checked: dict[str, int]
    findings: tuple[VerificationFinding, ...] = ()


class Verifier:
    """Verifies the installation in the background, one verification at a time."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._running: threading.Thread | None = None
        self.last: VerificationOutcome | None = None

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
            failed = VerificationFinding(type(error).__name__, "the verification itself failed")
            self.last = VerificationOutcome(False, at, {}, (failed,))
            return
        self.last = VerificationOutcome(result.ok, at, result.checked, tuple(result.findings[:_FINDINGS]))
