"""Verification on demand, its last outcome remembered: reading a long chain anew for every page would be waste."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from dongui_collector.app import Core


@dataclass(frozen=True, slots=True)
class Verification:
    """How a verification ended. ``place`` says where the chain is broken."""

    ok: bool
    at: int
    records: int
    place: str = ""


class Verifier:
    """Verifies the ledger's chain, one at a time."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self.last: Verification | None = None

    def run(self) -> Verification:
        """Verify now."""
        raise NotImplementedError
