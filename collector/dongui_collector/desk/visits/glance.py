"""All sites at a glance: of each its figures, how they changed, and a small graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import MultiDict

from dongui_collector.desk.visits.answers import ScreenReader, is_whole
from dongui_collector.desk.visits.figures import FigureChange, Number, change, shown
from dongui_collector.desk.visits.screen_state import ScreenState, read
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

WIDTH, HEIGHT = 120, 28
SHOWN = ("visitors", "visits", "page_views")
PERIODS = ("7d", "30d", "91d", "12mo")


@dataclass(frozen=True, slots=True)
class SiteLine:
    """A site as it is shown. ``figures`` are empty where its notice is not published or covers no visits.

    ``graph`` is the path of its visitors a day, ``change`` that of its visitors since as many days before.
    """

    site: Site
    figures: tuple[str, ...] = ()
    change: FigureChange | None = None
    graph: str = ""
    visitors: int = 0


def state_of(core: Installation, period: str) -> ScreenState:
    """The period that all sites are shown of."""
    today = core.clock.today(core.settings.zone)
    return read(MultiDict({"period": period if period in PERIODS else "30d"}), today, None)


def lines(core: Installation, asked: ScreenState, lang: str) -> list[SiteLine]:
    """All sites, those with the most visitors first."""
    found = [_line(core, site, asked, lang) for site in core.registry.sites()]
    return sorted(found, key=lambda line: (-line.visitors, line.site.name))


def _line(core: Installation, site: Site, asked: ScreenState, lang: str) -> SiteLine:
    if core.registry.current(site.ref, core.clock.now()) is None:
        return SiteLine(site)
    reader = ScreenReader(core, site, asked)
    if reader.lacking():
        return SiteLine(site)
    answer = reader.ask("overview", compare=True)
    (row,) = answer["rows"]
    comparable = is_whole(answer) and is_whole(answer["previous"])
    days: list[Mapping[str, Any]] = reader.ask("timeseries")["rows"]
    return SiteLine(
        site,
        tuple(shown(name, row[name], lang) for name in SHOWN),
        change("visitors", row["visitors"], row["previous"]["visitors"], lang) if comparable else None,
        sparkline([day["visitors"] for day in days if not reader.is_to_come(day["time"])]),
        row["visitors"] or 0,
    )


def sparkline(values: Sequence[Number]) -> str:
    """An SVG path in a box of WIDTH × HEIGHT; no line leads over what is not known."""
    most = max((value for value in values if value is not None), default=0) or 1
    path, pen = "", "M"
    for n, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x = 1 + (WIDTH - 2) * n / max(len(values) - 1, 1)
        path += f"{pen}{x:.1f},{1 + (HEIGHT - 2) * (1 - value / most):.1f}"
        pen = "L"
    return path
