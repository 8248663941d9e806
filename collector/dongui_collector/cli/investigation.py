"""``dongui investigation``: a demand of an investigator or court (S4.2c): recorded first, then exactly that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, site_option
from dongui_collector.cli.destruction import by_option
from dongui_collector.cli.handover import hand_over, named, output_option
from dongui_collector.exports.export import FIELDS_OF
from dongui_collector.rights.investigations import demanded


@click.group(cls=CommandGroup)
def investigation() -> None:
    """Record a demand for data by law, and hand over exactly what it asks for."""


@investigation.command()
@click.option("--authority", required=True, help="Who demands it.")
@click.option("--statute", required=True, help="The provision that it rests on.")
@click.option("--procedure", required=True, help="By which procedure: a warrant, a court's order …")
@click.option("--document", required=True, help="The demand's reference.")
@click.option("--item", "items", multiple=True, required=True, type=click.Choice(list(FIELDS_OF)))
@click.option("--from", "first", required=True, metavar="DAY", help="The first day of the data.")
@click.option("--to", "last", required=True, metavar="DAY", help="The last day, included.")
@click.option("--member", "members", multiple=True, metavar="REF", help="Whom it names: a member; repeatable.")
@click.option(
    "--visitor",
    "visitors",
    multiple=True,
    metavar="ID",
    help="Whom it names: a visitor's id, - to read it.",
)
@click.option("--everyone", is_flag=True, help="It names a period only.")
@click.option("--secret-until", metavar="DAY", help="A law forbids telling the person until then.")
@click.option("--secret-law", default="", help="That law.")
@by_option
@site_option
@config_option
@json_option
def record(config: Path, as_json: bool, **given: Any) -> None:
    """Record a demand. Nothing is handed over yet."""
    asked = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    asked |= {name: named(given[name]) for name in ("members", "visitors")}
    emit(control(config).ask("investigations.record", **asked), as_json)


@investigation.command()
@click.argument("id", type=int)
@output_option
@by_option
@config_option
@json_option
def export(id: int, output: Path, by: str, config: Path, as_json: bool) -> None:
    """Hand over what demand ID asks for, as NDJSON: its days, its persons, its items."""
    hand_over(config, "investigations.begin", id, by, demanded, output, as_json)
