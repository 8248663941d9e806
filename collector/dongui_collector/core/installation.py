"""An open installation: everything that it consists of, in one value that doors, operations and commands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dongui_collector.core.clock import Clock
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.rows import PendingErasures, RowReader
from dongui_collector.ledger.service import LedgerService
from dongui_collector.retention.service import RetentionService
from dongui_collector.storage.contract.stores import Storage


@dataclass(slots=True)
class Installation:
    """Composed by :func:`dongui_collector.runtime.composition.open_core`. ``close`` it at the end."""

    settings: Settings
    clock: Clock
    storage: Storage
    keyring: KeyRing
    registry: NoticeRegistry
    ledger: LedgerService
    reader: RowReader
    retention: RetentionService
    writable: bool
    close: Callable[[], None]
    held: dict[str, Any] = field(default_factory=dict, repr=False)  # what readers keep in memory, by their own names

    def masks(self) -> PendingErasures:
        """The endings that are decided but not finished, and the suspensions, for one page of reading."""
        return PendingErasures.of(self.storage.ledger.intents(), self.storage.ledger.suspended())
