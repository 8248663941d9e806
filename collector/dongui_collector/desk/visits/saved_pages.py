"""What is kept of the Visits screen, as a page: goals, funnels, notes, views; added and dropped by hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from flask import render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.analytics.saved_views import KINDS, DropView, KeepView, views_of
from dongui_collector.analytics.shared_links import CreateShare, RevokeShare, SharedLinkMade, live
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.shell import change, done, open_core

pages = DeskPages("kept", __name__, url_prefix="/console/visits/kept")


@pages.get("", endpoint="kept", right="visits", nobody="goals, funnels, notes and views of the screen")
def page() -> str:
    return _page()


def _page(made: SharedLinkMade | None = None) -> str:
    """The page; ``made`` is a shared link whose address is shown this once."""
    core, site = open_core(), chosen_site()
    notice = core.registry.current(site.ref, core.clock.now())
    return render_template(
        "visits/kept.html",
        kept=views_of(core, site),
        shares=[share for share in live(core) if share.site == site.id],
        made=made,
        purposes=notice.policy.purposes if notice else {},
        site=site,
        query=(query := request.args.get("query", "")[:8000]),
        filters=parse_qs(query).get("filter", []),
        today=core.clock.today(core.settings.zone),
    )


@pages.post("/<kind>", right="visits", nobody="keeps one")
def keep(kind: str) -> Response:
    if kind not in KINDS:
        raise NotFound
    change(KeepView, kind=kind, fields=_fields(kind), site=chosen_site().id)
    return done("kept.kept", "saved")


@pages.post("/drop", right="visits", nobody="drops one")
def drop() -> Response:
    change(DropView, id=request.form.get("id", 0, type=int), site=chosen_site().id)
    return done("kept.kept", "saved")


@pages.post("/share", right="export", nobody="makes a shared link")
def share() -> str:
    """A link to the screen as the form's address has it: its filters and purposes."""
    query = parse_qs(request.form.get("query", "")[:8000])
    chosen = {"filters": query.get("filter", []), "purposes": query.get("purpose", [])}
    return _page(change(CreateShare, **chosen, site=chosen_site().id))


@pages.post("/share/revoke", right="export", nobody="ends one")
def revoke() -> Response:
    change(RevokeShare, id=request.form.get("id", 0, type=int))
    return done("kept.kept", "saved")


def _fields(kind: str) -> dict[str, Any]:
    """A form's fields as the operation takes them."""
    form = request.form
    fields: dict[str, Any] = {name: form.get(name, "") for name in ("name", "day", "text", "query")}
    if kind == "goals":
        fields["what"] = f"{form.get('dimension', '')}:{form.get('value', '').strip()}"
        fields["value"] = form.get("amount", "").strip()
    if kind == "funnels":
        fields["steps"] = [line.strip() for line in form.get("steps", "").splitlines() if line.strip()]
    if kind == "segments":
        fields["filters"] = form.getlist("filter")
    return fields
