"""The head of the screen: the six figures with their change, and the graph of the chosen one, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dongui_collector.analytics.saved_views import views_of
from dongui_collector.desk.visits import graph
from dongui_collector.desk.visits.answers import ScreenReader, is_whole
from dongui_collector.desk.visits.figures import FigureChange, Number, change, shown
from dongui_collector.desk.visits.screen_state import METRICS, ScreenState

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Headline:
    """One of the figures, with what it was before and how much it changed."""

    name: str
    text: str
    exact: str
    before: str | None
    change: FigureChange | None
    href: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A note on a day: at which point of the graph, and where that is in the drawing."""

    n: int
    x: float
    day: str
    text: str


@dataclass(frozen=True, slots=True)
class Graph:
    """The chosen figure over time. ``points`` is what the script draws from; ``rows`` the same as a table."""

    drawing: graph.Drawing
    points: Json
    rows: list[tuple[str, str, str]]
    marks: list[Mark]


@dataclass(frozen=True, slots=True)
class Top:
    """``consented`` is the share of all page views that was recorded under a consent, None where it is not known."""

    headlines: list[Headline]
    graph: Graph
    consented: float | None
    engaged: str | None
    days: Mapping[str, int]
    at_most: bool


def top(reader: ScreenReader, lang: str) -> Top:
    asked = reader.asked
    answer = reader.ask("overview")
    now = answer["rows"][0]
    earlier = reader.ask("overview", asked.before) if asked.before else None
    was: Json = earlier["rows"][0] if earlier else {}
    comparable = earlier is not None and is_whole(answer) and is_whole(earlier)
    headlines = [
        Headline(
            name,
            shown(name, now[name], lang),
            shown(name, now[name], lang, exact=True),
            shown(name, was[name], lang) if was and was[name] is not None else None,
            change(name, now[name], was.get(name), lang) if comparable else None,
            asked.query(metric=name),
        )
        for name in METRICS
    ]
    engaged = shown("engaged_time", now["engaged_time"], lang) if now["engaged_time"] is not None else None
    return Top(headlines, _graph(reader, asked, lang), answer["consented"], engaged, **_known(answer))


def _known(answer: Json) -> Json:
    """How the days are known: those that are not simply living, and whether visitors of several may be the same."""
    days = {state: number for state, number in answer.get("days", {}).items() if number and state != "living"}
    return {"days": days, "at_most": answer.get("visitors_are") == "at_most"}


def _graph(reader: ScreenReader, asked: ScreenState, lang: str) -> Graph:
    metric = asked.metric
    found = reader.ask("timeseries", interval=asked.interval)["rows"]
    earlier = reader.ask("timeseries", asked.before, interval=asked.interval)["rows"] if asked.before else []
    now: list[Number] = [None if reader.is_to_come(row["time"]) else row[metric] for row in found]
    before: list[Number] = [row[metric] for row in earlier][: len(now)]
    labels = [graph.named(row["time"], asked.interval, lang) for row in found]
    full = [graph.named(row["time"], asked.interval, lang, full=True) for row in found]
    full_before = [graph.named(row["time"], asked.interval, lang, full=True) for row in earlier][: len(now)]
    most, step = graph.ceiling(max((value for value in (*now, *before) if value is not None), default=1))
    lines = [shown(metric, step * n, lang) for n in range(round(most / step) + 1)]
    said = [shown(metric, value, lang) for value in now]
    said_before = [shown(metric, value, lang) for value in before]
    points: Json = {"now": now, "before": before, "labels": labels, "full": full, "fullBefore": full_before}
    points |= {"said": said, "saidBefore": said_before, "step": step, "lines": lines}
    rows = [
        (name, text, said_before[n] if n < len(said_before) else "–")
        for n, (name, text) in enumerate(zip(full, said, strict=True))
    ]
    marks = _marks(reader, [row["time"] for row in found])
    points["marks"] = [mark.n for mark in marks]
    return Graph(graph.draw(now, before, labels, lines), points, rows, marks)


def _marks(reader: ScreenReader, times: list[str]) -> list[Mark]:
    """The notes on days of the graph, by day. They are the house's own: a shared link shows none."""
    if reader.asked.fixed:
        return []
    interval, found = reader.asked.interval, []
    for note in sorted(views_of(reader.core, reader.site)["notes"], key=lambda note: str(note["day"])):
        time = graph.interval_of(note["day"], interval)
        n = next((n for n, one in enumerate(times) if one.startswith(time)), None)
        if n is not None:
            found.append(Mark(n, graph.place(n, len(times)), note["day"], note["text"]))
    return found
