"""Rows of the event store: their keys, their sealed columns, what is left of one when a basis ends, how one is read."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import Any

from dongui.rules.cookies import classify

from dongui_collector.core.sealing import seal, unseal
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.storage.contract.values import Intent, Reduce, Row

# Which columns an item lets stand. ``cookie`` also covers the visitor, without which a row could not be withdrawn.
COLUMNS_OF: dict[str, tuple[str, ...]] = {
    "visit_time": ("at", "received_at"),
    "service_usage": ("name", "url", "referrer", "props", "search", "secure"),
    "access_environment": ("browser", "os", "device", "language", "screen"),
    "ip_address": ("ip", "country", "city"),
    "advertising_id": ("ads",),
    "cookie": ("cookies",),
}
SEALED = ("ip", "ads", "cookies")


def visitor_key(secret: bytes, visitor_id: str) -> bytes:
    """The 16 bytes under which a visitor is kept: HMAC(installation secret, id). The id itself is never stored."""
    return hmac.digest(secret, b"visitor\x00" + visitor_id.encode("utf-8", "surrogatepass"), "sha256")[:16]


class EventKeys:
    """The 16-byte keys under which events are kept, so that one sent again is kept once. An event's own id is never
    stored.

    A UUIDv7's time leads, under a mask that hides it but keeps neighbours together: new keys then land on the few
    pages of
    the index that are at hand, where random ones would dirty a page each. The rest is a keyed hash.
    """

    def __init__(self, secret: bytes) -> None:
        # Keyed once and copied: the key's own block is not hashed again for every event.
        self._keyed = hashlib.blake2b(key=secret, digest_size=16)
        self._timeless = hashlib.blake2b(key=secret, digest_size=16, person=b"timeless")
        # The last 65 s stay as they are: within them keys come in order, and the index fills its pages.
        self._mask = int.from_bytes(hashlib.blake2b(b"time", key=secret, digest_size=6).digest(), "big") & ~0xFFFF

    def of(self, site_ref: int, event_id: bytes) -> bytes:
        """The key of an event of a site; ``event_id`` are the 16 bytes of its UUID."""
        hashed = self._keyed.copy()
        hashed.update(b"%d|%b" % (site_ref, event_id))
        digest = hashed.digest()
        if event_id[6] >> 4 != 7:
            return digest
        return (int.from_bytes(event_id[:6], "big") ^ self._mask).to_bytes(6, "big") + digest[6:]

    def timeless(self, key: bytes) -> bytes:
        """The key of the same event where ``visit_time`` is not covered: nothing in it tells the time."""
        hashed = self._timeless.copy()
        hashed.update(key)
        return hashed.digest()


def associated(site_ref: int, day: date, key: bytes, column: str) -> bytes:
    """What a sealed column is bound to: moved to another site, day, row or column it does not open."""
    return _place(site_ref, day, column) + key


@lru_cache(maxsize=1024)
def _place(site_ref: int, day: date, column: str) -> bytes:
    return f"{site_ref}|{day.isoformat()}|{column}|".encode()


def reduce_row(registry: NoticeRegistry, keyring: KeyRing, keys: EventKeys) -> Reduce:
    """The function that storage calls with a row, the purposes that remain to it and its day.

    Items that no remaining purpose lists become NULL; a recorded cookie goes with the purpose that declared it.
    """

    def reduce(row: Row, remaining: int, day: date) -> Row:
        allowed = registry.items_of(row.notice_ref, remaining)
        gone: dict[str, Any] = {c: None for item, columns in COLUMNS_OF.items() if item not in allowed for c in columns}
        smaller = replace(row, purposes=remaining, **gone)
        if smaller.cookies is not None:
            smaller.cookies = _reseal_cookies(smaller, day)
        if row.at is not None and smaller.at is None:
            _rename(smaller, row.key, day)
        return smaller

    def _reseal_cookies(row: Row, day: date) -> bytes | None:
        key = keyring.day(day)
        if key is None or row.cookies is None:
            return None
        bound = associated(row.site_ref, day, row.key, "cookies")
        kept = covered_cookies(registry, row, json.loads(unseal(key, row.cookies, bound)))
        return seal(key, json.dumps(kept).encode(), bound) if kept else None

    def _rename(row: Row, old: bytes, day: date) -> None:
        row.key = keys.timeless(old)
        key = keyring.day(day)
        for column in SEALED:
            if (value := getattr(row, column)) is not None:
                plain = unseal(key, value, associated(row.site_ref, day, old, column)) if key else b""
                setattr(row, column, seal(key, plain, associated(row.site_ref, day, row.key, column)) if key else None)

    return reduce


def covered_cookies(registry: NoticeRegistry, row: Row, cookies: dict[str, str]) -> dict[str, str]:
    """Those recorded cookies whose declared purpose is among the row's purposes."""
    notice = registry.notice(row.notice_ref)
    names = set(notice.names(row.purposes))
    return {name: value for name, value in cookies.items() if classify(name, notice.compiled) in names}


@dataclass(frozen=True, slots=True)
class PendingErasures:
    """Endings that are decided but perhaps not finished: readers apply them from the moment of their commit."""

    by_visitor: dict[bytes, list[Intent]]
    suspended: frozenset[bytes] = frozenset()  # 처리정지: nothing of theirs is read for anybody but themselves (K10)
    owner: bool = False  # a person reads their own: also what is past its period and waits for a hold or an approval

    @classmethod
    def of(cls, intents: Iterable[Intent], suspended: frozenset[bytes] = frozenset()) -> PendingErasures:
        found: dict[bytes, list[Intent]] = {}
        for intent in intents:
            found.setdefault(intent.visitor, []).append(intent)
        return cls(found, suspended)

    def own(self) -> PendingErasures:
        """For a person's own eyes: a suspension hides nothing from them."""
        return PendingErasures(self.by_visitor, owner=True)

    def remaining(self, row: Row) -> int:
        """The purposes a row still stands on, and may be read for."""
        if row.visitor in self.suspended:
            return 0
        mask = row.purposes
        for intent in self.by_visitor.get(row.visitor, ()):
            if row.seq <= intent.up_to:
                mask &= ~intent.bits
        return mask


class RowReader:
    """Turns rows into the "Read back" shape of the outside contract, only ever with what the reader may see."""

    def __init__(self, registry: NoticeRegistry, keyring: KeyRing, today: Callable[[], date]) -> None:
        self._registry = registry
        self._keyring = keyring
        self._periods = Periods(registry)
        self._today = today

    def readable(self, row: Row, day: date, masks: PendingErasures, purposes: int = -1) -> dict[str, Any] | None:
        """One row, or None where nothing of it may be shown.

        ``purposes`` is the bit set the reader is entitled to (-1: every one). Each item is shown only where one of the
        purposes common to row and reader lists it. ``visitor`` and ``id`` are still the stored keys (bytes): the caller
        replaces them by its own pseudonyms.
        """
        mask = masks.remaining(row) & purposes
        if mask and not masks.owner:  # what waits for its destruction is kept, not used
            mask = self._periods.retained_mask(row.notice_ref, mask, day, self._today())
        if not mask:
            return None
        notice = self._registry.notice(row.notice_ref)
        allowed = self._registry.items_of(row.notice_ref, mask)
        key = self._keyring.day(day)

        def opened(column: str, item: str) -> bytes | None:
            value = getattr(row, column)
            if value is None or key is None or item not in allowed:
                return None
            return unseal(key, value, associated(row.site_ref, day, row.key, column))

        usage, area = "service_usage" in allowed, "ip_address" in allowed
        timed = "visit_time" in allowed and row.at is not None
        ip, ads, cookies = opened("ip", "ip_address"), opened("ads", "advertising_id"), opened("cookies", "cookie")
        environment = {c: getattr(row, c) for c in COLUMNS_OF["access_environment"]}
        shown = replace(row, purposes=mask)
        return {
            "id": row.key,
            "day": day.isoformat() if timed else None,
            "at": row.at if timed else None,
            "name": row.name if usage else None,
            "url": row.url if usage else None,
            "referrer": row.referrer if usage else None,
            "props": json.loads(row.props) if usage and row.props else None,
            "search": row.search if usage else None,
            "secure": bool(row.secure) if usage and row.secure is not None else None,
            "source": row.source,
            "visitor": row.visitor if "cookie" in allowed else None,
            "ip_address": ip.decode() if ip else None,
            "country": row.country if area else None,
            "city": row.city if area else None,
            "advertising_ids": json.loads(ads) if ads else None,
            "cookies": (covered_cookies(self._registry, shown, json.loads(cookies)) or None) if cookies else None,
            "environment": environment if "access_environment" in allowed and any(environment.values()) else None,
            "purposes": list(notice.names(mask)),
            "notice": notice.version,
            "received_at": row.received_at if timed else None,
        }
