"""``dongui export``: raw events, cut to the purposes that the reader names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from itertools import islice
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
from dongui_collector.core.private_files import private
from dongui_collector.exports.cursors import CursorError, Cursors
from dongui_collector.exports.day_order import ExportPosition
from dongui_collector.exports.export import Entitlement, consumer_events, entitle
from dongui_collector.exports.formats import FORMATS
from dongui_collector.exports.sqlite_bundle import metadata, write_database
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover
from dongui_collector.rights.export_operations import AuditExport

_DAY = click.DateTime(["%Y-%m-%d"])
_CHUNK = 1 << 20
SQLITE = "sqlite"

Rows = Iterator[dict[str, Any]]


@click.group(cls=CommandGroup)
def export() -> None:
    """Export what one's purposes cover."""


@export.command()
@click.option("--purpose", "purposes", multiple=True, required=True, help="A purpose the export serves; repeatable.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day.")
@click.option("--to", "last", type=_DAY, required=True, help="The last day, included.")
@click.option("--format", "kind", type=click.Choice(sorted([*FORMATS, SQLITE])), default="ndjson", show_default=True)
@click.option("--recipient", metavar="NAME", help="A processor or recipient of the policy; only its items go out.")
@click.option("--precise", is_flag=True, help="With --recipient: exact times and whole addresses, not coarse ones.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N rows, and how to go on behind them.")
@click.option("--after", metavar="CURSOR", help="Go on behind an export that had a --limit.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file [default: the output].")
@site_option
@config_option
def events(
    purposes: tuple[str, ...],
    first: datetime,
    last: datetime,
    kind: str,
    recipient: str | None,
    precise: bool,
    limit: int | None,
    after: str | None,
    output: Path | None,
    site: str | None,
    config: Path,
) -> None:
    """Export events as NDJSON, CSV, Parquet or an SQLite database. Every export is written on the ledger.

    Each item is there only where one of the named purposes covers it. Without --recipient it is the controller's own
    use; with one, the policy must name it for each purpose, and it is a hand-over: times are cut to the hour and
    addresses to the network, and whose data went, how much and the file's digest stand in the disclosure ledger
    (`dongui disclosures list`). A file is there once it is whole.

    With --limit a long export comes in parts: each says on the standard error which --after gives the next, until there
    is none. A part that broke off is asked for again just as it was.
    """
    if last < first:
        raise click.UsageError("--to must not lie before --from")
    if kind == SQLITE and output is None:
        raise click.UsageError("an SQLite database is a file: name it with -o")
    if precise and recipient is None:
        raise click.UsageError("--precise goes with --recipient; the controller's own use is exact anyway")
    days = (first.date(), last.date())
    asked: dict[str, Any] = {"purposes": list(purposes), "site": site, "recipient": recipient, "precise": precise}
    start = None if after is None else _place(config, asked, days, after)
    change = control(config)
    begun = change(AuditExport(list(purposes), *days, kind, site, recipient, acting_user(), precise))
    with reading(config) as core, progress("events") as advance:
        reader = _reader(core, asked)
        number, last_place = 0, start

        def rows(before: Any = None) -> Rows:
            nonlocal number, last_place
            for place, row in islice(consumer_events(core, reader, *days, before, after=start, limit=limit), limit):
                advance(1)
                number, last_place = number + 1, place
                yield row

        if begun.disclosure is None:
            _write(output, kind, rows(), lambda chunks: chunks)
        else:
            with Handover(change, begun.disclosure) as handing:
                _write(output, kind, handing.counted(rows(handing.before)), handing.hashed)
        if last_place is not None and number == limit:
            click.echo(f"--after {Cursors(core.keyring, reader, *days).of(last_place)}", err=True)
    if kind == SQLITE and output is not None:
        _describe(output, reader, *days)


def _reader(core: Installation, asked: dict[str, Any]) -> Entitlement:
    site = find_site(core, asked["site"])
    return entitle(core, site, asked["purposes"], recipient=asked["recipient"], precise=asked["precise"])


def _place(config: Path, asked: dict[str, Any], days: tuple[date, date], after: str) -> ExportPosition:
    """Where a cursor stands; looked at before anything is written down."""
    with reading(config) as core:
        try:
            return Cursors(core.keyring, _reader(core, asked), *days).place(after)
        except CursorError:
            raise click.UsageError(
                "--after is what the part before said, of the same purposes, days and site"
            ) from None


def _write(output: Path | None, kind: str, rows: Rows, hashed: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
    """Write the rows; ``hashed`` sees every byte of what is written."""
    if kind == SQLITE and output is not None:
        with _beside(output) as part:
            write_database(part, rows)
            for _ in hashed(_read(part)):
                pass
        return
    with _opened(output) as out:
        for chunk in hashed(FORMATS[kind](rows)):
            out.write(chunk)
        out.flush()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _describe(output: Path, reader: Entitlement, first: date, last: date) -> None:
    """The metadata beside the database, and what to do with them."""
    beside = output.with_suffix(".metadata.json")
    text = json.dumps(metadata(output.stem, reader, first, last), ensure_ascii=False, indent=2)
    with _opened(beside) as file:
        file.write(text.encode() + b"\n")
    click.echo(f"datasette {output} --metadata {beside}", err=True)


@contextmanager
def _opened(output: Path | None) -> Iterator[BinaryIO]:
    """The file, for its owner's eyes only, or the standard output."""
    if output is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif output.exists() and not output.is_file():  # a pipe or a device
        with output.open("wb") as file:
            yield file
    else:
        with _beside(output) as part, open(part, "wb", opener=private) as file:
            yield file


@contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """A path beside ``output`` that takes its place once all is written, and is gone otherwise."""
    output = output.resolve()
    part = output.with_name(f"{output.name}.part")
    part.unlink(missing_ok=True)
    open(part, "xb", opener=private).close()
    try:
        yield part
        part.replace(output)
    finally:
        with suppress(FileNotFoundError):
            part.unlink()
