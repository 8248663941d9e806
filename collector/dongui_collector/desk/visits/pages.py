"""The routes of the Visits screen: the screen itself, its parts as fragments, and a whole list on a page of its own."""

from __future__ import annotations

from flask import g, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.analytics.filters import parse_filter
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.language import words
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import open_core
from dongui_collector.desk.visits import glance
from dongui_collector.desk.visits.answers import ScreenReader, first_held
from dongui_collector.desk.visits.downloads import DOWNLOADS, download
from dongui_collector.desk.visits.extras import EXTRAS
from dongui_collector.desk.visits.lists import ListQuery, whole_list
from dongui_collector.desk.visits.live import live_of, unfiltered
from dongui_collector.desk.visits.panels import COLUMNS, LISTS, PANELS
from dongui_collector.desk.visits.parts import bar_of, extra_of, head_of, labels_of, now_of, panel_of, purposes_of
from dongui_collector.desk.visits.screen_state import read
from dongui_collector.desk.visits.suggesting import filter_of, suggestions

pages = DeskPages("visits", __name__, url_prefix="/console/visits")


@pages.get(
    "",
    endpoint="visits",
    right="visits",
    nobody="counts by day, page, source and the like; no row of anybody",
    menu=MenuLine("visits", 1, "visits"),
)
def screen() -> str:
    """The whole screen; its parts follow as fragments unless the address says that no scripts run."""
    reader = _reader()
    asked = reader.asked
    parts = {name: panel_of(reader, name) for name in PANELS} if asked.whole else {}
    return render_template(
        "visits/visits.html",
        columns=COLUMNS,
        parts=parts,
        head=head_of(reader) if asked.whole else None,
        extras=list(EXTRAS),
        extra_parts={name: extra_of(reader, name) for name in EXTRAS} if asked.whole else {},
        now_part=now_of(reader) if asked.whole else {},
        whole_href=asked.query(whole=True),
        **bar_of(reader),
    )


@pages.get("/head", right="visits", nobody="the same")
def head() -> str:
    """Figures and graph."""
    reader = _reader()
    return render_template("visits/head.html", head=head_of(reader), target=url_for("visits.visits"), **bar_of(reader))


@pages.get("/panel/<name>", right="visits", nobody="the same")
def panel(name: str) -> str:
    """One panel with its open list."""
    if name not in PANELS:
        raise NotFound
    reader = _reader()
    return render_template("visits/panel.html", part=panel_of(reader, name), asked=reader.asked)


@pages.get("/extra/<name>", right="visits", nobody="the same")
def extra(name: str) -> str:
    """Goals, funnels, who came back, web vitals."""
    if name not in EXTRAS:
        raise NotFound
    reader = _reader()
    return render_template("visits/extra.html", extra=extra_of(reader, name), asked=reader.asked)


@pages.get("/now", right="visits", nobody="the same", polled=True)
def now() -> str:
    """How many visitors did something within the last minutes."""
    return render_template("visits/now.html", **now_of(_reader()))


@pages.get("/live", endpoint="live", right="visits", nobody="the same")
def live_page() -> str:
    """The last half hour, renewed every five seconds unless the address says that it stands still."""
    reader, still = unfiltered(_reader()), request.args.get("still") == "1"
    query = reader.asked.query()
    pause = url_for("visits.live") + query + ("" if still else f"{'&' if len(query) > 1 else ''}still=1")
    back = url_for("visits.visits") + query
    return render_template(
        "visits/live.html", part=live_of(reader), still=still, pause=pause, back=back, **bar_of(reader)
    )


@pages.get("/live/part", right="visits", nobody="the same", polled=True)
def live_part() -> str:
    """What of the live page is renewed."""
    reader = unfiltered(_reader())
    return render_template("visits/live_part.html", part=live_of(reader), still=False, asked=reader.asked)


@pages.get("/list/<name>", endpoint="rows", right="visits", nobody="the same")
def rows_page(name: str) -> str:
    """A whole list: every figure of its report, searched, sorted and paged."""
    if name not in LISTS:
        raise NotFound
    reader, tab = _reader(), LISTS[name]
    wanted = ListQuery.of(request.args)
    lacking = reader.lacking((tab.dimension, tab.beside))
    shown = None if lacking else whole_list(reader, tab, wanted, g.lang, words())
    return render_template(
        "visits/list.html",
        tab=tab,
        shown=shown,
        wanted=wanted,
        lacking=labels_of(reader, lacking),
        back=url_for("visits.visits") + reader.asked.query(),
        rests_on=purposes_of(reader, reader.rests_on((tab.dimension,))),
        **bar_of(reader),
    )


@pages.get("/csv/<name>", endpoint="download", right="visits", nobody="the same")
def download_panel(name: str) -> Response:
    """A panel as a file: every row of its list, as it is filtered and sorted."""
    if name not in DOWNLOADS:
        raise NotFound
    return download(_reader(), name, ListQuery.of(request.args))


@pages.get("/filter", right="visits", nobody="takes a filter, leads to the screen")
def filter() -> Response:
    """A filter from the form: its parts become one, and the screen is shown with it."""
    asked = _reader().asked
    given = request.args
    one = filter_of(given.get("dimension", ""), given.get("how", ""), given.get("value", "").strip())
    parse_filter(one)
    return redirect(url_for("visits.visits") + asked.with_filter(one), 303)


@pages.get("/sites", endpoint="glance", right="visits", nobody="the same")
def all_sites() -> str:
    """All sites at a glance, of one period."""
    core = open_core()
    asked = glance.state_of(core, request.args.get("period", ""))
    return render_template(
        "visits/glance.html",
        asked=asked,
        lines=glance.lines(core, asked, g.lang),
        figures=glance.SHOWN,
        periods=glance.PERIODS,
    )


@pages.get("/suggest", right="visits", nobody="values that the lists have")
def suggest() -> str:
    """What the form's value may be, as it is typed: values that the lists of the period have."""
    found = suggestions(_reader(), request.args.get("dimension", ""), request.args.get("value", ""))
    return render_template("visits/suggestions.html", values=found)


def _reader() -> ScreenReader:
    core, site = open_core(), chosen_site()
    today = core.clock.today(core.settings.zone)
    held = first_held(core, site, numbers=request.args.get("period") == "all")
    named = site.id if len(core.registry.sites()) > 1 else ""
    return ScreenReader(core, site, read(request.args, today, held, named))
