"""``/v1/me``: what is held about a visitor, for that visitor.

To see, to take along, to correct, to suspend, to erase (S9, K10, K11).
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.http import read_body
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.who import Headers
from dongui_collector.intake.wire import RequestIn, decode
from dongui_collector.ledger import consents
from dongui_collector.ledger.paging import page
from dongui_collector.ledger.receipts import receipt
from dongui_collector.rights import requests
from dongui_collector.rights.grounds import KINDS, kind_of
from dongui_collector.rights.own import own_requests
from dongui_collector.storage.base import Selection, Visitor

if TYPE_CHECKING:
    from dongui_collector.intake.door import Door

_PAGE = 500


def _visitor(door: Door, request: Request) -> Visitor:
    """Who asks, by their own id: as a bearer credential, or in the HttpOnly cookie beside the anti-forgery header."""
    headers: Headers = request.state.headers
    door.admit(request.scope, headers)
    if headers.authorization:
        id_ = headers.bearer
    else:
        id_ = _cookie(headers.cookie, "dongui_id") if headers.anti_forgery else None
    if not id_ or len(id_) > 128:
        raise Problem("unauthorised", "send Authorization: Bearer <visitor id>, or the cookie with X-Dongui: 1")
    visitor = door.core.storage.ledger.visitor(door.core.ledger.key_of(id_))
    if visitor is None:
        raise Problem("unknown-visitor")
    if headers.origin is not None and headers.origin not in door.core.book.site_by_ref(visitor.site_ref).origins:
        raise Problem("forbidden-origin")
    return visitor


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


async def get_me(door: Door, request: Request) -> Response:
    """Everything held, as JSON."""
    return await _everything(door, _visitor(door, request), {})


async def get_export(door: Door, request: Request) -> Response:
    """The same as a file to keep."""
    return await _everything(
        door, _visitor(door, request), {"content-disposition": 'attachment; filename="dongui-my-data.json"'}
    )


async def _everything(door: Door, visitor: Visitor, headers: dict[str, str]) -> Response:
    """Streamed a page at a time, so that a slow reader holds neither memory nor a snapshot."""
    summary = await door.in_thread(_summary, door, visitor)
    pages = _pages(door, visitor)

    async def chunks() -> AsyncIterator[bytes]:
        yield msgspec.json.encode(summary)[:-1] + b',"events":['
        first = True
        while (page := await asyncio.to_thread(next, pages, None)) is not None:
            for event in page:
                yield (b"" if first else b",") + msgspec.json.encode(event)
                first = False
        yield b"]}"

    return StreamingResponse(chunks(), headers=headers | {"cache-control": "no-store"}, media_type="application/json")


def _summary(door: Door, visitor: Visitor) -> dict[str, Any]:
    """Consents with their proof, other records, requests: all but the events."""
    core = door.core
    now = core.clock.now()
    current = core.book.in_force(visitor.site_ref, now)
    site = core.book.site_by_ref(visitor.site_ref)
    by_version = {n.version: n for n in core.book.notices(visitor.site_ref)}
    proofs = [r for r in core.storage.ledger.records_of(visitor.key) if r.kind == "consent" and r.body]
    return {
        "site": site.id,
        "notice": current.version,
        "state": consents.states(visitor, current, core.book, now),
        "suspended": visitor.suspended,
        "consents": [receipt(r, by_version[r.body["notice"]], site) for r in proofs if r.body],
        "records": core.keeper.records_of(site, visitor.key),
        "requests": own_requests(core, visitor.key),
    }


def _pages(door: Door, visitor: Visitor) -> Iterator[list[dict[str, Any]]]:
    """The visitor's rows, oldest day first, each under what still covers it, with pseudonyms of their own."""
    core = door.core
    secret = core.keyring.derive(b"pseudonym:me")
    selection = Selection(visitor=visitor.key)
    for day in core.storage.events.days():
        after = 0
        while found := page(core.storage, day, selection, after, _PAGE):
            rows, masks = found
            shown = [r for row in rows if (r := core.reader.readable(row, day, masks.own())) is not None]
            for one in shown:
                one["id"] = hmac.digest(secret, one["id"], "sha256")[:16].hex()
                one["visitor"] = one["visitor"] and hmac.digest(secret, one["visitor"], "sha256")[:16].hex()
            if shown:
                yield shown
            after = rows[-1].n


async def delete_me(door: Door, request: Request) -> Response:
    """Erase everything that no other law makes the site keep; answered once it is destroyed (S9, K3)."""
    visitor = _visitor(door, request)
    intent = await door.in_thread(door.endings.must_succeed, door.core.ledger.erase, visitor.key, "request")
    done = await door.endings.carry_out(intent)
    return json({"erased": True, "destroyed": done, "certificate": intent.seq})


async def post_request(door: Door, request: Request) -> Response:
    """A privacy request of the visitor's own: suspend and resume act at once, the others go to the officer (K10)."""
    visitor = _visitor(door, request)
    headers: Headers = request.state.headers
    body = await read_body(request.receive, headers.length)
    if headers.encoding:
        body = unpacked(body, headers.encoding, zipped=False)
    asked = decode(body, RequestIn)
    kind = kind_of(asked.kind)
    if kind is None:
        raise Problem("malformed", f"kind must be one of {', '.join(KINDS)}")
    core = door.core
    if kind in ("suspension", "resumption"):
        await door.in_thread(door.endings.must_succeed, core.ledger.suspend, visitor.key, kind == "suspension")
        return json({"kind": asked.kind, "done": True}, 201)
    filed = await door.in_thread(requests.received_online, core, visitor, asked.kind, asked.text)
    return json({"kind": asked.kind, "done": False, "request": filed["id"], "due": filed["due"]}, 201)


def json(value: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, {"content-type": "application/json", "cache-control": "no-store"}
    )
