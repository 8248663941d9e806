"""The desk's HTTP calls for consumers and operators, each under a token or a console session."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from typing import Any
from urllib.parse import urlencode

from flask import current_app, request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.analytics.filters import ReportError
from dongui_collector.core.control import RefusedByServer
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import plain
from dongui_collector.desk import parameters
from dongui_collector.desk.access import OPERATORS, READERS, Problem, ReadRequest, authorised
from dongui_collector.desk.event_filters import event_filter
from dongui_collector.desk.hosts import is_local
from dongui_collector.desk.openapi import MOST_EXPORTED, description
from dongui_collector.desk.pages import DeskPages
from dongui_collector.desk.retention_view import of_site
from dongui_collector.desk.streams import Streams
from dongui_collector.exports.columns import COLUMNS, Column, ColumnError, choose
from dongui_collector.exports.cursors import CursorError, Cursors
from dongui_collector.exports.day_order import ExportPosition
from dongui_collector.exports.erasure_feed import LIMIT, erasures
from dongui_collector.exports.export import OWN_USE, Entitlement, consumer_events, entitle
from dongui_collector.exports.formats import FORMATS, MEDIA_TYPES
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover
from dongui_collector.rights.export_operations import AuditExport, NoteTokenExport
from dongui_collector.rights.profiles import ReadProfiles
from dongui_collector.storage.contract.values import Json

calls = DeskPages("api", __name__, url_prefix="/v1", signed_in=False)


def _core() -> Installation:
    core: Installation = current_app.extensions["dongui"]
    return core


@calls.get("/export/events", audit="export")
def export() -> Response:
    """Stream the rows of ``from`` to ``to`` (days, both included) that the reader's purposes cover.

    On the ledger before its first row is read (K12). A token sees pseudonyms of its own; a person signed in to the
    console exports for the controller's own use, as ``dongui export`` does. With ``limit`` it is a page: a whole file
    of so many rows, whose ``Link`` leads on to the next.
    """
    core = _core()
    who = authorised(core, READERS)
    parameters.check(("site", "from", "to", "format", "limit", "after", "columns"), many=("purpose", "filter"))
    first, last = parameters.days()
    format = request.args.get("format", "ndjson")
    if format not in FORMATS:
        raise Problem("malformed", f"format is one of {', '.join(FORMATS)}")
    reader = _reader(core, who)
    asked = _ExportRequest(core, reader, first, last, format, _columns(), _filter(core, reader))
    limit, after = _limit(), asked.after()
    name = f"events-{first.isoformat()}-{last.isoformat()}.{format}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    if limit is not None:
        disclosure = asked.noted(who)
        body, next_ = asked.page(disclosure, after, limit)
        if next_ is not None:
            query = [(k, v) for k, v in request.args.items(multi=True) if k != "after"] + [("after", next_)]
            headers["Link"] = f'<{request.path}?{urlencode(query)}>; rel="next"'
        return Response(body, content_type=MEDIA_TYPES[format], headers=headers)
    leave = _streams(core).enter(who.consumer)
    try:
        chunks = asked.stream(asked.noted(who), after)
        # The first one now, while an error can still be answered as one.
        whole = chain([next(chunks, b"")], chunks)
        answer = Response(_closing(whole, chunks), content_type=MEDIA_TYPES[format], headers=headers)
    except BaseException:
        leave()
        raise
    answer.call_on_close(leave)
    return answer


def _streams(core: Installation) -> Streams:
    found: Streams = current_app.extensions.setdefault("dongui-streams", Streams(core.settings.workers))
    return found


def _reader(core: Installation, who: ReadRequest) -> Entitlement:
    if who.consumer == OWN_USE:
        return entitle(core, who.site, who.purposes)
    if who.recipient is not None:
        try:
            entitle(core, who.site, who.purposes, recipient=who.recipient)  # still in the notice? (S4.1)
        except NotAllowed as error:
            raise Problem("forbidden", str(error)) from None
    return Entitlement(who.consumer, who.site, who.purposes, who.recipient, who.precise)


@dataclass(frozen=True, slots=True)
class _ExportRequest:
    """One export: who reads, which days, in which format."""

    core: Installation
    reader: Entitlement
    first: date
    last: date
    format: str
    columns: Sequence[Column]
    wanted: Callable[[Json], bool] | None

    def after(self) -> ExportPosition | None:
        """Where the question goes on."""
        if "after" not in request.args:
            return None
        try:
            return self._cursors.place(request.args["after"])
        except CursorError as error:
            raise Problem("malformed", str(error)) from None

    @property
    def _cursors(self) -> Cursors:
        return Cursors(self.core.keyring, self.reader, self.first, self.last)

    def noted(self, who: ReadRequest) -> int | None:
        """Have the export written down; the disclosure's number where it is a hand-over."""
        days = (self.first, self.last, self.format)
        if who.consumer == OWN_USE:
            by = f"console: {current_user.name}"
            self.core.control(AuditExport(who.purposes, *days, site=who.site.id, by=by))
            return None
        precise = who.recipient is not None and who.precise
        asked = (who.consumer, who.site.id, who.purposes, *days, f"token {who.consumer}", who.recipient, precise)
        return self.core.control(NoteTokenExport(*asked)).disclosure

    def stream(self, disclosure: int | None, after: ExportPosition | None) -> Generator[bytes, None, None]:
        """The bytes, page after page; a hand-over's entry is closed with the last, or as interrupted."""
        if disclosure is None:
            yield from self._written(row for _, row in self._rows(after))
            return
        with Handover(self.core.control, disclosure) as handing:
            rows = handing.counted(row for _, row in self._rows(after, handing.before))
            yield from handing.hashed(self._written(rows))

    def page(self, disclosure: int | None, after: ExportPosition | None, limit: int) -> tuple[bytes, str | None]:
        """A page's bytes, and the cursor of the next; None where nothing is left."""
        if disclosure is None:
            found = list(islice(self._rows(after, limit=limit), limit))
            body = b"".join(self._written(row for _, row in found))
        else:
            with Handover(self.core.control, disclosure) as handing:
                found = list(islice(self._rows(after, handing.before, limit), limit))
                rows = handing.counted(row for _, row in found)
                body = b"".join(handing.hashed(self._written(rows)))
        return body, self._cursors.of(found[-1][0]) if len(found) == limit else None

    def _rows(
        self,
        after: ExportPosition | None,
        before: Callable[[Sequence[bytes]], None] | None = None,
        limit: int | None = None,
    ) -> Iterator[tuple[ExportPosition, Json]]:
        days = (self.first, self.last)
        return consumer_events(self.core, self.reader, *days, before, after=after, limit=limit, wanted=self.wanted)

    def _written(self, rows: Iterator[Json]) -> Iterator[bytes]:
        return FORMATS[self.format](rows, self.columns)


def _columns() -> Sequence[Column]:
    try:
        return choose(request.args["columns"]) if "columns" in request.args else COLUMNS
    except ColumnError as error:
        raise Problem("malformed", str(error)) from None


def _filter(core: Installation, reader: Entitlement) -> Callable[[Json], bool] | None:
    try:
        return event_filter(core, reader, request.args.getlist("filter"))
    except NotAllowed as error:
        raise Problem("forbidden", str(error)) from None
    except ReportError as error:
        raise Problem("malformed", str(error)) from None


def _closing(body: Iterator[bytes], source: Iterator[bytes]) -> Iterator[bytes]:
    """The body; a reader that goes away closes what it came from."""
    try:
        yield from body
    finally:
        if close := getattr(source, "close", None):
            close()


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


def _limit() -> int | None:
    if "limit" not in request.args:
        return None
    if not 1 <= (limit := parameters.number("limit", 0)) <= MOST_EXPORTED:
        raise Problem("malformed", f"limit is 1 to {MOST_EXPORTED}")
    return limit
