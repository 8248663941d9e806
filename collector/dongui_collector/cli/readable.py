"""A result laid out for a person: a line a fact, what belongs together indented, times as times. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_WIDE = 100  # what is longer than a line of a terminal stands below its name, part by part
_EPOCH_MS = range(1 << 40, 1 << 43)  # the years 2004 to 2248; no count of ours is as large


def lines(facts: Mapping[str, Any], indent: str = "") -> Iterator[str]:
    """Each fact as ``key: value``; a list of objects as one indented entry each, and so is whatever is too long."""
    for key, value in facts.items():
        short = cell(value)
        if isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
            yield f"{indent}{key}:"
            for one in value:
                yield from _entry(one, indent + "  ")
        elif isinstance(value, (list, tuple, Mapping)) and _is_long(short) and not _is_text(value):
            yield f"{indent}{key}:"
            yield from lines(value, indent + "  ") if isinstance(value, Mapping) else _entries(value, indent + "  ")
        elif isinstance(value, str) and "\n" in value:
            yield f"{indent}{key}:"
            yield from (f"{indent}  {line}".rstrip() for line in value.splitlines())
        else:
            yield f"{indent}{key}: {short}"


def cell(value: Any) -> str:
    """A value in one line."""
    match value:
        case None:
            return "–"
        case bool():
            return "yes" if value else "no"
        case int() if value in _EPOCH_MS:
            return datetime.fromtimestamp(value / 1000).astimezone().isoformat(" ", "seconds")
        case list() | tuple():
            return ", ".join(map(cell, value)) or "–"
        case Mapping() if _is_text(value):
            return " / ".join(value.values())
        case Mapping():
            return ", ".join(f"{k} {cell(v)}" for k, v in value.items()) or "–"
    return str(value)


def _entry(value: Any, indent: str) -> Iterator[str]:
    text = cell(value)
    if not isinstance(value, Mapping) or not _is_long(text):
        yield f"{indent}- {text}"
        return
    first, *rest = lines(value, indent + "  ")
    yield f"{indent}- {first.lstrip()}"
    yield from rest


def _entries(values: list[Any] | tuple[Any, ...], indent: str) -> Iterator[str]:
    for value in values:
        yield from _entry(value, indent)


def _is_long(text: str) -> bool:
    return len(text) > _WIDE or "\n" in text


def _is_text(value: Any) -> bool:
    """A text in each of its languages."""
    return isinstance(value, Mapping) and bool(value) and set(value) <= {"ko", "en"} and all(map(_str, value.values()))


def _str(value: Any) -> bool:
    return isinstance(value, str) and "\n" not in value
