"""One's own account: password, second factor, sessions. For everybody who is signed in."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from dongui_collector.desk.language import words
from dongui_collector.desk.shell import ask, done, guard, open_core
from dongui_collector.storage.contract.values import Json

pages = Blueprint("account", __name__, url_prefix="/console/account")

_VIEWS = ("own", "password", "enrol", "confirm", "unenrol", "end_session")
guard(pages, dict.fromkeys(_VIEWS, "own"))


@pages.get("")
def own() -> str:
    return _page()


def _page(enrolling: Json | None = None, problem: str | None = None) -> str:
    core = open_core()
    return render_template(
        "own.html",
        sessions=core.storage.people.sessions(current_user.id),
        enrolling=enrolling,
        problem=problem,
        required=core.settings.require_totp,
    )


def _asked(operation: str, **arguments: Any) -> Json:
    answer: Json = ask(operation, account=current_user.id, **arguments)
    return answer


@pages.post("/password")
def password() -> Response | tuple[str, int]:
    new = request.form.get("new", "")[:1000]
    if new != request.form.get("again", "")[:1000]:
        return _page(problem="not_alike"), 400
    old = request.form.get("old", "")[:1000]
    answer = _asked("own.password", old=old, new=new, address=request.remote_addr or "")
    return _over(answer, "password_changed")


@pages.post("/factor")
def enrol() -> str:
    return _page(enrolling=_asked("own.enrol"))


@pages.post("/factor/confirm")
def confirm() -> Response | str | tuple[str, int]:
    """The recovery codes stand on the answer, this once; the sessions opened without the factor have ended."""
    code = request.form.get("code", "")[:60]
    answer = _asked("own.confirm", code=code, address=request.remote_addr or "")
    if problem := answer.get("problem"):
        return _page(problem=problem), 400
    return render_template("recovery.html", codes=answer["recovery"])


@pages.post("/factor/remove")
def unenrol() -> Response | tuple[str, int]:
    given = request.form.get("password", "")[:1000]
    return _over(_asked("own.unenrol", password=given, address=request.remote_addr or ""), "factor_removed")


@pages.post("/sessions/end")
def end_session() -> Response:
    """End one of one's own sessions, named by the beginning of its hash."""
    wanted = request.form.get("session", "")
    for session in open_core().storage.people.sessions(current_user.id):
        if session.hash.hex()[:16] == wanted:
            ask("sessions.end", session=session.hash.hex(), by=current_user.name)
            return done("account.own", "saved")
    raise NotFound


def _over(answer: Json, message: str) -> Response | tuple[str, int]:
    """What ends every session leads back to signing in."""
    if problem := answer.get("problem"):
        return _page(problem=problem), 400
    flash(words()[message], "done")
    return redirect(url_for("login"), 303)
