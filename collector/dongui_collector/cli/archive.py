"""``dongui archive``: what other law makes the site keep, apart (S5.2), and reading it for that obligation alone."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.retention.operations import ListArchive, ReadArchive

archive = group(
    "archive",
    "List what is kept apart under other law, and read it for its obligation.",
    command("list", ListArchive, ["site", "class", "records", "kept_until", "read_for"]),
    command("read", ReadArchive, ["id", "at", "source", "reason", "kept_until", "data"]),
)
