"""Privacy requests in the console: deadlines first, who asks checked before anything is shown, answered in time."""

from __future__ import annotations

import json

from flask import Response, render_template, request
from flask_login import current_user
from werkzeug.wrappers import Response as WerkzeugResponse

from dongui_collector.core.errors import CollectorError
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.paging import PAGE, fetched
from dongui_collector.desk.shell import change, done, form, open_core
from dongui_collector.rights import delivery, request_list
from dongui_collector.rights.answering import AnswerRequest, AnswerRequests, RequestsAnswered
from dongui_collector.rights.correction import CorrectRecord
from dongui_collector.rights.delivery import OpenPackage
from dongui_collector.rights.filing import FileRequest
from dongui_collector.rights.grounds import CHANNELS, GROUNDS, KINDS, OUTCOMES, PROOFS, grounds_for
from dongui_collector.rights.identity import RecordIdentity
from dongui_collector.rights.letters import WriteLetter
from dongui_collector.rights.request_list import RequestSummary
from dongui_collector.rights.request_view import ShowRequest

pages = DeskPages("requests", __name__, url_prefix="/console/requests")


@pages.get("", nobody="kinds and deadlines, never who asked or about whom", menu=MenuLine("privacy", 4, "requests"))
def requests() -> str:
    """The open ones by deadline; closed ones with ``?all``."""
    return _list(request.args.get("page", ""), everything="all" in request.args)


def _list(page: str, *, everything: bool = False, answered: RequestsAnswered | None = None) -> str:
    core = open_core()

    def part(offset: int, limit: int) -> list[RequestSummary]:
        return request_list.listed(core, closed=everything, offset=offset, limit=limit)

    return render_template(
        "requests.html",
        requests=fetched(request_list.count(core, closed=everything), part, page),
        everything=everything,
        answered=answered,
        outcomes=OUTCOMES,
        grounds=GROUNDS,
        kinds=KINDS,
        channels=[c for c in CHANNELS if c != "online"],
        sites=core.registry.sites(),
        may_handle=current_user.may("requests"),
    )


@pages.post("/answers", right="requests", nobody="the same of many")
def answer_many() -> str:
    """One answer to all that were chosen; the page then says which of them could not be answered so, and why."""
    ids = [int(id) for id in request.form.getlist("ids")[:PAGE] if id.isascii() and id.isdigit() and len(id) < 16]
    return _list("", answered=change(AnswerRequests, ids=ids))


@pages.get("/<int:id>", right="requests", audit="request.show")
def show(id: int) -> str:
    """One request. That it was looked at is in the access log before this answers."""
    shown = change(ShowRequest, id=id)
    proved = shown.identity == "confirmed"
    grounds = {o: grounds_for(shown.kind, o, proved=proved) for o in ("refused", "postponed")}
    return render_template(
        "request.html",
        r=shown,
        proofs=PROOFS,
        outcomes=_outcomes(shown.identity),
        grounds=grounds,
        packaged=proved and shown.kind in ("access", "correction") and shown.state != "refused",
    )


def _outcomes(identity: str | None) -> tuple[str, ...]:
    """What may be answered now: nothing before the check, a refusal alone where it failed."""
    if identity is None:
        return ()
    return OUTCOMES if identity == "confirmed" else ("refused",)


form(pages, "", "add", FileRequest, "requests.show", "request_filed", nobody="files a request")
form(pages, "/<int:id>/identity", "identity", RecordIdentity, "requests.show", nobody="records a check")
form(pages, "/<int:id>/answer", "answer", AnswerRequest, "requests.show", "request_answered", nobody="by number")


@pages.post("/<int:id>/correct", right="requests", nobody="takes a record's right data, shows none")
def correct(id: int) -> WerkzeugResponse:
    try:
        data = json.loads(request.form.get("data", ""))
    except ValueError:
        raise CollectorError("the data of a record is a JSON object") from None
    change(CorrectRecord, id=id, data=data)
    return done("requests.show", "request_corrected", id=id)


@pages.post("/<int:id>/letter", right="requests", audit="request.show")
def letter(id: int) -> Response:
    """The answer as a text to send, in the language of the person rather than of the console."""
    made = change(WriteLetter, id=id)
    headers = {"Content-Disposition": f'attachment; filename="answer-{id}.{made.lang}.txt"'}
    return Response(made.text, headers=headers, mimetype="text/plain")


@pages.post("/<int:id>/package", right="requests", audit="request.package")
def package(id: int) -> Response:
    """The access package as a zip, sent while it is made: no file here ever holds it."""
    change(OpenPackage, id=id)
    headers = {"Content-Disposition": f'attachment; filename="access-{id}.zip"'}
    return Response(delivery.zipped(open_core(), id), headers=headers, mimetype="application/zip")
