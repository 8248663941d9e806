"""The console's pages. Reading happens here; changes are asked of the collector in the name of who is signed in."""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from dongui_collector import control
from dongui_collector.core import Core
from dongui_collector.desk.language import words
from dongui_collector.desk.overview import bars, overview
from dongui_collector.desk.proof import Verifier
from dongui_collector.keeping.keeper import STANDING
from dongui_collector.keeping.shown import destruction_json, hold_json
from dongui_collector.office import ROLES
from dongui_collector.publishing import find_site
from dongui_collector.storage.base import LedgerRecord

pages = Blueprint("console", __name__, url_prefix="/console")

# Page → what the role must be allowed to do (desk/login.py); "read" for those not named.
_NEEDS = {
    "overview": "overview",
    "access": "access",
    "create_token": "access",
    "revoke_token": "access",
    "put_account": "access",
    "approve": "approve",
    "standing": "approve",
    "add_hold": "holds",
    "release_hold": "holds",
}
_HISTORY = 100
_NEWEST = 50


def _core() -> Core:
    core: Core = current_app.extensions["dongui"]
    return core


def _ask(operation: str, **arguments: Any) -> Any:
    """Have the collector change something."""
    return control.call(_core().settings, operation, **arguments)


def _done(page: str, message: str) -> Response:
    flash(words()[message], "done")
    return redirect(url_for(f"console.{page}"), 303)


@pages.before_request
def signed_in_only() -> Response | None:
    """Every page of the console but the login, which is not of this blueprint."""
    if not current_user.is_authenticated:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("login", next=wanted), 303)
    page = (request.endpoint or "").removeprefix("console.")
    if not current_user.may(_NEEDS.get(page, "read")):
        raise Forbidden
    return None


@pages.context_processor
def waiting() -> dict[str, int]:
    """How many destructions wait, for the mark in the navigation."""
    return {"waiting": len(_core().storage.office.destructions(("selected",)))}


def error_page(what: str, detail: str = "") -> str:
    """A page that says what went wrong; ``what`` is a key of the words."""
    return render_template("error.html", what=what, detail=detail)


@pages.get("/", endpoint="overview")
def overview_page() -> str:
    core = _core()
    site = find_site(core, request.args.get("site") or core.book.sites()[0].id)
    schedule = core.keeper.planner.schedule(core.keeper.holds())
    ends = {date.fromisoformat(d["day"]): date.fromisoformat(d["destroyed_on"]) for d in schedule}
    shown = overview(core, site, current_app.extensions["dongui-counts"], ends)
    return render_template(
        "overview.html",
        o=shown,
        bars=bars(shown.days),
        site=site,
        sites=core.book.sites(),
        last_run=core.keeper.last_success(),
    )


# --- destruction (S5.3: selected → approved → destroyed) -------------------------------------------------------------


@pages.get("/destructions")
def destructions() -> str:
    office = _core().storage.office
    shown = [destruction_json(d) for d in office.destructions()]
    open_ = [d for d in shown if d["state"] not in ("done", "lapsed")]
    past = [d for d in reversed(shown) if d["state"] in ("done", "lapsed")][:_HISTORY]
    return render_template("destructions.html", open=open_, past=past, standing=office.setting(STANDING))


@pages.post("/destructions/approve")
def approve() -> Response:
    ids = request.form.getlist("id", type=int)
    _ask("destruction.approve", ids=ids or None, by=current_user.name)
    return _done("destructions", "approved_note")


@pages.post("/destructions/standing")
def standing() -> Response:
    _ask("approval.grant" if request.form.get("grant") else "approval.revoke", by=current_user.name)
    return _done("destructions", "saved")


# --- legal holds (S3.2) ----------------------------------------------------------------------------------------------


@pages.get("/holds")
def holds() -> str:
    core = _core()
    classes = {id: c for s in core.book.sites() for n in core.book.notices(s.ref) for id, c in n.policy.records.items()}
    shown = [hold_json(h) for h in reversed(core.storage.office.holds(active=False))]
    names = {site.ref: site.name for site in core.book.sites()}
    return render_template("holds.html", holds=shown, classes=classes, sites=core.book.sites(), names=names)


@pages.post("/holds")
def add_hold() -> Response:
    fields = ("reason", "site", "statute", "record_class", "first_day", "last_day", "until")
    given = {name: request.form.get(name, "").strip() or None for name in fields}
    _ask("holds.add", **given | {"reason": given["reason"] or "", "by": current_user.name})
    return _done("holds", "saved")


@pages.post("/holds/<int:id>/release")
def release_hold(id: int) -> Response:
    _ask("holds.release", id=id, by=current_user.name)
    return _done("holds", "saved")


# --- the ledger ------------------------------------------------------------------------------------------------------


@pages.get("/ledger")
def ledger() -> str:
    store = _core().storage.ledger
    count = store.head()[0]
    records: list[LedgerRecord] = store.records(after=max(0, count - _NEWEST), limit=_NEWEST)
    verifier: Verifier = current_app.extensions["dongui-verifier"]
    return render_template("ledger.html", count=count, records=records[::-1], verifier=verifier)


@pages.post("/ledger/verify")
def verify() -> Response:
    current_app.extensions["dongui-verifier"].start()
    return redirect(url_for("console.ledger"), 303)


# --- who may read ----------------------------------------------------------------------------------------------------


@pages.get("/access")
def access() -> str:
    return _access(None)


def _access(made: dict[str, Any] | None) -> str:
    core = _core()
    now = core.clock.now()
    sites = [(site, core.book.in_force(site.ref, now), core.book.notices(site.ref)) for site in core.book.sites()]
    tokens = core.storage.office.tokens()[::-1]
    accounts = core.storage.office.accounts()
    return render_template("access.html", sites=sites, tokens=tokens, accounts=accounts, roles=ROLES, made=made)


@pages.post("/access/tokens")
def create_token() -> str:
    """Shows the token on the answer itself: it is not stored anywhere, not in the session either."""
    site = request.form.get("site")
    made = _ask(
        "tokens.create",
        site=site,
        purposes=request.form.getlist("purpose"),
        role=request.form.get("role", "consumer"),
        note=request.form.get("note", ""),
        by=current_user.name,
    )
    return _access(made)


@pages.post("/access/tokens/<id>/revoke")
def revoke_token(id: str) -> Response:
    _ask("tokens.revoke", id=id, by=current_user.name)
    return _done("access", "saved")


@pages.post("/access/accounts")
def put_account() -> Response:
    given = {name: request.form.get(name, "") for name in ("name", "password", "role")}
    _ask("accounts.put", **given, by=current_user.name)
    return _done("access", "saved")
