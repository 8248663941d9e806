"""One's own account: password, second factor, sessions. For everybody who is signed in."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.access.own_account import Confirm, Enrol, Enrolment, OwnPassword, Unenrol
from dongui_collector.access.sessions import Done, EndSessions
from dongui_collector.desk.language import words
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.shell import change, done, open_core

pages = DeskPages("account", __name__, url_prefix="/console/account")


@pages.get("", right="own", nobody="one's own account")
def own() -> str:
    return _page()


def _page(enrolling: Enrolment | None = None, problem: str | None = None) -> str:
    core = open_core()
    return render_template(
        "own.html",
        sessions=core.storage.accounts.sessions(current_user.id),
        enrolling=enrolling,
        problem=problem,
        required=core.settings.require_totp,
    )


@pages.post("/password", right="own", nobody="one's own account")
def password() -> Response | tuple[str, int]:
    new = request.form.get("new", "")[:1000]
    if new != request.form.get("again", "")[:1000]:
        return _page(problem="not_alike"), 400
    old = request.form.get("old", "")[:1000]
    return _over(change(OwnPassword, account=current_user.id, old=old, new=new), "password_changed")


@pages.post("/factor", right="own", nobody="one's own account")
def enrol() -> str:
    return _page(enrolling=change(Enrol, account=current_user.id))


@pages.post("/factor/confirm", right="own", nobody="one's own account")
def confirm() -> Response | str | tuple[str, int]:
    """The recovery codes stand on the answer, this once; the sessions opened without the factor have ended."""
    code = request.form.get("code", "")[:60]
    answer = change(Confirm, account=current_user.id, code=code)
    if answer.problem:
        return _page(problem=answer.problem), 400
    return render_template("recovery.html", codes=answer.recovery)


@pages.post("/factor/remove", right="own", nobody="one's own account")
def unenrol() -> Response | tuple[str, int]:
    given = request.form.get("password", "")[:1000]
    return _over(change(Unenrol, account=current_user.id, password=given), "factor_removed")


@pages.post("/sessions/end", right="own", nobody="one's own account")
def end_session() -> Response:
    """End one of one's own sessions, named by the beginning of its hash."""
    wanted = request.form.get("session", "")
    for session in open_core().storage.accounts.sessions(current_user.id):
        if session.hash.hex()[:16] == wanted:
            change(EndSessions, session=session.hash.hex())
            return done("account.own", "saved")
    raise NotFound


def _over(answer: Done, message: str) -> Response | tuple[str, int]:
    """What ends every session leads back to signing in."""
    if answer.problem:
        return _page(problem=answer.problem), 400
    flash(words()[message], "done")
    return redirect(url_for("login"), 303)
