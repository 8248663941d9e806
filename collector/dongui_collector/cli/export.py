"""``dongui export``: raw events, cut to the purposes that the reader names."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import click

from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    progress,
    reading,
    site_option,
)
from dongui_collector.publishing import find_site
from dongui_collector.reading.export import entitle, export_events
from dongui_collector.reading.formats import FORMATS
from dongui_collector.rights.disclosures import Handing

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group(cls=CommandGroup)
def export() -> None:
    """Export what one's purposes cover."""


@export.command()
@click.option("--purpose", "purposes", multiple=True, required=True, help="A purpose the export serves; repeatable.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day, included.")
@click.option("--format", "kind", type=click.Choice(sorted(FORMATS)), default="ndjson", show_default=True)
@click.option("--recipient", metavar="NAME", help="A processor or recipient of the policy; only its items go out.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file [default: the output].")
@site_option
@config_option
def events(
    purposes: tuple[str, ...],
    first: datetime,
    last: datetime,
    kind: str,
    recipient: str | None,
    output: Path | None,
    site: str | None,
    config: Path,
) -> None:
    """Export events as NDJSON, CSV or Parquet. Every export is written on the ledger.

    Each item is there only where one of the named purposes covers it. Without --recipient it is the controller's own
    use; with one, the policy must name it for each purpose, and it is a hand-over: whose data went, how much and the
    file's digest stand in the disclosure ledger (`dongui disclosures list`).
    """
    if last < first:
        raise click.UsageError("--to must not lie before --from")
    days = (first.date(), last.date())
    asked: dict[str, Any] = {"purposes": list(purposes), "site": site, "recipient": recipient}
    said = {"first": str(days[0]), "last": str(days[1]), "format": kind, "by": acting_user()}
    door = control(config)
    begun = door.call("export.audit", **asked, **said)
    with reading(config) as core, _opened(output) as out, progress("events") as advance:
        reader = entitle(core, find_site(core, site), purposes, recipient=recipient)
        if begun["disclosure"] is None:
            for chunk in FORMATS[kind](_counted(export_events(core, reader, *days), advance)):
                out.write(chunk)
            return
        with Handing(door.call, begun["disclosure"]) as handing:
            rows = handing.counted(export_events(core, reader, *days, before=handing.before))
            for chunk in handing.hashed(FORMATS[kind](_counted(rows, advance))):
                out.write(chunk)
            out.flush()


def _counted(rows: Iterator[dict[str, Any]], advance: Any) -> Iterator[dict[str, Any]]:
    for row in rows:
        advance(1)
        yield row


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """The file, for its owner's eyes only, or the standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    output.touch(mode=0o600)
    with output.open("wb") as file:
        yield file
