"""A site that waits for its first visit: the steps to it, ticked as they are done, and the refused origins."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import current_app, render_template, request
from werkzeug.wrappers import Response

from dongui_collector.core.arrivals import SiteArrivals
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, done, open_core
from dongui_collector.desk.site_checks import SiteChecks
from dongui_collector.ledger.refused_origins import ListRefusedOrigin, ShowArrivals
from dongui_collector.site_check.check import state_of
from dongui_collector.site_check.live import steps

pages = DeskPages("first_visit", __name__, url_prefix="/console/first-visit")


@pages.get("", nobody="steps of a set-up", menu=MenuLine("set_up", 4, "first_visit"))
def first_visit() -> str:
    return render_template("first_visit.html", **_shown())


@pages.get("/steps", nobody="steps of a set-up", polled=True)
def live_steps() -> str:
    """The steps alone, which the page asks for every few seconds."""
    return render_template("first_visit_steps.html", **_shown())


@pages.post("/check", right="access", nobody="looks at the site's own pages")
def check() -> Response:
    started = _checks().start(chosen_site())
    return done("first_visit.first_visit", "check_started" if started else "check_busy")


@pages.post("/end", right="access", nobody="ends a look at the site's pages")
def end() -> Response:
    _checks().end()
    return done("first_visit.first_visit", "check_ended")


@pages.post("/origins", right="publish", nobody="lists an origin; it stands on the chain")
def list_origin() -> Response:
    change(ListRefusedOrigin, site=chosen_site().id, origin=request.form.get("origin", ""))
    return done("first_visit.first_visit", "origin_listed")


def _checks() -> SiteChecks:
    found: SiteChecks = current_app.extensions["dongui-site-checks"]
    return found


def _shown() -> dict[str, Any]:
    core, site, checks = open_core(), chosen_site(), _checks()
    state, last = state_of(core, site), checks.of(site)
    arrivals = core.control.if_running(ShowArrivals(site.id)) or SiteArrivals()
    refused = [one for one in arrivals.refused if one.origin not in site.origins]
    return {
        "site": site,
        "recorded": state.recorded,
        "steps": steps(state, [look.checks for look in last.looks], last.at, arrivals),
        "last": last,
        "running": checks.running,
        "refused": [(one, urlsplit(one.origin).hostname) for one in refused],
    }
