"""Consent: how visitors chose, in numbers; the texts that they were shown; their receipts, for the officer alone."""

from __future__ import annotations

from datetime import timedelta

from dongui.policy import notice as notice_json
from flask import render_template, request
from werkzeug.exceptions import NotFound

from dongui_collector.analytics.consent_stats import figures, together
from dongui_collector.desk.consent_charts import stacks, strip
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, open_core
from dongui_collector.ledger.notices import LoadedNotice
from dongui_collector.rights.receipts import ConsentsFound, ShowReceipts
from dongui_collector.storage.contract.values import Site

pages = DeskPages("consent", __name__, url_prefix="/console/consent")

RANGES = (7, 30, 90, 365)
_BARS = 60
_LONGEST = 200  # characters of an id that is looked up


@pages.get("", right="overview", nobody="numbers", menu=MenuLine("privacy", 3, "consent"))
def consent() -> str:
    core, site = open_core(), chosen_site()
    days = request.args.get("days", 30, type=int)
    days = days if days in RANGES else 30
    today = core.clock.today(core.settings.zone)
    first = today - timedelta(days=days - 1)
    notice = core.registry.current(site.ref, core.clock.now())
    asked = notice.policy.consent_purposes if notice else ()
    found = figures(core.storage.ledger.totals(site.ref, first), first, today, asked)
    return render_template(
        "consent.html",
        site=site,
        sites=core.registry.sites(),
        f=found,
        days=days,
        ranges=RANGES,
        today=today,
        stacks=stacks(together(found.days, _BARS)),
        strip=strip,
        purposes=asked,
        labels={id: p.label for n in core.registry.notices(site.ref) for id, p in n.policy.purposes.items()},
        notices=core.registry.notices(site.ref)[::-1],
        current=notice,
    )


@pages.get("/texts/<version>/<language>", right="overview", nobody="what everybody was shown")
def text(version: str, language: str) -> str:
    """What a notice version told whoever was asked, in one of its languages, word for word (K1)."""
    site = chosen_site()
    notice = _notice(site, version)
    if language not in notice.policy.notice.languages:
        raise NotFound
    told = notice_json(notice.policy, lang=language, site=site.id, accepts=[])
    return render_template("consent_text.html", site=site, notice=notice, told=told)


@pages.get("/receipts", right="requests", nobody="an empty form")
def receipts() -> str:
    return _receipts(None)


@pages.post("/receipts", right="requests", audit="receipt.show")
def look_up() -> str:
    """Shows the receipts on the answer itself; that they were looked up stands in the access log by then."""
    given = {name: request.form.get(name, "").strip()[:_LONGEST] or None for name in ("visitor", "receipt")}
    return _receipts(change(ShowReceipts, **given))


def _receipts(found: ConsentsFound | None) -> str:
    return render_template("receipts.html", found=found)


def _notice(site: Site, version: str) -> LoadedNotice:
    found = next((n for n in open_core().registry.notices(site.ref) if n.version == version), None)
    if found is None:
        raise NotFound
    return found
