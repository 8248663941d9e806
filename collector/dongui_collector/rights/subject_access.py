"""``/v1/me``: what is held about a visitor, for that visitor.

To see, to take along, to correct, to suspend, to erase (S9, K10, K11).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
from dongui.policy.compile import pick_language
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dongui_collector.core.errors import TooManyEntries
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.credentials import Headers, address_of
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.http import query_of, read_body
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import RequestIn, decode
from dongui_collector.rights import access_package, access_package_page, fulfilment, requests
from dongui_collector.rights.grounds import KINDS, kind_of
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Visitor


def _visitor(door: PublicApp, request: Request, *, erased: bool = False) -> Visitor:
    """Who asks, by their own id: as a bearer credential, or in the HttpOnly cookie beside the anti-forgery header.

    ``erased``: also somebody of whom nothing is left but what other law keeps.
    """
    headers: Headers = request.state.headers
    if request.method == "GET":
        door.admit(request.scope, headers)
    else:  # a right is never refused by rate
        door.caller(request.scope, headers)
    if headers.authorization:
        id_ = headers.bearer
    else:
        id_ = _cookie(headers.cookie, "dongui_id") if headers.anti_forgery else None
    if not id_ or len(id_) > 128:
        raise Problem("unauthorised", "send Authorization: Bearer <visitor id>, or the cookie with X-Dongui: 1")
    key = door.core.ledger.key_of(id_)
    visitor = door.core.storage.ledger.visitor(key) or (_left_by_law(door, key) if erased else None)
    if visitor is None:
        raise Problem("unknown-visitor")
    if headers.origin is not None and headers.origin not in door.core.registry.site_by_ref(visitor.site_ref).origins:
        raise Problem("origin-not-listed")
    return visitor


def _left_by_law(door: PublicApp, key: bytes) -> Visitor | None:
    """Somebody erased of whom other law still keeps records: they may go on seeing that it does (S9.5)."""
    archive = door.core.storage.archive
    site_ref = next((s.ref for s in door.core.registry.sites() if archive.find(s.ref, subject=key, limit=1)), None)
    return None if site_ref is None else Visitor(key, site_ref, False, {})


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


async def get_me(door: PublicApp, request: Request) -> Response:
    """Everything held, as JSON."""
    visitor = _visitor(door, request, erased=True)
    return await _streamed(
        access_package.as_json(door.core, _subject(visitor), access_package.AccessScope()), {}, "application/json"
    )


async def get_export(door: PublicApp, request: Request) -> Response:
    """The same as a file to keep; ``?format=html`` as a page to read and print, in ``?lang=``."""
    visitor = _visitor(door, request, erased=True)
    query = query_of(request.scope)
    if query.get("format", "json") == "html":
        policy = door.core.registry.in_force(visitor.site_ref, door.core.clock.now()).policy
        lang = pick_language(policy, query.get("lang"))
        pieces = access_package_page.as_html(door.core, _subject(visitor), access_package.AccessScope(), lang)
        return await _streamed(pieces, _file("html"), "text/html; charset=utf-8")
    pieces = access_package.as_json(door.core, _subject(visitor), access_package.AccessScope())
    return await _streamed(pieces, _file("json"), "application/json")


def _subject(visitor: Visitor) -> Subject:
    """What a visitor id proves: one browser."""
    return Subject(visitor.site_ref, None, (visitor.key,))


def _file(ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="dongui-my-data.{ending}"'}


async def _streamed(pieces: Iterator[bytes], headers: dict[str, str], kind: str) -> Response:
    """Sent a page at a time, so that a slow reader holds neither memory nor a snapshot."""
    first = await asyncio.to_thread(next, pieces)  # what fails, fails before an answer has begun

    async def chunks() -> AsyncIterator[bytes]:
        yield first
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            yield piece

    return StreamingResponse(chunks(), headers=headers | {"cache-control": "no-store"}, media_type=kind)


async def delete_me(door: PublicApp, request: Request) -> Response:
    """Erase everything under this visitor id that no other law makes the site keep; answered once it is destroyed.

    Records of a member that the browser was joined to stay: whoever holds the id may be somebody else. The answer says
    so, and whom to ask (S9, S9.6, K3).
    """
    visitor = _visitor(door, request)
    intent = await door.in_thread(door.endings.must_succeed, door.core.ledger.erase, visitor.key, "request")
    hops, socket = door.core.settings.trusted_proxies, request.client.host if request.client else None
    source = address_of(socket, ", ".join(request.headers.getlist("x-forwarded-for")), hops)
    done = await door.endings.carry_out(intent, source=source or "")
    kept = await door.in_thread(fulfilment.kept_by_law, door.core, _subject(visitor))
    answer: dict[str, Any] = {"erased": True, "destroyed": done, "certificate": intent.seq, "kept": kept}
    if visitor.member:  # the id proves one browser, not the membership that it was joined to (S9.6)
        officer = door.core.registry.in_force(visitor.site_ref, door.core.clock.now()).policy.officer
        answer["member"] = {"erased": False, "ask": officer.contact}
    return json(answer)


async def post_request(door: PublicApp, request: Request) -> Response:
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
        try:
            await door.in_thread(door.endings.must_succeed, core.ledger.suspend, visitor.key, kind == "suspension")
        except TooManyEntries as refused:
            raise Problem("rate-limited", str(refused)) from None
        return json({"kind": asked.kind, "done": True}, 201)
    filed = await door.in_thread(requests.received_online, core, visitor, asked.kind, asked.text)
    return json({"kind": asked.kind, "done": False, "request": filed.id, "due": filed.due}, 201)


def json(value: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, {"content-type": "application/json", "cache-control": "no-store"}
    )
