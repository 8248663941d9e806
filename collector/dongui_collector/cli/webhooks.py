"""``dongui webhooks``: whom to tell of withdrawals and privacy requests as they happen."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.webhooks.operations import AddWebhook, ListWebhooks, RemoveWebhook, ResumeWebhook

webhooks = group(
    "webhooks",
    "Tell other systems of withdrawals, erasures, ageing out and privacy requests.",
    command("add", AddWebhook),
    command("list", ListWebhooks, ["id", "site", "host", "kinds", "consumer", "state", "tries", "error"]),
    command("resume", ResumeWebhook),
    command("remove", RemoveWebhook),
)
