"""``GET /v1/reports/{name}``: numbers about visits, counted only from what the asking purposes cover."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

import msgspec
from flask import current_app, request
from werkzeug.wrappers import Response

from dongui_collector.analytics.entitled_events import no_recipient
from dongui_collector.analytics.executor import LIMIT, Query, report
from dongui_collector.analytics.filters import ReportError, parse_filter
from dongui_collector.analytics.intervals import Interval
from dongui_collector.analytics.query import MOST_STEPS
from dongui_collector.analytics.reports import REPORTS
from dongui_collector.analytics.saved_views import Segment, segment_of, views_of
from dongui_collector.core.addresses import readable_path
from dongui_collector.core.errors import NotAllowed
from dongui_collector.desk import parameters
from dongui_collector.desk.access import READERS, Problem, authorised
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.table_files import as_download
from dongui_collector.desk.turns import turn
from dongui_collector.retention.installation import Installation

segment_calls = DeskPages("segments", __name__, url_prefix="/v1/segments", signed_in=False)
calls = DeskPages("reports", __name__, url_prefix="/v1/reports", signed_in=False)

_ONCE = (
    "site",
    "from",
    "to",
    "interval",
    "compare",
    "event",
    "property",
    "beside",
    "goal",
    "value",
    "currency",
    "sort",
    "order",
    "limit",
    "offset",
    "format",
)
_MANY = ("purpose", "filter", "segment", "step")
_MOST = 10**9 - 1
_MOST_FILTERS = 50


@calls.get("/<name>", nobody="counts by day, page, source and the like; no row of anybody")
def show(name: str) -> Response:
    """One report of the days ``from`` to ``to``, both included, of the site that the reader may read."""
    core: Installation = current_app.extensions["dongui"]
    who = authorised(core, READERS)
    if name not in REPORTS:
        raise Problem("not-found", f"there are the reports {', '.join(REPORTS)}")
    parameters.check(_ONCE, many=_MANY)
    as_csv = _as_csv()
    try:
        no_recipient(who.recipient)
        with turn():
            question = _question(name, every=as_csv and "limit" not in request.args)
            segments = [segment_of(core, who.site, named) for named in request.args.getlist("segment")[:_MOST_FILTERS]]
            found = report(core, who.site, who.purposes, _within(question, segments))
    except NotAllowed as error:
        raise Problem("forbidden", str(error)) from None
    except ReportError as error:
        raise Problem("malformed", str(error)) from None
    if segments:
        found["segments"] = [{"name": one.name, "version": one.version} for one in segments]
    return (
        as_download(found)
        if as_csv
        else Response(json.dumps(found, ensure_ascii=False), content_type="application/json")
    )


@segment_calls.get("", endpoint="segments", nobody="names of filters; nothing of anybody")
def segments() -> dict[str, Any]:
    """The segments of the site that the reader may read: their filters, and how often they were changed."""
    core: Installation = current_app.extensions["dongui"]
    who = authorised(core, READERS)
    parameters.check(("site",))
    try:
        no_recipient(who.recipient)
    except NotAllowed as error:
        raise Problem("forbidden", str(error)) from None
    return {"segments": [msgspec.to_builtins(one) for one in views_of(core, who.site).segments]}


def _within(question: Query, segments: Sequence[Segment]) -> Query:
    """The question as if the filters of the segments were written in it."""
    named = (parse_filter(text) for one in segments for text in one.filters)
    filters = tuple(dict.fromkeys((*question.filters, *named)))
    if len(filters) > _MOST_FILTERS:
        raise ReportError(f"at most {_MOST_FILTERS} filters, those of segments among them")
    return replace(question, filters=filters)


def _as_csv() -> bool:
    """Whether a table is asked for: by ``format``, else by ``Accept``, where it comes before JSON."""
    wanted = request.args.get("format")
    if wanted not in (None, "json", "csv"):
        raise Problem("malformed", "format is json or csv")
    known = ("application/json", "text/csv")
    return wanted == "csv" if wanted else request.accept_mimetypes.best_match(known, known[0]) == "text/csv"


def _question(name: str, *, every: bool) -> Query:
    given = request.args
    if len(filters := given.getlist("filter")) > _MOST_FILTERS:
        raise ReportError(f"at most {_MOST_FILTERS} filters")
    if given.get("compare", "previous") != "previous":
        raise ReportError("compare is previous")
    if given.get("order", "asc") not in ("asc", "desc"):
        raise ReportError("order is asc or desc")
    of_now = name == "now" and not {"from", "to"} & set(given)
    return Query(
        name,
        date(2000, 1, 1) if of_now else parameters.day("from"),
        date(2000, 1, 1) if of_now else parameters.day("to"),
        steps=tuple(map(parse_filter, given.getlist("step")[: MOST_STEPS + 1])),
        filters=tuple(map(parse_filter, filters)),
        interval=cast(Interval, given.get("interval", "day")),
        compare="compare" in given,
        event_name=given.get("event", ""),
        property_name=given.get("property", ""),
        beside=readable_path(given.get("beside", "")),
        goal=parse_filter(given["goal"]) if "goal" in given else None,
        value_name=given.get("value", ""),
        currency_name=given.get("currency", "currency"),
        sort=given.get("sort", ""),
        ascending={"asc": True, "desc": False}.get(given.get("order", "")),
        limit=parameters.number("limit", LIMIT, _MOST),
        offset=parameters.number("offset", 0, _MOST),
        every=every,
    )
