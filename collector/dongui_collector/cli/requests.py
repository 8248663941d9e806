"""``dongui requests``: privacy requests, answered in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading

_OUTCOMES = ("granted", "postponed", "refused")


@click.group(cls=CommandGroup)
def requests() -> None:
    """List, show and answer privacy requests."""


@requests.command("list")
@click.option("--all", "closed", is_flag=True, help="Also those that are closed.")
@config_option
@json_option
def list_(closed: bool, config: Path, as_json: bool) -> None:
    """List the open requests, the most urgent first."""
    from dongui_collector.answering import listed

    with reading(config) as core:
        emit(listed(core, closed=closed), as_json, ["id", "site", "kind", "due", "days_left", "state"])


@requests.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show one request, and how much is held about its visitor."""
    from dongui_collector.answering import shown

    with reading(config) as core:
        emit(shown(core, id), as_json)


@requests.command()
@click.argument("id", type=int)
@click.option("--outcome", type=click.Choice(_OUTCOMES), required=True)
@click.option("--reason", default="", help="Needed where the request is refused or postponed.")
@click.option("--until", metavar="DAY", help="The new due day of a postponement.")
@config_option
@json_option
def answer(id: int, config: Path, as_json: bool, **given: Any) -> None:
    """Answer a request. Granting an erasure carries it out."""
    emit(control(config).call("requests.answer", id=id, **given), as_json)
