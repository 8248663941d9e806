"""``dongui sync``: a copy that stays true, and from which what ends is erased."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from dongui_collector.cli.common import (
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    progress,
    reading,
    site_option,
)
from dongui_collector.core.errors import CollectorError
from dongui_collector.exports.changes import CopyChanges
from dongui_collector.exports.copies import CopyCursorError, CopyCursors, CopyExpired, CopyState, check_known
from dongui_collector.exports.export import Entitlement, ReaderView, entitle
from dongui_collector.exports.sinks import Sink, sink_of
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.export_operations import AuditExport

_AT_ONCE = 50_000  # new rows in one answer: what a crash lets begin again


class Synced(msgspec.Struct, frozen=True):
    """What a run did. ``erased``: nothing of what ended is left in the destination; ``anew``: the copy was begun."""

    destination: str
    told: int
    rows: int
    anew: bool
    erased: bool


@click.command()
@click.argument("destination", metavar="DEST")
@click.option("--purpose", "purposes", multiple=True, required=True, help="A purpose the copy serves; repeatable.")
@site_option
@json_option
@config_option
def sync(destination: str, purposes: tuple[str, ...], site: str | None, as_json: bool, config: Path) -> None:
    """Keep a copy of events true: run it again and again, such as every few minutes.

    DEST is an SQLite file (.db, .sqlite, .sqlite3; read its view `events`), a DuckDB file (.duckdb), a PostgreSQL
    database (postgresql://USER@HOST/DATABASE, table `dongui.events`) or a folder, which gets a Parquet file a day. Each
    run tells what is new, what has lost items, and what has ended by withdrawal, erasure, suspension or age, whose
    bytes are erased there: cleared in place in SQLite, written anew elsewhere. What a crash interrupts the next run
    completes.

    The copy is the controller's own use, and each run is on the ledger. Exit code 1: something that ended is still in
    DEST, since another program reads it; close that and run again.
    """
    sink = sink_of(destination)
    try:
        done = _synced(sink, purposes, site, config)
    finally:
        sink.close()
    emit(msgspec.to_builtins(done), as_json)
    if not done.erased:
        click.echo(f"{sink.shown} is being read: what ended is not erased there yet; run again", err=True)
        raise SystemExit(1)


def _synced(sink: Sink, purposes: tuple[str, ...], site: str | None, config: Path) -> Synced:
    told, whole, anew = 0, False, sink.copy.cursor is None
    change = control(config)
    with reading(config) as core, progress("changes") as advance:
        reader = entitle(core, find_site(core, site), purposes)
        question = f"{reader.site.name}: {', '.join(sorted(reader.purposes))}"
        cursors = CopyCursors(core.keyring, reader)
        old, expired = _state(sink, core, cursors)
        change(_audited(core, reader))
        if expired:
            sink.copy.empty()
            old, anew = CopyState(), True
        while not whole:
            changes = CopyChanges.since(core, reader, ReaderView(core, reader), old, _AT_ONCE)
            some = sink.apply(changes.rows(), cursors.of(changes.new), question)
            advance(some)
            told, whole, old = told + some, changes.is_whole, changes.new
        return Synced(sink.shown, told, sink.copy.count(), anew, sink.finish())


def _state(sink: Sink, core: Installation, cursors: CopyCursors) -> tuple[CopyState, bool]:
    """Where the copy stands, and whether what has happened since can no longer be told."""
    if sink.copy.cursor is None:
        return CopyState(), False
    try:
        state = cursors.state(sink.copy.cursor)
        check_known(core, state)
    except CopyCursorError:
        held = sink.copy.question or "something else"
        raise CollectorError(
            f"this is a copy of {held}, from the installation that made it: ask for the same purposes and site, or "
            "name another destination"
        ) from None
    except CopyExpired:
        return state, True
    return state, False


def _audited(core: Installation, reader: Entitlement) -> AuditExport:
    """The entry of a run on the ledger."""
    days = [*core.storage.events.days(), core.today()]
    return AuditExport(reader.purposes, min(days), max(days), "sync", reader.site.id, by=acting_user())
