"""``dongui tokens``: access for consumers and officers, bound to a site and to purposes."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.cli.derive import command, group
from dongui_collector.core.clock import day_of
from dongui_collector.exports.tokens import CreateToken, ListTokens, RevokeToken

_LISTED = ["id", "role", "site", "purposes", "recipient", "note", "created", "expires", "last_used", "revoked"]


def _in_days(tokens: list[dict[str, Any]], zone: ZoneInfo) -> list[dict[str, Any]]:
    def day(at: int | None) -> str | None:
        return None if at is None else day_of(at, zone).isoformat()

    # The last day on which one is good: it ends with the first instant of the next.
    return [
        token
        | {"created": day(token["created_at"]), "revoked": day(token["revoked_at"])}
        | {"expires": day(token["expires_at"] and token["expires_at"] - 1)}
        for token in tokens
    ]


tokens = group(
    "tokens",
    "Create, list and revoke access tokens.",
    command("create", CreateToken),
    command("list", ListTokens, _LISTED, shown=_in_days),
    command("revoke", RevokeToken),
)
