"""``dongui tokens``: access for consumers and officers, bound to a site and to purposes."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option

ROLES = ("consumer", "officer", "analyst", "auditor", "admin")


@click.group(cls=CommandGroup)
def tokens() -> None:
    """Create, list and revoke access tokens."""


@tokens.command()
@click.option(
    "--purpose", "purposes", multiple=True, required=True, help="A purpose the token reads for; may be repeated."
)
@click.option("--role", type=click.Choice(ROLES), default="consumer", show_default=True)
@click.option("--note", default="", help="Whose it is, for your own list.")
@site_option
@config_option
@json_option
def create(purposes: tuple[str, ...], role: str, note: str, site: str | None, config: Path, as_json: bool) -> None:
    """Create a token. It is shown this once."""
    result = control(config).call("tokens.create", purposes=list(purposes), role=role, site=site, note=note)
    emit(result, as_json)


@tokens.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List the tokens, the revoked ones too; never their secret."""
    with reading(config) as core:
        zone = core.settings.zone
        rows = [_shown(token, zone) if not as_json else token for token in core.storage.office.tokens()]
    emit(rows, as_json, ["id", "role", "site", "purposes", "note", "created", "revoked"])


def _shown(token: dict[str, Any], zone: Any) -> dict[str, Any]:
    def day(at: int | None) -> str | None:
        return None if at is None else datetime.fromtimestamp(at / 1000, zone).date().isoformat()

    return {**token, "created": day(token["created_at"]), "revoked": day(token.get("revoked_at"))}


@tokens.command()
@click.argument("id")
@config_option
@json_option
def revoke(id: str, config: Path, as_json: bool) -> None:
    """Revoke a token by its id, from this moment on."""
    emit(control(config).call("tokens.revoke", id=id), as_json)
