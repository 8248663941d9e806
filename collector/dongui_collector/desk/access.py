"""Who may read through the desk's HTTP calls: a token bound to a site and purposes, or a console session."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dongui.errors import DonguiError
from flask import request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.access.secrets import token_hash
from dongui_collector.exports.export import OWN_USE
from dongui_collector.exports.tokens import TokenUsed
from dongui_collector.intake.problems import Problem
from dongui_collector.ledger.sites import find_site
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

__all__ = ["OPERATORS", "READERS", "Problem", "ReadRequest", "authorised", "problem_response"]


READERS = ("consumer", "analyst", "officer", "admin")
OPERATORS = ("auditor", "officer", "admin")


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """Who asks, for which site, and for which purposes at most.

    ``consumer`` decides the pseudonyms: a token's id, or the controller's own use for who is signed in to the console.
    """

    consumer: str
    role: str
    site: Site
    purposes: tuple[str, ...]
    recipient: str | None = None
    precise: bool = False


def authorised(core: Installation, roles: Sequence[str], right: str = "export") -> ReadRequest:
    """Judge the token in the present request's ``Authorization: Bearer``, else its console session.

    A token needs one of ``roles``, a person who is signed in the ``right`` (access/roles.py). ``?site`` and
    ``?purpose`` (repeatable) narrow what a token allows; what it does not allow raises a 403 :class:`Problem`, no valid
    token or session a 401.
    """
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() == "bearer":  # another scheme claims no token: a proxy's ``Basic`` comes with every request
        return _by_token(core, secret.strip(), roles)
    if current_user.is_authenticated:
        if not current_user.may(right):
            raise Problem("forbidden", f"this call is for those who have the right {right!r}")
        site = find_site(core, request.args.get("site"))
        notice = core.registry.current(site.ref, core.clock.now())
        return ReadRequest(OWN_USE, current_user.role, site, _wanted(notice.policy.consent_purposes if notice else ()))
    raise Problem("unauthorised", "send Authorization: Bearer <token>; `dongui tokens create` makes one")


def _by_token(core: Installation, secret: str, roles: Sequence[str]) -> ReadRequest:
    token = core.storage.admin.token(token_hash(secret))
    if token is None or not token.is_live(core.clock.now()):
        raise Problem("unauthorised", "the token is unknown, revoked or has expired")
    if token.role not in roles:
        raise Problem("forbidden", f"this call is for the roles {', '.join(roles)}")
    site = core.registry.site(token.site)
    if site is None or request.args.get("site", site.id) not in (site.id, site.name):
        raise Problem("forbidden", "the token is bound to another site")
    _note_use(core, token.id)
    return ReadRequest(token.id, token.role, site, _wanted(token.purposes), token.recipient, token.precise)


def _note_use(core: Installation, id: str) -> None:
    """The day of its last use, for people who tidy up; once a day, and never a reason to refuse."""
    today = core.clock.today(core.settings.zone).isoformat()
    if any(token.id == id and token.last_used == today for token in core.storage.admin.tokens()):
        return
    with suppress(DonguiError, OSError):
        core.control(TokenUsed(id))


def _wanted(allowed: Sequence[str]) -> tuple[str, ...]:
    wanted = tuple(dict.fromkeys(request.args.getlist("purpose"))) or tuple(allowed)
    if not set(wanted) <= set(allowed):
        raise Problem("forbidden", f"only these purposes may be asked for: {', '.join(allowed)}")
    return wanted


def problem_response(problem: Problem) -> Response:
    """A problem document as Flask's answer."""
    headers = [(name.decode(), value.decode()) for name, value in problem.headers]
    return Response(problem.body, problem.status, headers)
