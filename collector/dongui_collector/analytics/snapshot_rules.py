"""What of a day's numbers outlives it, and how it is kept: sums, closed lists, and what many had in common. Pure.

Text may name somebody: a path, a search, a rare screen. It outlives its day only where at least :data:`ENOUGH` visitors
of that day had it in common; values of closed lists name nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from dongui_collector.analytics.attribution import CHANNELS
from dongui_collector.analytics.metrics import Key, Metrics
from dongui_collector.analytics.reports import OTHERS, REPORTS
from dongui_collector.ledger.counters import DEVICES

Json = dict[str, Any]

ENOUGH = 20  # visitors of a day
HOURS = "hours"  # a day's timeseries by the hour; those by longer intervals follow from the days' overviews
KEPT = ("overview", HOURS, *(n for n in REPORTS if n not in ("overview", "timeseries", "consent", *OTHERS)))
OWN = "dongui"  # the source of numbers that were counted here; any other is named for what it was imported from

_COUNTRY, _HOUR = re.compile(r"[A-Z]{2}"), re.compile(r"\d{4}-\d\d-\d\dT\d\d:00:00[+-]\d\d:\d\d")
_CLOSED: Mapping[str, Callable[[str], object]] = {
    "channel": frozenset(CHANNELS).__contains__,
    "device": lambda value: value.lower() in DEVICES,
    "country": _COUNTRY.fullmatch,
    "time": _HOUR.fullmatch,
}


def outlives(names: Iterable[str], key: Key, part: Metrics) -> bool:
    """Whether a row may outlive its day; ``names`` are the columns that ``key`` is of."""
    return part.visitors >= ENOUGH or all(_names_nobody(n, value) for n, value in zip(names, key, strict=True))


def _names_nobody(name: str, value: str | None) -> bool:
    return value is None or (name in _CLOSED and bool(_CLOSED[name](value)))


def kept(names: tuple[str, ...], parts: Mapping[Key, Metrics]) -> Json:
    """What is kept of a table, as a JSON value."""
    chosen = ((key, part) for key, part in parts.items() if outlives(names, key, part))
    return {"rows": sorted(([list(key), list(part)] for key, part in chosen), key=repr)}


def told(body: Json) -> dict[Key, Metrics]:
    """What :func:`kept` kept."""
    return {tuple(key): Metrics(*part) for key, part in body["rows"]}


def name_of(purposes: Collection[str]) -> str:
    """Under which name the numbers for a set of purposes are kept."""
    return ".".join(sorted(set(purposes)))
