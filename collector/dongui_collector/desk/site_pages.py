"""The sites of the installation and their origins. For the administrator; a secret key is shown this once."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from dongui_collector.access.audit_log import RecordAccess
from dongui_collector.desk.shell import change, done, guard, open_core
from dongui_collector.ledger.sites import AddSite, DropOrigin, SiteOrigins

pages = Blueprint("sites", __name__, url_prefix="/console/sites")

guard(pages, {"sites": "access", "add": "access", "drop": "access"})


@pages.get("")
def sites() -> str:
    return _page(None)


@pages.post("")
def add() -> str:
    """A new site, or more origins of one that there is. Shows the key on the answer itself; it is stored nowhere."""
    origins = request.form.get("origins", "").split()
    made = change(AddSite, origins=origins, text=None)
    open_core().registry.reload()
    return _page(made)


@pages.post("/<id>/origins")
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
    sites = [(site, core.registry.in_force(site.ref, now)) for site in core.registry.sites()]
    return render_template("sites.html", sites=sites, made=made)
