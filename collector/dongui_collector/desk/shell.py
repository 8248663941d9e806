"""What every group of console pages shares: who may open them, the menu, and asking the collector for changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from dongui_collector.core import operations
from dongui_collector.core.operations import R, Request
from dongui_collector.desk.draft_parser import DraftParser
from dongui_collector.desk.language import words
from dongui_collector.retention.installation import Installation


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the menu: the page's endpoint, the key of its name in the words, and what a role must be allowed."""

    endpoint: str
    name: str
    needs: str = "read"


# Group (its name is "menu_" + group in the words) → its entries, in the order in which they are shown.
# An entry's sign is the symbol of its name in static/icons.svg.
MENU: Mapping[str, tuple[MenuEntry, ...]] = {
    "visits": (MenuEntry("visits.visits", "visits", "visits"),),
    "privacy": (
        MenuEntry("due.due", "due"),
        MenuEntry("console.overview", "overview", "overview"),
        MenuEntry("consent.consent", "consent", "overview"),
        MenuEntry("requests.requests", "requests"),
        MenuEntry("console.destructions", "destructions"),
        MenuEntry("console.holds", "holds"),
        MenuEntry("keeping.archive", "archive"),
        MenuEntry("disclosures.disclosures", "disclosures"),
        MenuEntry("console.ledger", "ledger"),
        MenuEntry("audit.log", "audit_log", "audit"),
    ),
    "set_up": (
        MenuEntry("policy.policy", "policy"),
        MenuEntry("cookies.cookies", "cookies"),
        MenuEntry("sites.sites", "sites", "access"),
        MenuEntry("people.access", "access", "access"),
        MenuEntry("condition.health", "health"),
    ),
}


def open_core() -> Installation:
    """The installation that this desk reads."""
    core: Installation = current_app.extensions["dongui"]
    return core


def change(kind: type[Request[R]], /, **fixed: Any) -> R:
    """Have the collector answer a request that the present form fills, in the name of who is signed in.

    Raises :class:`~werkzeug.exceptions.Forbidden` where the role lacks the operation's right, whatever page asks.
    """
    right = operations.of_request(kind).right
    if right and not current_user.may(right):
        raise Forbidden
    names = {one.name for one in operations.described(kind)}
    signed = {"by": current_user.name, "address": request.remote_addr or ""}
    fixed = {name: value for name, value in signed.items() if name in names} | fixed
    return open_core().control(operations.from_form(kind, request.form.getlist, **fixed))


def done(endpoint: str, message: str, **values: Any) -> Response:
    """Say that it was done (``message`` is a key of the words) and show a page again."""
    flash(words()[message], "done")
    return redirect(url_for(endpoint, **values), 303)


def draft_parser() -> DraftParser:
    """What reads drafts of a policy."""
    parser: DraftParser = current_app.extensions["dongui-drafts"]
    return parser


def error_page(what: str, detail: str = "") -> str:
    """A page that says what went wrong; ``what`` is a key of the words."""
    return render_template("error.html", what=what, detail=detail)


def guard(pages: Blueprint, needs: Mapping[str, str]) -> None:
    """Let only who is signed in, and whose role may, open the pages of a blueprint.

    ``needs`` maps a view's name to what the role must be allowed (desk/login.py); "read" for those not named.
    """

    @pages.before_request
    def signed_in_only() -> Response | None:
        if not current_user.is_authenticated:
            wanted = request.full_path.rstrip("?") if request.method == "GET" else None
            return redirect(url_for("login", next=wanted), 303)
        view = (request.endpoint or "").removeprefix(f"{pages.name}.")
        right = needs.get(view, "read")
        if current_user.narrow and right != "own":
            return redirect(url_for("account.own"), 303)  # a second factor is required, and is set up there
        if not current_user.may(right):
            raise Forbidden
        return None
