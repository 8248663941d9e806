"""The public door's calls about persons: records, members, channels, and what a visitor holds (``/v1/me``)."""

from __future__ import annotations

import hashlib
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from dongui_collector.core.errors import NotAllowed
from dongui_collector.intake.app import PublicApp
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.routes import PublicCall, json_response, server_body
from dongui_collector.intake.schema import METHODS, ChannelsIn, MemberIn, RecordIn, check_tree
from dongui_collector.rights import channels, members, profiles, subject_access
from dongui_collector.storage.contract.values import Site


async def post_record(door: PublicApp, request: Request) -> Response:
    """A record of another class than events: contracts, payments, complaints, abuse, logins (S3.1)."""
    value, site = await server_body(door, request, RecordIn)
    check_tree(value.data, "data")
    if why := await door.in_thread(site, members.may_record, door.core, site, value.class_, value.subject):
        raise Problem("no-live-purpose", f"nothing is recorded of this subject: {why}")
    sent = (value.class_, value.subject, value.at, value.source, value.data)
    try:
        stored = await door.in_thread(
            site, partial(door.core.retention.records.add, site, *sent, id=value.id.bytes if value.id else None)
        )
    except NotAllowed as refused:
        raise Problem("malformed", str(refused)) from None
    return json_response(stored, 201)


async def post_member(door: PublicApp, request: Request) -> Response:
    """What the site learns of a visitor as its member.

    Identified (K18), closed (회원탈퇴), found to be a minor (S8), or a profile that others may see or not (S4.2b).
    """
    value, site = await server_body(door, request, MemberIn)
    if value.event not in _MEMBER_EVENTS:
        raise Problem("malformed", f"event must be one of {', '.join(_MEMBER_EVENTS)}")
    ledger = door.core.ledger
    sent = _request_id(value, value.id) if value.id else None
    if sent and (kept := ledger.kept_answer(site.ref, sent)):
        return json_response(kept)
    visitor = ledger.key_of(value.visitor) if value.visitor else None
    member = ledger.member_key(site.ref, value.member) if value.member else None
    told = await _MEMBER_EVENTS[value.event](door, site, visitor, member, value.event)
    if sent:
        await door.in_thread(site, ledger.keep_answer, site.ref, sent, told)
    return json_response(told)


def _request_id(value: MemberIn, id: UUID) -> bytes:
    """What makes a request the same one again: its id and what it says. Under one id nobody's request is taken for
    another's, so that no erasure is left out."""
    said = msgspec.json.encode((value.event, value.visitor, value.member))
    return b"member|" + id.bytes + hashlib.sha256(said).digest()


async def _identified(
    door: PublicApp, site: Site, visitor: bytes | None, member: bytes | None, _event: str
) -> dict[str, Any]:
    if visitor is None or member is None:
        raise Problem("malformed", "identified needs visitor and member")
    current = door.core.registry.in_force(site.ref, door.core.clock.now())
    joined, ending = await door.in_thread(site, members.identify, door.core, current, visitor, member)
    if joined == "no_purpose":
        raise Problem("no-live-purpose", "no live purpose of this visitor lists member_reference")
    if ending is not None:  # under age: not joined, and what the visitor left is destroyed (S8)
        await _carry_out(door, ending)
        return {"identified": False, "minor": True, "erased": ending.visitors}
    return {"identified": True}


async def _ended(
    door: PublicApp, site: Site, visitor: bytes | None, member: bytes | None, event: str
) -> dict[str, Any]:
    work = (members.end, door.core, site, visitor, member, event)
    ending = await door.in_thread(site, door.endings.must_succeed, *work)
    await _carry_out(door, ending)
    kept = await door.in_thread(site, members.left_by_law, door.core, ending)
    return {"erased": ending.visitors} | ({"kept": kept} if kept else {})


async def _carry_out(door: PublicApp, ending: members.MemberEnd) -> None:
    for intent in ending.intents:
        await door.endings.carry_out(intent)


async def _profile(
    door: PublicApp, site: Site, _visitor: bytes | None, member: bytes | None, event: str
) -> dict[str, Any]:
    if member is None:
        raise Problem("malformed", f"{event} needs member")
    allowed = event == "profile_allowed"
    try:
        await door.in_thread(site, partial(profiles.switch, door.core, site, member, "site", allowed=allowed))
    except NotAllowed as refused:
        raise Problem("no-live-purpose", str(refused)) from None
    return {"allowed": allowed}


_MEMBER_EVENTS = {
    "identified": _identified,
    "closed": _ended,
    "minor": _ended,
    "profile_allowed": _profile,
    "profile_denied": _profile,
}


async def post_channels(door: PublicApp, request: Request) -> Response:
    """A member's consent to receive advertising, per channel; what stands after it (K16). Nothing chosen: only tells.

    Never one with the consent to tailored advertising, which is a visitor's and comes by ``/v1/consents``.
    """
    value, site = await server_body(door, request, ChannelsIn)
    if value.method not in METHODS:
        raise Problem("malformed", f"method must be one of {', '.join(sorted(METHODS))}")
    chosen = (value.granted, value.refused, value.method, value.lang)
    try:
        state = await door.in_thread(site, channels.choose, door.core, site, value.member, *chosen)
    except NotAllowed as refused:
        raise Problem("malformed", str(refused)) from None
    return json_response({"state": state})


PUBLIC_CALLS = (
    PublicCall("/v1/records", post_record, "POST"),
    PublicCall("/v1/members", post_member, "POST"),
    PublicCall("/v1/channels", post_channels, "POST"),
    PublicCall("/v1/me", subject_access.get_me),
    PublicCall("/v1/me", subject_access.delete_me, "DELETE"),
    PublicCall("/v1/me/export", subject_access.get_export),
    PublicCall("/v1/me/requests", subject_access.post_request, "POST"),
)
