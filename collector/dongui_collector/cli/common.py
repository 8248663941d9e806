"""What every command shares: ``--config``, ``--json``, ``--site``, printing, progress, and the way to the installation.

A command module needs three lines::

    @click.command()
    @config_option
    @json_option
    def plan(config: Path, as_json: bool) -> None:
        with reading(config) as core:
            emit(plain(core.retention.overview.status()), as_json)

A command that changes something calls ``control(config)(Request(…))``: beside a running ``serve`` the
change is made there, without one in this process under the folder's lock.
"""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dongui_collector.cli.readable import cell, lines
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.settings import Settings, load_settings

if TYPE_CHECKING:
    from rich.console import Console

    from dongui_collector.core.control import Control
    from dongui_collector.retention.installation import Installation

_CONFIG = "dongui.config"

AnyCallable = TypeVar("AnyCallable", bound=Callable[..., Any])
Columns = Sequence[str | tuple[str, str]]


# --- options ---------------------------------------------------------------------------------------------------------


def _config(ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path:
    """Remember what was given at any level; the innermost wins. Then the environment, then the present folder."""
    if value is not None:
        ctx.meta[_CONFIG] = value
    return Path(ctx.meta.get(_CONFIG) or os.environ.get("DONGUI_CONFIG") or "dongui.toml")


def config_option(command: AnyCallable) -> AnyCallable:
    """``--config FILE``, passed as ``config: Path``; default ``$DONGUI_CONFIG``, then ``./dongui.toml``."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=_config,
        help="The installation's settings file [default: $DONGUI_CONFIG, then ./dongui.toml].",
    )(command)


class CommandGroup(click.Group):
    """A group that accepts ``--config`` too: ``dongui retention --config FILE run`` is as good as at the end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kind = click.Path(path_type=Path, dir_okay=False)
        self.params.append(click.Option(["--config"], type=kind, callback=_config, expose_value=False, hidden=True))


def json_option(command: AnyCallable) -> AnyCallable:
    """``--json``, passed as ``as_json: bool``."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def site_option(command: AnyCallable) -> AnyCallable:
    """``--site``, a site's id or name, passed as ``site: str | None``; needed only where there are several."""
    return click.option("--site", metavar="SITE", help="The site's id or name; needed where there are several.")(
        command
    )


def read_text(path: Path) -> str:
    """A text file of the person's own, such as a policy. Raises a usage error for one that is no UTF-8."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is not a text file in UTF-8; save it as one") from None


# --- the installation ------------------------------------------------------------------------------------------------


def settings_of(config: Path) -> Settings:
    """The settings, with the clock's permission already checked: a false clock must stop every command, not only some.

    Raises :class:`SettingsError`.
    """
    settings = load_settings(config)
    clock_from_environment(testing=settings.testing)
    return settings


def control(config: Path) -> Control:
    """The way to change the installation whose settings are ``config``: beside a running ``serve``, or without one."""
    from dongui_collector.runtime import composition

    return composition.control(settings_of(config))


@contextmanager
def reading(config: Path) -> Iterator[Installation]:
    """The installation opened read-only, beside a running ``serve`` or without one; closed at the end."""
    from dongui_collector.runtime.composition import open_core

    core = open_core(settings_of(config), writable=False)
    try:
        yield core
    finally:
        core.close()


# --- printing --------------------------------------------------------------------------------------------------------


def emit(data: Any, as_json: bool, table: Columns | Callable[[Any], str | None] | None = None) -> None:
    """Print a result: JSON when asked for, else readable text.

    ``table`` says how to print it for a person: columns (keys, or pairs of key and heading) for a list of objects, or a
    function that makes the text. Without it an object is printed as ``key: value`` lines.
    """
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))
    elif callable(table):
        text = table(data)
        if text:
            click.echo(text)
    elif table is not None:
        _print_table(data, table)
    elif isinstance(data, Mapping):
        for line in lines(data):
            click.echo(line)
    else:
        for entry in data if isinstance(data, Sequence) and not isinstance(data, str) else [data]:
            click.echo(cell(entry))


def console(*, err: bool = False) -> Console:
    """A rich console that never wraps what goes into a pipe."""
    from rich.console import Console

    stream = sys.stderr if err else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else 400, highlight=False, soft_wrap=not stream.isatty())


def _print_table(rows: Sequence[Mapping[str, Any]], columns: Columns) -> None:
    from rich.table import Table
    from rich.text import Text

    if not rows:
        click.echo("(none)")
        return
    pairs = [(c, c.replace("_", " ")) if isinstance(c, str) else c for c in columns]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for _, heading in pairs:
        table.add_column(heading)
    for row in rows:
        # As text, never as markup: names come from outside.
        table.add_row(*(Text(cell(row.get(key))) for key, _ in pairs))
    console().print(table)


def acting_user() -> str:
    """Who runs this command, for the ledger; a number where the system has no name for it (containers)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


@contextmanager
def progress(label: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """A progress bar on a terminal's standard error, nothing in a pipe. Yields ``advance(n)``."""
    if not sys.stderr.isatty():
        yield lambda _n: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console(err=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda n: bar.advance(task, n)
