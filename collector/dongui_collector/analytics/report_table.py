"""An answer as a table: its columns, also where it has no rows, and rows without nesting. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.analytics.columns.measures import measure_of
from dongui_collector.analytics.sessions import METRICS

Json = dict[str, Any]
_COLUMNS = {
    "vitals": ("page", "samples", *(metric.lower() for metric in METRICS)),
    "consent": ("day", "purpose", "given", "refused", "withdrawn", "chosen", "given_rate"),
}


def rows_of(answer: Mapping[str, Any]) -> list[Json]:
    """The rows, the period before under names of its own: ``previous_visitors``."""
    return [
        {name: value for name, value in row.items() if name != "previous"}
        | {f"previous_{name}": value for name, value in row.get("previous", {}).items()}
        for row in answer["rows"]
    ]


def columns_of(answer: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the columns, in order."""
    if answer["rows"]:
        return tuple(rows_of(answer)[0])
    name, day = answer["report"], date.fromisoformat(answer["from"])
    if name in _COLUMNS:
        return _COLUMNS[name]
    measure = measure_of(name, "day", day, day, (), ZoneInfo(answer["zone"]))
    return (*measure.names, *measure.figures)
