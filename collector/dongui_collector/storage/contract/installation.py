"""The layer of an open installation that its stores bring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from dongui_collector.core.installation import InstallationCore
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Json


class NamedKeys(Protocol):
    """Keys that are asked for by name."""

    def named(self, name: str, *, create: bool = False) -> bytes | None:
        """The key of that name; None where there is none."""

    def derive(self, label: bytes) -> bytes:
        """A secret of the installation's own for one use."""


class DestructionJournal(Protocol):
    """What no restored backup may bring back, apart from the data and from every backup of it."""

    def append(self, entry: Json) -> None:
        """Add an entry; on disk when this returns."""

    def position(self) -> tuple[int, str]:
        """How many entries there are, and the last one's authentication code."""

    def compact(self, before: str) -> int:
        """Take out what only backups made before a day (``YYYY-MM-DD``) would need; how many entries that were."""


@dataclass(slots=True, kw_only=True)
class StoredInstallation(InstallationCore):
    """Stores, the keys that seal what is in them, and the journal of destructions."""

    storage: Storage
    keyring: NamedKeys
    journal: DestructionJournal
