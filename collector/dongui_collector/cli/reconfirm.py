"""``dongui policy reconfirm``: who must be told of their consent, and by when (K16)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import acting_user, config_option, control, emit, json_option, reading, site_option
from dongui_collector.core.operations import plain
from dongui_collector.core.private_files import private
from dongui_collector.retention.operations import FindDueMembers, NoteReconfirmed


@click.command()
@click.option("--within", type=click.IntRange(0, 3660), default=30, show_default=True, metavar="DAYS")
@click.option(
    "--members",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your member references, one a line: list those of them who are due.",
)
@click.option("--told", metavar="DAY", help="Note that everyone due by DAY was told, today.")
@click.option("--purpose", "purposes", multiple=True, help="With --told: of this purpose only; may be repeated.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write the list to a file.")
@site_option
@config_option
@json_option
def reconfirm(
    within: int,
    members: Path | None,
    told: str | None,
    purposes: tuple[str, ...],
    output: Path | None,
    site: str | None,
    config: Path,
    as_json: bool,
) -> None:
    """Say how many must be told of their consent, and by when. With --members: who, for the officer.

    What silence means is the policy's choice: the consent is kept, or ends with its period.
    """
    if told is not None:
        request = NoteReconfirmed(told, list(purposes) or None, site, by=acting_user())
        emit(plain(control(config)(request)), as_json)
    elif members is not None:
        lines = members.read_text(encoding="utf-8").splitlines()
        references = [line.strip() for line in lines if line.strip()]
        found = control(config)(FindDueMembers(references, within, site, by=acting_user()))
        _write(plain(found), output, as_json)
    else:
        emit(_counted(config, site, within), as_json, ["purpose", "by", "people", "members", "silence"])


def _counted(config: Path, site: str | None, within: int) -> list[dict[str, Any]]:
    from dongui_collector.ledger.sites import find_site
    from dongui_collector.retention.reconfirmation import counts

    with reading(config) as core:
        return counts(core, find_site(core, site), core.retention.today() + timedelta(days=within))


def _write(found: list[dict[str, Any]], output: Path | None, as_json: bool) -> None:
    if output is None:
        emit(found, as_json, ["member", "purposes", "by"])
        return
    lines = [f"{one['member']}\t{' '.join(one['purposes'])}\t{one['by']}" for one in found]
    with open(output, "w", encoding="utf-8", opener=private) as file:
        file.writelines(line + "\n" for line in lines)
    emit({"written": len(found), "output": str(output)}, as_json)
