"""What the commands that hand something over share: the file, its lines, and closing the entry in the ledger."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import control, emit, progress, reading
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover, load, shown

Rows = Callable[[Installation, dict[str, Any], Callable[[Sequence[bytes]], None]], Iterator[dict[str, Any]]]

output_option = click.option(
    "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
)


def named(values: Sequence[str]) -> list[str]:
    """People as options name them; ``-`` stands for the lines of the standard input, which no process list shows."""
    found: list[str] = []
    for value in values:
        lines = sys.stdin.read().splitlines() if value == "-" else [value]
        found += [line.strip() for line in lines if line.strip()]
    return found


def hand_over(config: Path, begin: str, id: int, by: str, rows: Rows, output: Path, as_json: bool) -> None:
    """Begin entry ``id``, write what ``rows`` gives as NDJSON for the owner's eyes only, and close the entry."""
    door = control(config)
    door.ask(begin, id=id, by=by)
    output.touch(mode=0o600)
    with (
        reading(config) as core,
        output.open("wb") as file,
        progress("rows") as advance,
        Handover(door.ask, id) as handing,
    ):
        for line in handing.hashed(_lines(handing.counted(rows(core, load(core, id), handing.before)))):
            file.write(line)
            advance(1)
        file.flush()
    with reading(config) as core:
        emit(shown(core, load(core, id)), as_json)


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
