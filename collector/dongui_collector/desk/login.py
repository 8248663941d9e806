"""Signing in to the console: argon2 passwords, a slow-down for guessing, sessions that end with their password."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, redirect, render_template, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from dongui_collector.core import Core
from dongui_collector.security.tokens import verify_password

# What each role may do in the console. Only the privacy officer and the administrator approve destruction (S5.3).
_MAY: dict[str, frozenset[str]] = {
    "admin": frozenset({"read", "approve", "holds", "access", "export"}),
    "officer": frozenset({"read", "approve", "holds", "export"}),
    "auditor": frozenset({"read"}),
    "analyst": frozenset({"overview", "export"}),
}


_HASHING_WITHIN_S = 3.0


class Account(UserMixin):  # type: ignore[misc]
    """Someone who is signed in."""

    def __init__(self, name: str, role: str, password_hash: str) -> None:
        self.name = name
        self.role = role
        # Another password makes another id, so that a changed password ends every session opened with the old one.
        self._id = f"{name}\n{hashlib.sha256(password_hash.encode()).hexdigest()[:24]}"

    def get_id(self) -> str:
        return self._id

    def may(self, what: str) -> bool:
        """Whether the role allows it: read, overview, approve, holds, access or export."""
        allowed = _MAY.get(self.role, frozenset())
        return what in allowed or (what == "overview" and "read" in allowed)


@dataclass(slots=True)
class _Tries:
    failures: int = 0
    until: float = 0.0


class Throttle:
    """Slows guessing down: after five failures an account waits, twice as long each time, up to a quarter of an hour.

    Kept in memory and bounded. By account, not by address: behind a proxy everybody shares one.
    """

    def __init__(self, *, free: int = 5, longest: float = 900.0, known: int = 1000) -> None:
        self._free, self._longest, self._known = free, longest, known
        self._tries: OrderedDict[str, _Tries] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, name: str, now: float) -> float:
        """Seconds until this account may be tried again; 0 when it may be now."""
        with self._lock:
            tries = self._tries.get(name)
            return max(0.0, tries.until - now) if tries else 0.0

    def failed(self, name: str, now: float) -> None:
        with self._lock:
            tries = self._tries.setdefault(name, _Tries())
            self._tries.move_to_end(name)
            tries.failures += 1
            if tries.failures >= self._free:
                tries.until = now + min(self._longest, 5.0 * 2 ** min(tries.failures - self._free, 10))
            while len(self._tries) > self._known:
                self._tries.popitem(last=False)

    def succeeded(self, name: str) -> None:
        with self._lock:
            self._tries.pop(name, None)


def set_up_login(app: Flask, core: Core) -> None:
    """Add signing in and out, and the loading of who is signed in."""
    manager = LoginManager(app)
    manager.session_protection = None  # bound to address and agent it would keep both; SameSite=Strict does the work
    throttle = Throttle()
    hashing = threading.Semaphore(2)  # a check takes 64 MiB; a flood of them must not take the machine's memory

    def load(kept: str) -> Account | None:
        account = core.storage.office.account(kept.partition("\n")[0])
        found = Account(**account) if account else None
        return found if found and found.get_id() == kept else None

    manager.user_loader(load)

    def login() -> Response | str | tuple[str, int, dict[str, str]]:
        if request.method == "GET":
            return render_template("login.html", problem=None)
        name, password = request.form.get("name", "")[:60], request.form.get("password", "")[:1000]
        if wait := throttle.wait(name, time.monotonic()):
            return render_template("login.html", problem="too_many"), 429, {"Retry-After": str(int(wait) + 1)}
        kept = core.storage.office.account(name)
        if not hashing.acquire(timeout=_HASHING_WITHIN_S):
            return render_template("login.html", problem="busy"), 503, {"Retry-After": "5"}
        try:
            right = verify_password(kept["password_hash"] if kept else None, password)
        finally:
            hashing.release()
        if not kept or not right:
            throttle.failed(name, time.monotonic())
            return render_template("login.html", problem="wrong"), 401, {}
        throttle.succeeded(name)
        _begin(Account(**kept))
        return redirect(_next_page(), 303)

    def logout() -> Response:
        logout_user()
        session.clear()
        return redirect(url_for("login"), 303)

    app.add_url_rule("/console/login", "login", login, methods=["GET", "POST"])
    app.add_url_rule("/console/logout", "logout", logout, methods=["POST"])
    app.context_processor(lambda: {"account": current_user if current_user.is_authenticated else None})


def _begin(account: Account) -> None:
    lang = session.get("lang")
    session.clear()
    session.permanent = True
    if lang:
        session["lang"] = lang
    login_user(account)


def _next_page() -> str:
    """Where to go after signing in; only within the console."""
    wanted = request.args.get("next", "")
    parts = urlsplit(wanted)
    if parts.scheme or parts.netloc or not wanted.startswith("/console/") or "\\" in wanted:
        return url_for("console.overview")
    return wanted


def signed_in() -> Any | None:
    """The account of this request's session, or None."""
    return current_user if current_user.is_authenticated else None
