"""The desk's HTTP calls for consumers and operators, each under a token or a console session."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from datetime import date
from functools import partial
from itertools import chain
from typing import Any

from flask import Blueprint, current_app, request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector import control
from dongui_collector.core import Core
from dongui_collector.desk.access import Asking, Problem, asking
from dongui_collector.desk.openapi import description
from dongui_collector.errors import NotAllowed
from dongui_collector.reading.export import OWN_USE, Entitlement, entitle, export_events
from dongui_collector.reading.feed import LIMIT, erasures
from dongui_collector.reading.formats import FORMATS, MEDIA_TYPES
from dongui_collector.rights.disclosures import Handing

calls = Blueprint("api", __name__, url_prefix="/v1")

_READERS = ("consumer", "analyst", "officer", "admin")
_OPERATORS = ("auditor", "officer", "admin")


def _core() -> Core:
    core: Core = current_app.extensions["dongui"]
    return core


@calls.get("/export/events")
def export() -> Response:
    """Stream the rows of ``from`` to ``to`` (days, both included) that the reader's purposes cover.

    On the ledger before its first row is read (K12). A token sees pseudonyms of its own; a person signed in to the
    console exports for the controller's own use, as ``dongui export`` does.
    """
    core = _core()
    who = asking(core, _READERS)
    first, last = _day("from"), _day("to")
    format = request.args.get("format", "ndjson")
    if format not in FORMATS:
        raise Problem("malformed", f"format is one of {', '.join(FORMATS)}")
    reader, disclosure = _noted(core, who, first, last, format)
    if disclosure is None:
        chunks = FORMATS[format](export_events(core, reader, first, last))
    else:
        chunks = _handed(core, disclosure, reader, (first, last), format)
    # The first one now, while an error can still be answered as one.
    body = chain([next(chunks, b"")], chunks)
    name = f"events-{first.isoformat()}-{last.isoformat()}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(_closing(body, chunks), content_type=MEDIA_TYPES[format], headers=headers)


def _noted(core: Core, who: Asking, first: date, last: date, format: str) -> tuple[Entitlement, int | None]:
    """Have the export written down; what it may hold, and the disclosure's number where it is a hand-over."""
    days = {"first": first.isoformat(), "last": last.isoformat(), "format": format}
    purposes = list(who.purposes)
    if who.consumer == OWN_USE:
        by = f"console: {current_user.name}"
        control.call(core.settings, "export.audit", purposes=purposes, site=who.site.id, by=by, **days)
        return entitle(core, who.site, who.purposes), None
    arguments = {"consumer": who.consumer, "site": who.site.id, "purposes": purposes, "by": f"token {who.consumer}"}
    if who.recipient is not None:
        try:
            entitle(core, who.site, who.purposes, recipient=who.recipient)  # still in the notice? (S4.1)
        except NotAllowed as error:
            raise Problem("forbidden", str(error)) from None
        arguments["recipient"] = who.recipient
    noted = control.call(core.settings, "export.note", **arguments, **days)
    return Entitlement(who.consumer, who.site, who.purposes, who.recipient), noted["disclosure"]


def _handed(
    core: Core, disclosure: int, reader: Entitlement, days: tuple[date, date], format: str
) -> Generator[bytes, None, None]:
    """A hand-over's bytes; its entry is closed with the last of them, or as interrupted if the reader goes away."""
    with Handing(partial(control.call, core.settings), disclosure) as handing:
        rows = handing.counted(export_events(core, reader, *days, before=handing.before))
        yield from handing.hashed(FORMATS[format](rows))


def _closing(body: Iterator[bytes], source: Iterator[bytes]) -> Iterator[bytes]:
    """The body; a reader that goes away closes what it came from."""
    try:
        yield from body
    finally:
        if close := getattr(source, "close", None):
            close()


@calls.get("/feed/erasures")
def feed() -> dict[str, Any]:
    """What ended since the cursor ``after``, so that copies downstream are destroyed too."""
    core = _core()
    who = asking(core, _READERS)
    return erasures(core, who.consumer, _number("after", 0), _number("limit", LIMIT))


@calls.get("/profiles")
def profiles() -> dict[str, Any]:
    """The members' profiles that the token's recipient may see, of who allows it at this instant (S4.2b)."""
    core = _core()
    who = asking(core, ("consumer",))
    if who.recipient is None:
        raise Problem("forbidden", "profiles are for tokens that are bound to a recipient; see `dongui tokens create`")
    try:
        return dict(
            control.call(
                core.settings,
                "profiles.read",
                site=who.site.id,
                recipient=who.recipient,
                consumer=who.consumer,
                address=request.remote_addr or "",
            )
        )
    except (NotAllowed, control.RefusedByServer) as error:
        raise Problem("forbidden", str(error)) from None


@calls.get("/admin/retention")
def retention() -> dict[str, Any]:
    """What is due, what waits for approval, when each day ends, and when the last run succeeded."""
    core = _core()
    asking(core, _OPERATORS)
    return core.keeper.status()


@calls.get("/openapi.json")
def openapi() -> dict[str, Any]:
    """What there is, for machines."""
    return description()


def _day(name: str) -> date:
    try:
        return date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        raise Problem("malformed", f"{name} is a day such as 2026-11-23") from None


def _number(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Problem("malformed", f"{name} is a number")
    return int(text)
