"""A shared link: somebody without an account reads a site's figures. Fixed, read-only, and cut to what many share.

Lists show only what at least five visitors have in common (``Reader.ask_of_many``), and only lists whose values are not
written by visitors: no searches, no cities, no referrers.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, g, make_response, render_template, request, url_for
from werkzeug.exceptions import NotFound, TooManyRequests
from werkzeug.wrappers import Response

from dongui_collector.analytics.shared_links import of_token
from dongui_collector.desk.language import words
from dongui_collector.desk.shell import open_core
from dongui_collector.desk.visits import periods
from dongui_collector.desk.visits.answers import ScreenReader, first_held, untold
from dongui_collector.desk.visits.panels import SHOWN, TABS, panel_of, rows
from dongui_collector.desk.visits.parts import head_of, purposes_of
from dongui_collector.desk.visits.screen_state import read
from dongui_collector.intake.credentials import RateLimit

pages = Blueprint("shared", __name__, url_prefix="/share")

LISTS = ("channels", "pages", "countries", "devices")
_limit = RateLimit(0.5, 30)


@pages.get("/<token>", endpoint="shared")
def show(token: str) -> Response:
    core = open_core()
    share = of_token(core, token)
    if not _limit.allow(share["hash"] if share else "", request.remote_addr):
        raise TooManyRequests
    site = core.registry.site(share["site"]) if share else None
    if share is None or site is None:
        raise NotFound
    notice = core.registry.in_force(site.ref, core.clock.now())
    standing = [purpose for purpose in share["purposes"] if purpose in notice.policy.consent_purposes]
    if not standing:
        raise NotFound  # what it was for is asked for no more
    today = core.clock.today(notice.zone)
    held = first_held(core, site, numbers=request.args.get("period") == "all")
    args = request.args.copy()
    args.setlist("filter", share["filters"])
    args.setlist("purpose", standing)
    reader = ScreenReader(core, site, read(args, today, held, fixed=True))
    asked = reader.asked
    answer = make_response(
        render_template(
            "visits/shared.html",
            share=share,
            site=site,
            asked=asked,
            target=url_for("shared.shared", token=token),
            head=head_of(reader),
            lists=[found for name in LISTS if (found := _list(reader, name))],
            periods=[(name, "", asked.of_period(name, today, held)) for name in periods.PERIODS],
            intervals=[(one, asked.query(interval=one)) for one in periods.offered(asked.first, asked.last)],
            purposes=purposes_of(reader, reader.purposes),
        )
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


def _list(reader: ScreenReader, name: str) -> dict[str, Any] | None:
    """The longest rows of a list that enough visitors share; None where the link's purposes do not cover it."""
    tab = TABS[name]
    if reader.lacking((tab.dimension, tab.beside)):
        return None
    answer = reader.ask_of_many(name, SHOWN)
    listed = rows(tab, answer, reader.asked, g.lang, words())
    return {"name": name, "panel": panel_of(name), "tab": tab, "rows": listed, "untold": untold(answer)}
