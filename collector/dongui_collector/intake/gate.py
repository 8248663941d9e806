"""The collector's own gate: from an event and what the ledger says, the row that may be stored. The second lock."""

from __future__ import annotations

import hmac
import ipaddress
import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec
from dongui.rules.addresses import parse_ip
from dongui.rules.cookies import declaration
from dongui.rules.urls import ScrubbedUrl, percent_encoded, scrub_props, scrub_text, scrub_url

from dongui_collector.core.sealing import seal
from dongui_collector.intake.enrich import agent_of
from dongui_collector.intake.places import GeoDatabase
from dongui_collector.intake.schema import Event
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger.notices import LoadedNotice, NoticeRegistry
from dongui_collector.ledger.rows import EventKeys, associated
from dongui_collector.storage.contract.values import Row

_encode = msgspec.json.encode
_LOCALE = 35


@dataclass(slots=True)
class Sender:
    """What is known of who sent a batch: decided at the door, the same for all its events."""

    address: str | None  # the visitor's; None in a server's own call, where only an event's own ``ip`` counts
    user_agent: str
    language: str
    secret: bool
    gpc: bool
    source: str


class Allowed(NamedTuple):
    """Which items of an event may be recorded, as the hot path asks for them."""

    time: bool
    usage: bool
    environment: bool
    address: bool
    advertising: bool
    cookie: bool


@lru_cache(maxsize=1024)
def _allowed(items: frozenset[str]) -> Allowed:
    return Allowed(
        "visit_time" in items,
        "service_usage" in items,
        "access_environment" in items,
        "ip_address" in items,
        "advertising_id" in items,
        "cookie" in items,
    )


class LocatedAddress(NamedTuple):
    """An address as it may be kept, before it is sealed, and where it lies."""

    kept: bytes
    country: str | None
    city: str | None


@dataclass(slots=True)
class ConsentBasis:
    """What a visitor's row stands on, decided from the ledger inside the writing transaction."""

    visitor: bytes
    notice: LoadedNotice
    mask: int
    seq: int
    items: frozenset[str]


# A site's visitors look at the same pages. What was raw in them is forgotten with every ending (:func:`forget_urls`).
@lru_cache(maxsize=4096)
def _scrubbed(url: str, allowed: Container[str], unsearched: tuple[str, ...] = ()) -> ScrubbedUrl:
    place, ad_ids = scrub_url(url, allowed, unsearched)
    return ScrubbedUrl(percent_encoded(place), ad_ids)


_scrubbed_name = lru_cache(maxsize=1024)(scrub_text)  # a site has few names of events
# Without any of these no text in it holds a personal pattern (dongui.rules.urls): most properties need no second look.
_PERHAPS_PERSONAL = re.compile(rb"@|%|\+|[0-9]{4}|\xef\xbc[\x90-\x99]").search


def forget_urls() -> None:
    """Forget what URLs and names came to: whose they were is not known any more when somebody's data end."""
    _scrubbed.cache_clear()
    _scrubbed_name.cache_clear()


class RowMaker:
    """Builds rows. Holds only keys and caches; every decision is from its arguments."""

    def __init__(self, registry: NoticeRegistry, keyring: KeyRing, places: GeoDatabase) -> None:
        self._registry = registry
        self._keyring = keyring
        self.places = places
        self._keys = EventKeys(keyring.derive(b"event"))
        self._pseudonym = keyring.derive(b"item-pseudonym")

    def key(self, event: Event, site_ref: int) -> bytes:
        """The key under which this event is kept where ``visit_time`` is covered."""
        return self._keys.of(site_ref, event.id.bytes)

    def timeless(self, key: bytes) -> bytes:
        """The key of the same event where it is not."""
        return self._keys.timeless(key)

    def is_over(self, day: date) -> bool:
        """Whether a day was destroyed: its file must not come back, not even for rows without a sealed column."""
        return self._keyring.day_is_over(day)

    def of(self, sender: Sender, basis: ConsentBasis, day: date, received: int | None = None) -> RequestRows:
        """What builds the rows of one request's events on ``day``; ``received`` (epoch ms) is when it came in."""
        return RequestRows(self, sender, basis, day, received)

    def place(self, address: str, notice: LoadedNotice) -> LocatedAddress:
        """An address as this notice lets it be kept."""
        return self._place_of(address, notice.policy.items["ip_address"].protect, self.places.generation)

    def forget(self) -> None:
        """Forget addresses and URLs, as somebody's data have ended."""
        self._place_of.cache_clear()
        forget_urls()

    @lru_cache(maxsize=512)  # noqa: B019 (one a process): the events of a batch, and a visitor's next ones
    def _place_of(self, address: str, protect: str, _generation: int) -> LocatedAddress:
        country, city = self.places.of(address)
        if protect == "truncate":
            address = truncated(address)
        elif protect == "pseudonym":
            address = hmac.digest(self._pseudonym, address.encode(), "sha256")[:16].hex()
        return LocatedAddress(address.encode(), country, city)

    def sealing_key(self, day: date) -> bytes:
        """The key of a day, made when it is the first that needs one."""
        key = self._keyring.day(day, create=True)
        assert key is not None  # just created
        return key


class RequestRows:
    """The rows of one request's events: what they share is decided once, every column only where an item of the basis
    lets it stand (S2.1b, DESIGN section 1)."""

    __slots__ = (
        "_agent",
        "_allowed",
        "_basis",
        "_day",
        "_fixed",
        "_key",
        "_language",
        "_maker",
        "_notice",
        "_own",
        "_received",
        "_sender",
    )

    def __init__(
        self, maker: RowMaker, sender: Sender, basis: ConsentBasis, day: date, received: int | None = None
    ) -> None:
        self._maker, self._sender, self._basis, self._day = maker, sender, basis, day
        self._notice = basis.notice
        self._allowed = _allowed(basis.items)
        self._received = received if self._allowed.time else None
        self._fixed = (basis.notice.site_ref, basis.visitor, basis.seq, basis.mask, basis.notice.ref)
        self._agent = agent_of(sender.user_agent)
        self._language = _preferred(sender.language)
        self._own = maker.place(sender.address, basis.notice) if self._allowed.address and sender.address else None
        self._key: bytes | None = None  # not asked for, and so not made, before something is to be sealed

    def row(self, event: Event, at: int, key: bytes) -> Row:
        """The row of one event. ``key`` is what :meth:`RowMaker.key` said of it."""
        allowed = self._allowed
        row = Row(key, *self._fixed, at) if allowed.time else Row(self._maker.timeless(key), *self._fixed)
        row.source, row.received_at = self._sender.source, self._received
        ad_ids: dict[str, str] = {}
        if allowed.usage or allowed.advertising:
            ad_ids = self._usage(row, event, kept=allowed.usage)
        if allowed.environment:
            self._environment(row, event)
        if allowed.address and (place := self._place(event)):
            row.ip, row.country, row.city = self._sealed(row, "ip", place.kept), place.country, place.city
        if allowed.advertising and (ad_ids or event.ad_ids):
            row.ads = self._sealed(row, "ads", _encode(ad_ids | (event.ad_ids or {})))
        if allowed.cookie and event.cookies:
            self._cookies(row, event.cookies)
        return row

    def _usage(self, row: Row, event: Event, *, kept: bool) -> dict[str, str]:
        """Fill in the service-usage record; return the advertising IDs that stood in URLs (they never stay there)."""
        allowed = self._notice.query_keys
        ad_ids: dict[str, str] = {}
        url = referrer = None
        if event.referrer is not None:
            referrer, ad_ids = _scrubbed(event.referrer, allowed)
        if event.url is not None:
            url, own = _scrubbed(event.url, allowed, self._notice.unsearched_paths)
            ad_ids = ad_ids | own if own else ad_ids
        if kept:
            row.name = _scrubbed_name(event.name)
            row.url, row.referrer = url, referrer
            row.secure = None if url is None or "://" not in url else int(url.startswith("https:"))
            row.search = None if event.search is None else scrub_text(event.search)
            row.props = None if event.props is None else _clean(event.props, self._notice.unsearched_properties)
        return ad_ids

    def _environment(self, row: Row, event: Event) -> None:
        agent = self._agent
        if event.user_agent is not None and self._sender.secret:
            agent = agent_of(event.user_agent)
        row.browser, row.os, row.device, _ = agent
        given = event.environment
        language = (given and given.language) or self._language
        row.language = language[:_LOCALE] or None
        row.screen = given.screen[:32] if given and given.screen else None

    def _place(self, event: Event) -> LocatedAddress | None:
        if event.ip is None or not self._sender.secret:
            return self._own
        address = parse_ip(event.ip)
        return None if address is None else self._maker.place(address, self._notice)

    def _cookies(self, row: Row, cookies: dict[str, str]) -> None:
        """Values of cookies that the policy declares as recorded, each under its own live purpose."""
        notice = self._notice
        names = set(notice.names(self._basis.mask))
        declared = ((name, declaration(name, notice.compiled)) for name in cookies)
        kept = {name: cookies[name] for name, d in declared if d and d["record"] and d["purpose"] in names}
        if kept:
            row.cookies = self._sealed(row, "cookies", _encode(kept))

    def _sealed(self, row: Row, column: str, plain: bytes) -> bytes:
        if self._key is None:
            self._key = self._maker.sealing_key(self._day)
        return seal(self._key, plain, associated(row.site_ref, self._day, row.key, column))


def _clean(props: dict[str, Any], unsearched: Container[str]) -> str:
    """Properties as they are kept: JSON without personal patterns."""
    encoded = _encode(props)
    return (_encode(scrub_props(props, unsearched)) if _PERHAPS_PERSONAL(encoded) else encoded).decode()


def _preferred(accepted: str) -> str:
    """The first language of an ``Accept-Language`` header."""
    return accepted.partition(",")[0].partition(";")[0].strip()


def truncated(address: str) -> str:
    """An address cut to its network: /24 for IPv4, /48 for IPv6."""
    prefix = 48 if ":" in address else 24
    return str(ipaddress.ip_network((address, prefix), strict=False).network_address)
