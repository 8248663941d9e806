"""``dongui channels``: consent to receive advertising, confirmed by telling the member every two years (K16)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TextIO

import click

from dongui_collector.access.audit_log import RecordAccess
from dongui_collector.cli.common import CommandGroup, config_option, control, emit, json_option, reading, site_option
from dongui_collector.cli.derive import by_option, command
from dongui_collector.rights.channels import NoteInformed

members_argument = click.argument("members", type=click.File("r", encoding="utf-8"))


@click.group(cls=CommandGroup)
def channels() -> None:
    """Consents to receive advertising: who must be told of theirs, and by when."""


@channels.command()
@members_argument
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Those due by this day [default: within 30 days].")
@by_option
@site_option
@config_option
@json_option
def due(members: TextIO, until: datetime | None, by: str, site: str | None, config: Path, as_json: bool) -> None:
    """List who of MEMBERS (a file with one of the site's references a line, - for standard input) must be told."""
    from dongui_collector.rights.channels import due as found

    asked = _lines(members)
    look = RecordAccess("channels.due", by, what={"members": len(asked)})
    control(config)(look)  # before anything is shown (K12)
    with reading(config) as core:
        rows = found(core, asked, site=site, until=until.date() if until else None)
    emit(rows, as_json, ["member", "channel", "confirm_by", "overdue"])


channels.add_command(command("told", NoteInformed))


def _lines(file: TextIO) -> list[str]:
    return [line for raw in file if (line := raw.strip())]
