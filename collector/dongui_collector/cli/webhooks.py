"""``dongui webhooks``: whom to tell of withdrawals and privacy requests as they happen."""

from __future__ import annotations

from pathlib import Path

import click

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
from dongui_collector.webhooks.model import KINDS


@click.group(cls=CommandGroup)
def webhooks() -> None:
    """Tell other systems of withdrawals, erasures, ageing out and privacy requests."""


@webhooks.command()
@click.argument("url")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="What to tell of [default: all].")
@click.option("--token", metavar="ID", help="Whose copies are meant: a token's, under its names for visitors.")
@click.option("--recipient", metavar="NAME", help="Or a processor's or recipient's, under theirs.")
@site_option
@config_option
@json_option
def add(
    url: str,
    kinds: tuple[str, ...],
    token: str | None,
    recipient: str | None,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Tell URL (https) from now on. The secret that signs what is sent is shown this once."""
    wanted = {"kinds": list(kinds) or list(KINDS), "token": token, "recipient": recipient, "site": site}
    emit(control(config).ask("webhooks.add", url=url, by=acting_user(), **wanted), as_json)


@webhooks.command("list")
@config_option
@json_option
def list_(config: Path, as_json: bool) -> None:
    """List them and how they fare; never their secrets nor their whole addresses."""
    from dongui_collector.webhooks.operations import listed

    with reading(config) as core:
        emit(listed(core), as_json, ["id", "site", "host", "kinds", "consumer", "state", "tries", "error"])


@webhooks.command()
@click.argument("id")
@config_option
@json_option
def resume(id: str, config: Path, as_json: bool) -> None:
    """Try one that was paused again, from where it stood."""
    emit(control(config).ask("webhooks.resume", id=id, by=acting_user()), as_json)


@webhooks.command()
@click.argument("id")
@config_option
@json_option
def remove(id: str, config: Path, as_json: bool) -> None:
    """Tell it no more, from this moment on."""
    emit(control(config).ask("webhooks.remove", id=id, by=acting_user()), as_json)
