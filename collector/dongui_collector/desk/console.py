"""The console's pages. Reading happens here; changes are asked of the collector in the name of who is signed in."""

from __future__ import annotations

from datetime import timedelta

from dongui.policy import RecordClass
from flask import current_app, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dongui_collector.core.clock import start_of
from dongui_collector.desk.frame import chosen_site
from dongui_collector.desk.overview import bars, overview
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.portions import rows_held
from dongui_collector.desk.proof import Verifier
from dongui_collector.desk.shell import change, done, form, open_core
from dongui_collector.evidence.bundle import verifier_digest
from dongui_collector.retention.hold_operations import AddHold, ReleaseHold
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.inventory import Portion, agenda, by_class, by_item, calendar
from dongui_collector.retention.operations import ApproveDestructions, GrantApproval, RevokeApproval
from dongui_collector.retention.serializers import DestructionSummary, hold_json
from dongui_collector.site_check.check import is_recorded
from dongui_collector.storage.contract.values import LedgerRecord

pages = DeskPages("console", __name__, url_prefix="/console")

_HISTORY = 100
_NEWEST = 50


@pages.get("/", endpoint="overview", right="overview", nobody="numbers", menu=MenuLine("privacy", 2, "overview"))
def overview_page() -> str:
    core = open_core()
    site = chosen_site()
    schedule = core.retention.planner.schedule(core.retention.holds.standing())
    ends = {stored.day: stored.destroyed_on for stored in schedule}
    shown = overview(core, site, current_app.extensions["dongui-counts"], ends)
    portions: list[Portion] = current_app.extensions["dongui-portions"].of(site)
    notices = [notice for one in core.registry.sites() for notice in core.registry.notices(one.ref)]
    return render_template(
        "overview.html",
        o=shown,
        rows=rows_held(portions),
        bars=bars(shown.days),
        site=site,
        recorded=is_recorded(core, site),
        classes=by_class(portions),
        items=by_item(portions),
        months=calendar(portions, core.retention.today()),
        agenda=agenda(portions),
        today=core.retention.today(),
        rules=_classes(core),
        item_labels={id: item.label for notice in notices for id, item in notice.policy.items.items()},
        holds=len(core.retention.holds.standing()),
        last_run=core.retention.last_success(),
        next_run=start_of(core.clock.today(core.settings.zone) + timedelta(days=1), core.settings.zone),
    )


def _classes(core: Installation) -> dict[str, RecordClass]:
    """Every record class that some notice of some site knows, as the newest says."""
    notices = (notice for site in core.registry.sites() for notice in core.registry.notices(site.ref))
    return {id: record_class for notice in notices for id, record_class in notice.policy.records.items()}


# --- destruction (S5.3: selected → approved → destroyed) -------------------------------------------------------------


@pages.get("/destructions", nobody="days, classes and numbers", menu=MenuLine("privacy", 5, "destructions"))
def destructions() -> str:
    core = open_core()
    today = core.retention.today()
    shown = [DestructionSummary.of(d, today) for d in core.storage.admin.destructions()]
    open_ = [d for d in shown if d.state not in ("done", "lapsed")]
    past = [d for d in reversed(shown) if d.state in ("done", "lapsed")][:_HISTORY]
    live = sorted({(group[0], group[1]) for group in core.storage.records.groups()})
    return render_template(
        "destructions.html",
        open=open_,
        past=past,
        standing=core.retention.standing.current(),
        unsigned=core.retention.standing.unsigned(),
        live=[(core.registry.site_by_ref(ref), class_id) for ref, class_id in live],
        rules={
            id: c
            for s in core.registry.sites()
            for n in core.registry.notices(s.ref)
            for id, c in n.policy.records.items()
        },
    )


@pages.post("/destructions/approve", right="approve", nobody="approves by number")
def approve() -> Response:
    ids = [int(id) for id in request.form.getlist("id") if id.strip()]
    change(ApproveDestructions, ids=ids or None)
    return done("console.destructions", "approved_note")


@pages.post("/destructions/standing", right="approve", nobody="approves the routine")
def standing() -> Response:
    change(GrantApproval) if request.form.get("grant") else change(RevokeApproval)
    return done("console.destructions", "saved")


# --- legal holds (S3.2) ----------------------------------------------------------------------------------------------


@pages.get("/holds", nobody="that a hold names one person, never whom", menu=MenuLine("privacy", 6, "holds"))
def holds() -> str:
    core = open_core()
    classes = _classes(core)
    shown = [hold_json(h) for h in reversed(core.storage.admin.holds(active=False))]
    names = {site.ref: site.name for site in core.registry.sites()}
    return render_template("holds.html", holds=shown, classes=classes, sites=core.registry.sites(), names=names)


_PERSONS = "names nobody: holds on a person are added by the officer's command"
form(pages, "/holds", "add_hold", AddHold, "console.holds", nobody=_PERSONS)
form(pages, "/holds/<int:id>/release", "release_hold", ReleaseHold, "console.holds", nobody="by number")


# --- the ledger ------------------------------------------------------------------------------------------------------


@pages.get("/ledger", nobody="kinds and commitments, never whose or what", menu=MenuLine("privacy", 9, "ledger"))
def ledger() -> str:
    store = open_core().storage.ledger
    count = store.head()[0]
    records: list[LedgerRecord] = store.records(after=max(0, count - _NEWEST), limit=_NEWEST)
    verifier: Verifier = current_app.extensions["dongui-verifier"]
    shown = {"count": count, "records": records[::-1], "verifier": verifier}
    return render_template("ledger.html", **shown, digest=verifier_digest())


@pages.post("/ledger/verify", nobody="verifies")
def verify() -> Response:
    current_app.extensions["dongui-verifier"].start()
    return redirect(url_for("console.ledger"), 303)
