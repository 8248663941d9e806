"""Pages that leave the house as files: this package's Jinja templates. No script, no outside resource."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

_PIECES = 500  # of the template that make one part of a stream


@cache
def _templates() -> Environment:
    loader = PackageLoader("dongui_collector.rights")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def rendered(template: str, **values: Any) -> str:
    """The whole page. Every value is escaped."""
    return _templates().get_template(template).render(values)


def streamed(template: str, **values: Any) -> Iterator[str]:
    """The page in parts, made while it is read: what the template walks over is read no sooner than it is shown."""
    stream = _templates().get_template(template).stream(values)
    stream.enable_buffering(_PIECES)
    return iter(stream)
