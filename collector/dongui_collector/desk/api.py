"""The desk's HTTP calls for consumers and operators, each under a token or a console session."""

from __future__ import annotations

from typing import Any

from flask import current_app, request
from werkzeug.wrappers import Response

from dongui_collector.core.control import RefusedByServer
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import plain
from dongui_collector.desk import parameters
from dongui_collector.desk.access import OPERATORS, READERS, Problem, authorised
from dongui_collector.desk.export_answers import export_answer
from dongui_collector.desk.hosts import is_local
from dongui_collector.desk.openapi import description
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.retention_view import of_site
from dongui_collector.exports.erasure_feed import LIMIT, erasures
from dongui_collector.exports.export import OWN_USE
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.profiles import ReadProfiles

calls = DeskPages("api", __name__, url_prefix="/v1", signed_in=False)


def _core() -> Installation:
    core: Installation = current_app.extensions["dongui"]
    return core


@calls.get("/export/events", audit="export")
def export() -> Response:
    """Stream the rows of ``from`` to ``to`` (days, both included) that the reader's purposes cover, or what has changed
    of them ``since`` a cursor.

    On the ledger before its first row is read (K12). A token sees pseudonyms of its own; a person signed in to the
    console exports for the controller's own use, as ``dongui export`` does. With ``limit`` it is a page: a whole file
    of so many rows, whose ``Link`` leads on to the next.
    """
    core = _core()
    return export_answer(core, authorised(core, READERS))


@calls.get("/feed/erasures", nobody="names of erased visitors that only the asking consumer knows")
def feed() -> dict[str, Any]:
    """What ended since the cursor ``after``, so that copies downstream are destroyed too."""
    core = _core()
    who = authorised(core, READERS)
    parameters.check(("site", "after", "limit"))
    return erasures(core, who.consumer, parameters.number("after", 0), parameters.number("limit", LIMIT, LIMIT))


@calls.get("/profiles", discloses="profiles whose owners allow it (S4.2b)")
def profiles() -> dict[str, Any]:
    """The members' profiles that the token's recipient may see, of who allows it at this instant (S4.2b)."""
    core = _core()
    who = authorised(core, ("consumer",))
    parameters.check(("site",))
    if who.recipient is None:
        raise Problem("forbidden", "profiles are for tokens that are bound to a recipient; see `dongui tokens create`")
    try:
        read = ReadProfiles(who.site.id, who.recipient, who.consumer, request.remote_addr or "")
        return {"profiles": core.control(read).profiles}
    except (NotAllowed, RefusedByServer) as error:
        raise Problem("forbidden", str(error)) from None


@calls.get("/admin/retention", nobody="days, classes and numbers")
def retention() -> dict[str, Any]:
    """What is due, what waits for approval, when each day ends, and when the last run succeeded."""
    core = _core()
    who = authorised(core, OPERATORS, "read")
    parameters.check(("site",))
    status = core.retention.overview.status()
    shown = status if who.consumer == OWN_USE else of_site(status, who.site, core.storage.admin.holds())
    found: dict[str, Any] = plain(shown)
    return found


@calls.get("/openapi.json", nobody="the description of the calls")
def openapi() -> dict[str, Any]:
    """What there is, for machines: on loopback for whoever asks, from elsewhere under a token of any role."""
    if not is_local(request.environ):
        authorised(_core(), tuple({*READERS, *OPERATORS}))
    parameters.check(())
    return description()
