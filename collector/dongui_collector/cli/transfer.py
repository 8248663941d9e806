"""``dongui transfer``: a sale or merger (S4.2a): plan, notices, opting out, and only then the hand-over."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.cli.handover import handing_over
from dongui_collector.rights.transfers import (
    BeginTransfer,
    CancelTransfer,
    LogNotice,
    OptOut,
    PlanTransfer,
    ShowTransfer,
    handed_over,
)

transfer = group(
    "transfer",
    "Plan a business transfer, log its notices and who opts out, and carry it out once that is over.",
    command("plan", PlanTransfer),
    command("notice", LogNotice),
    command("opt-out", OptOut),
    command("show", ShowTransfer),
    command("cancel", CancelTransfer),
    handing_over(
        BeginTransfer,
        handed_over,
        "Hand over: events and records as NDJSON, without who said no. Refused until nothing is missing.",
    ),
)
