"""Sealing on demand, before the ledger is fixed as it is now."""

from __future__ import annotations

from dongui_collector.core.operations import Request, operation
from dongui_collector.evidence.sealing import DaysSealed, Sealer, settled
from dongui_collector.retention.installation import Installation


class SealDays(Request[DaysSealed], frozen=True):
    """Seal every finished day on the ledger as it is now."""


@operation("proof.seal", right="approve")
def seal_days(core: Installation, request: SealDays) -> DaysSealed:
    """What cannot be sealed is named, and the others are."""
    return Sealer(core.storage, core.keyring, core.clock).run(settled(core.clock, core.settings.zone), now=True)
