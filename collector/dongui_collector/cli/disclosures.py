"""``dongui disclosures``: the disclosure ledger: what was handed to whom (S4), and noting what left another way."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from dongui_collector.cli.common import config_option, emit, json_option, read_text
from dongui_collector.cli.derive import answered, command, group, parameters
from dongui_collector.core.clock import day_of
from dongui_collector.rights.disclosures import ShowDisclosure
from dongui_collector.rights.manual_disclosures import ListDisclosures, NoteDisclosure

_LIST = ["id", "on", "way", "recipient", "party", "country", "purposes", "items", "rows", "people", "state"]


def _dated(rows: list[dict[str, Any]], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [row | {"on": day_of(row["at"], zone).isoformat()} for row in rows]


@click.command()
@parameters(NoteDisclosure)
@click.option(
    "--members-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Whose data: a file of members' references, one a line.",
)
@config_option
@json_option
def note(members_file: Path | None, config: Path, as_json: bool, **given: Any) -> None:
    """Note a hand-over that was made another way. Refused where the policy in force does not name the recipient."""
    if members_file:
        given["members"] = (*given["members"], *read_text(members_file).splitlines())
    emit(answered(config, NoteDisclosure, given), as_json)


disclosures = group(
    "disclosures",
    "List what was handed to whom, and note what left another way than an export.",
    command("list", ListDisclosures, _LIST, shown=_dated),
    command("show", ShowDisclosure),
    note,
)
