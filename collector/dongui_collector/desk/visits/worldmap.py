"""Countries on the map: which of the shapes in static/world.svg are coloured, and how strongly."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from dongui_collector.desk.visits.panels import PanelRow

STEPS = 5
_MAP = files("dongui_collector.desk").joinpath("static/world.svg")
SHAPES = frozenset(re.findall(r'<path id="([A-Z]{2})"', _MAP.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class MapCountry:
    """A coloured country. ``step`` is 1 to STEPS, by the share of the largest on a square-root scale."""

    code: str
    step: int
    text: str
    href: str | None


def places(raw: Sequence[dict[str, Any]], rows: Sequence[PanelRow]) -> list[MapCountry]:
    """The countries of a list that have a shape; small ones have none, and stand in the list alone."""
    return [
        MapCountry(one["country"], _step(row.share), f"{row.label}: {row.figures[0]}", row.href)
        for one, row in zip(raw, rows, strict=True)
        if one["country"] in SHAPES
    ]


def _step(share: float) -> int:
    return max(1, round(STEPS * math.sqrt(share / 100)))
