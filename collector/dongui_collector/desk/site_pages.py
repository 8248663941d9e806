"""The sites of the installation and their origins. For the administrator; a secret key is shown this once."""

from __future__ import annotations

from flask import render_template, request
from werkzeug.wrappers import Response

from dongui_collector.access.audit_log import RecordAccess
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, done, open_core
from dongui_collector.ledger.sites import AddSite, DropOrigin, SiteOrigins

pages = DeskPages("sites", __name__, url_prefix="/console/sites")


@pages.get("", right="access", nobody="sites", menu=MenuLine("set_up", 3, "sites"))
def sites() -> str:
    return _page(None)


@pages.post("", right="access", nobody="adds a site")
def add() -> str:
    """A new site, or more origins of one that there is. Shows the key on the answer itself; it is stored nowhere."""
    origins = request.form.get("origins", "").split()
    made = change(AddSite, origins=origins, text=None)
    open_core().registry.reload()
    return _page(made)


@pages.post("/<id>/origins", right="access", nobody="takes an origin from one; who did is on the log")
def drop(id: str) -> Response:
    """Take an origin from a site. Who did stands on the access log."""
    origin = request.form.get("origin", "")
    left = change(DropOrigin, site=id, origin=origin)
    what = {"origin": origin, "left": len(left.origins)}
    change(RecordAccess, action="sites.drop_origin", site=id, what=what)
    return done("sites.sites", "origin_dropped")


def _page(made: SiteOrigins | None) -> str:
    core = open_core()
    now = core.clock.now()
    sites = [(site, core.registry.current(site.ref, now)) for site in core.registry.sites()]
    return render_template("sites.html", sites=sites, made=made)
