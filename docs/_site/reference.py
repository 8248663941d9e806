"""The generated half of the reference: commands from click, settings from their types, HTTP from OpenAPI, and so on.

Each part is a function without arguments that answers Markdown; a page names it with ``<!-- reference: NAME -->``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import click
from dongui_collector.cli.root import cli
from dongui_collector.core import settings
from dongui_collector.desk.openapi import description

ROOT = Path(__file__).resolve().parents[2]
Rows = Iterator[tuple[str, ...]]


def table(head: tuple[str, ...], rows: Rows) -> str:
    """A Markdown table; a bar within a cell is escaped."""
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(
        "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in line) + " |" for line in lines
    )


# -- commands


def commands() -> str:
    return "\n\n".join(_command(name, command) for name, command in every_command(cli, "dongui"))


def every_command(command: click.Command, name: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, under its whole name."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command)
    for child in command.list_commands(context):
        found = command.get_command(context, child)
        assert found
        yield from every_command(found, f"{name} {child}")


def _command(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=name)
    usage = " ".join(command.collect_usage_pieces(context))
    records = [record for p in command.get_params(context) if (record := p.get_help_record(context))]
    options = table(("option", "meaning"), ((f"`{names}`", meaning or "") for names, meaning in records))
    help_text = re.sub(r"\s+", " ", command.help or command.short_help or "")
    return f"### `{name}`\n\n{_plain(help_text)}\n\n```text\n{name} {usage}\n```\n\n{options}"


def _plain(text: str) -> str:
    """Help as text: no angle bracket of it is a tag."""
    return text.replace("<", "&lt;").replace("\b", "")


# -- settings


def every_setting() -> str:
    return table(("setting", "type", "default", "allowed", "environment"), _settings())


def _settings() -> Rows:
    for field in fields(settings.Settings):
        if field.default is MISSING:
            continue  # where the file lies is no setting
        bounds, choices = settings._BOUNDS.get(field.name), settings._CHOICES.get(field.name)
        allowed = f"{bounds[0]} to {bounds[1]}" if bounds else ", ".join(f"`{choice}`" for choice in choices or ())
        name = f"[`{field.name}`](../settings.md#{field.name})"
        default = f"`{field.default!r}`".replace("'", '"')
        yield name, f"`{field.type}`", default, allowed, f"`DONGUI_{field.name.upper()}`"


# -- HTTP


def http() -> str:
    api = description()
    calls = ((path, method, call) for path, methods in api["paths"].items() for method, call in methods.items())
    parts = [_call(f"{method.upper()} {path}", call) for path, method, call in calls]
    schemas = [f"### {name}\n\n{_schema(schema)}" for name, schema in api["components"]["schemas"].items()]
    return "\n\n".join(["## Calls", *parts, "## Bodies and answers", *schemas])


def _call(name: str, call: dict[str, Any]) -> str:
    parts = [f"### `{name}`", call.get("summary", "")]
    if parameters := call.get("parameters"):
        rows = ((f"`{p['name']}`", p["in"], _type(p.get("schema", {})), p.get("description", "")) for p in parameters)
        parts.append(table(("parameter", "in", "type", "meaning"), rows))
    if body := call.get("requestBody"):
        parts.append(f"Body: {_content(body)}")
    rows = ((f"`{s}`", answer.get("description", ""), _content(answer)) for s, answer in call["responses"].items())
    return "\n\n".join([*parts, table(("status", "meaning", "answer"), rows)])


def _content(holder: dict[str, Any]) -> str:
    found = [f"`{kind}` {_type(body.get('schema', {}))}".strip() for kind, body in holder.get("content", {}).items()]
    return ", ".join(found)


def _schema(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = (
        (f"`{name}`", _type(part), "yes" if name in required else "", part.get("description", ""))
        for name, part in schema.get("properties", {}).items()
    )
    said = schema.get("description", "").split("\n\n")[0]
    return f"{_plain(said)}\n\n" + table(("field", "type", "required", "meaning"), rows)


def _type(schema: Any) -> str:
    """A type in a few words; what is described elsewhere is linked. ``items`` may be a bare ``False``."""
    if not isinstance(schema, dict):
        return ""
    if ref := schema.get("$ref"):
        name = ref.rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return " or ".join(_type(choice) for choice in choices)
    if values := schema.get("enum"):
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items')) or 'anything'}"
    kind = schema.get("type", "")
    return (
        " or ".join(kind) if isinstance(kind, list) else f"{kind} ({schema['format']})" if "format" in schema else kind
    )


# -- the snippet


def snippet() -> str:
    """Attributes and methods, from the comments of the snippet's own types."""
    source = (ROOT / "sdk_js" / "src" / "api.ts").read_text(encoding="utf-8")
    rows = ((f"`data-{_dashed(name)}`", f"`{kind}`", meaning) for name, kind, meaning in _members(source, "Options"))
    calls = ((f"`dongui.{name}`", f"`{kind}`", meaning) for name, kind, meaning in _members(source, "Dongui"))
    attributes = table(("attribute", "type", "meaning"), (row for row in rows if row[0] != "`data-base`"))
    return f"## Attributes of the tag\n\n{attributes}\n\n## Methods\n\n" + table(("member", "type", "meaning"), calls)


def _members(source: str, interface: str) -> Rows:
    match = re.search(rf"export interface {interface} \{{\n(.*?)^\}}", source, re.M | re.S)
    assert match, f"sdk_js/src/api.ts has no interface {interface}"
    nested = ""
    for comment, indent, name, kind in re.findall(
        r"(?:/\*\* (.*?) \*/\s*\n)?^( +)(?:readonly )?(\w+)\??(\(.*|: .*)$", match[1], re.M
    ):
        if kind == ": {":
            nested = f"{name}."
            continue
        nested = nested if len(indent) > 2 else ""
        yield nested + name, kind.removeprefix(": ").rstrip(";"), comment


def _dashed(name: str) -> str:
    return re.sub(r"[A-Z]", lambda upper: "-" + upper[0].lower(), name)


# -- words and decisions


def catalog_words() -> str:
    """Items and bases as people read them, from the catalogs of both languages."""
    parts = []
    for context, title in (("item", "Items"), ("basis", "Bases")):
        both = zip(_texts("en", context), _texts("ko", context), strict=True)
        rows = ((f"`{key}`", english, korean) for (key, english), (_, korean) in both)
        parts.append(f"## {title}\n\n" + table(("id", "English", "한국어"), rows))
    return "\n\n".join(parts)


def _texts(language: str, context: str) -> list[tuple[str, str]]:
    text = (ROOT / "python_sdk" / "dongui" / "locale" / f"{language}.po").read_text(encoding="utf-8")
    return sorted(re.findall(rf'^msgctxt "{context}"\nmsgid "(.+)"\nmsgstr "(.*)"$', text, re.M))


def decisions() -> str:
    """Every decision record by its number."""
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    titles = ((page.name, page.read_text(encoding="utf-8").splitlines()[0].lstrip("# ")) for page in pages)
    return "\n".join(f"- [{title}]({name})" for name, title in titles)


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "settings": every_setting,
    "http": http,
    "snippet": snippet,
    "words": catalog_words,
    "decisions": decisions,
}
