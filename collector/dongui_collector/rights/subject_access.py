"""``/v1/me``: what is held about a visitor, for that visitor.

To see, to take along, to correct, to suspend, to erase (S9, K10, K11).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from dongui.policy.compile import pick_language
from dongui.rules import visitor_ids
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from dongui_collector.core.errors import TooManyEntries
from dongui_collector.core.turns import Whose
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.credentials import Headers, network
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.http import query_of, read_body
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import RequestIn, decode
from dongui_collector.rights import access_package, access_package_page, filing, fulfilment
from dongui_collector.rights.grounds import KINDS, kind_of
from dongui_collector.rights.subjects import Subject
from dongui_collector.storage.contract.values import Visitor

FORMATS = ("json", "html")
_REMEDY = "send Authorization: Bearer <visitor id>, or one cookie of a visitor id with X-Dongui: 1"
_MOST_IDS = 16  # of one request, as in the middleware: each costs a look at the ledger


class Asker(NamedTuple):
    """Whose data are asked for, and whose turn it is."""

    visitor: Visitor
    turn: Whose


async def _askers(door: PublicApp, request: Request, *, reads: bool = False) -> list[Asker]:
    """Who asks, by their own id: as a bearer credential, or in the HttpOnly cookie beside the anti-forgery header.

    ``reads``: the call only reads. It takes the readers' turns and a share of the address's requests, and may come from
    somebody of whom nothing is left but what other law keeps. Every other right is refused to nobody by rate. Of
    several ids none is read, since a sibling host may have set one of them; what takes away is carried out for each.
    """
    headers: Headers = request.state.headers
    address = door.caller(request.scope, headers)
    if reads:
        door.take_turn(headers, address)
    ids = _ids(headers)
    if not ids or (reads and len(ids) > 1):
        raise Problem("unauthorised", _REMEDY)
    known = [asker for id_ in ids if (asker := await _known(door, id_, address, reads=reads))]
    if not known:
        raise Problem("unknown-visitor")
    site_by_ref, origin = door.core.registry.site_by_ref, headers.origin
    may_write = door.origins.may_write
    allowed = [one for one in known if origin is None or may_write(site_by_ref(one.visitor.site_ref), origin)]
    if not allowed:
        raise Problem("origin-not-listed")
    return allowed


def _only(askers: Sequence[Asker]) -> Asker:
    """The one who asks, where several ids would not do."""
    if len(askers) > 1:
        raise Problem("unauthorised", _REMEDY)
    return askers[0]


def _ids(headers: Headers) -> list[str]:
    """The ids that a request brings: a prefixed cookie hides plain ones."""
    if headers.bearer is not None:
        return [headers.bearer] if 0 < len(headers.bearer) <= 128 else []
    if not headers.anti_forgery:
        return []
    parts = (part.partition("=") for part in headers.cookie.split(";"))
    pairs = [(name.strip(" \t"), value.strip(" \t")) for name, _, value in parts]
    return visitor_ids(pairs, https=True, shared=False, framed=headers.framed).all[:_MOST_IDS]


async def _known(door: PublicApp, id_: str, address: str | None, *, reads: bool) -> Asker | None:
    key = door.core.ledger.key_of(id_)
    visitor = door.core.storage.ledger.visitor(key)
    turn = Whose(visitor.site_ref if visitor else 0, network(address) if address else "", key)
    if visitor is None and reads:
        visitor = await door.readers.run(turn, partial(_left_by_law, door, key))
    return None if visitor is None else Asker(visitor, turn)


def _left_by_law(door: PublicApp, key: bytes) -> Visitor | None:
    """Somebody erased of whom other law still keeps records: they may go on seeing that it does (S9.5)."""
    archive = door.core.storage.archive
    refs = (site.ref for site in door.core.registry.sites())
    site_ref = next((ref for ref in refs if archive.known_since(ref, key) is not None), None)
    return None if site_ref is None else Visitor(key, site_ref, False, {})


async def get_me(door: PublicApp, request: Request) -> Response:
    """Everything held, as JSON."""
    asker = _only(await _askers(door, request, reads=True))
    pieces = access_package.as_json(door.core, _subject(asker.visitor), access_package.AccessScope())
    return await _streamed(door, asker, pieces, {}, "application/json")


async def get_export(door: PublicApp, request: Request) -> Response:
    """The same as a file to keep; ``?format=html`` as a page to read and print, in ``?lang=``."""
    asker = _only(await _askers(door, request, reads=True))
    visitor = asker.visitor
    query = query_of(request.scope)
    chosen = query.get("format", "json")
    if chosen not in FORMATS:
        raise Problem("malformed", f"format must be one of {', '.join(FORMATS)}")
    if chosen == "html":
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
    answers = [await _erased(door, asker) for asker in await _askers(door, request)]
    together = {name: value for answer in answers for name, value in answer.items()}
    if len(answers) > 1:  # of several copies of the cookie: one answer for all
        together["destroyed"] = all(answer["destroyed"] for answer in answers)
        together["kept"] = [kept for answer in answers for kept in answer["kept"]]
        together["certificates"] = [answer["certificate"] for answer in answers]
    return json(together)


async def _erased(door: PublicApp, asker: Asker) -> dict[str, Any]:
    visitor, turn = asker
    intent = await door.rights.run(turn, partial(door.core.ledger.erase, visitor.key, "request"))
    done = await door.endings.carry_out(intent, source=turn.address)
    kept = await door.outcomes.run(turn, partial(fulfilment.kept_by_law, door.core, _subject(visitor)))
    answer: dict[str, Any] = {"erased": True, "destroyed": done, "certificate": intent.seq, "kept": kept}
    if visitor.member:  # the id proves one browser, not the membership that it was joined to (S9.6)
        officer = door.core.registry.in_force(visitor.site_ref, door.core.clock.now()).policy.officer
        answer["member"] = {"erased": False, "ask": officer.contact}
    return answer


async def post_request(door: PublicApp, request: Request) -> Response:
    """A privacy request of the visitor's own: suspend and resume act at once, the others go to the officer (K10)."""
    askers = await _askers(door, request)
    headers: Headers = request.state.headers
    body = await read_body(request.receive, headers.length)
    if headers.encoding:
        body = unpacked(body, headers.encoding, zipped=False)
    asked = decode(body, RequestIn)
    kind = kind_of(asked.kind)
    if kind is None:
        raise Problem("malformed", f"kind must be one of {', '.join(KINDS)}")
    core = door.core
    if kind == "suspension":
        for asker in askers:
            await _suspended(door, asker, True)
        return json({"kind": asked.kind, "done": True}, 201)
    visitor, turn = asker = _only(askers)
    if kind == "resumption":
        await _suspended(door, asker, False)
        return json({"kind": asked.kind, "done": True}, 201)
    filed = await door.requests.run(turn, partial(filing.received_online, core, visitor, asked.kind, asked.text))
    return json({"kind": asked.kind, "done": False, "request": filed.id, "due": filed.due}, 201)


async def _suspended(door: PublicApp, asker: Asker, suspended: bool) -> None:
    suspend = partial(door.core.ledger.suspend, asker.visitor.key, suspended)
    try:
        await door.rights.run(asker.turn, suspend)
    except TooManyEntries as refused:
        raise Problem("rate-limited", str(refused)) from None


def json(value: Any, status: int = 200) -> Response:
    return Response(
        msgspec.json.encode(value), status, {"content-type": "application/json", "cache-control": "no-store"}
    )
