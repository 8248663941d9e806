"""The layer of an open installation that its ledger brings."""

from __future__ import annotations

from dataclasses import dataclass

from dongui_collector.keys.installation import KeyedInstallation
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import PendingErasures, RowReader
from dongui_collector.ledger.service import LedgerService


@dataclass(slots=True, kw_only=True)
class LedgerInstallation(KeyedInstallation):
    """Notices, decisions, and the reading of rows under them."""

    registry: NoticeRegistry
    ledger: LedgerService
    reader: RowReader
    periods: Periods

    def masks(self) -> PendingErasures:
        """The endings that are decided but not finished, and the suspensions, for one page of reading."""
        return PendingErasures.of(self.storage.ledger.intents(), self.storage.ledger.suspended())
