"""``dongui verify`` and ``dongui checkpoint``: does everything hold, and what to keep elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from dongui.errors import DonguiError

from dongui_collector.cli.common import config_option, control, emit, json_option, progress, reading, settings_of
from dongui_collector.core.errors import CollectorError, StorageDamaged
from dongui_collector.evidence import bundle, checkpoint_files, checkpoints
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.operations import SealDays
from dongui_collector.evidence.verify.verify import Verification, VerificationFinding, damaged, steps
from dongui_collector.evidence.verify.verify import verify as check

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--checkpoint",
    "kept_elsewhere",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    help="A checkpoint that was kept elsewhere, or a folder of them; may be given several times.",
)
@click.option(
    "--evidence",
    "evidence_file",
    type=_FILE,
    help="Write a bundle (zip) there that anybody can verify without us; see docs/proof.md.",
)
@click.option(
    "--print-verifier-digest",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=lambda context, _, wanted: _print_digest(context) if wanted else None,
    help="Print the SHA-256 of verify_evidence.py, as docs/proof.md has it, and exit.",
)
@config_option
@json_option
def verify(kept_elsewhere: tuple[Path, ...], evidence_file: Path | None, config: Path, as_json: bool) -> None:
    """Verify the chain, the tables, the certificates, the sealed days, the basis of every item, and the journal.

    Exit code 1, and the place, when something is broken.
    """
    given = [found for path in kept_elsewhere for found in checkpoints_in(path)]

    def reseal() -> None:
        control(config)(SealDays())

    if evidence_file:
        reseal()
    outcome = _opened(config, lambda core: _verified(core, given, evidence_file, reseal))
    emit(outcome.json(), as_json, _text)
    if not outcome.ok:
        raise SystemExit(1)


@click.command()
@click.option("-o", "--output", type=_FILE, help="Where to write it [default: print it].")
@config_option
@json_option
def checkpoint(output: Path | None, config: Path, as_json: bool) -> None:
    """Fix the ledger as it is now in a few lines, to be kept where nobody who can change it can change them."""
    control(config)(SealDays())
    with reading(config) as core:
        made = checkpoint_files.make(core)
    if output is None:
        click.echo(made.text(), nl=False)
        return
    output.write_text(made.text(), encoding="utf-8")
    told = f"{output}: {made.records} records, {made.days} sealed days. Keep it elsewhere: print it, or mail it."
    emit({"file": str(output), **made.json()}, as_json, lambda _: told)


def _print_digest(context: click.Context) -> None:
    click.echo(f"{bundle.verifier_digest()}  {bundle.SCRIPT}")
    context.exit()


def _verified(
    core: Installation,
    given: Sequence[tuple[str, Checkpoint]],
    evidence_file: Path | None,
    reseal: Callable[[], None],
) -> Verification:
    with progress("verifying", steps(core)) as advance:
        result = check(core, lambda _done, _total: advance(1), given)
    if evidence_file:
        with progress("evidence", len(core.storage.events.days())) as advance:
            bundle.write(core, evidence_file, result, given, lambda: advance(1), reseal)
    return result


def _opened(config: Path, work: Callable[[Installation], Verification]) -> Verification:
    """Run ``work`` on the installation; where it does not even open, that and the place are the finding."""
    from dongui_collector.runtime.composition import folder_of

    folder = folder_of(settings_of(config))
    try:
        with reading(config) as core:
            return work(core)
    except (DonguiError, LookupError, ValueError, TypeError) as error:
        expected = isinstance(error, CollectorError) and not isinstance(error, StorageDamaged)
        if expected and not folder.holds_data:
            raise  # there is nothing to verify
        found = damaged(folder)
        if not found and expected:
            raise
        where = "data/dongui.db"
        what = f"its contents contradict themselves, the installation does not open ({type(error).__name__})"
        remedy = "restore a backup that is older than the damage, with the journal"
        return Verification(found or [VerificationFinding(where, what, remedy)])


def checkpoints_in(path: Path) -> list[tuple[str, Checkpoint]]:
    """The checkpoints of a file or a folder, each with the name of its file.

    Raises :class:`click.UsageError` for a folder without any, :class:`CollectorError` for one that is none.
    """
    paths = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not paths:
        raise click.UsageError(f"{path} holds no checkpoints (*.json)")
    return [(one.name, checkpoints.parse(one.read_text(encoding="utf-8", errors="replace"), one.name)) for one in paths]


def _text(result: dict[str, Any]) -> str:
    counted = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in result["checked"].items())
    lines = [f"{f['where']}: {f['what']}" + (f" → {f['remedy']}" if f["remedy"] else "") for f in result["findings"]]
    lines.append(f"checked: {counted or 'nothing more could be checked'}")
    lines.append(f"ledger head: {result['head']['records']} {result['head']['hash']}")
    lines.append("everything holds" if result["ok"] else f"{len(result['findings'])} findings")
    return "\n".join(lines)
