"""What the templates of the Visits screen are given, part by part: plain values, in this request's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import g, url_for

from dongui_collector.analytics.filters import DIMENSIONS, parse_filter
from dongui_collector.analytics.saved_views import views_of
from dongui_collector.analytics.sessions import PASSIVE
from dongui_collector.desk.language import words
from dongui_collector.desk.visits import periods, worldmap
from dongui_collector.desk.visits.answers import ScreenReader, figures_of_goal, first_held, missing_days, not_known
from dongui_collector.desk.visits.extras import EXTRAS
from dongui_collector.desk.visits.names import label
from dongui_collector.desk.visits.panels import PANELS, SHOWN, PanelRow, open_tab, rows, without_lead_of_technical
from dongui_collector.desk.visits.screen_state import ScreenState
from dongui_collector.desk.visits.top import top


def head_of(reader: ScreenReader) -> dict[str, Any]:
    if lacking := reader.lacking():
        return {"lacking": labels_of(reader, lacking)}
    return {"top": top(reader, g.lang), "rests_on": purposes_of(reader, reader.rests_on())}


def panel_of(reader: ScreenReader, name: str) -> dict[str, Any]:
    asked, tab = reader.asked, open_tab(name, reader.asked)
    fragment, screen = url_for("visits.panel", name=name), url_for("visits.visits")
    part: dict[str, Any] = {
        "name": name,
        "tab": tab,
        "tabs": [(one, screen + (to := asked.with_tab(name, one.report)), fragment + to) for one in PANELS[name]],
        "whole_list": url_for("visits.rows", name=tab.report) + asked.query(),
    }
    if lacking := reader.lacking((tab.dimension, tab.beside)):
        return part | {"lacking": labels_of(reader, lacking)}
    most = 1000 if tab.report == "countries" else SHOWN + len(PASSIVE) if tab.report == "events" else SHOWN
    answer = without_lead_of_technical(tab, reader.ask_list(tab.report, limit=most))
    of_goal = figures_of_goal(answer)
    figures = (tab.figures[0], *of_goal) if of_goal else tab.figures
    listed: list[PanelRow] = rows(tab, answer, asked, g.lang, words(), figures)
    more = {"map": worldmap.places(answer["rows"], listed)} if tab.report == "countries" else {}
    rests_on = purposes_of(reader, reader.rests_on((tab.dimension, tab.beside)))
    shown = {"rows": listed[:SHOWN], "total": answer["total"], "not_known": not_known(answer)}
    shown |= {"shortened": answer["shortened"], "missing": missing_days(answer)}
    shown |= {"figures": figures, "currency": answer.get("currency", "")}
    return part | more | shown | {"rests_on": rests_on}


def extra_of(reader: ScreenReader, name: str) -> dict[str, Any]:
    part: dict[str, Any] = {"name": name}
    if lacking := reader.lacking():
        return part | {"lacking": labels_of(reader, lacking)}
    return part | EXTRAS[name](reader, g.lang) | {"rests_on": purposes_of(reader, reader.rests_on())}


def now_of(reader: ScreenReader) -> dict[str, Any]:
    """``now`` None where the purposes do not cover it."""
    if reader.lacking():
        return {"now": None}
    return {"now": reader.ask("now")["rows"][0]["visitors"], "now_href": reader.asked.query()}


def bar_of(reader: ScreenReader) -> dict[str, Any]:
    """Everything that the bar above the figures needs."""
    asked = reader.asked
    today, held = reader.today(), first_held(reader.core, reader.site)
    kept = views_of(reader.core, reader.site)
    return {
        "asked": asked,
        "site": reader.site,
        "periods": [(name, key, asked.of_period(name, today, held)) for name, key in periods.PERIODS.items()],
        "comparisons": [(how, asked.query(compare=how)) for how in periods.COMPARISONS],
        "toggle_compare": asked.query(compare="none" if asked.before else "previous"),
        "intervals": [(one, asked.query(interval=one)) for one in periods.offered(asked.first, asked.last)],
        "chips": [_chip(asked, one) for one in asked.filters],
        "shortcuts": [
            ("F", words()["v_filters"]),
            ("C", words()["v_period"]),
            ("X", words()["v_compare"]),
            *((key, words()[f"v_period_{name}"]) for name, key in periods.PERIODS.items()),
        ],
        "clear": asked.query(filters=()),
        "purposes": _purpose_links(reader),
        "dimensions": list(DIMENSIONS),
        "views": kept.views,
        "segments": [(one, asked.with_filters(one.filters)) for one in kept.segments],
        "keep_segment": url_for("kept.kept", query=asked.query().removeprefix("?")) + "#segments",
        "goal": reader.goal,
        "goals": [(one, asked.query(goal=one.id)) for one in kept.goals],
        "no_goal": asked.query(goal=0),
        "keep_view": url_for("kept.kept", query=asked.query().removeprefix("?")) + "#views",
        "share_view": url_for("kept.kept", query=asked.query().removeprefix("?")) + "#shares",
    }


def _chip(asked: ScreenState, one: str) -> tuple[str, str, str, str]:
    """(dimension, "is" or "is_not", value in words, address without it)."""
    found = parse_filter(one)
    said = label(found.dimension.removeprefix("entry_").removeprefix("exit_"), found.value, None, g.lang, words())
    said = " | ".join((said, *(other.text for other in found.others)))
    return found.dimension, "is_not" if found.negated else "is", said, asked.without_filter(one)


def _purpose_links(reader: ScreenReader) -> list[tuple[str, bool, str]]:
    """Every purpose that may be read: its name, whether it is read, and the address with it switched."""
    chosen, every = set(reader.purposes), tuple(reader.readable)
    links = []
    for name, said in zip(every, purposes_of(reader, every), strict=True):
        wanted = tuple(p for p in every if (p in chosen) != (p == name)) or (name,)
        links.append((said, name in chosen, reader.asked.query(purposes=() if wanted == every else wanted)))
    return links


def purposes_of(reader: ScreenReader, names: Iterable[str]) -> list[str]:
    return [_text(reader.notice.policy.purposes[name].label) for name in names]


def labels_of(reader: ScreenReader, items: list[str]) -> list[str]:
    known = reader.notice.policy.items
    return [_text(known[item].label) if item in known else item for item in items]


def _text(value: Mapping[str, str]) -> str:
    return value.get(g.lang) or next(iter(value.values()), "")
