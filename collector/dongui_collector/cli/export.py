"""``dongui export``: raw events, cut to the purposes that the reader names."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

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
from dongui_collector.core.control import Control
from dongui_collector.core.private_files import private
from dongui_collector.desk.event_filters import event_filter
from dongui_collector.exports.changes import CopyChanges
from dongui_collector.exports.columns import COLUMNS, Column, ColumnError, choose, with_endings
from dongui_collector.exports.copies import CopyCursorError, CopyCursors, CopyExpired, continued
from dongui_collector.exports.cursors import CursorError, Cursors
from dongui_collector.exports.day_order import ExportPosition
from dongui_collector.exports.export import Entitlement, ReaderView, consumer_events, entitle
from dongui_collector.exports.formats import BOM, FORMATS
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
@click.option("--from", "first", type=_DAY, help="The first day.")
@click.option("--to", "last", type=_DAY, help="The last day, included.")
@click.option("--format", "kind", type=click.Choice(sorted([*FORMATS, SQLITE])), default="ndjson", show_default=True)
@click.option("--recipient", metavar="NAME", help="A processor or recipient of the policy; only its items go out.")
@click.option("--precise", is_flag=True, help="With --recipient: exact times and whole addresses, not coarse ones.")
@click.option("--columns", metavar="NAME,…", help="Only these columns.")
@click.option("--filter", "filters", multiple=True, metavar="DIMENSION:VALUE", help="Only such events; repeatable.")
@click.option("--bom", is_flag=True, help="Begin a CSV with a byte order mark, for Excel.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most N rows, and how to go on behind them.")
@click.option("--after", metavar="CURSOR", help="Go on behind an export that had a --limit.")
@click.option("--since", metavar="CURSOR", help="What has changed since a cursor; 0 for a first copy.")
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file [default: the output].")
@site_option
@config_option
def events(
    purposes: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    kind: str,
    recipient: str | None,
    precise: bool,
    columns: str | None,
    filters: tuple[str, ...],
    bom: bool,
    limit: int | None,
    after: str | None,
    since: str | None,
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

    With --since it is what has changed: present states of rows, and tombstones of what ended; of all days, unless the
    first copy named some. The next cursor stands on the standard error. `dongui sync` keeps a copy by it.
    """
    if since is None and (first is None or last is None):
        raise click.UsageError("--from and --to say which days; only with --since they may be left out")
    if since is not None and (after is not None or kind == SQLITE):
        raise click.UsageError("--since goes neither with --after nor with an SQLite database; see `dongui sync`")
    if first and last and last < first:
        raise click.UsageError("--to must not lie before --from")
    if kind == SQLITE and output is None:
        raise click.UsageError("an SQLite database is a file: name it with -o")
    if bom and kind != "csv":
        raise click.UsageError("--bom goes with --format csv; no other format has a byte order mark")
    if precise and recipient is None:
        raise click.UsageError("--precise goes with --recipient; the controller's own use is exact anyway")
    file = _File(output, kind, _chosen(columns), bom)
    asked: dict[str, Any] = {"purposes": list(purposes), "site": site, "recipient": recipient, "precise": precise}
    if since is not None:
        _changes(config, asked, file, since, (first and first.date(), last and last.date()), limit, filters)
        return
    assert first is not None
    assert last is not None
    days = (first.date(), last.date())
    start = None if after is None else _place(config, asked, days, after)
    with reading(config) as core:
        wanted = event_filter(core, _reader(core, asked), filters)
    change = control(config)
    begun = change(AuditExport(list(purposes), *days, kind, site, recipient, precise, by=acting_user()))
    with reading(config) as core, progress("events") as advance:
        reader = _reader(core, asked)
        number, last_place = 0, start

        def rows(before: Any = None) -> Rows:
            nonlocal number, last_place
            found = consumer_events(core, reader, *days, before, after=start, limit=limit, wanted=wanted)
            for place, row in islice(found, limit):
                advance(1)
                number, last_place = number + 1, place
                yield row

        _hand_out(change, begun.disclosure, file, rows)
        if last_place is not None and number == limit:
            click.echo(f"--after {Cursors(core.keyring, reader, *days).of(last_place)}", err=True)
    if kind == SQLITE and output is not None:
        _describe(output, metadata(output.stem, reader, *days, file.columns))


def _changes(
    config: Path,
    asked: dict[str, Any],
    file: _File,
    since: str,
    days: tuple[date | None, date | None],
    limit: int | None,
    filters: tuple[str, ...],
) -> None:
    """Write what has changed since a cursor, and say the next."""
    change = control(config)
    with reading(config) as core, progress("changes") as advance:
        reader = _reader(core, asked)
        view = ReaderView(core, reader, event_filter(core, reader, filters))
        cursors = CopyCursors(core.keyring, reader, [column.name for column in file.columns], filters)
        try:
            old = continued(core, cursors, since, *days)
        except (CopyCursorError, CopyExpired) as error:
            raise click.UsageError(f"--since: {error}") from None
        changes = CopyChanges.since(core, reader, view, old, limit)
        terms = (asked["site"], asked["recipient"], asked["precise"])
        begun = change(AuditExport(asked["purposes"], *changes.span, file.kind, *terms, by=acting_user()))

        def rows(before: Any = None) -> Rows:
            for row in changes.rows(before):
                advance(1)
                yield row

        _hand_out(change, begun.disclosure, file._replace(columns=with_endings(file.columns)), rows)
        more = "" if changes.is_whole else "  (there is more)"
        click.echo(f"--since {cursors.of(changes.new)}{more}", err=True)


def _hand_out(change: Control, disclosure: int | None, file: _File, rows: Callable[..., Rows]) -> None:
    """Write the rows; a hand-over says before each page whose they are, and at the end how many there were."""
    if disclosure is None:
        _write(file, rows(), lambda chunks: chunks)
        return
    with Handover(change, disclosure) as handing:
        _write(file, handing.counted(rows(handing.before)), handing.hashed)


class _File(NamedTuple):
    """What is written: where (None: the standard output), in which format, which columns."""

    output: Path | None
    kind: str
    columns: Sequence[Column]
    bom: bool


def _chosen(columns: str | None) -> Sequence[Column]:
    try:
        return COLUMNS if columns is None else choose(columns)
    except ColumnError as error:
        raise click.UsageError(f"--columns: {error}") from None


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


def _write(to: _File, rows: Rows, hashed: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
    """Write the rows; ``hashed`` sees every byte of what is written."""
    if to.kind == SQLITE and to.output is not None:
        with _beside(to.output) as part:
            write_database(part, rows, to.columns)
            for _ in hashed(_read(part)):
                pass
        return
    with _opened(to.output) as out:
        for chunk in hashed(chain([BOM] if to.bom else [], FORMATS[to.kind](rows, to.columns))):
            out.write(chunk)
        out.flush()


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _describe(output: Path, about: dict[str, Any]) -> None:
    """The metadata beside the database, and what to do with them."""
    beside = output.with_suffix(".metadata.json")
    with _opened(beside) as file:
        file.write(json.dumps(about, ensure_ascii=False, indent=2).encode() + b"\n")
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
