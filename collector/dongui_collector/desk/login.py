"""Signing in to the console: passwords, a second factor, a slow-down for guessing, sessions that can be ended."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from dongui.errors import DonguiError
from flask import Flask, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from dongui_collector.access.accounts import enabled
from dongui_collector.access.guessing import source_of, waits
from dongui_collector.access.roles import may, without_officer
from dongui_collector.access.secrets import verify_password
from dongui_collector.access.sessions import (
    BeginSession,
    EndSessions,
    SessionSeen,
    SignInRefused,
    fingerprint,
    session_hash,
    stands,
)
from dongui_collector.access.throttle import Throttle
from dongui_collector.core.operations import Request
from dongui_collector.desk.frame import home
from dongui_collector.desk.pages import describe, is_polled
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.access import Account

__all__ = ["SignedInUser", "Throttle", "set_up_login"]

log = logging.getLogger("dongui.desk")

_HASHING_WITHIN_S = 3.0
_SEEN_EVERY_MS = 60_000  # how exactly it is known when a session was last used
_TELL_EVERY_S = 60.0  # tries with names that are nobody's are written down together

Answer = Response | str | tuple[str, int, dict[str, str]]


class SignedInUser(UserMixin):  # type: ignore[misc]
    """Someone who is signed in. ``token`` is the session's random id, which the signed cookie carries."""

    def __init__(self, account: Account, token: str, *, deputy: bool, narrow: bool) -> None:
        self.id = account.id
        self.name = account.name
        self.role = account.role
        self.second_factor = account.factor is not None
        self.deputy = deputy
        self.narrow = narrow
        self._token = token

    def get_id(self) -> str:
        return self._token

    @property
    def session(self) -> bytes:
        """The hash under which this session is kept."""
        return session_hash(self._token)

    def may(self, what: str) -> bool:
        """Whether this account has a right of the matrix (access/roles.py)."""
        return (not self.narrow or what == "own") and may(self.role, what, deputy=self.deputy)


@dataclass(slots=True)
class _Nobody:
    """Tries with names that are nobody's, told to the collector now and then: a flood must not fill the ledger."""

    told_at: float = float("-inf")
    times: int = 0

    def tried(self, now: float) -> int:
        """How many to write down now; 0 for not yet."""
        self.times += 1
        if now - self.told_at < _TELL_EVERY_S:
            return 0
        self.told_at, times, self.times = now, self.times, 0
        return times


class Login:
    """The pages for signing in and out, and who a session's cookie stands for."""

    def __init__(self, core: Installation) -> None:
        self._core = core
        self._throttle = Throttle()  # for names that are nobody's; an account's failures stand with it
        self._hashing = threading.Semaphore(2)  # a check takes 64 MiB; a flood must not take the machine's memory
        self._nobody = _Nobody()

    def load(self, token: str) -> SignedInUser | None:
        """Who a session stands for; None once it, or its account, has ended."""
        core, now = self._core, self._core.clock.now()
        kept = core.storage.accounts.session(session_hash(token))
        if kept is None or not stands(kept, core.settings, now):
            return None
        account = core.storage.accounts.by_id(kept.account)
        if account is None or account.disabled:
            return None
        if now - kept.seen_at >= _SEEN_EVERY_MS and not is_polled(request.endpoint):
            self._tell(SessionSeen(kept.hash.hex()))
        roles = [other.role for other in enabled(core)]
        return SignedInUser(account, token, deputy=without_officer(roles), narrow=kept.narrow)

    def page(self) -> Answer:
        if request.method == "GET":
            return render_template("login.html", problem=None)
        name, password = request.form.get("name", "")[:60], request.form.get("password", "")[:1000]
        kept = self._core.storage.accounts.account(name)
        now, source = self._core.clock.now(), source_of(self._core, request.remote_addr or "")
        if wait := waits(kept, source, now) if kept else self._throttle.wait(f"{source} {name}", time.monotonic()):
            return _problem("too_many", 429, {"Retry-After": str(int(wait) + 1)})
        if not self._hashing.acquire(timeout=_HASHING_WITHIN_S):
            return _problem("busy", 503, {"Retry-After": "5"})
        try:
            right = verify_password(kept.password if kept else None, password)
        finally:
            self._hashing.release()
        if kept is None or not right or kept.disabled:
            self._failed(f"{source} {name}", kept)
            return _problem("wrong", 401)
        return self._begin(kept)

    def _begin(self, kept: Account) -> Answer:
        code = request.form.get("code", "")[:60]
        opened = self._core.control(BeginSession(kept.id, fingerprint(kept), code, request.remote_addr or ""))
        if opened.problem or opened.session is None:
            return _problem(opened.problem or "wrong", 429 if opened.problem == "too_many" else 401)
        account = SignedInUser(kept, opened.session, deputy=False, narrow=opened.narrow)
        lang = session.get("lang")
        session.clear()  # nothing that was planted before lives on (session fixation)
        session.permanent = True
        if lang:
            session["lang"] = lang
        login_user(account)
        return redirect(url_for("account.own") if account.narrow else _next_page(), 303)

    def _failed(self, name: str, kept: Account | None) -> None:
        address = request.remote_addr or ""
        if kept is not None:
            self._tell(SignInRefused(kept.id, address))
            return
        self._throttle.failed(name, time.monotonic())
        if times := self._nobody.tried(time.monotonic()):
            self._tell(SignInRefused(None, address, times))

    def _tell(self, request: Request[Any]) -> None:
        """Have something noted that must not keep the page from being answered."""
        try:
            self._core.control(request)
        except (DonguiError, OSError) as error:
            log.warning(
                "the collector could not be told", extra={"what": type(request).__name__, "kind": type(error).__name__}
            )

    def logout(self) -> Response:
        if current_user.is_authenticated:
            self._tell(EndSessions(current_user.session.hex()))
        logout_user()
        session.clear()
        return redirect(url_for("login"), 303)


def set_up_login(app: Flask, core: Installation) -> None:
    """Add signing in and out, and the loading of who is signed in."""
    manager = LoginManager(app)
    manager.session_protection = None  # bound to address and agent it would keep both; SameSite=Strict does the work
    login = Login(core)
    manager.user_loader(login.load)
    describe("login", right=None, nobody="before anybody is known; that somebody signed in is on the log")
    describe("logout", right=None, nobody="ends a session")
    app.add_url_rule("/console/login", "login", login.page, methods=["GET", "POST"])
    app.add_url_rule("/console/logout", "logout", login.logout, methods=["POST"])
    app.context_processor(lambda: {"account": current_user if current_user.is_authenticated else None})


def _problem(what: str, status: int, headers: dict[str, str] | None = None) -> tuple[str, int, dict[str, str]]:
    return render_template("login.html", problem=what), status, headers or {}


def _next_page() -> str:
    """Where to go after signing in; only within the console."""
    wanted = request.args.get("next", "")
    # What begins like this names neither scheme nor host, so it is never taken apart, and never fails at it.
    path = unquote(wanted.partition("#")[0].partition("?")[0])
    if not wanted.startswith("/console/") or "\\" in wanted or {".", ".."}.intersection(path.split("/")):
        return home()  # dots lead out of the console, where something else may stand
    nobodys = path == "/console/"  # where an address without a page leads
    return home() if nobodys else wanted
