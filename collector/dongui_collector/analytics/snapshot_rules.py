"""What of a day's numbers outlives it, and how it is kept: the day's totals, and what many had in common. Pure.

A value may name somebody: a path, a search, a rare screen, the one visitor from a country or of an hour. A list's row
outlives its day only where at least :data:`ENOUGH` visitors of that day are behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dongui_collector.analytics.metrics import Key, Metrics
from dongui_collector.analytics.reports import OTHERS, REPORTS

Json = dict[str, Any]

ENOUGH = 20  # visitors of a day
HOURS = "hours"  # a day's timeseries by the hour; those by longer intervals follow from the days' overviews
KEPT = ("overview", HOURS, *(n for n in REPORTS if n not in ("overview", "timeseries", "consent", *OTHERS)))
OWN = "dongui"  # the source of numbers that were counted here; any other is named for what it was imported from


def outlives(names: Iterable[str], part: Metrics) -> bool:
    """Whether a row may outlive its day; ``names`` are the columns that tell rows apart, none for a day's total."""
    return part.visitors >= ENOUGH or not tuple(names)


def kept(names: tuple[str, ...], parts: Mapping[Key, Metrics], *, whole: bool = True) -> Json:
    """What is kept of a table, as a JSON value; ``whole``: whether ``parts`` are all of its rows.

    The value says likewise whether its rows are all that there were: what is worked out from them depends on it.
    """
    something = [(key, part) for key, part in parts.items() if part.visits or not names]
    chosen = [(key, part) for key, part in something if outlives(names, part)]
    whole = whole and len(chosen) == len(something)
    return {"rows": sorted(([list(key), list(part)] for key, part in chosen), key=repr), "whole": whole}


def is_whole(body: Json) -> bool:
    """Whether :func:`kept` kept every row; of what was kept before it said so, nobody knows."""
    return body.get("whole") is True


def told(body: Json) -> dict[Key, Metrics]:
    """What :func:`kept` kept."""
    return {tuple(key): Metrics(*part) for key, part in body["rows"]}
