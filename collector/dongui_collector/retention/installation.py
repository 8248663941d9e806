"""The layer of an open installation that ends data: with it the installation is whole."""

from __future__ import annotations

from dataclasses import dataclass

from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.retention.service import Retention


@dataclass(slots=True, kw_only=True)
class Installation(LedgerInstallation):
    """Schedule, approvals, holds, archive, and destruction."""

    retention: Retention
