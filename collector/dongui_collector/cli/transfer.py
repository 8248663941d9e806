"""``dongui transfer``: a sale or merger (S4.2a): plan, notices, opting out, and only then the hand-over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option
from dongui_collector.cli.destruction import by_option
from dongui_collector.cli.handover import hand_over, named, output_option
from dongui_collector.rights.transfers import MEANS, handed_over, status


@click.group(cls=CommandGroup)
def transfer() -> None:
    """Plan a business transfer, log its notices and who opts out, and carry it out once that is over."""


@transfer.command()
@click.option("--recipient", required=True, metavar="NAME", help="The successor.")
@click.option("--address", required=True, help="The successor's address.")
@click.option("--contact", required=True, help="The successor's telephone and other contact.")
@click.option("--fact", required=True, help="What happens: sale, merger, division …")
@click.option("--opt-out", required=True, metavar="HOW", help="How one may say no, as the notice says it.")
@click.option("--until", required=True, metavar="DAY", help="The last day for saying no.")
@click.option("--country", default="", help="The successor's country [default: the controller's].")
@click.option("--purpose", "purposes", multiple=True, help="Only what stands on this purpose; repeatable.")
@by_option
@site_option
@config_option
@json_option
def plan(config: Path, as_json: bool, purposes: tuple[str, ...], **given: Any) -> None:
    """Record the plan. Nothing moves; withdrawals from now on count as a no."""
    emit(control(config).ask("transfers.plan", **given, purposes=list(purposes)), as_json)


@transfer.command()
@click.argument("id", type=int)
@click.option("--means", required=True, type=click.Choice(MEANS), help="How it was given.")
@click.option("--proof", required=True, help="What proves it: a link, a file's digest, a dispatch number.")
@click.option("--on", metavar="DAY", help="The day on which it was given [default: today].")
@by_option
@config_option
@json_option
def notice(id: int, config: Path, as_json: bool, **given: Any) -> None:
    """Log that the notice was given."""
    emit(control(config).ask("transfers.notice", id=id, **given), as_json)


@transfer.command("opt-out")
@click.argument("id", type=int)
@click.option("--member", "members", multiple=True, metavar="REF", help="A member's reference; repeatable.")
@click.option("--visitor", "visitors", multiple=True, metavar="ID", help="A visitor's id, - to read it; repeatable.")
@by_option
@config_option
@json_option
def opt_out(id: int, members: tuple[str, ...], visitors: tuple[str, ...], by: str, config: Path, as_json: bool) -> None:
    """Leave people out; a member with every visitor joined to it."""
    asked = {"members": named(members), "visitors": named(visitors), "by": by}
    emit(control(config).ask("transfers.opt_out", id=id, **asked), as_json)


@transfer.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show a transfer and what is missing before it may be carried out."""
    with reading(config) as core:
        emit(status(core, id), as_json)


@transfer.command()
@click.argument("id", type=int)
@by_option
@config_option
@json_option
def cancel(id: int, by: str, config: Path, as_json: bool) -> None:
    """Cancel a planned transfer."""
    emit(control(config).ask("transfers.cancel", id=id, by=by), as_json)


@transfer.command()
@click.argument("id", type=int)
@output_option
@by_option
@config_option
@json_option
def export(id: int, output: Path, by: str, config: Path, as_json: bool) -> None:
    """Hand over: events and records as NDJSON, without who said no. Refused until nothing is missing."""
    hand_over(config, "transfers.begin", id, by, handed_over, output, as_json)
