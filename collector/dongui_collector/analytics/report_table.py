"""An answer as a table: its columns, also where it has no rows, and rows without nesting. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.analytics.columns.measures import measure_of
from dongui_collector.analytics.metrics import FIGURES_OF_GOAL, FIGURES_OF_VALUE
from dongui_collector.analytics.reports import SAMPLED

Json = dict[str, Any]
_COLUMNS = {
    **{name: (*names, *figures) for name, (names, figures) in SAMPLED.items()},
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
    goal = FIGURES_OF_GOAL if "goal" in answer else ()
    return (*measure.names, *measure.figures, *goal, *(FIGURES_OF_VALUE if "currency" in answer else ()))
