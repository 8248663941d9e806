"""Writing the erasure feed: whose copies downstream must be destroyed, or may not be used during a suspension.

Each consumer that was given data is told under its own name for the visitor, and only of its own purposes and site.
Every method is called inside the ledger's writing transaction.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from dongui_collector.core.pseudonyms import Pseudonyms
from dongui_collector.keys.keyring import KeyRing
from dongui_collector.ledger.periods import Periods
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import DayTarget, PurposesTarget, Target, VisitorTarget
from dongui_collector.storage.contract.values import Json

CONSUMERS = "consumers"  # the setting that names who was given data, and for which purposes


class ErasureFeed:
    """Tells consumers what ended."""

    def __init__(self, storage: Storage, keyring: KeyRing, periods: Periods) -> None:
        self._storage = storage
        self._keyring = keyring
        self._periods = periods

    def ended(self, target: VisitorTarget, now: int) -> None:
        """A withdrawal or an erasure is carried out."""
        # Every purpose that the site ever asked for: copies may stand on one that the notice in force has dropped.
        ended = {p for p, bit in self._storage.ledger.bits(target.site).items() if target.bits >> bit & 1}
        self._tell(target.cause, target.site, target.visitor, ended, now)

    def suspended(self, site: int, visitor: bytes, suspended: bool, now: int) -> None:
        """처리정지 and its end (PIPA 37): copies are kept, and not used, until it is resumed."""
        every = set(self._storage.ledger.bits(site))
        self._tell("suspension" if suspended else "resumption", site, visitor, every, now)

    def aged_out(self, target: Target, now: int) -> None:
        """A day, or some purposes' part of one, is destroyed: everybody's, so whose rows these were is not said."""
        if isinstance(target, DayTarget):
            self._storage.admin.add_to_feed("*", now, {"kind": "aged_out", "day": target.day.isoformat()})
        if isinstance(target, PurposesTarget):
            ended = set(self._periods.names(target.notice, target.purposes))
            for consumer, purposes in self._given(target.site, ended):
                entry = {"kind": "aged_out", "day": target.day.isoformat(), "purposes": purposes}
                self._storage.admin.add_to_feed(consumer, now, entry)

    def _tell(
        self,
        kind: Literal["withdrawal", "erasure", "suspension", "resumption"],
        site: int,
        visitor: bytes,
        purposes: set[str],
        now: int,
    ) -> None:
        for consumer, theirs in self._given(site, purposes):
            whom = Pseudonyms(self._keyring, consumer).visitor(visitor)
            self._storage.admin.add_to_feed(consumer, now, {"kind": kind, "purposes": theirs, "visitor": whom})

    def _given(self, site: int, ended: set[str]) -> Iterator[tuple[str, list[str]]]:
        """The consumers of a site that were given data of some of these purposes, and of which."""
        consumers: Json = self._storage.admin.setting(CONSUMERS) or {}
        for consumer, had in consumers.items():
            if had["site"] in (None, site) and (theirs := sorted(ended & set(had["purposes"]))):
                yield consumer, theirs
