"""The layer of an open installation that its stores bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dongui_collector.core.installation import InstallationCore
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage


class NamedKeys(Protocol):
    """Keys that are asked for by name."""

    def named(self, name: str, *, create: bool = False) -> bytes | None:
        """The key of that name; None where there is none."""

    def derive(self, label: bytes) -> bytes:
        """A secret of the installation's own for one use."""


@dataclass(slots=True, kw_only=True)
class StoredInstallation(InstallationCore):
    """Stores, the keys that seal what is in them, and the journal of destructions."""

    storage: Storage
    keyring: NamedKeys
    journal: DestructionJournal
