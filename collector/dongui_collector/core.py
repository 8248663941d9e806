"""An open installation: everything that it consists of, in one value that doors, operations and commands take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from dongui_collector.clock import Clock
from dongui_collector.keeping.keeper import Keeper
from dongui_collector.ledger.book import Book
from dongui_collector.ledger.ledger import Ledger
from dongui_collector.ledger.rows import Masks, Reader
from dongui_collector.security.keys import KeyRing
from dongui_collector.settings import Settings
from dongui_collector.storage.base import Storage


@dataclass(slots=True)
class Core:
    """Composed by :func:`dongui_collector.app.open_core`. ``close`` it at the end."""

    settings: Settings
    clock: Clock
    storage: Storage
    keyring: KeyRing
    book: Book
    ledger: Ledger
    reader: Reader
    keeper: Keeper
    writable: bool
    close: Callable[[], None]
    held: dict[str, Any] = field(default_factory=dict, repr=False)  # what readers keep in memory, by their own names

    def masks(self) -> Masks:
        """The endings that are decided but not finished, and the suspensions, for one page of reading."""
        return Masks.of(self.storage.ledger.intents(), self.storage.ledger.suspended())
