"""The desk's application factory: what guards every page, and which parts there are."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from typing import Any

from dongui.errors import DonguiError
from flask import Flask, g, redirect, render_template, request, url_for
from flask_login import current_user
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from dongui_collector.core.errors import NotPublished, StorageError, Unknown
from dongui_collector.desk import (
    api,
    audit_pages,
    consent_pages,
    console,
    cookie_pages,
    disclosure_pages,
    due_pages,
    first_visit_pages,
    frame,
    health,
    health_pages,
    hosts,
    keeping_pages,
    language,
    own_pages,
    people_pages,
    policy_pages,
    preview_pages,
    reports_api,
    requests_pages,
    site_pages,
    validation,
)
from dongui_collector.desk.access import Problem, problem_response
from dongui_collector.desk.draft_parser import DraftParser
from dongui_collector.desk.headers import content_security_policy
from dongui_collector.desk.login import set_up_login
from dongui_collector.desk.pages import DeskPages, describe
from dongui_collector.desk.portions import DayCounts, Portions
from dongui_collector.desk.proof import Verifier
from dongui_collector.desk.shell import error_page
from dongui_collector.desk.site_checks import SiteChecks
from dongui_collector.desk.visits import pages as visits_pages
from dongui_collector.desk.visits import saved_pages, shared_pages
from dongui_collector.retention.installation import Installation
from dongui_collector.rights import request_list

_PAGES: tuple[DeskPages, ...] = (
    visits_pages.pages,
    saved_pages.pages,
    shared_pages.pages,
    console.pages,
    consent_pages.pages,
    due_pages.pages,
    site_pages.pages,
    first_visit_pages.pages,
    health_pages.pages,
    cookie_pages.pages,
    policy_pages.pages,
    preview_pages.pages,
    preview_pages.files,
    keeping_pages.pages,
    disclosure_pages.pages,
    people_pages.pages,
    requests_pages.pages,
    audit_pages.pages,
    own_pages.pages,
    api.calls,
    reports_api.calls,
    reports_api.segment_calls,
    health.pages,
)
_LONG_S = 0.1  # of counting what waits: from there on not with every change
_SLUGS = {403: "forbidden", 404: "not-found", 405: "method-not-allowed", 413: "too-large", 500: "internal"}


def create_desk(core: Installation) -> Flask:
    """The desk over an installation opened read-only; what changes something is asked of the collector.

    Sessions are signed with a key derived from the installation's secret, so they outlive a restart and no other
    installation's are valid here.
    """
    app = Flask(__name__)
    app.config.update(
        SECRET_KEY=core.keyring.derive(b"desk-session"),
        SESSION_COOKIE_NAME="dongui_desk",
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_HTTPONLY=True,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=core.settings.session_hours),
        MAX_CONTENT_LENGTH=256 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session
        WTF_CSRF_SSL_STRICT=False,  # a proxy's scheme differs; SameSite=Strict stands beside the token
    )
    app.extensions["dongui"] = core
    app.extensions["dongui-counts"] = counted = DayCounts(core)
    app.extensions["dongui-portions"] = Portions(core, counted)
    app.extensions["dongui-reconfirmations"] = due_pages.Reconfirmations(core)
    app.extensions["dongui-verifier"] = Verifier(core)
    hosts.set_up(app, core.settings)
    app.extensions["dongui-drafts"] = DraftParser()
    app.extensions["dongui-site-checks"] = SiteChecks(core)
    validation.set_up(app)
    CSRFProtect(app)
    set_up_login(app, core)
    language.set_up(app)
    for pages in _PAGES:
        app.register_blueprint(pages)
    frame.set_up(app, core)
    counting: due_pages.Reconfirmations = app.extensions["dongui-reconfirmations"]
    counts = _Waiting(core, counting)
    app.context_processor(lambda: {"waiting": counts.known()})
    describe("static", right=None, nobody="files of the console itself")
    describe("root", right=None, nobody="leads to the first page")
    app.add_url_rule("/", "root", lambda: redirect(frame.home() if current_user.is_authenticated else url_for("login")))
    _freshness(app, core)
    _errors(app)
    _headers(app)
    return app


class _Waiting:
    """How much waits behind an entry of the menu, for the mark beside its name; nothing for who is not signed in.

    Counted again when the ledger, the day or the reconfirmations changed, and beside a flood of requests once in
    twenty times as long as it takes: no page waits for it each time.
    """

    def __init__(self, core: Installation, counting: due_pages.Reconfirmations) -> None:
        self._core, self._counting = core, counting
        self._state: object = None
        self._counts: dict[str, int] = {}
        self._again_at = 0.0

    def known(self) -> dict[str, int]:
        if not current_user.is_authenticated:
            return {}
        state = (self._core.storage.ledger.head(), self._core.retention.today(), len(self._counting.known))
        began = time.monotonic()
        if state != self._state and began >= self._again_at:
            self._counts, self._state = self._counted(), state
            took = time.monotonic() - began
            self._again_at = began + 20 * took if took > _LONG_S else 0.0
        return self._counts

    def _counted(self) -> dict[str, int]:
        core = self._core
        return {
            "due": due_pages.pressing(core, self._counting, core.retention.today()),
            "destructions": len(core.storage.admin.destructions(("selected",))),
            "requests": request_list.count(core),
        }


def _freshness(app: Flask, core: Installation) -> None:
    """Sites and notices are kept in memory; the collector may have published since."""
    seen: dict[str, Any] = {"at": _published(core)}

    @app.before_request
    def reload_book() -> None:
        if request.endpoint == "static":
            return
        if (now := _published(core)) != seen["at"]:
            core.registry.reload()
            seen["at"] = now


def _published(core: Installation) -> tuple[int, int]:
    """The last records that changed sites or notices."""
    site, notice = core.storage.ledger.last_of("site"), core.storage.ledger.last_of("notice")
    return site.seq if site else 0, notice.seq if notice else 0


def _errors(app: Flask) -> None:
    @app.errorhandler(Problem)
    def problem(error: Problem) -> Response:
        return problem_response(error)

    @app.errorhandler(CSRFError)
    def forged(_error: CSRFError) -> tuple[str, int]:
        return error_page("form_expired"), 400

    @app.errorhandler(DonguiError)
    def refused(error: DonguiError) -> Response | tuple[str, int]:
        """What the collector refused; its messages name what, where and the remedy, and echo no personal data."""
        if not _is_api():
            if isinstance(error, NotPublished) and current_user.is_authenticated:
                return render_template("not_published.html"), 200 if request.method == "GET" else 409
            return error_page("refused_by_server", str(error)), getattr(error, "status", 400)
        if isinstance(error, validation.ParameterError):
            return problem_response(Problem("malformed", str(error)))
        # Some of these messages name what was asked for: for people in the console, not for an answer over the wire.
        if isinstance(error, NotPublished):
            return problem_response(Problem("not-published", error.REMEDY))
        if isinstance(error, Unknown):
            return problem_response(Problem("unknown-site"))
        slug = "unavailable" if isinstance(error, StorageError) else "malformed"
        return problem_response(Problem(slug))

    @app.errorhandler(HTTPException)
    def other(error: HTTPException) -> Response | tuple[str, int]:
        if _is_api():
            return problem_response(Problem(_SLUGS.get(error.code or 500, "malformed")))
        what = {403: "forbidden", 404: "missing"}.get(error.code or 500, "failed")
        return error_page(what), error.code or 500


def _is_api() -> bool:
    return re.match(r"/(v1/|metrics|healthz)", request.path) is not None


def _headers(app: Flask) -> None:
    @app.after_request
    def guard(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", content_security_policy())
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
            response.headers["Content-Language"] = g.get("lang", "ko")
        return response
