"""The inventory of cookies: what the policy declares, what was seen, and the lines that would declare the rest. Pure.

Only names were ever kept (``POST /v1/inventory``); whose browser they were seen in is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dongui.policy import CookieRule, Policy
from dongui.policy.undeclared import Gap, PageScan, ScannedCookie, gaps
from dongui.rules.cookies import OWN_COOKIES, matches

from dongui_collector.storage.contract.values import Json


@dataclass(frozen=True, slots=True)
class Declared:
    """A rule of the policy and the names seen that it covers; ``first`` and ``last`` are epoch ms, None if never."""

    rule: CookieRule
    names: Sequence[str]
    first: int | None
    last: int | None


@dataclass(frozen=True, slots=True)
class Undeclared:
    """A name that no rule covers, when it was seen (epoch ms), which known ``tool`` sets it, the TOML for it."""

    name: str
    first: int
    last: int
    tool: str | None
    lines: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """Our own cookies are in neither list: they are described by every policy page."""

    declared: Sequence[Declared]
    undeclared: Sequence[Undeclared]


def inventory(policy: Policy, seen: Sequence[Json], host: str) -> Inventory:
    """``seen`` are ``{name, first_seen, last_seen}``; ``host`` is the site's own, for who is named as provider."""
    left = {one["name"]: one for one in seen if one["name"] not in OWN_COOKIES}
    declared = []
    for rule in policy.cookies:
        # As the gate judges: the first rule that fits a name is the one that counts.
        mine = [left.pop(name) for name in list(left) if matches(rule.name, name)]
        first = min((m["first_seen"] for m in mine), default=None)
        last = max((m["last_seen"] for m in mine), default=None)
        declared.append(Declared(rule, [m["name"] for m in mine], first, last))
    found = [_undeclared(policy, one, host) for one in left.values()]
    return Inventory(declared, sorted(found, key=lambda one: (-one.last, one.name)))


def _undeclared(policy: Policy, one: Json, host: str) -> Undeclared:
    missing = missing_of(policy, one["name"], host)
    tool = next((gap.tool for gap in missing if gap.tool), None)
    lines = "\n".join(gap.lines for gap in missing)
    return Undeclared(one["name"], one["first_seen"], one["last_seen"], tool, lines)


def missing_of(policy: Policy, name: str, host: str) -> list[Gap]:
    """What the policy lacks for a cookie: its entry, and for a known tool the party behind it; empty if declared."""
    return gaps(policy, PageScan("", (ScannedCookie(name, host, None),)))
