"""``dongui profiles``: whether a member's profile may be seen by corporate members (S4.2b)."""

from __future__ import annotations

from dongui_collector.cli.derive import command, group
from dongui_collector.rights.profiles import AllowProfile, DenyProfile

profiles = group(
    "profiles",
    "Allow or deny that a member's profile is seen. Denied is how it begins.",
    command("allow", AllowProfile),
    command("deny", DenyProfile),
)
