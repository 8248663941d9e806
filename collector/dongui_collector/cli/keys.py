"""``dongui keys``: the master key's rotation, copies of the keys, the journal."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from dongui_collector.cli.common import (
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    reading,
    settings_of,
)
from dongui_collector.cli.derive import command, first_line, group
from dongui_collector.core.private_files import private
from dongui_collector.keys.operations import CompactJournal, NoteKeyCopy, RotateKeys, ShowKeyStatus

_FILE = click.Path(dir_okay=False, path_type=Path)
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)
_passphrase_file = click.option(
    "--passphrase-file", type=_EXISTING, help="A file whose first line is the passphrase; - for standard input."
)


def _text(data: dict[str, Any], zone: ZoneInfo) -> str:
    def day(at: int | None) -> str:
        return datetime.fromtimestamp(at / 1000, zone).date().isoformat() if at else "never"

    kinds = ", ".join(f"{kind} {number}" for kind, number in data["keys"].items())
    copies = f"on {day(data['copied_at'])}, may be used until {data['copies_expire']}" if data["copied_at"] else "never"
    lines = [
        f"master key      from the {data['master_key']}, rotated {day(data['rotated_at'])}",
        f"keys            {kinds}; {data['destroyed']} destroyed",
        f"last copy       {copies} (horizon {data['horizon']})",
    ]
    if data["rotation_pending"]:
        lines.append("a rotation is not finished: put the new master key in place and restart serve")
    return "\n".join(lines)


keys = group(
    "keys",
    "Rotate the master key, copy and restore the keys.",
    command("status", ShowKeyStatus, str, shown=_text),
    command("rotate", RotateKeys),
    command("compact", CompactJournal),
)


@keys.command()
@click.argument("file", type=_FILE)
@_passphrase_file
@click.option("--under-master-key", is_flag=True, help="Seal it under the master key instead of a passphrase.")
@config_option
@json_option
def backup(file: Path, passphrase_file: Path | None, under_master_key: bool, config: Path, as_json: bool) -> None:
    """Copy the keys into FILE, sealed under a passphrase (asked for on a terminal) or the master key.

    Keep it apart from the backups of the data. It may be used until the day that is printed (key_backup_horizon);
    certificates of destruction say so. Every day has a new key: copy as often as you back up.
    """
    from dongui_collector.keys.backup import check_passphrase, write_copy

    passphrase = None if under_master_key else _passphrase(passphrase_file, confirm=True)
    if passphrase is not None:
        check_passphrase(passphrase)
    noted = control(config)(NoteKeyCopy(by=acting_user()))
    part = file.with_name(file.name + ".part")
    try:
        with (
            reading(config) as core,
            open(part, "wb", opener=private) as out,
        ):
            made = write_copy(core, out, noted, passphrase)
            out.flush()
            os.fsync(out.fileno())
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    emit({"file": str(file), **made}, as_json)


@keys.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_passphrase_file
@click.option("--old-key", type=_EXISTING, help="The master key under which the copy was made, where it was rotated.")
@click.option("--journal", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The newest journal.")
@click.option("--without-journal", is_flag=True, help="Go on without it: keys destroyed since come back.")
@config_option
@json_option
def restore(
    file: Path,
    passphrase_file: Path | None,
    old_key: Path | None,
    journal: Path | None,
    without_journal: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Make keys/keys.db from a copy, less the keys destroyed since. There must be none."""
    from dongui_collector.keys.keyring import decode_master
    from dongui_collector.runtime.restore_keys import restore_keys

    settings = settings_of(config)
    with file.open("rb") as source:
        outcome = restore_keys(
            settings,
            source,
            passphrase=_passphrase(passphrase_file, confirm=False) if passphrase_file else None,
            master=decode_master(first_line(old_key), str(old_key)) if old_key else None,
            journal=journal,
            without_journal=without_journal,
        )
    emit(outcome, as_json)


def _passphrase(file: Path | None, *, confirm: bool) -> str:
    if file is not None:
        return first_line(file)
    return str(click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True))
