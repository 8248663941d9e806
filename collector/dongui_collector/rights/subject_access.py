"""``/v1/me``: what is held about a visitor, for that visitor.

To see, to take along, to correct, to suspend, to erase (S9, K10, K11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec
from dongui.policy.compile import pick_language
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dongui_collector.core.errors import TooManyEntries
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.credentials import Headers, network
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.http import query_of, read_body
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import RequestIn, decode
from dongui_collector.intake.turns import Whose
from dongui_collector.rights import access_package, access_package_page, filing, fulfilment
from dongui_collector.rights.grounds import KINDS, kind_of
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Visitor


class Asker(NamedTuple):
    """Whose data are asked for, and whose turn it is."""

    visitor: Visitor
    turn: Whose


async def _asker(door: PublicApp, request: Request, *, reads: bool = False) -> Asker:
    """Who asks, by their own id: as a bearer credential, or in the HttpOnly cookie beside the anti-forgery header.

    ``reads``: the call only reads. It takes the readers' turns and a share of the address's requests, and may come from
    somebody of whom nothing is left but what other law keeps. Every other right is refused to nobody by rate.
    """
    headers: Headers = request.state.headers
    address = door.caller(request.scope, headers)
    if reads:
        door.take_turn(headers, address)
    id_ = headers.bearer
    if id_ is None:
        id_ = _cookie(headers.cookie, "dongui_id") if headers.anti_forgery else None
    if not id_ or len(id_) > 128:
        raise Problem("unauthorised", "send Authorization: Bearer <visitor id>, or the cookie with X-Dongui: 1")
    key = door.core.ledger.key_of(id_)
    visitor = door.core.storage.ledger.visitor(key)
    turn = Whose(visitor.site_ref if visitor else 0, network(address) if address else "", key)
    if visitor is None and reads:
        visitor = await door.readers.run(turn, partial(_left_by_law, door, key))
    if visitor is None:
        raise Problem("unknown-visitor")
    site = door.core.registry.site_by_ref(visitor.site_ref)
    if headers.origin is not None and not door.origins.may_write(site, headers.origin):
        raise Problem("origin-not-listed")
    return Asker(visitor, turn)


def _left_by_law(door: PublicApp, key: bytes) -> Visitor | None:
    """Somebody erased of whom other law still keeps records: they may go on seeing that it does (S9.5)."""
    archive = door.core.storage.archive
    refs = (site.ref for site in door.core.registry.sites())
    site_ref = next((ref for ref in refs if archive.known_since(ref, key) is not None), None)
    return None if site_ref is None else Visitor(key, site_ref, False, {})


def _cookie(header: str, name: str) -> str | None:
    for part in header.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return None


async def get_me(door: PublicApp, request: Request) -> Response:
    """Everything held, as JSON."""
    asker = await _asker(door, request, reads=True)
    pieces = access_package.as_json(door.core, _subject(asker.visitor), access_package.AccessScope())
    return await _streamed(door, asker, pieces, {}, "application/json")


async def get_export(door: PublicApp, request: Request) -> Response:
    """The same as a file to keep; ``?format=html`` as a page to read and print, in ``?lang=``."""
    asker = await _asker(door, request, reads=True)
    visitor = asker.visitor
    query = query_of(request.scope)
    if query.get("format", "json") == "html":
        policy = door.core.registry.in_force(visitor.site_ref, door.core.clock.now()).policy
        lang = pick_language(policy, query.get("lang"))
        pieces = access_package_page.as_html(door.core, _subject(visitor), access_package.AccessScope(), lang)
        return await _streamed(door, asker, pieces, _file("html"), "text/html; charset=utf-8")
    pieces = access_package.as_json(door.core, _subject(visitor), access_package.AccessScope())
    return await _streamed(door, asker, pieces, _file("json"), "application/json")


def _subject(visitor: Visitor) -> Subject:
    """What a visitor id proves: one browser."""
    return Subject(visitor.site_ref, None, (visitor.key,))


def _file(ending: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="dongui-my-data.{ending}"'}


async def _streamed(
    door: PublicApp, asker: Asker, pieces: Iterator[bytes], headers: dict[str, str], kind: str
) -> Response:
    """Sent a page at a time, each when the reader's turn has come: a slow one holds neither memory nor a snapshot, and
    many pages keep nobody else waiting for longer than one."""

    async def piece() -> bytes | None:
        return await door.readers.run(asker.turn, partial(next, pieces, None))

    first = await piece()  # what fails, fails before an answer has begun

    async def chunks() -> AsyncIterator[bytes]:
        part = first
        while part is not None:
            if part:
                yield part
            part = await piece()

    return StreamingResponse(chunks(), headers=headers | {"cache-control": "no-store"}, media_type=kind)


async def delete_me(door: PublicApp, request: Request) -> Response:
    """Erase everything under this visitor id that no other law makes the site keep; answered once it is destroyed.

    Records of a member that the browser was joined to stay: whoever holds the id may be somebody else. The answer says
    so, and whom to ask (S9, S9.6, K3).
    """
    visitor, turn = await _asker(door, request)
    erase = partial(door.endings.must_succeed, door.core.ledger.erase, visitor.key, "request")
    intent = await door.rights.run(turn, erase)
    done = await door.endings.carry_out(intent, source=turn.address)
    kept = await door.rights.run(turn, partial(fulfilment.kept_by_law, door.core, _subject(visitor)))
    answer: dict[str, Any] = {"erased": True, "destroyed": done, "certificate": intent.seq, "kept": kept}
    if visitor.member:  # the id proves one browser, not the membership that it was joined to (S9.6)
        officer = door.core.registry.in_force(visitor.site_ref, door.core.clock.now()).policy.officer
        answer["member"] = {"erased": False, "ask": officer.contact}
    return json(answer)


async def post_request(door: PublicApp, request: Request) -> Response:
    """A privacy request of the visitor's own: suspend and resume act at once, the others go to the officer (K10)."""
    visitor, turn = await _asker(door, request)
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
            suspend = partial(door.endings.must_succeed, core.ledger.suspend, visitor.key, kind == "suspension")
            await door.rights.run(turn, suspend)
        except TooManyEntries as refused:
            raise Problem("rate-limited", str(refused)) from None
        return json({"kind": asked.kind, "done": True}, 201)
    filed = await door.requests.run(turn, partial(filing.received_online, core, visitor, asked.kind, asked.text))
    return json({"kind": asked.kind, "done": False, "request": filed.id, "due": filed.due}, 201)


def json(value: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, {"content-type": "application/json", "cache-control": "no-store"}
    )
