"""A shared link: somebody without an account reads a site's figures. Fixed, read-only, rounded, cut to what many share.

A link is of finished weeks or months, as it was made: its periods never overlap, the graph has one point for each, and
headline, graph and lists are all rounded and cut alike (``analytics/public_numbers.py``). Only lists whose values are
not written by visitors: no searches, no cities, no referrers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from flask import g, make_response, render_template, request, url_for
from werkzeug.exceptions import NotFound, TooManyRequests
from werkzeug.wrappers import Response

from dongui_collector.analytics.filters import DIMENSIONS, ReportError
from dongui_collector.analytics.public_numbers import PublicNumbers, finished
from dongui_collector.analytics.query import MOST_ROWS
from dongui_collector.analytics.shared_links import SharedLink, check_public, of_token
from dongui_collector.analytics.snapshot_reader import STATES
from dongui_collector.desk.language import words
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.shell import open_core
from dongui_collector.desk.visits.answers import ScreenReader, not_known
from dongui_collector.desk.visits.panels import SHOWN, TABS, panel_of, rows
from dongui_collector.desk.visits.parts import head_of, purposes_of
from dongui_collector.desk.visits.periods import CUSTOM
from dongui_collector.desk.visits.screen_state import METRICS, ScreenState
from dongui_collector.intake.credentials import RateLimit
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Json, Site

pages = DeskPages("shared", __name__, url_prefix="/share", signed_in=False)

LISTS = ("channels", "pages", "countries", "devices")
_limit = RateLimit(0.5, 30)


@pages.get("/<token>", endpoint="shared", nobody="counts; of lists only what at least ten visitors share")
def show(token: str) -> Response:
    core = open_core()
    share = of_token(core, token)
    if not _limit.allow(share.hash if share else "", request.remote_addr):
        raise TooManyRequests
    site = core.registry.site(share.site) if share else None
    if share is None or site is None:
        raise NotFound
    notice = core.registry.in_force(site.ref, core.clock.now())
    standing = [purpose for purpose in share.purposes if purpose in notice.policy.consent_purposes]
    if not standing:
        raise NotFound  # what it was for is asked for no more
    try:
        check_public(share.filters)
    except ReportError:
        raise NotFound from None  # made before links were held to what tells nobody apart
    reader = PublicReader(core, site, share, tuple(standing), request.args)
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
            periods=[(days, asked.query(first=days[0], last=days[1])) for days in reader.periods],
            intervals=[],
            purposes=purposes_of(reader, reader.purposes),
        )
    )
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer


class PublicReader(ScreenReader):
    """Reads for whoever has a link: one finished period, or all of them as a timeseries, never exactly.

    Of the address only the figure of the graph and the period's first day count, where that is one of the link's.
    """

    def __init__(
        self, core: Installation, site: Site, share: SharedLink, purposes: tuple[str, ...], args: Mapping[str, str]
    ) -> None:
        kind = share.period
        self.periods = finished(kind, core.clock.today(core.settings.zone))
        first, last = next((one for one in self.periods if one[0].isoformat() == args.get("from")), self.periods[0])
        filters = share.filters
        metric = args.get("metric", "")
        state = ScreenState(CUSTOM, first, last, "none", kind, metric if metric in METRICS else METRICS[0])
        super().__init__(core, site, replace(state, filters=filters, purposes=purposes, fixed=True))
        about = (site.id, sorted(purposes), sorted(filters))
        self._numbers = PublicNumbers(core.keyring.derive(b"public-numbers"), about)

    def ask(self, name: str, days: tuple[date, date] | None = None, **more: Any) -> Json:
        first = self.asked.first
        if name == "timeseries":
            answer = super().ask(name, (self.periods[-1][0], self.periods[0][1]), interval=self.asked.interval)
            rows = [self._headline(row["time"], row) for row in answer["rows"]]
        elif name == "overview":
            answer = super().ask(name)
            rows = [self._headline(first.isoformat(), row) for row in answer["rows"]]
        else:
            answer = super().ask(name, limit=MOST_ROWS)
            names = [column for column in (answer["rows"] or [{}])[0] if column in DIMENSIONS]
            rows = self._numbers.rows(name, first, names, answer["rows"])[: more["limit"]]
        total = self._headline(first.isoformat(), {"visitors": answer["visitors"], "visits": answer["visits"]})
        return answer | total | {"rows": rows, "days": dict.fromkeys(STATES, 0), "consented": _coarse(answer, total)}

    def _headline(self, begins: str, row: Json) -> Json:
        """The figures of a whole period: the same in the headline and as the graph's point."""
        return self._numbers.row(("overview", begins if len(begins) > 7 else f"{begins}-01"), row)


def _coarse(answer: Json, total: Json) -> float | None:
    share = answer["consented"]
    return None if share is None or total["visitors"] is None else round(share * 20) / 20


def _list(reader: PublicReader, name: str) -> dict[str, Any] | None:
    """The longest rows of a list that enough visitors share; None where the link's purposes do not cover it."""
    tab = TABS[name]
    if reader.lacking((tab.dimension, tab.beside)):
        return None
    answer = reader.ask(name, limit=SHOWN)
    listed = rows(tab, answer, reader.asked, g.lang, words())
    whole = {"not_known": not_known(answer), "shortened": answer["shortened"]}
    return {"name": name, "panel": panel_of(name), "tab": tab, "rows": listed} | whole
