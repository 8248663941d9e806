"""``dongui sites``: the web sites of an installation."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.ledger.sites import AddSite, ListCookies, ListSites

sites = group(
    "sites",
    "Add and list web sites.",
    command("add", AddSite),
    command("list", ListSites, ["site", "name", "origins", "notice"]),
    command("cookies", ListCookies, ["name", "declared", "purpose", "necessary", "first_seen", "last_seen"]),
)
