"""Who may do and read what: tokens and console accounts. For the administrator."""

from __future__ import annotations

from typing import Any

from flask import render_template, request
from werkzeug.wrappers import Response

from dongui_collector.access.accounts import (
    AccountPassword,
    ChangeRole,
    DisableAccount,
    ListAccounts,
    PutAccount,
    RemoveAccount,
    ResetAccount,
    list_accounts,
)
from dongui_collector.access.roles import CONSOLE_ROLES, ROLES
from dongui_collector.core.operations import Request
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import change, done, form, open_core
from dongui_collector.exports.tokens import CreateToken, NewToken, RevokeToken
from dongui_collector.storage.contract.values import Json

pages = DeskPages("people", __name__, url_prefix="/console/access")

# What a button asks for → the request and its further arguments.
_CHANGES: dict[str, tuple[type[Request[Any]], Json]] = {
    "role": (ChangeRole, {}),
    "disable": (DisableAccount, {"disabled": True}),
    "enable": (DisableAccount, {"disabled": False}),
    "remove": (RemoveAccount, {}),
    "reset": (ResetAccount, {}),
}


@pages.get("", right="access", nobody="tokens and accounts of staff", menu=MenuLine("set_up", 5, "access"))
def access() -> str:
    return _page()


def _page(made: NewToken | None = None, reset: AccountPassword | None = None) -> str:
    core = open_core()
    now = core.clock.now()
    sites = [(site, core.registry.current(site.ref, now)) for site in core.registry.sites()]
    accounts = list_accounts(core, ListAccounts())
    return render_template(
        "access.html",
        sites=sites,
        tokens=core.storage.admin.tokens()[::-1],
        now=now,
        accounts=accounts,
        sessions={account.name: account.sessions for account in accounts},
        roles=ROLES,
        console_roles=CONSOLE_ROLES,
        made=made,
        reset=reset,
    )


@pages.post("/tokens", right="access", nobody="makes a token")
def create_token() -> str:
    """Shows the token on the answer itself: it is not stored anywhere, not in the session either."""
    return _page(change(CreateToken, precise=False))


form(pages, "/tokens/<id>/revoke", "revoke_token", RevokeToken, "people.access", nobody="ends a token")
form(pages, "/accounts", "put_account", PutAccount, "people.access", nobody="staff")


@pages.post("/accounts/change", endpoint="change", right="access", nobody="staff")
def change_account() -> Response | str:
    """One of the buttons beside an account, or its role. A new password is shown on the answer, this once."""
    what = request.form.get("what", "")
    if what not in _CHANGES:
        return done("people.access", "nothing_changed")
    kind, more = _CHANGES[what]
    answer = change(kind, **more)
    return _page(reset=answer) if what == "reset" else done("people.access", "saved")
