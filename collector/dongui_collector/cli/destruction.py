"""``dongui destruction``: selected → approved → destroyed (S5.3), and the standing approval for the routine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, acting_user, config_option, control, emit, json_option, reading
from dongui_collector.cli.retention import what_text
from dongui_collector.errors import Unknown
from dongui_collector.keeping.shown import destruction_json

_STATES = ("selected", "approved", "running", "done", "lapsed")

by_option = click.option("--by", default=acting_user, help="Who decides; by default the user of this command.")


@click.group(cls=CommandGroup)
def destruction() -> None:
    """List, approve and show destructions."""


@destruction.command("list")
@click.option("--state", "states", multiple=True, type=click.Choice(_STATES), help="Only these; may be repeated.")
@config_option
@json_option
def list_(states: tuple[Any, ...], config: Path, as_json: bool) -> None:
    """List destructions, the newest last."""
    with reading(config) as core:
        found = [destruction_json(d) for d in core.storage.office.destructions(states)]
    rows = found if as_json else [{**d, "of": what_text(d["what"])} for d in found]
    emit(rows, as_json, ["id", "state", "of", "approved_by"])


@destruction.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Approve everything that waits.")
@by_option
@config_option
@json_option
def approve(ids: tuple[int, ...], everything: bool, by: str, config: Path, as_json: bool) -> None:
    """Approve destructions that wait, and carry them out."""
    if bool(ids) == everything:
        raise click.UsageError("name the destructions to approve, or say --all")
    outcome = control(config).call("destruction.approve", ids=None if everything else list(ids), by=by)
    emit(outcome, as_json, lambda done: "\n".join(f"#{d['id']} {d['state']}" for d in done["approved"]) or "(none)")
    if outcome["failed"]:
        raise SystemExit(1)


@destruction.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show one destruction with its certificate."""
    with reading(config) as core:
        found = core.storage.office.destruction(id)
    if found is None:
        raise Unknown(f"there is no destruction {id}; see `dongui destruction list`")
    emit(destruction_json(found), as_json)


@destruction.command()
@by_option
@config_option
@json_option
def grant(by: str, config: Path, as_json: bool) -> None:
    """Give a standing approval for routine ageing-out: what is destroyed because its published period has ended."""
    emit(control(config).call("approval.grant", by=by), as_json)


@destruction.command()
@by_option
@config_option
@json_option
def revoke(by: str, config: Path, as_json: bool) -> None:
    """Revoke the standing approval: from now on every destruction waits for `destruction approve`."""
    emit(control(config).call("approval.revoke", by=by), as_json)
