"""Who may do and read what: tokens and console accounts. For the administrator."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.access.accounts import shown
from dongui_collector.access.roles import CONSOLE_ROLES, ROLES
from dongui_collector.desk.shell import ask, done, guard, open_core
from dongui_collector.storage.contract.values import Json

pages = Blueprint("people", __name__, url_prefix="/console/access")

_VIEWS = ("access", "create_token", "revoke_token", "put_account", "change")
guard(pages, dict.fromkeys(_VIEWS, "access"))

# What a button asks for → the operation and its further arguments.
_CHANGES: dict[str, tuple[str, Json]] = {
    "disable": ("accounts.disable", {"disabled": True}),
    "enable": ("accounts.disable", {"disabled": False}),
    "remove": ("accounts.remove", {}),
    "reset": ("accounts.reset", {}),
}


@pages.get("")
def access() -> str:
    return _page()


def _page(made: Json | None = None, reset: Json | None = None) -> str:
    core = open_core()
    now = core.clock.now()
    sites = [(site, core.registry.in_force(site.ref, now)) for site in core.registry.sites()]
    people = core.storage.people
    sessions = {account["name"]: len(people.sessions(account["id"])) for account in people.accounts()}
    return render_template(
        "access.html",
        sites=sites,
        tokens=core.storage.office.tokens()[::-1],
        now=now,
        accounts=[shown(account) for account in people.accounts()],
        sessions=sessions,
        roles=ROLES,
        console_roles=CONSOLE_ROLES,
        made=made,
        reset=reset,
    )


@pages.post("/tokens")
def create_token() -> str:
    """Shows the token on the answer itself: it is not stored anywhere, not in the session either."""
    given: dict[str, Any] = {name: request.form.get(name, "").strip() for name in ("note", "recipient", "expires")}
    made = ask(
        "tokens.create",
        site=request.form.get("site"),
        purposes=request.form.getlist("purpose"),
        role=request.form.get("role", "consumer"),
        by=current_user.name,
        **{name: value for name, value in given.items() if value},
    )
    return _page(made)


@pages.post("/tokens/<id>/revoke")
def revoke_token(id: str) -> Response:
    ask("tokens.revoke", id=id, by=current_user.name)
    return done("people.access", "saved")


@pages.post("/accounts")
def put_account() -> Response:
    given = {name: request.form.get(name, "") for name in ("name", "password", "role")}
    ask("accounts.put", **given, by=current_user.name)
    return done("people.access", "saved")


@pages.post("/accounts/change")
def change() -> Response | str:
    """One of the buttons beside an account, or its role. A new password is shown on the answer, this once."""
    name, what = request.form.get("name", ""), request.form.get("what", "")
    if what == "role":
        ask("accounts.role", name=name, role=request.form.get("role", ""), by=current_user.name)
        return done("people.access", "saved")
    if what not in _CHANGES:
        return done("people.access", "nothing_changed")
    operation, more = _CHANGES[what]
    answer = ask(operation, name=name, by=current_user.name, **more)
    return _page(reset=answer) if what == "reset" else done("people.access", "saved")
