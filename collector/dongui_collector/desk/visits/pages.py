"""The routes of the Visits screen: the screen itself, its parts as fragments, and a whole list on a page of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.language import words
from dongui_collector.desk.shell import guard, open_core
from dongui_collector.desk.visits import periods, worldmap
from dongui_collector.desk.visits.answers import Reader
from dongui_collector.desk.visits.asked import Asked, read
from dongui_collector.desk.visits.extras import EXTRAS
from dongui_collector.desk.visits.lists import Wanted, whole_list
from dongui_collector.desk.visits.names import label
from dongui_collector.desk.visits.panels import COLUMNS, PANELS, SHOWN, TABS, Row, open_tab, rows
from dongui_collector.desk.visits.top import top
from dongui_collector.reading.kept import kept
from dongui_collector.reading.reports.filters import DIMENSIONS, parse_filter
from dongui_collector.reading.reports.tables import REPORTS

pages = Blueprint("visits", __name__, url_prefix="/console/visits")

_VIEWS = ("visits", "head", "panel", "extra", "now", "rows", "filter")
guard(pages, dict.fromkeys(_VIEWS, "visits"))


@pages.get("", endpoint="visits")
def screen() -> str:
    """The whole screen; its parts follow as fragments unless the address says that no scripts run."""
    reader = _reader()
    asked = reader.asked
    parts = {name: _panel(reader, name) for name in PANELS} if asked.whole else {}
    shown = [name for name, (needs, _) in EXTRAS.items() if needs in REPORTS]
    return render_template(
        "visits/visits.html",
        columns=COLUMNS,
        parts=parts,
        head=_head(reader) if asked.whole else None,
        extras=shown,
        extra_parts={name: _extra(reader, name) for name in shown} if asked.whole else {},
        now_part=_now(reader) if asked.whole else {},
        whole_href=asked.query(whole=True),
        **_bar(reader),
    )


@pages.get("/head")
def head() -> str:
    """Figures and graph."""
    reader = _reader()
    return render_template("visits/head.html", head=_head(reader), **_bar(reader))


@pages.get("/panel/<name>")
def panel(name: str) -> str:
    """One panel with its open list."""
    if name not in PANELS:
        raise NotFound
    reader = _reader()
    return render_template("visits/panel.html", part=_panel(reader, name), asked=reader.asked)


@pages.get("/extra/<name>")
def extra(name: str) -> str:
    """Goals, funnels, who came back, web vitals."""
    if name not in EXTRAS:
        raise NotFound
    reader = _reader()
    return render_template("visits/extra.html", extra=_extra(reader, name), asked=reader.asked)


@pages.get("/now")
def now() -> str:
    """How many visitors did something within the last minutes."""
    return render_template("visits/now.html", **_now(_reader()))


@pages.get("/list/<name>", endpoint="rows")
def rows_page(name: str) -> str:
    """A whole list: every figure of its report, searched, sorted and paged."""
    if name not in TABS:
        raise NotFound
    reader, tab = _reader(), TABS[name]
    wanted = Wanted.of(request.args)
    lacking = reader.lacking((tab.dimension, tab.beside))
    shown = None if lacking else whole_list(reader, tab, wanted, g.lang, words())
    return render_template(
        "visits/list.html",
        tab=tab,
        shown=shown,
        wanted=wanted,
        lacking=_labels(reader, lacking),
        back=url_for("visits.visits") + reader.asked.query(),
        rests_on=_purposes(reader, reader.rests_on((tab.dimension,))),
        **_bar(reader),
    )


@pages.get("/filter")
def filter() -> Response:
    """A filter from the form: its parts become one, and the screen is shown with it."""
    asked = _reader().asked
    dimension, value = request.args.get("dimension", ""), request.args.get("value", "").strip()
    one = f"{'!' if request.args.get('how') == 'not' else ''}{dimension}:{value}"
    parse_filter(one)
    return redirect(url_for("visits.visits") + asked.with_filter(one), 303)


# --- what the templates are given -----------------------------------------------------------------------------------


def _reader() -> Reader:
    core, site = open_core(), chosen_site()
    today = core.clock.today(core.book.in_force(site.ref, core.clock.now()).zone)
    days = core.storage.events.days()
    named = site.id if len(core.book.sites()) > 1 else ""
    return Reader(core, site, read(request.args, today, days[0] if days else None, named))


def _head(reader: Reader) -> dict[str, Any]:
    if lacking := reader.lacking():
        return {"lacking": _labels(reader, lacking)}
    return {"top": top(reader, g.lang), "rests_on": _purposes(reader, reader.rests_on())}


def _panel(reader: Reader, name: str) -> dict[str, Any]:
    asked, tab = reader.asked, open_tab(name, reader.asked)
    fragment, screen = url_for("visits.panel", name=name), url_for("visits.visits")
    part: dict[str, Any] = {
        "name": name,
        "tab": tab,
        "tabs": [(one, screen + (to := asked.with_tab(name, one.report)), fragment + to) for one in PANELS[name]],
        "whole_list": url_for("visits.rows", name=tab.report) + asked.query(),
    }
    if lacking := reader.lacking((tab.dimension, tab.beside)):
        return part | {"lacking": _labels(reader, lacking)}
    answer = reader.ask(tab.report, limit=1000 if name == "locations" and tab.report == "countries" else SHOWN)
    listed: list[Row] = rows(tab, answer, asked, g.lang, words())
    more = {"map": worldmap.places(answer["rows"], listed)} if tab.report == "countries" else {}
    rests_on = _purposes(reader, reader.rests_on((tab.dimension, tab.beside)))
    return part | more | {"rows": listed[:SHOWN], "total": answer["total"], "rests_on": rests_on}


def _extra(reader: Reader, name: str) -> dict[str, Any]:
    part: dict[str, Any] = {"name": name}
    if lacking := reader.lacking():
        return part | {"lacking": _labels(reader, lacking)}
    return part | EXTRAS[name][1](reader, g.lang) | {"rests_on": _purposes(reader, reader.rests_on())}


def _now(reader: Reader) -> dict[str, Any]:
    """``now`` None where the purposes do not cover it."""
    if "now" not in REPORTS or reader.lacking():
        return {"now": None}
    return {"now": reader.ask("now")["rows"][0]["visitors"], "now_href": reader.asked.query()}


def _bar(reader: Reader) -> dict[str, Any]:
    """Everything that the bar above the figures needs."""
    asked = reader.asked
    days = reader.core.storage.events.days()
    today, first_held = reader.today(), days[0] if days else None
    return {
        "asked": asked,
        "site": reader.site,
        "periods": [(name, key, asked.of_period(name, today, first_held)) for name, key in periods.PERIODS.items()],
        "comparisons": [(how, asked.query(compare=how)) for how in periods.COMPARISONS],
        "toggle_compare": asked.query(compare="none" if asked.before else "previous"),
        "intervals": [(one, asked.query(interval=one)) for one in periods.offered(asked.first, asked.last)],
        "chips": [_chip(asked, one) for one in asked.filters],
        "clear": asked.query(filters=()),
        "purposes": _purpose_links(reader),
        "dimensions": list(DIMENSIONS),
        "views": kept(reader.core, reader.site)["views"],
        "keep_view": url_for("kept.kept", query=asked.query().removeprefix("?")) + "#views",
    }


def _chip(asked: Asked, one: str) -> tuple[str, str, str, str]:
    """(dimension, "is" or "is_not", value in words, address without it)."""
    found = parse_filter(one)
    said = label(found.dimension.removeprefix("entry_").removeprefix("exit_"), found.value, None, g.lang, words())
    return found.dimension, "is_not" if found.negated else "is", said, asked.without_filter(one)


def _purpose_links(reader: Reader) -> list[tuple[str, bool, str]]:
    """Every purpose that may be read: its name, whether it is read, and the address with it switched."""
    chosen, every = set(reader.purposes), tuple(reader.readable)
    links = []
    for name, said in zip(every, _purposes(reader, every), strict=True):
        wanted = tuple(p for p in every if (p in chosen) != (p == name)) or (name,)
        links.append((said, name in chosen, reader.asked.query(purposes=() if wanted == every else wanted)))
    return links


def _purposes(reader: Reader, names: Any) -> list[str]:
    return [_text(reader.notice.policy.purposes[name].label) for name in names]


def _labels(reader: Reader, items: list[str]) -> list[str]:
    known = reader.notice.policy.items
    return [_text(known[item].label) if item in known else item for item in items]


def _text(value: Mapping[str, str]) -> str:
    return value.get(g.lang) or next(iter(value.values()), "")
