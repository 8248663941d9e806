"""Commands made from operations: options and arguments from a request's fields, the help from its docstring.

A field with a :class:`~dongui_collector.core.operations.Field` becomes an option or an argument; ``by`` without one is
filled with the user of the command. What changes something is asked of the running ``serve``, or done under the
folder's lock; what only reads is answered here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from dongui_collector.cli.common import (
    AnyCallable,
    Columns,
    CommandGroup,
    acting_user,
    config_option,
    control,
    emit,
    json_option,
    read_text,
    reading,
    settings_of,
)
from dongui_collector.core import operations
from dongui_collector.core.operations import COMMAND_LINE, Described, Request

by_option = click.option("--by", default=acting_user, help="Who decides; by default the user of this command.")
Table = Columns | Callable[[Any], str | None] | None
_EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path, allow_dash=True)


def group(name: str, help: str, *commands: click.Command) -> click.Group:
    """A group of commands."""
    made = CommandGroup(name, help=help)
    for command in commands:
        made.add_command(command)
    return made


def command(
    name: str,
    kind: type[Request[Any]],
    table: Table = None,
    *,
    failed: Callable[[Any], bool] = lambda _: False,
    shown: Callable[[Any, ZoneInfo], Any] | None = None,
    help: str | None = None,
    **fixed: Any,
) -> click.Command:
    """The command that asks for one operation, with ``fixed`` values for what the command line does not decide.

    ``table`` says how a person reads the reply (see :func:`emit`), after ``shown`` where that is given: it takes the
    reply as plain values and the installation's zone. Exit code 1 where the reply is ``failed``.
    """

    @config_option
    @json_option
    def run(config: Path, as_json: bool, **given: Any) -> None:
        reply = answered(config, kind, given | fixed)
        emit(reply if as_json or shown is None else shown(reply, settings_of(config).zone), as_json, table)
        if failed(reply):
            raise SystemExit(1)

    return click.command(name, help=help or kind.__doc__)(parameters(kind)(run))


def parameters(kind: type[Request[Any]]) -> Callable[[AnyCallable], AnyCallable]:
    """A decorator that adds the options and arguments of a request, for a command that does more than ask."""

    def add(function: AnyCallable) -> AnyCallable:
        made = [p for one in operations.described(kind) if (p := parameter(one)) is not None]
        # Click lists parameters from the last decorator to the first.
        function.__click_params__ = [*getattr(function, "__click_params__", []), *reversed(made)]  # type: ignore[attr-defined]
        return function

    return add


def answered(config: Path, kind: type[Request[Any]], given: dict[str, Any]) -> Any:
    """Read what the command line was given and have it answered; the reply as plain values."""
    request = operations.typed(kind, values(kind, given))
    if operations.of_request(kind).changes:
        return operations.plain(control(config)(request))
    with reading(config) as core:
        return operations.plain(operations.execute(core, request))


def values(kind: type[Request[Any]], given: dict[str, Any]) -> dict[str, Any]:
    """The fields' values from what click parsed: what was not given is left out, so that its default counts."""
    found: dict[str, Any] = {}
    for one in operations.described(kind):
        if one.field is None:
            filled = {"by": acting_user()} if one.default in (COMMAND_LINE, "") else {}
            found |= {name: value for name, value in (filled | given).items() if name == one.name}
            continue
        value = given.get(one.name)
        if value is not None and value != ():
            found[one.name] = _READERS[one.field.reads](value)
    return found


def parameter(one: Described) -> click.Parameter | None:
    """The option or argument of a field; None where the program fills it."""
    if (field := one.field) is None:
        return None
    kind: Any = click.Choice(list(field.choices)) if field.choices else _kind(one)
    if field.argument:
        many = one.many and field.reads != "lines"
        metavar = field.metavar or (f"[{one.name.upper()}]..." if many else None)
        return click.Argument([one.name], type=kind, nargs=-1 if many else 1, required=one.required, metavar=metavar)
    default = acting_user if one.name == "by" else field.default
    return click.Option(
        [field.option or f"--{one.name.replace('_', '-')}", *_shorts(one.name), one.name],
        type=None if one.type is bool else kind,
        is_flag=one.type is bool,
        multiple=one.many and field.reads != "lines",
        required=one.required,
        default=default,
        show_default=default is not None and not callable(default),
        metavar=field.metavar or ("DAY" if one.type is date else None),
        help=field.help,
    )


def _shorts(name: str) -> list[str]:
    return ["-o"] if name == "output" else []


def _kind(one: Described) -> Any:
    reads = one.field.reads if one.field else "value"
    if reads == "lines":
        return click.File("r", encoding="utf-8")
    if reads == "json":
        return click.File("rb")
    if reads in ("file", "first_line"):
        return _EXISTING
    return click.INT if one.type is int else click.STRING


def people(given: Sequence[str]) -> list[str]:
    """People as options name them; ``-`` stands for the lines of the standard input, which no process list shows."""
    lines = [line for value in given for line in (sys.stdin.read().splitlines() if value == "-" else [value])]
    return [line.strip() for line in lines if line.strip()]


def first_line(path: Path) -> str:
    """The first line of a file, or of the standard input for ``-``."""
    text = sys.stdin.read() if str(path) == "-" else read_text(path)
    return text.partition("\n")[0].rstrip("\r")


def _json(file: Any) -> Any:
    try:
        return json.loads(file.read())
    except ValueError:
        raise click.UsageError(f"{file.name} holds no JSON object") from None


_READERS: dict[str, Callable[[Any], Any]] = {
    "value": lambda value: list(value) if isinstance(value, tuple) else value,
    "person": lambda value: next(iter(people([value])), ""),
    "people": lambda value: people([value] if isinstance(value, str) else value),
    "text": lambda value: sys.stdin.read() if value == "-" else value,
    "secret": lambda value: click.prompt("Visitor id", hide_input=True) if value == "-" else value or None,
    "password": lambda value: value,
    "lines": lambda file: [line.strip() for line in file if line.strip()],
    "file": read_text,
    "first_line": first_line,
    "json": _json,
}
