"""The access log and its monthly review (K12), for officer and auditor."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.access import audit_log
from dongui_collector.access.audit_log import SignReview
from dongui_collector.access.audit_review import month_days, review
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, done, open_core

pages = DeskPages("audit", __name__, url_prefix="/console/audit")

_SHOWN = 500
_MONTHS = 24


@pages.get(
    "",
    right="audit",
    nobody="the log itself: staff, and persons under names of the log's own",
    menu=MenuLine("privacy", 10, "audit_log"),
)
def log() -> str:
    """A month of the log: in numbers, then its newest entries."""
    core = open_core()
    today = core.clock.today(core.settings.zone)
    month = request.args.get("month") or today.isoformat()[:7]
    try:
        first, end = month_days(month)
    except ValueError:
        raise NotFound from None
    found = list(audit_log.entries(core, first, end))
    months = [today.isoformat()[:7]]
    while len(months) < _MONTHS:
        months.append((month_days(months[-1])[0] - timedelta(days=1)).isoformat()[:7])
    return render_template(
        "audit.html",
        month=month,
        months=months,
        review=review(month, found, core.settings.zone),
        entries=found[::-1][:_SHOWN],
        signed=audit_log.reviews(core).get(month),
        over=end <= today,
    )


@pages.post("/review", right="audit", nobody="signs a review")
def sign() -> Response:
    month = request.form.get("month", "")
    change(SignReview, month=month)
    return done("audit.log", "review_signed", month=month)
