"""How ``GET /v1/export/events`` is answered: rows of days, a page of them, or what has changed since a cursor."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, islice
from urllib.parse import urlencode

from flask import current_app, request
from flask_login import current_user
from werkzeug.wrappers import Response

from dongui_collector.analytics.filters import ReportError
from dongui_collector.core.errors import NotAllowed
from dongui_collector.desk import parameters
from dongui_collector.desk.access import Problem, ReadRequest
from dongui_collector.desk.encoding import accepted
from dongui_collector.desk.event_filters import event_filter
from dongui_collector.desk.openapi import MOST_EXPORTED
from dongui_collector.desk.streams import Streams
from dongui_collector.exports.changes import CopyChanges
from dongui_collector.exports.columns import COLUMNS, Column, ColumnError, choose, with_endings
from dongui_collector.exports.copies import CopyCursorError, CopyCursors, CopyExpired, CopyState, continued
from dongui_collector.exports.cursors import CursorError, Cursors
from dongui_collector.exports.day_order import ExportPosition
from dongui_collector.exports.export import OWN_USE, Entitlement, ReaderView, consumer_events, entitle
from dongui_collector.exports.formats import FORMATS, MEDIA_TYPES
from dongui_collector.retention.installation import Installation
from dongui_collector.rights.disclosures import Handover
from dongui_collector.rights.export_operations import AuditExport, NoteTokenExport
from dongui_collector.storage.contract.values import Json

CURSOR = "Dongui-Cursor"  # the header that says where a copy stands once the answer is applied
_ONCE = ("site", "from", "to", "format", "limit", "after", "since", "columns")
_MANY = ("purpose", "filter")

Before = Callable[[Sequence[bytes]], None]


def export_answer(core: Installation, who: ReadRequest) -> Response:
    """The answer to the present request; raises a :class:`Problem` for what cannot be asked."""
    parameters.check(_ONCE, many=_MANY)
    format = request.args.get("format", "ndjson")
    if format not in FORMATS:
        raise Problem("malformed", f"format is one of {', '.join(FORMATS)}")
    reader = _reader(core, who)
    if "since" in request.args:
        return _changes(core, who, reader, format)
    first, last = parameters.days()
    asked = _Export(core, who, reader, first, last, format, _columns(), _filter(core, reader))
    limit, after = _limit(), _after(core, asked)
    return asked.stream(asked.rows(after)) if limit is None else _page(core, asked, after, limit)


def _page(core: Installation, asked: _Export, after: ExportPosition | None, limit: int) -> Response:
    """A page's bytes, and the cursor of the next where there may be one."""
    found: list[tuple[ExportPosition, Json]] = []

    def rows(before: Before | None) -> Iterator[Json]:
        places = consumer_events(
            core, asked.reader, asked.first, asked.last, before, after=after, limit=limit, wanted=asked.wanted
        )
        found.extend(islice(places, limit))
        return (row for _, row in found)

    body = b"".join(asked.written(rows, asked.noted()))
    more = _cursors(core, asked).of(found[-1][0]) if len(found) == limit else None
    return asked.response(body, _next(after=more) if more else {})


def _changes(core: Installation, who: ReadRequest, reader: Entitlement, format: str) -> Response:
    """What a copy is told that stands at ``since``, and where it stands then."""
    if "after" in request.args:
        raise Problem("malformed", "after goes on with an export of days; of changes, go on with since")
    chosen, wanted, limit = _columns(), _filter(core, reader), _limit()
    cursors = CopyCursors(core.keyring, reader, [c.name for c in chosen], request.args.getlist("filter"))
    old = _since(core, cursors)
    changes = CopyChanges.since(core, reader, ReaderView(core, reader, wanted), old, limit)
    asked = _Export(core, who, reader, *changes.span, format, with_endings(chosen), wanted)
    cursor = cursors.of(changes.new)
    return asked.stream(changes.rows, "changes", {CURSOR: cursor} | ({} if changes.is_whole else _next(since=cursor)))


def _since(core: Installation, cursors: CopyCursors) -> CopyState:
    """Where the copy stands."""
    first = parameters.day("from") if "from" in request.args else None
    last = parameters.day("to") if "to" in request.args else None
    try:
        return continued(core, cursors, request.args["since"], first, last)
    except CopyCursorError as error:
        raise Problem("malformed", str(error)) from None
    except CopyExpired as error:
        raise Problem("cursor-expired", str(error)) from None


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
class _Export:
    """One export: who reads, which days, in which format, what of it."""

    core: Installation
    who: ReadRequest
    reader: Entitlement
    first: date
    last: date
    format: str
    columns: Sequence[Column]
    wanted: Callable[[Json], bool] | None

    def noted(self) -> int | None:
        """Have the export written down; the disclosure's number where it is a hand-over."""
        who, days = self.who, (self.first, self.last, self.format)
        if who.consumer == OWN_USE:
            by = f"console: {current_user.name}"
            self.core.control(AuditExport(who.purposes, *days, site=who.site.id, by=by))
            return None
        precise = who.recipient is not None and who.precise
        asked = (who.consumer, who.site.id, who.purposes, *days, f"token {who.consumer}", who.recipient, precise)
        return self.core.control(NoteTokenExport(*asked)).disclosure

    def rows(self, after: ExportPosition | None) -> Callable[[Before | None], Iterator[Json]]:
        """All rows of the days behind a place."""

        def rows(before: Before | None) -> Iterator[Json]:
            days = (self.first, self.last)
            found = consumer_events(self.core, self.reader, *days, before, after=after, wanted=self.wanted)
            return (row for _, row in found)

        return rows

    def written(
        self, rows: Callable[[Before | None], Iterator[Json]], disclosure: int | None
    ) -> Generator[bytes, None, None]:
        """The bytes, page after page; a hand-over's entry is closed with the last, or as interrupted."""
        if disclosure is None:
            yield from FORMATS[self.format](rows(None), self.columns)
            return
        with Handover(self.core.control, disclosure) as handing:
            counted = handing.counted(rows(handing.before))
            yield from handing.hashed(FORMATS[self.format](counted, self.columns))

    def stream(
        self, rows: Callable[[Before | None], Iterator[Json]], of: str = "", headers: dict[str, str] | None = None
    ) -> Response:
        """An answer that reads rows as they are taken; ``of`` is what its file is named for instead of days."""
        leave = _streams(self.core).enter(self.who.consumer)
        try:
            chunks = self.written(rows, self.noted())
            # The first one now, while an error can still be answered as one.
            whole = chain([next(chunks, b"")], chunks)
            answer = self.response(_closing(whole, chunks), headers or {}, of)
        except BaseException:
            leave()
            raise
        answer.call_on_close(leave)
        return answer

    def response(self, body: bytes | Iterator[bytes], headers: dict[str, str], of: str = "") -> Response:
        """The answer, compressed as its reader likes it; Parquet is so already."""
        if self.format != "parquet":
            headers = headers | {"Vary": "Accept-Encoding"}
            if found := accepted(request.accept_encodings):
                headers["Content-Encoding"], encode = found
                body = encode([body] if isinstance(body, bytes) else body)
        name = f"events-{of or f'{self.first.isoformat()}-{self.last.isoformat()}'}.{self.format}"
        named = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(body, content_type=MEDIA_TYPES[self.format], headers=named | headers)


def _closing(body: Iterator[bytes], source: Iterator[bytes]) -> Iterator[bytes]:
    """The body; a reader that goes away closes what it came from."""
    try:
        yield from body
    finally:
        if close := getattr(source, "close", None):
            close()


def _streams(core: Installation) -> Streams:
    found: Streams = current_app.extensions.setdefault("dongui-streams", Streams(core.settings.workers))
    return found


def _cursors(core: Installation, asked: _Export) -> Cursors:
    return Cursors(core.keyring, asked.reader, asked.first, asked.last)


def _next(**cursor: str) -> dict[str, str]:
    """The header that leads on with the same question behind a cursor."""
    query = [(k, v) for k, v in request.args.items(multi=True) if k not in cursor] + list(cursor.items())
    return {"Link": f'<{request.path}?{urlencode(query)}>; rel="next"'}


# -- parameters


def _after(core: Installation, asked: _Export) -> ExportPosition | None:
    """Where an export of days goes on."""
    if "after" not in request.args:
        return None
    try:
        return _cursors(core, asked).place(request.args["after"])
    except CursorError as error:
        raise Problem("malformed", str(error)) from None


def _limit() -> int | None:
    if "limit" not in request.args:
        return None
    if not 1 <= (limit := parameters.number("limit", 0)) <= MOST_EXPORTED:
        raise Problem("malformed", f"limit is 1 to {MOST_EXPORTED}")
    return limit


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
