"""``dongui import``: events from a file, gated like live ones; and the daily numbers of other analytics products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Any

import click

from dongui_collector.analytics.imports.days import READERS, days_of
from dongui_collector.cli.common import (
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    progress,
    reading,
    site_option,
)
from dongui_collector.core.operations import plain
from dongui_collector.ledger.sites import find_site
from dongui_collector.rights.export_operations import ImportAggregates
from dongui_collector.runtime.event_import import ImportEvents

_CHUNK = 500  # lines in one transaction; the writers' lock is held for some ten milliseconds
_SHOWN = 20
_LONGEST = (64 << 10) + 1  # one byte more than a line may have: enough to have it refused


class ImportGroup(CommandGroup):
    """``dongui import FILE`` is ``dongui import events FILE``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not any(arg in self.commands for arg in args[:3]) and args[:1] not in (["-h"], ["--help"], []):
            args = ["events", *args]
        return super().parse_args(ctx, args)


@click.group("import", cls=ImportGroup)
def importing() -> None:
    """Import events, gated like live ones, or the daily numbers of another analytics product.

    `dongui import FILE` is `dongui import events FILE`.
    """


@importing.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "source", type=click.Choice(list(READERS)), required=True, help="Whose export it is.")
@click.option("--purpose", required=True, help="Whose readers see the numbers: those who may read for this purpose.")
@site_option
@config_option
@json_option
def aggregates(file: Path, source: str, purpose: str, site: str | None, config: Path, as_json: bool) -> None:
    """Import the daily numbers of FILE into those that outlive a day, marked with where they are from.

    Plausible: the CSV export (zip). Umami: website_event.csv, alone or in a zip. GoatCounter: the CSV export, gzipped
    or not. Single hits are counted here and not kept, and text that fewer than 20 visitors of a day had in common is
    left out. All days are taken or none; a day that is there already stays. Reports show them for days of which dongui
    counted nothing itself.
    """
    with reading(config) as core:
        find_site(core, site)  # there is one
        zone = core.settings.zone
    with progress("Reading", None) as advance:
        days = days_of(source, file, zone)
        advance(len(days))
    emit(plain(control(config)(ImportAggregates(source, purpose, days, site, by=acting_user()))), as_json)


@importing.command()
@click.argument("file", type=click.File("rb"))
@site_option
@config_option
@json_option
def events(file: IO[bytes], site: str | None, config: Path, as_json: bool) -> None:
    """Import events from FILE (NDJSON; - for standard input), gated like live ones.

    Each line is an event as POST /v1/events takes it, with "visitor" beside. The ledger decides as it stands now, so
    only events of visitors with a live consent are recorded; an event that is there already is kept once, and an
    interrupted import may simply be run again. Exit code 1 when a line could not be read.
    """
    change = control(config)
    recorded, refused, malformed = 0, Counter[str](), list[dict[str, Any]]()
    with progress("Importing", _size(file)) as advance:
        for first, lines in _chunks(file):
            # A byte that is no UTF-8 becomes an escape that is no JSON: its line is refused, and no other.
            texts = [line[:_LONGEST].decode("utf-8", "backslashreplace") for line in lines]
            answer = change(ImportEvents(texts, site))
            recorded += answer.recorded
            refused.update(answer.refused)
            malformed += [{"line": first + at, "reason": reason} for at, reason in answer.malformed]
            advance(sum(map(len, lines)))
    data = {"recorded": recorded, "refused": dict(refused), "malformed": malformed}
    emit(data, as_json, _text)
    raise SystemExit(1 if malformed else 0)


def _size(file: IO[bytes]) -> int | None:
    """Bytes in all, where the file can tell."""
    if not file.seekable():
        return None
    size = file.seek(0, 2)
    file.seek(0)
    return size


def _chunks(file: IO[bytes]) -> Iterator[tuple[int, list[bytes]]]:
    """Runs of lines, each with the number of its first one; empty lines count and are left to the reader."""
    number = 1
    while lines := list(islice(file, _CHUNK)):
        yield number, lines
        number += len(lines)


def _text(data: dict[str, Any]) -> str:
    lines = [f"recorded: {data['recorded']}"]
    lines += [f"refused, {reason}: {number}" for reason, number in sorted(data["refused"].items())]
    lines += [f"line {entry['line']}: {entry['reason']}" for entry in data["malformed"][:_SHOWN]]
    if (more := len(data["malformed"]) - _SHOWN) > 0:
        lines.append(f"and {more} more lines that could not be read")
    return "\n".join(lines)
