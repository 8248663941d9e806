"""Privacy requests in the console: deadlines first, who asks checked before anything is shown, answered in time."""

from __future__ import annotations

import json
from typing import Any

from flask import Blueprint, Response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from dongui_collector.core.errors import CollectorError
from dongui_collector.desk.paging import paged
from dongui_collector.desk.shell import ask, done, guard, open_core
from dongui_collector.rights import delivery
from dongui_collector.rights import requests as rights
from dongui_collector.rights.grounds import CHANNELS, KINDS, OUTCOMES, PROOFS, grounds_for

pages = Blueprint("requests", __name__, url_prefix="/console/requests")

# The list names nobody; everything else is the privacy officer's.
_NEEDS = dict.fromkeys(("add", "show", "identity", "correct", "answer", "letter", "package"), "requests")
guard(pages, _NEEDS)

_ADDED = ("kind", "channel", "site", "name", "contact", "text", "member", "visitor", "received")
_CHECKED = ("how", "note", "attorney", "member", "visitor")
_ANSWERED = ("outcome", "ground", "reason", "until")


@pages.get("")
def requests() -> str:
    """The open ones by deadline; closed ones with ``?all``."""
    core = open_core()
    found = rights.listed(core, closed="all" in request.args)
    return render_template(
        "requests.html",
        requests=paged(found, request.args.get("page", "")),
        everything="all" in request.args,
        kinds=KINDS,
        channels=[c for c in CHANNELS if c != "online"],
        sites=core.registry.sites(),
        may_handle=current_user.may("requests"),
    )


@pages.post("")
def add() -> WerkzeugResponse:
    filed = ask("requests.add", **_given(_ADDED), agent=bool(request.form.get("agent")), by=current_user.name)
    return done("requests.show", "request_filed", id=filed["id"])


@pages.get("/<int:id>")
def show(id: int) -> str:
    """One request. That it was looked at is in the access log before this answers."""
    shown = ask("requests.show", id=id, by=current_user.name, address=request.remote_addr or "")
    proved = shown["identity"] == "confirmed"
    grounds = {o: grounds_for(shown["kind"], o, proved=proved) for o in ("refused", "postponed")}
    return render_template(
        "request.html",
        r=shown,
        proofs=PROOFS,
        outcomes=_outcomes(shown["identity"]),
        grounds=grounds,
        packaged=proved and shown["kind"] in ("access", "correction") and shown["state"] != "refused",
    )


def _outcomes(identity: str | None) -> tuple[str, ...]:
    """What may be answered now: nothing before the check, a refusal alone where it failed."""
    if identity is None:
        return ()
    return OUTCOMES if identity == "confirmed" else ("refused",)


@pages.post("/<int:id>/identity")
def identity(id: int) -> WerkzeugResponse:
    failed = bool(request.form.get("failed"))
    ask("requests.identity", id=id, **_given(_CHECKED), failed=failed, by=current_user.name)
    return done("requests.show", "saved", id=id)


@pages.post("/<int:id>/correct")
def correct(id: int) -> WerkzeugResponse:
    try:
        data = json.loads(request.form.get("data", ""))
    except ValueError:
        raise CollectorError("the data of a record is a JSON object") from None
    ask("requests.correct", id=id, record=request.form.get("record", ""), data=data, by=current_user.name)
    return done("requests.show", "request_corrected", id=id)


@pages.post("/<int:id>/answer")
def answer(id: int) -> WerkzeugResponse:
    ask("requests.answer", id=id, **_given(_ANSWERED), by=current_user.name)
    return done("requests.show", "request_answered", id=id)


@pages.post("/<int:id>/letter")
def letter(id: int) -> Response:
    """The answer as a text to send, in the language of the person rather than of the console."""
    lang = request.form.get("lang", "ko")
    said = ask("requests.letter", id=id, lang=lang, by=current_user.name, address=request.remote_addr or "")
    headers = {"Content-Disposition": f'attachment; filename="answer-{id}.{lang}.txt"'}
    return Response(said["text"], headers=headers, mimetype="text/plain")


@pages.post("/<int:id>/package")
def package(id: int) -> Response:
    """The access package as a zip, sent while it is made: no file here ever holds it."""
    ask("requests.package", id=id, by=current_user.name, address=request.remote_addr or "")
    headers = {"Content-Disposition": f'attachment; filename="access-{id}.zip"'}
    return Response(delivery.zipped(open_core(), id), headers=headers, mimetype="application/zip")


def _given(names: tuple[str, ...]) -> dict[str, Any]:
    """The filled fields of a form."""
    found = {name: request.form.get(name, "").strip() for name in names}
    return {name: value for name, value in found.items() if value}
