"""Which week's mail was sent: claimed before it goes, so that it goes once."""

from __future__ import annotations

from dongui_collector.core.operations import operation
from dongui_collector.ledger.installation import LedgerInstallation

SETTING = "visits.mailed"


@operation("mail.claim")
def claim(core: LedgerInstallation, week: str) -> bool:
    """Whether the mail of the week that began on this day is nobody's yet; from now on it is the caller's."""
    with core.storage.ledger.writing():
        if (core.storage.office.setting(SETTING) or {}).get("week") == week:
            return False
        core.storage.office.put_setting(SETTING, {"week": week})
        return True


@operation("mail.unclaim")
def unclaim(core: LedgerInstallation, week: str) -> None:
    """It was not sent after all."""
    with core.storage.ledger.writing():
        if (core.storage.office.setting(SETTING) or {}).get("week") == week:
            core.storage.office.put_setting(SETTING, None)
