"""``dongui backup`` and ``dongui restore``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from dongui_collector.cli.common import (
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    progress,
    reading,
    settings_of,
)
from dongui_collector.cli.verify import checkpoints_in
from dongui_collector.core.private_files import private
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.checkpoints import Checkpoint


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@config_option
@json_option
def backup(file: Path, config: Path, as_json: bool) -> None:
    """Back up the data folder into FILE, also beside a running serve.

    The keys are not in it: copy keys/ to another place, at least as often (every day has a new key). FILE.journal is a
    copy of the journal of destructions as it stands now; keep the newest one apart from the backups.
    """
    from dongui_collector.backup.backup import make_backup
    from dongui_collector.retention.operations import PrepareBackup

    control(config)(PrepareBackup(by=acting_user()))
    part = file.with_name(file.name + ".part")
    try:
        with (
            reading(config) as core,
            progress("days", len(core.storage.events.days())) as advance,
            open(part, "wb", opener=private) as out,
        ):
            made = make_backup(core, out, advance)
            out.flush()
            os.fsync(out.fileno())
            part.replace(file)
            core.journal.copy_to(file.with_name(file.name + ".journal"))
    finally:
        part.unlink(missing_ok=True)
    emit({"file": str(file), **made}, as_json)


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The journal of destructions, where it is not keys/journal.ndjson.",
)
@click.option("--without-journal", is_flag=True, help="Go on without it: what was destroyed since comes back.")
@click.option(
    "--checkpoint",
    "kept_elsewhere",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A checkpoint that was kept elsewhere, or a folder of them, to hold the backup against.",
)
@click.option("--no-checkpoint", is_flag=True, help="With --without-journal: no checkpoint was ever kept elsewhere.")
@click.option("--replace", "replace_present", is_flag=True, help="Destroy what the data folder holds now.")
@config_option
@json_option
def restore(
    file: Path,
    journal: Path | None,
    without_journal: bool,
    kept_elsewhere: tuple[Path, ...],
    no_checkpoint: bool,
    replace_present: bool,
    config: Path,
    as_json: bool,
) -> None:
    """Restore FILE into the data folder, less what was destroyed since. The keys folder must be in place.

    Tokens, accounts and sites are those of the backup, less what was revoked, removed or changed since: an account with
    another password, role or second factor is locked until `dongui accounts reset NAME`. Everybody signs in anew; what
    visitors granted since is asked again.

    The longest journal at hand is repeated: keys/journal.ndjson, FILE.journal, or --journal, which may not be shorter.
    Where there is none, --without-journal needs a --checkpoint that was kept elsewhere, unless the settings name their
    folder and it holds one; how many ledger records the backup lacks is said.
    """
    from dongui_collector.runtime.restore import restore_backup

    settings = settings_of(config)
    checkpoints = _checkpoints(settings, kept_elsewhere)
    if without_journal and not checkpoints and not no_checkpoint:
        raise click.UsageError(
            "--without-journal needs a --checkpoint that was kept elsewhere (an evidence bundle has them too), to tell"
            " how much is lost; where there is none, say --no-checkpoint"
        )
    with file.open("rb") as source, progress("parts") as advance:
        outcome = restore_backup(
            settings,
            source,
            journal=journal,
            beside_backup=file.with_name(file.name + ".journal"),
            checkpoints=checkpoints,
            without_journal=without_journal,
            replace_present=replace_present,
            progress=advance,
        )
    emit(outcome, as_json)


def _checkpoints(settings: Settings, given: tuple[Path, ...]) -> list[tuple[str, Checkpoint]]:
    """Those that were named, and those in the settings' own folder."""
    folder = settings.folder / settings.checkpoint_folder if settings.checkpoint_folder else None
    own = [folder] if folder and any(folder.glob("*.json")) else []
    return [found for path in (*given, *own) for found in checkpoints_in(path)]
