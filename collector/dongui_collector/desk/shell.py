"""What every group of console pages shares: the installation, and asking the collector for changes."""

from __future__ import annotations

from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from dongui_collector.core import operations
from dongui_collector.core.operations import R, Request
from dongui_collector.desk.draft_parser import DraftParser
from dongui_collector.desk.language import words
from dongui_collector.desk.pages import DeskPages
from dongui_collector.retention.installation import Installation


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


def form(
    pages: DeskPages, rule: str, endpoint: str, kind: type[Request[Any]], back: str, note: str = "saved", **facts: Any
) -> None:
    """A form that has the collector answer one request, by whoever has the operation's right, and shows ``back`` again.

    A page of one thing (``….show``) is of that whose id is in the address, else of the one that the reply names.
    ``facts`` are :class:`~dongui_collector.desk.pages.DeskView`'s.
    """

    def answer(**named: Any) -> Response:
        reply = change(kind, **named)
        return done(back, note, **({"id": named.get("id") or reply.id} if back.endswith(".show") else {}))

    pages.post(rule, endpoint=endpoint, right=operations.of_request(kind).right, **facts)(answer)


def draft_parser() -> DraftParser:
    """What reads drafts of a policy."""
    parser: DraftParser = current_app.extensions["dongui-drafts"]
    return parser


def error_page(what: str, detail: str = "") -> str:
    """A page that says what went wrong; ``what`` is a key of the words."""
    return render_template("error.html", what=what, detail=detail)
