"""Which week's mail was sent: claimed before it goes, so that it goes once."""

from __future__ import annotations

from dongui_collector.core.operations import Request, operation
from dongui_collector.ledger.installation import LedgerInstallation

SETTING = "visits.mailed"


class ClaimWeek(Request[bool], frozen=True):
    """Claim the mail of the week that began on this day, so that it is sent once."""

    week: str


@operation("mail.claim")
def claim(core: LedgerInstallation, request: ClaimWeek) -> bool:
    """Whether the mail of the week that began on this day is nobody's yet; from now on it is the caller's."""
    with core.storage.ledger.writing():
        if (core.storage.admin.setting(SETTING) or {}).get("week") == request.week:
            return False
        core.storage.admin.put_setting(SETTING, {"week": request.week})
        return True


class UnclaimWeek(Request[None], frozen=True):
    """Give a claimed week back: its mail was not sent after all."""

    week: str


@operation("mail.unclaim")
def unclaim(core: LedgerInstallation, request: UnclaimWeek) -> None:
    """It was not sent after all."""
    with core.storage.ledger.writing():
        if (core.storage.admin.setting(SETTING) or {}).get("week") == request.week:
            core.storage.admin.put_setting(SETTING, None)
