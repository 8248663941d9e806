"""The layer of an open installation that its keys bring."""

from __future__ import annotations

from dataclasses import dataclass

from dongui_collector.keys.keyring import KeyRing
from dongui_collector.storage.contract.installation import StoredInstallation


@dataclass(slots=True, kw_only=True)
class KeyedInstallation(StoredInstallation):
    """The key ring: data keys by day and class, rotation."""

    keyring: KeyRing
