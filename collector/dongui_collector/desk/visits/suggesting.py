"""The filter form: what its parts make, and which values it offers while one is typed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dongui_collector.analytics.filters import PAIRS
from dongui_collector.analytics.query import MOST_ROWS
from dongui_collector.analytics.reports import NAMES
from dongui_collector.desk.visits.answers import ScreenReader

MOST = 12
_REPORTS: Mapping[str, tuple[str, str]] = {
    **{names[0]: (report, names[0]) for report, names in NAMES.items() if len(names) == 1 and report != "timeseries"},
    **{f"{edge}_page": (f"{edge}_pages", "page") for edge in ("entry", "exit")},
    "page": ("pages", "page"),
    "source": ("sources", "source"),
    "campaign": ("campaigns", "campaign"),
    "city": ("locations", "city"),
}


def filter_of(dimension: str, how: str, value: str) -> str:
    """The filter that a form's parts make. ``how``: ``is``, ``not``, ``has`` (contains), ``has_not``."""
    name, equals, rest = value.partition("=") if dimension in PAIRS else ("", "", value)
    if how.startswith("has"):
        rest = f"*{rest}*"
    return f"{'!' if how.endswith('not') else ''}{dimension}:{name}{equals}{rest}"


def suggestions(reader: ScreenReader, dimension: str, typed: str) -> list[str]:
    """Values of a dimension in which what was typed occurs, the most frequent first; of a pair one half at a time."""
    if reader.lacking((dimension,)):
        return []
    name, equals, rest = typed.strip().partition("=")
    if dimension not in PAIRS:
        found = _values(reader, *_REPORTS[dimension]) if dimension in _REPORTS else []
        wanted = typed.strip().casefold()
    elif not equals:
        report, column = ("properties", "property") if dimension == "prop" else ("events", "event")
        found, wanted = [f"{value}=" for value in _values(reader, report, column)], name.casefold()
    else:
        more: dict[str, Any] = {"property_name": name} if dimension == "prop" else {}
        report, column = ("property_values", "value") if dimension == "prop" else ("pages", "page")
        found, wanted = [f"{name}={value}" for value in _values(reader, report, column, **more)], rest.casefold()
        return [one for one in found if wanted in one.partition("=")[2].casefold()][:MOST] if name else []
    return [one for one in found if wanted in one.casefold()][:MOST]


def _values(reader: ScreenReader, report: str, column: str, **more: Any) -> list[str]:
    rows = reader.ask(report, limit=MOST_ROWS, **more)["rows"]
    return list(dict.fromkeys(row[column] for row in rows if row[column] is not None))
