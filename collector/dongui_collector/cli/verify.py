"""``dongui verify``: the chain, the certificates, and a standing basis for every stored item."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import config_option, emit, json_option, progress, reading
from dongui_collector.keeping.verify import evidence
from dongui_collector.keeping.verify import verify as check


@click.command()
@click.option(
    "--evidence",
    "evidence_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the chain and its proofs there (JSON), for someone who checks them without us.",
)
@config_option
@json_option
def verify(evidence_file: Path | None, config: Path, as_json: bool) -> None:
    """Verify the chain, the certificates and the basis of every item.

    Exit code 1, and the place, when something is broken.
    """
    with reading(config) as core:
        with progress("days", len(core.storage.events.days())) as advance:
            result = check(core, lambda _done, _total: advance(1))
        if evidence_file:
            text = json.dumps(evidence(core, result), ensure_ascii=False, indent=1)
            evidence_file.write_text(text + "\n", encoding="utf-8")
    emit(result.json(), as_json, _text)
    if not result.ok:
        raise SystemExit(1)


def _text(result: dict[str, Any]) -> str:
    counted = ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in result["checked"].items())
    lines = [f"{f['where']}: {f['what']}" for f in result["findings"]]
    lines.append(f"checked: {counted}")
    lines.append(f"ledger head: {result['head']['records']} {result['head']['hash']}")
    lines.append("everything holds" if result["ok"] else f"{len(result['findings'])} findings")
    return "\n".join(lines)
