"""An open installation. Each layer of the house adds what it brings, so that no layer knows those above it.

Here: settings, clock, and the way to ask for changes. ``storage/contract/installation.py`` adds the stores,
``keys/installation.py`` the key ring, ``ledger/installation.py`` notices and decisions, ``retention/installation.py``
the ending of data. The composition root makes the last of them, which is all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from dongui_collector.core.clock import Clock
from dongui_collector.core.control import Control
from dongui_collector.core.settings import Settings


@dataclass(slots=True, kw_only=True)
class InstallationCore:
    """What every room may use. ``close`` it at the end."""

    settings: Settings
    clock: Clock
    control: Control
    writable: bool
    close: Callable[[], None]
    cached: dict[str, Any] = field(default_factory=dict, repr=False)  # what readers keep in memory, by their own names

    def today(self) -> date:
        """The present day in the installation's zone."""
        return self.clock.today(self.settings.zone)
