"""What the commands that hand something over share: the file, its lines, and closing the entry in the ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from dongui_collector.cli.common import config_option, control, emit, json_option, progress, reading
from dongui_collector.cli.derive import by_option
from dongui_collector.core.operations import plain
from dongui_collector.core.private_files import private
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover, load, public_view
from dongui_collector.rights.investigations import BeginInvestigation
from dongui_collector.rights.transfers import BeginTransfer
from dongui_collector.storage.contract.disclosures import Disclosure

Rows = Callable[[Installation, Disclosure, Callable[[Sequence[bytes]], None]], Iterator[dict[str, Any]]]


def handing_over(kind: type[BeginTransfer | BeginInvestigation], rows: Rows, help: str) -> click.Command:
    """``export ID -o FILE``: begin entry ID with a request of ``kind``, write what ``rows`` gives, close the entry."""

    @click.command("export", help=help)
    @click.argument("id", type=int)
    @click.option(
        "-o", "--output", required=True, type=click.Path(dir_okay=False, path_type=Path), help="The file to write."
    )
    @by_option
    @config_option
    @json_option
    def export(id: int, output: Path, by: str, config: Path, as_json: bool) -> None:
        change = control(config)
        change(kind(id, by=by))
        with (
            reading(config) as core,
            open(output, "wb", opener=private) as file,
            progress("rows") as advance,
            Handover(change, id) as handing,
        ):
            for line in handing.hashed(_lines(handing.counted(rows(core, load(core, id), handing.before)))):
                file.write(line)
                advance(1)
            file.flush()
        with reading(config) as core:
            emit(plain(public_view(core, load(core, id))), as_json)

    return export


def _lines(rows: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
