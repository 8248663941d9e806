"""``dongui accounts``: who may sign in to the console."""

from __future__ import annotations

from dongui_collector.access.accounts import (
    AddAccount,
    ChangeRole,
    DisableAccount,
    ListAccounts,
    RemoveAccount,
    ResetAccount,
)
from dongui_collector.cli.derive import command, group

accounts = group(
    "accounts",
    "List and change the accounts of the console.",
    command("list", ListAccounts, ["name", "role", "second_factor", "disabled", "locked", "sessions"]),
    command("add", AddAccount),
    command("role", ChangeRole),
    command("disable", DisableAccount),
    command("enable", DisableAccount, help="Let a disabled account in again.", disabled=False),
    command("reset", ResetAccount),
    command("remove", RemoveAccount),
)
