"""``dongui holds``: legal holds (보존 사유), which suspend destruction of what they cover, and nothing else (S3.2)."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.retention.hold_operations import AddHold, ListHolds, ReleaseHold, ShowHold

_LISTED = ["id", "ground", "reason", "statute", "class", "one_visitor", "from", "to", "until", "released_at"]

holds = group(
    "holds",
    "Add, list, show and release legal holds.",
    command("add", AddHold),
    command("list", ListHolds, _LISTED),
    command("show", ShowHold),
    command("release", ReleaseHold),
)
