"""The live page: the last half hour by the minute, and where those who are there came from. Plain values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import g

from dongui_collector.analytics.live import MINUTES, Happened, LiveFigures, begin_of, live
from dongui_collector.core.clock import day_of
from dongui_collector.desk.language import words
from dongui_collector.desk.turns import turn
from dongui_collector.desk.visits.answers import ScreenReader
from dongui_collector.desk.visits.figures import shown
from dongui_collector.desk.visits.panels import TABS, Tab, rows
from dongui_collector.desk.visits.parts import labels_of, purposes_of

Json = dict[str, Any]
SHOWN = 10  # rows of a list
_BAR, _GAP, HEIGHT = 18, 4, 90


@dataclass(frozen=True, slots=True)
class Minute:
    """A bar: where it stands, how high it is, its time and what it says."""

    x: int
    y: float
    height: float
    time: str
    visitors: str


def unfiltered(reader: ScreenReader) -> ScreenReader:
    """The same reader without filters, which choose whole visits: these are not over."""
    return ScreenReader(reader.core, reader.site, replace(reader.asked, filters=()))


def live_of(reader: ScreenReader) -> Json:
    """What the fragment of the live page is given; ``lacking`` where the purposes do not cover it."""
    if lacking := reader.lacking():
        return {"lacking": labels_of(reader, lacking)}
    with turn():
        figures = live(reader.core, reader.site, reader.purposes)
    lists = [_list(reader, TABS["pages"], _pages(figures))]
    lists += [_list(reader, tab, _active(reader, tab)) for tab in _beside(reader)]
    return {
        "bars": _bars(figures, reader),
        "width": MINUTES * (_BAR + _GAP) - _GAP,
        "visitors": shown("visitors", figures.visitors, g.lang),
        "page_views": shown("page_views", figures.page_views, g.lang),
        "lists": lists,
        "events": [_event(name, one, reader) for name, one in figures.events[:SHOWN]],
        "rests_on": purposes_of(reader, reader.rests_on()),
    }


def _bars(figures: LiveFigures, reader: ScreenReader) -> list[Minute]:
    most = max(*figures.minutes, 1)
    bars = []
    for n, number in enumerate(figures.minutes):
        height = round(HEIGHT * number / most, 1)
        time = _time(figures.begins + n * 60_000, reader)
        bars.append(Minute(n * (_BAR + _GAP), HEIGHT - height, height, time, shown("visitors", number, g.lang)))
    return bars


def _time(at: int, reader: ScreenReader) -> str:
    return f"{datetime.fromtimestamp(at / 1000, reader.zone):%H:%M}"


def _event(name: str, one: Happened, reader: ScreenReader) -> tuple[str, str, str, str]:
    """(name, when last, visitors, how often)"""
    return (
        name,
        _time(one.last, reader),
        shown("visitors", len(one.visitors), g.lang),
        shown("events", one.number, g.lang),
    )


def _pages(figures: LiveFigures) -> Json:
    listed = [
        {"page": page, "visitors": len(one.visitors), "page_views": one.number} for page, one in figures.pages[:SHOWN]
    ]
    return {"rows": listed, "visitors": figures.visitors, "shortened": 0}


def _beside(reader: ScreenReader) -> list[Tab]:
    """The lists of visits that are going on, as far as the purposes cover them."""
    several = (TABS["sources"], TABS["countries"], TABS["devices"])
    return [tab for tab in several if not reader.lacking((tab.dimension, tab.beside))]


def _active(reader: ScreenReader, tab: Tab) -> Json:
    """A report of the visits with something in the last minutes; they began today, or yesterday if it is midnight."""
    begins = begin_of(reader.core.clock.now())
    days = (day_of(begins, reader.zone), reader.today())
    return reader.ask(tab.report, days, since=begins, limit=SHOWN)


def _list(reader: ScreenReader, tab: Tab, answer: Json) -> Json:
    return {"tab": tab, "rows": rows(tab, answer, reader.asked, g.lang, words())}
