"""``dongui disclosures``: the disclosure ledger: what was handed to whom (S4), and noting what left another way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import (
    CommandGroup,
    config_option,
    control,
    emit,
    json_option,
    read_text,
    reading,
    site_option,
)
from dongui_collector.cli.destruction import by_option
from dongui_collector.cli.handover import named
from dongui_collector.core.clock import day_of
from dongui_collector.ledger.sites import find_site
from dongui_collector.rights.disclosures import listed, load, shown

_LIST = ["id", "on", "way", "recipient", "party", "country", "purposes", "items", "rows", "people", "state"]


@click.group(cls=CommandGroup)
def disclosures() -> None:
    """List what was handed to whom, and note what left another way than an export."""


@disclosures.command("list")
@site_option
@config_option
@json_option
def list_(site: str | None, config: Path, as_json: bool) -> None:
    """List every hand-over, newest first. Names nobody whose data it was."""
    with reading(config) as core:
        rows = listed(core, find_site(core, site).ref if site else None)
        zone = core.settings.zone
    if not as_json:
        rows = [row | {"on": _day(row["at"], zone)} for row in rows]
    emit(rows, as_json, _LIST)


def _day(at: int, zone: Any) -> str:
    return day_of(at, zone).isoformat()


@disclosures.command()
@click.argument("id", type=int)
@config_option
@json_option
def show(id: int, config: Path, as_json: bool) -> None:
    """Show one hand-over: facts, number of rows and people, the file's digest."""
    with reading(config) as core:
        emit(shown(core, load(core, id)), as_json)


@disclosures.command()
@click.option("--recipient", required=True, metavar="NAME", help="A processor or recipient of the policy in force.")
@click.option("--purpose", "purposes", multiple=True, required=True, help="A purpose it serves; repeatable.")
@click.option("--item", "items", multiple=True, help="An item that went [default: all that the policy names].")
@click.option("--what", required=True, help="What went and how, in a few words that name nobody.")
@click.option("--member", "members", multiple=True, metavar="REF", help="Whose data: a member's reference; repeatable.")
@click.option("--visitor", "visitors", multiple=True, metavar="ID", help="Whose data: a visitor's id, - to read it.")
@click.option(
    "--members-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whose data: a file of members' references, one a line.",
)
@click.option("--everyone", is_flag=True, help="Whose data: everyone's who was known then.")
@click.option("--from", "first", metavar="DAY", help="The first day of the data.")
@click.option("--to", "last", metavar="DAY", help="The last day of the data.")
@click.option("--on", "handed", metavar="DAY", help="The day on which it went [default: today].")
@click.option("--rows", type=click.IntRange(min=0), help="How many records went.")
@click.option("--digest", metavar="SHA256", help="The file's SHA-256.")
@by_option
@site_option
@config_option
@json_option
def note(members_file: Path | None, config: Path, as_json: bool, **given: Any) -> None:
    """Note a hand-over that was made another way. Refused where the policy in force does not name the recipient."""
    if members_file:
        given["members"] = (*given["members"], *read_text(members_file).splitlines())
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    asked |= {name: named(given[name]) for name in ("members", "visitors")}
    emit(control(config).ask("disclosures.note", **asked), as_json)
