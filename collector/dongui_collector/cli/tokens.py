"""``dongui tokens``: access for consumers and officers, bound to a site and to purposes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dongui_collector.access.roles import ROLES
from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    reading,
    site_option,
)


@click.group(cls=CommandGroup)
def tokens() -> None:
    """Create, list and revoke access tokens."""


@tokens.command()
@click.option(
    "--purpose", "purposes", multiple=True, required=True, help="A purpose the token reads for; may be repeated."
)
@click.option("--role", type=click.Choice(ROLES), default="consumer", show_default=True)
@click.option(
    "--expires", default="P1Y", show_default=True, help="A period (P90D), the last day (2027-01-31), or never."
)
@click.option("--recipient", help="Whom its exports are handed to; the notice must name them for these purposes.")
@click.option("--precise", is_flag=True, help="With --recipient: exact times and whole addresses, not coarse ones.")
@click.option("--note", default="", help="Whose it is, for your own list.")
@site_option
@config_option
@json_option
def create(
    purposes: tuple[str, ...],
    role: str,
    expires: str,
    recipient: str | None,
    precise: bool,
    note: str,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Create a token. It is shown this once."""
    given = {"purposes": list(purposes), "role": role, "site": site, "note": note, "by": acting_user()}
    result = control(config).ask("tokens.create", **given, expires=expires, recipient=recipient, precise=precise)
    emit(result, as_json)


@tokens.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List the tokens, the revoked ones too; never their secret."""
    with reading(config) as core:
        zone = core.settings.zone
        rows = [_shown(token, zone) if not as_json else token for token in core.storage.office.tokens()]
    emit(
        rows,
        as_json,
        ["id", "role", "site", "purposes", "recipient", "note", "created", "expires", "last_used", "revoked"],
    )


def _shown(token: dict[str, Any], zone: Any) -> dict[str, Any]:
    def day(at: int | None) -> str | None:
        return None if at is None else datetime.fromtimestamp(at / 1000, zone).date().isoformat()

    # The last day on which it is good: it ends with the first instant of the next.
    expires = token.get("expires_at") and token["expires_at"] - 1
    times = {"created": token["created_at"], "expires": expires, "revoked": token.get("revoked_at")}
    return {**token, **{name: day(at) for name, at in times.items()}}


@tokens.command()
@click.argument("id")
@config_option
@json_option
def revoke(id: str, config: Path, as_json: bool) -> None:
    """Revoke a token by its id, from this moment on."""
    emit(control(config).ask("tokens.revoke", id=id, by=acting_user()), as_json)
