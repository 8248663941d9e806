"""The head of the screen: the six figures with their change, and the graph of the chosen one, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dongui_collector.analytics.intervals import Interval, days_of_interval
from dongui_collector.analytics.saved_views import views_of
from dongui_collector.desk.language import words
from dongui_collector.desk.visits import graph, time_axis
from dongui_collector.desk.visits.answers import ScreenReader, is_whole
from dongui_collector.desk.visits.figures import FigureChange, Number, change, shown
from dongui_collector.desk.visits.periods import CUSTOM, usual
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
    """The chosen figure over time. ``points`` is what the script draws from; ``rows`` the same as a table.

    ``unfinished`` is the point whose interval is not over yet, where there is one.
    """

    drawing: graph.Drawing
    points: Json
    rows: list[tuple[str, str, str]]
    marks: list[Mark]
    unfinished: int | None


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
    metric, interval = asked.metric, asked.interval
    found = {row["time"]: row for row in reader.ask("timeseries", interval=interval)["rows"]}
    earlier = (
        {row["time"]: row for row in reader.ask("timeseries", asked.before, interval=interval)["rows"]}
        if asked.before
        else {}
    )
    pairs = time_axis.align([*found], [*earlier], interval, asked.compare)
    now: list[Number] = [found[one][metric] if one and not reader.is_to_come(one) else None for one, _ in pairs]
    before: list[Number] = [earlier[one][metric] if one else None for _, one in pairs] if earlier else []
    unfinished = next((n for n, (one, _) in enumerate(pairs) if one and reader.is_unfinished(one, interval)), None)
    most, step = graph.ceiling(max((value for value in (*now, *before) if value is not None), default=1))
    lines = [shown(metric, step * n, lang) for n in range(round(most / step) + 1)]
    points = _named(pairs, interval, lang) | {"now": now, "before": before, "step": step, "lines": lines}
    points |= {"said": [shown(metric, value, lang) for value in now], "unfinished": unfinished}
    if unfinished is not None:
        points["full"][unfinished] += f" ({words()['v_unfinished']})"
    points |= {"saidBefore": [shown(metric, value, lang) for value in before]}
    points["links"] = [_link(reader, one) for one, _ in pairs]
    marks = _marks(reader, [one or "" for one, _ in pairs])
    points["marks"] = [mark.n for mark in marks]
    drawing = graph.draw(now, before, points["labels"], lines, unfinished)
    return Graph(drawing, points, _rows(points), marks, unfinished)


def _link(reader: ScreenReader, time: str | None) -> str:
    """The address of the screen of one interval's days; none of an hour, of what is to come, and of a shared link."""
    asked = reader.asked
    if time is None or asked.fixed or asked.interval == "hour" or reader.is_to_come(time):
        return ""
    first, last = days_of_interval(time, asked.interval)
    return asked.query(period=CUSTOM, first=first, last=last, interval=usual(first, last))


def _named(pairs: list[tuple[str | None, str | None]], interval: Interval, lang: str) -> Json:
    """The intervals in words: those of the axis, and both periods' in full."""
    upper, lower = ([one for one in times if one] for times in zip(*pairs, strict=True)) if pairs else ([], [])
    short = time_axis.names(upper, interval, lang) | time_axis.names(lower, interval, lang)
    full = time_axis.names(upper, interval, lang, full=True) | time_axis.names(lower, interval, lang, full=True)
    return {
        "labels": [short[one or other or ""] for one, other in pairs],
        "full": [full[one or other or ""] for one, other in pairs],
        "fullBefore": [full[other] if other else "" for _, other in pairs] if lower else [],
    }


def _rows(points: Json) -> list[tuple[str, str, str]]:
    """The same as a table: interval, figure, figure of the period before."""
    before = points["saidBefore"] or ["–"] * len(points["full"])
    return list(zip(points["full"], points["said"], before, strict=True))


def _marks(reader: ScreenReader, times: list[str]) -> list[Mark]:
    """The notes on days of the graph, by day. They are the house's own: a shared link shows none."""
    if reader.asked.fixed:
        return []
    interval, found = reader.asked.interval, []
    for note in sorted(views_of(reader.core, reader.site).notes, key=lambda note: note.day):
        time = graph.interval_of(note.day, interval)
        n = next((n for n, one in enumerate(times) if one.startswith(time)), None)
        if n is not None:
            found.append(Mark(n, graph.place(n, len(times)), note.day, note.text))
    return found
