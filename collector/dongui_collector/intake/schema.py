"""The wire's schema and limits: bytes in, checked values out, or a :class:`Problem`. Pure."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from dongui.rules.addresses import parse_ip
from msgspec import Meta

from dongui_collector.intake.problems import Problem

MAX_BODY = 64 * 1024
MAX_EVENTS = 100
MAX_URL = 4096
MAX_DEPTH = 6
_MAX_NODES = 2000

Short = Annotated[str, Meta(max_length=128)]
Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,63}\Z")]
Version = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}\Z")]
Lang = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,35}\Z")]
Catalog = Annotated[str, Meta(pattern=r"^[0-9a-f]{8,64}\Z")]
_UUID = r"^[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}\Z"
SiteId = Annotated[str, Meta(min_length=1, max_length=64)]


class Environment(msgspec.Struct, gc=False):
    """What a page says of the browser beside its user agent."""

    language: str | None = None
    screen: str | None = None


class Event(msgspec.Struct, gc=False):
    """One event of ``POST /v1/events``.

    Every optional field is recorded only where the ledger lets its item through.
    """

    id: uuid.UUID
    name: Annotated[str, Meta(min_length=1, max_length=128)]
    at: Annotated[int, Meta(ge=0)]
    url: str | None = None
    referrer: str | None = None
    props: dict[str, Any] | None = None
    search: Annotated[str, Meta(max_length=512)] | None = None
    ad_ids: dict[str, str] | None = None
    cookies: dict[str, str] | None = None
    environment: Environment | None = None
    ip: Annotated[str, Meta(max_length=64)] | None = None
    user_agent: Annotated[str, Meta(max_length=2048)] | None = None


class EventBatch(msgspec.Struct, gc=False):
    """The body of ``POST /v1/events``."""

    site: SiteId
    events: Annotated[list[Event], Meta(max_length=MAX_EVENTS)]
    visitor: Annotated[str, Meta(max_length=128)] | None = None


class Signals(msgspec.Struct, forbid_unknown_fields=True):
    """What the browser signalled when the choice was made: Global Privacy Control alone (W1)."""

    gpc: bool = False


class ConsentIn(msgspec.Struct):
    """The body of ``POST /v1/consents``. ``id`` is text, since the answer echoes it as it came."""

    site: SiteId
    notice: Version
    granted: Annotated[list[Id], Meta(max_length=64)]
    refused: Annotated[list[Id], Meta(max_length=64)]
    method: Short
    lang: Lang = "ko"
    visitor: Annotated[str, Meta(max_length=128)] | None = None
    signals: Signals | None = None
    id: Annotated[str, Meta(pattern=_UUID)] | None = None
    layout: Short | None = None
    catalog: Catalog | None = None
    given_before: Annotated[int, Meta(ge=0)] | None = None
    decided_ago: Annotated[int, Meta(ge=0)] | None = None


class RecordIn(msgspec.Struct):
    """The body of ``POST /v1/records``."""

    site: SiteId
    class_: Id = msgspec.field(name="class")
    subject: Annotated[str, Meta(min_length=1, max_length=256)]
    at: Annotated[int, Meta(ge=0)]
    source: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}\Z")]
    data: dict[str, Any]
    id: uuid.UUID | None = None


class MemberIn(msgspec.Struct):
    """The body of ``POST /v1/members``."""

    site: SiteId
    event: Short
    visitor: Annotated[str, Meta(max_length=128)] | None = None
    member: Annotated[str, Meta(min_length=1, max_length=256)] | None = None
    id: uuid.UUID | None = None


class ChannelsIn(msgspec.Struct):
    """The body of ``POST /v1/channels``: a member's choice of channels for advertising (K16)."""

    site: SiteId
    member: Annotated[str, Meta(min_length=1, max_length=256)]
    granted: Annotated[list[Id], Meta(max_length=64)] = []
    refused: Annotated[list[Id], Meta(max_length=64)] = []
    method: Short = "api"
    lang: Lang = "ko"


class InventoryIn(msgspec.Struct):
    """The body of ``POST /v1/inventory``: names of cookies, never values."""

    site: SiteId
    cookies: Annotated[list[Annotated[str, Meta(min_length=1, max_length=256)]], Meta(max_length=200)]


Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Granted = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\Z", max_length=1024)]


class PageCounts(msgspec.Struct, forbid_unknown_fields=True):
    """Page views by what was recorded of them: under which purposes (dot-joined), or why nothing."""

    recorded: Annotated[dict[Granted, Count], Meta(max_length=256)] = {}
    unasked: Count = 0
    refused: Count = 0
    gpc: Count = 0
    no_id: Count = 0


class CountsIn(msgspec.Struct):
    """The body of ``POST /v1/counts``: page views that a server answered about ``at``, without any identifier."""

    site: SiteId
    id: uuid.UUID
    at: Annotated[int, Meta(ge=0)]
    counts: PageCounts


class RequestIn(msgspec.Struct):
    """The body of ``POST /v1/me/requests``."""

    kind: Short
    text: Annotated[str, Meta(max_length=4000)] | None = None


BROWSER_METHODS = frozenset({"banner", "preferences", "api", "signal"})
METHODS = BROWSER_METHODS | {"signup", "letter"}  # these a server alone can vouch for
_AD_KIND = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,31}\Z")

T = TypeVar("T")
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}
_FIELD = re.compile(r"unknown field `.*?`(?= - at |\Z)", re.DOTALL)


# How a choice was put. What of it cannot be taken is left out of a body that only takes away: no withdrawal is lost
# over it.
_SHOWN: dict[str, Any] = {"lang": Lang, "layout": Short | None, "catalog": Catalog | None, "signals": Signals | None}
_CHOICES: frozenset[type] = frozenset({ConsentIn, ChannelsIn})


def decode(body: bytes, schema: type[T]) -> T:
    """Parse and check a body. Raises :class:`Problem` ``malformed`` naming the place, never the value."""
    try:
        return _decoded(body, schema)
    except Problem:
        plain = _taking_away(body) if schema in _CHOICES else None
        if plain is None:
            raise
    return _decoded(plain, schema)


def _taking_away(body: bytes) -> bytes | None:
    """A choice without what cannot be taken of how it was put; None unless it only takes away."""
    try:
        sent = msgspec.json.decode(_whole_characters(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if not isinstance(sent, dict) or sent.get("granted", []) != [] or not sent.get("refused"):
        return None
    return msgspec.json.encode({name: v for name, v in sent.items() if name not in _SHOWN or _fits(v, _SHOWN[name])})


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return not _has_nul(value)


def _decoded(body: bytes, schema: type[T]) -> T:
    decoder = _decoders.get(schema)
    if decoder is None:
        decoder = _decoders[schema] = msgspec.json.Decoder(schema)
    try:
        value: T = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise Problem("malformed", _place(str(error))) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        if (mended := _whole_characters(body)) != body:
            return _decoded(mended, schema)
        raise Problem("malformed", "the body is not JSON in UTF-8") from None
    except RecursionError:
        raise Problem("malformed", "the body is nested too deeply") from None
    if b"\\u0000" in body and _has_nul(msgspec.to_builtins(value, builtin_types=(uuid.UUID,))):
        raise Problem("malformed", "NUL characters are not accepted")
    return value


def _whole_characters(body: bytes) -> bytes:
    """The body with U+FFFD for every half of a character, which JavaScript makes of a text cut within an emoji.

    JSON lets halves be written (RFC 8259, section 8.2); refusing them would lose a whole batch for one clipped title.
    """
    if b"\\ud" not in body.lower():
        return body
    try:
        text = json.dumps(json.loads(body), ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def _place(message: str) -> str:
    """msgspec's message, less the only thing in it that was sent: the name of a field that there is not."""
    return _FIELD.sub("unknown field", message)[:200]


def _has_nul(value: Any) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            if "\x00" in item:
                return True
        elif isinstance(item, dict):
            stack.extend(item)
            stack.extend(item.values())
        elif isinstance(item, list | tuple):
            stack.extend(item)
    return False


def check_events(events: Iterable[Event], *, addresses: bool = False) -> None:
    """The limits that a schema cannot say. One malformed event refuses the whole batch.

    ``addresses``: whether ``ip`` counts (it does with the secret key) and so must be one.
    """
    for event in events:
        if addresses and event.ip is not None and parse_ip(event.ip) is None:
            raise Problem("malformed", "ip is not an IP address")
        if event.url is not None and len(event.url) > 1024 and len(event.url.encode()) > MAX_URL:
            raise Problem("malformed", "url is longer than 4096 bytes")
        if event.referrer is not None and len(event.referrer) > 1024 and len(event.referrer.encode()) > MAX_URL:
            raise Problem("malformed", "referrer is longer than 4096 bytes")
        if event.props is not None:
            check_tree(event.props, "props")
        if event.ad_ids is not None:
            _check_names(event.ad_ids, "ad_ids", _AD_KIND, 512)
        if event.cookies is not None:
            _check_names(event.cookies, "cookies", None, 4096)


def check_tree(value: Mapping[str, Any], where: str) -> None:
    """Bound a free JSON object: depth and number of values."""
    if len(value) <= _MAX_NODES and _is_flat(value):
        return
    nodes, level = 0, [value]  # breadth first: a hostile depth costs no recursion
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            children = item.values() if isinstance(item, dict) else item
            nodes += len(children)
            below += [c for c in children if isinstance(c, dict | list)]
        if nodes > _MAX_NODES:
            raise Problem("malformed", f"{where} holds too many values")
        if not below:
            return
        level = below
    raise Problem("malformed", f"{where} is nested more than {MAX_DEPTH} levels deep")


def _is_flat(value: Mapping[str, Any]) -> bool:
    for child in value.values():  # noqa: SIM110 (nearly all are, and a generator costs three times as much)
        if type(child) is dict or type(child) is list:
            return False
    return True


def _check_names(values: Mapping[str, str], where: str, pattern: re.Pattern[str] | None, longest: int) -> None:
    if len(values) > 50:
        raise Problem("malformed", f"{where} holds more than 50 names")
    for name, value in values.items():
        if len(name) > 128 or len(value) > longest or (pattern and not pattern.match(name)):
            raise Problem("malformed", f"{where}: a name or value is too long or of the wrong form")


def check_decision(decision: ConsentIn, *, secret: bool) -> None:
    """The limits of a decision beyond its schema. ``secret``: whether a server sends it."""
    methods = METHODS if secret else BROWSER_METHODS
    if decision.method not in methods:
        raise Problem("malformed", f"method must be one of {', '.join(sorted(methods))}")
    if set(decision.granted) & set(decision.refused):
        raise Problem("malformed", "a purpose is both granted and refused")
    for name in ("given_before", "decided_ago"):
        if getattr(decision, name) is not None and not (secret and not decision.granted):
            raise Problem("malformed", f"{name} is for servers, and for what only takes away")
