"""``dongui destruction``: selected → approved → destroyed (S5.3), and the standing approval for the routine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    reading,
    settings_of,
)
from dongui_collector.cli.derive import by_option, command
from dongui_collector.cli.retention import unsigned_text, what_text
from dongui_collector.core.errors import Unknown
from dongui_collector.core.operations import plain
from dongui_collector.retention.operations import (
    ApproveDestructions,
    GrantApproval,
    RevokeApproval,
    SelectDestruction,
)
from dongui_collector.retention.serializers import DestructionSummary

_STATES = ("selected", "approved", "running", "done", "lapsed")


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
        today = core.retention.today()
        found = [plain(DestructionSummary.of(d, today)) for d in core.storage.admin.destructions(states)]
        unsigned = core.retention.standing.unsigned()
    rows = found if as_json else [{**d, "of": what_text(d["what"])} for d in found]
    emit(rows, as_json, ["id", "state", "of", "deadline", "pressing", "selected_by", "approved_by"])
    for one in [] if as_json else unsigned:
        click.echo(unsigned_text(plain(one)))


def _selected_text(found: dict[str, Any]) -> str:
    return f"selected: {', '.join('#' + str(d['id']) for d in found['selected'])} ({found['records']} records)"


@destruction.command()
@click.argument("ids", nargs=-1, type=int, metavar="[ID]...")
@click.option("--all", "everything", is_flag=True, help="Approve everything that waits.")
@by_option
@config_option
@json_option
def approve(ids: tuple[int, ...], everything: bool, by: str, config: Path, as_json: bool) -> None:
    """Approve destructions that wait, and carry them out.

    In two-person mode nobody approves their own selection, and here the system says who one is: --by is refused.
    """
    if settings_of(config).two_person and by != acting_user():
        raise click.UsageError("in two-person mode an approval is given by whoever runs the command, not in a name")
    if bool(ids) == everything:
        raise click.UsageError("name the destructions to approve, or say --all")
    outcome = plain(control(config)(ApproveDestructions(None if everything else list(ids), by=by)))
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
        found = core.storage.admin.destruction(id)
        today = core.retention.today()
    if found is None:
        raise Unknown(f"there is no destruction {id}; see `dongui destruction list`")
    emit(plain(DestructionSummary.of(found, today)), as_json)


for one in (
    command("select", SelectDestruction, _selected_text),
    command("grant", GrantApproval),
    command("revoke", RevokeApproval),
):
    destruction.add_command(one)
