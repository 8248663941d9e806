"""Properties of events as reports tell them apart: names, values as text, and numbers. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

MOST_VALUES = 10_000  # different values of a property that are told apart
MOST_NAMES = 1000  # different properties
LONGEST_VALUE = 300  # characters; longer ones are texts that somebody wrote
_LARGEST = 1e15  # of a number: whole ones are exact up to it
_DECIMAL = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,9})?")

Pair = tuple[str | None, str | None]  # a property's name and value; None stands for all others


class Property(NamedTuple):
    """One property of an event. ``number`` is what its value is worth, NaN where it is no number."""

    name: str
    value: str
    number: float


def properties_of(props: str | None) -> Iterator[Property]:
    """What an event's properties (JSON) say; every entry of a list is a value. Objects and null are none."""
    found = json.loads(props) if props else None
    if isinstance(found, dict):
        yield from flat(found)


def flat(props: Mapping[str, Any]) -> Iterator[Property]:
    """The same, of properties that have been parsed."""
    for name, value in props.items():
        several = value if isinstance(value, list) else (value,)
        for one in several:
            if (text := _text(one)) is not None:
                yield Property(name, text, math.nan if isinstance(value, list) else number_of(one))


def number_of(value: object) -> float:
    """A number, also one that a page wrote as text (``"12.50"``); NaN for everything else."""
    if isinstance(value, str):
        return float(value) if _DECIMAL.fullmatch(value) else math.nan
    if not isinstance(value, int | float) or isinstance(value, bool):
        return math.nan
    return float(value) if -_LARGEST < value < _LARGEST else math.nan


def _text(value: object) -> str | None:
    """A value as it is shown and filtered by: ``true``, ``12``, ``12.5``, ``pro``."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return str(value) if isinstance(value, int) else None
