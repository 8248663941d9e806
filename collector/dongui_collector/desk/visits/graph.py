"""The graph: points of a timeseries, as a drawing for who runs no scripts and as numbers for who does. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby

from dongui_collector.analytics.intervals import Interval
from dongui_collector.desk.visits.figures import Number

WIDTH, HEIGHT = 960, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 8, 12, 26
_LABELS = 7


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where it is, and what stands there."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """SVG paths in a box of WIDTH × HEIGHT. ``before`` is empty where nothing is compared.

    ``unfinished`` leads to the interval that is not over yet, and is empty where there is none.
    """

    line: str
    unfinished: str
    area: str
    before: str
    across: list[Tick]
    up: list[Tick]


def ceiling(most: float) -> tuple[float, float]:
    """A round number not below ``most``, and the step between lines: at most five of them."""
    step, size = 1.0, 1.0
    if 0 < most < 1:
        step = size = 0.01
    while most / step > 5:
        step = next((size * n for n in (2, 5, 10) if most / (size * n) <= 5), size * 10)
        size *= 10
    lines = max(1, -(-most // step))
    return lines * step, step


def draw(
    now: Sequence[Number],
    before: Sequence[Number],
    labels: Sequence[str],
    texts: Sequence[str],
    unfinished: int | None = None,
) -> Drawing:
    """``labels`` name the points, ``texts`` the lines of :func:`ceiling` from 0 on.

    ``unfinished`` is the point whose interval is not over yet, where there is one.
    """
    top, step = ceiling(max((value for value in (*now, *before) if value is not None), default=1))
    over, still = apart(now, unfinished)
    runs, floor = _runs(over, top, len(now)), HEIGHT - _BOTTOM
    line = "".join(map(_path, runs))
    area = "".join(f"{_path(run)}L{run[-1][0]:.1f},{floor}L{run[0][0]:.1f},{floor}Z" for run in runs if len(run) > 1)
    every = max(1, -(-len(labels) // _LABELS))
    across = [Tick(round(_x(n, len(labels)), 1), text) for n, text in enumerate(labels) if n % every == 0]
    up = [Tick(round(_y(step * n, top), 1), text) for n, text in enumerate(texts)]
    open_line = "".join(map(_path, _runs(still, top, len(now))))
    return Drawing(line, open_line, area, "".join(map(_path, _runs(before[: len(now)], top, len(now)))), across, up)


def apart(now: Sequence[Number], unfinished: int | None) -> tuple[list[Number], list[Number]]:
    """The points of what is over, and of the stretch from the last of them to the one that is not over yet."""
    if unfinished is None:
        return list(now), [None] * len(now)
    over = [None if n == unfinished else value for n, value in enumerate(now)]
    return over, [value if n in (unfinished - 1, unfinished) else None for n, value in enumerate(now)]


def interval_of(day: str, interval: Interval) -> str:
    """The beginning of the name of the interval in which a day lies (of its first hour, for hours)."""
    if interval == "week":
        found = date.fromisoformat(day)
        return (found - timedelta(days=found.weekday())).isoformat()
    return day[:7] if interval == "month" else day


def place(n: int, count: int) -> float:
    """Where the ``n``-th of ``count`` points is across the drawing."""
    return round(_x(n, count), 1)


def _runs(values: Sequence[Number], top: float, count: int) -> list[list[tuple[float, float]]]:
    """The points of each stretch of known values: no line is drawn over what is not known."""
    stretches = groupby(enumerate(values), key=lambda one: one[1] is not None)
    return [[(_x(n, count), _y(value or 0, top)) for n, value in run] for known, run in stretches if known]


def _path(points: Sequence[tuple[float, float]]) -> str:
    if len(points) == 1:  # one point is a short stroke, or nothing would be seen
        x, y = points[0]
        return f"M{x - 6:.1f},{y:.1f}L{x + 6:.1f},{y:.1f}"
    return "".join(f"{'L' if n else 'M'}{x:.1f},{y:.1f}" for n, (x, y) in enumerate(points))


def _x(n: int, count: int) -> float:
    inner = WIDTH - _LEFT - _RIGHT
    return _LEFT + (inner * n / (count - 1) if count > 1 else inner / 2)


def _y(value: float, top: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (1 - value / top)
