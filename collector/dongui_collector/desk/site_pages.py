"""The sites of the installation and their origins. For the administrator; a secret key is shown this once."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.desk.shell import ask, done, guard, open_core
from dongui_collector.storage.contract.values import Json

pages = Blueprint("sites", __name__, url_prefix="/console/sites")

guard(pages, {"sites": "access", "add": "access", "drop": "access"})


@pages.get("")
def sites() -> str:
    return _page(None)


@pages.post("")
def add() -> str:
    """A new site, or more origins of one that there is. Shows the key on the answer itself; it is stored nowhere."""
    origins = request.form.get("origins", "").split()
    made: Json = ask("sites.add", name=request.form.get("name", "").strip(), origins=origins)
    open_core().registry.reload()
    return _page(made)


@pages.post("/<id>/origins")
def drop(id: str) -> Response:
    """Take an origin from a site. Who did stands on the access log."""
    origin = request.form.get("origin", "")
    left = ask("sites.drop_origin", site=id, origin=origin)
    what = {"origin": origin, "left": len(left["origins"])}
    address = request.remote_addr or ""
    ask("audit.look", action="sites.drop_origin", by=current_user.name, site=id, address=address, what=what)
    return done("sites.sites", "origin_dropped")


def _page(made: Json | None) -> str:
    core = open_core()
    now = core.clock.now()
    sites = [(site, core.registry.in_force(site.ref, now)) for site in core.registry.sites()]
    return render_template("sites.html", sites=sites, made=made)
