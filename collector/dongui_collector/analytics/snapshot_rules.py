"""What of a day's numbers outlives it, and how it is kept: the day's totals, and what many had in common. Pure.

A value may name somebody: a path, a search, a rare screen, the one visitor from a country or of an hour. A list's row
outlives its day only where at least :data:`ENOUGH` visitors of that day are behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from typing import Any

from dongui_collector.analytics.metrics import Key, Metrics, plus
from dongui_collector.analytics.reports import OTHERS, REPORTS

Json = dict[str, Any]

ENOUGH = 20  # visitors of a day
HOURS = "hours"  # a day's timeseries by the hour; those by longer intervals follow from the days' overviews
KEPT = ("overview", HOURS, *(n for n in REPORTS if n not in ("overview", "timeseries", "consent", *OTHERS)))
OWN = "dongui"  # the source of numbers that were counted here; any other is named for what it was imported from


_FROZEN = Metrics._fields.index("converted")  # what goals bring is asked of living days alone


def outlives(names: Iterable[str], part: Metrics) -> bool:
    """Whether a row may outlive its day; ``names`` are the columns that tell rows apart, none for a day's total."""
    return part.visitors >= ENOUGH or not tuple(names)


def kept(names: tuple[str, ...], parts: Mapping[Key, Metrics], *, whole: bool = True) -> Json:
    """What is kept of a table, as a JSON value; ``whole``: whether ``parts`` are all of its rows.

    The value says likewise whether its rows are all that there were: what is worked out from them depends on it.
    """
    something = {key: part for key, part in parts.items() if part.visits or not names}
    chosen = _with_a_remainder_of_many(names, something)
    return _body(chosen, whole=whole and len(chosen) == len(something))


def _body(rows: Mapping[Key, Metrics], *, whole: bool) -> Json:
    return {"rows": sorted(([list(key), list(part[:_FROZEN])] for key, part in rows.items()), key=repr), "whole": whole}


def _with_a_remainder_of_many(names: Sequence[str], parts: Mapping[Key, Metrics]) -> dict[Key, Metrics]:
    """The rows of many; where all that is cut beside them is of few, the smallest of these is cut too.

    Totals are exact: a total less its rows is what was cut. Likewise of each country, whose cities are rows.
    """
    chosen = {key: part for key, part in parts.items() if outlives(names, part)}
    for depth in range(len(names)):
        below: dict[Key, list[Key]] = {}
        for key in parts:
            below.setdefault(key[:depth], []).append(key)
        for keys in below.values():
            cut = sum(parts[key].visitors for key in keys if key not in chosen)
            left = [key for key in keys if key in chosen]
            if 0 < cut < ENOUGH and left:
                del chosen[min(left, key=lambda key: (parts[key].visitors, repr(key)))]
    return chosen


def unsubtractable(fresh: Mapping[str, Json], before: Mapping[str, Json]) -> dict[str, Json]:
    """Lists of one report and day, by the set of purposes that they are for, so that none less another is of few.

    ``before`` are those that were kept already, which never change: of the ``fresh`` ones, in their order, a row goes
    where it and the same row of other sets tell how few see the one and not the other, or both.
    """
    taken = {_purposes(name): told(body) for name, body in before.items()}
    found: dict[str, Json] = {}
    for name, body in fresh.items():
        rows, own = told(body), _purposes(name)
        safe = {key: part for key, part in rows.items() if not key or not _tells(own, key, part, taken)}
        taken[own] = safe
        found[name] = body if len(safe) == len(rows) else _body(safe, whole=False)
    return found


_Taken = Mapping[frozenset[str], Mapping[Key, Metrics]]


def _tells(own: frozenset[str], key: Key, part: Metrics, taken: _Taken) -> bool:
    beside = {purposes: rows[key] for purposes, rows in taken.items() if key in rows}
    others = list(beside.values())
    # Whoever both sets see: those of the one and of the other, less those of the two together.
    others += [_less(beside[own | one], other) for one, other in beside.items() if own | one in beside]
    others += [plus(beside[a], beside[b]) for a, b in combinations(beside, 2) if a | b == own]
    return any(_of_few(_less(part, other)) for other in others)


def _less(one: Metrics, other: Metrics) -> Metrics:
    return Metrics(*(a - b for a, b in zip(one, other, strict=True)))


def _of_few(difference: Metrics) -> bool:
    return any(difference) and abs(difference.visitors) < ENOUGH


def _purposes(name: str) -> frozenset[str]:
    return frozenset(name.split("."))


def is_whole(body: Json) -> bool:
    """Whether :func:`kept` kept every row; of what was kept before it said so, nobody knows."""
    return body.get("whole") is True


def told(body: Json) -> dict[Key, Metrics]:
    """What :func:`kept` kept."""
    return {tuple(key): Metrics(*part) for key, part in body["rows"]}
