"""What is left over and must go: files of an interrupted destruction, old entries of the erasure feed, spent keys."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import date

from dongui_collector.core.clock import Clock
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.storage.contract.stores import Storage

log = logging.getLogger("dongui.keeping")

_FEED_MS = 90 * 86_400_000  # how long the erasure feed names whom it tells of


class Remains:
    """Clears what no destruction of its own is selected for."""

    def __init__(self, storage: Storage, keyring: KeyRing, clock: Clock, today: Callable[[], date]) -> None:
        self._storage = storage
        self._keyring = keyring
        self._clock = clock
        self._today = today
        self._cleared: date | None = None  # the feed and the keys are looked through once a day

    def clear(self) -> int:
        """One look; returns how much failed, which is tried again at the next."""
        failed = self._finish_leftovers()
        if (today := self._today()) != self._cleared:
            with self._storage.ledger.writing():
                # A consumer has had its time to destroy its copies; what named the visitor to it goes too.
                self._storage.admin.forget_feed(self._clock.now() - _FEED_MS)
            self._forget_keys(today)
            self._cleared = today
        return failed

    def _finish_leftovers(self) -> int:
        """Unlink what a crash left renamed. Its key is gone, or the destruction that goes on will see to it."""
        failed = 0
        for day in self._storage.events.leftovers():
            try:
                if self._keyring.day(day) is None:
                    self._storage.events.destroy(day)
            except Exception as error:
                failed += 1
                log.error("an interrupted destruction failed again", extra={"kind": type(error).__name__})
        return failed

    def _forget_keys(self, today: date) -> None:
        """Destroy the keys of records whose last day is over and that ended, or moved, one by one before it."""
        stores = (self._storage.archive, self._storage.records)
        needed = {group[1:3] for store in stores for group in store.groups()}
        for kind in (record_name, archive_name):
            prefix = kind("", today).split(":")[0] + ":"
            for name in self._storage.keys.names(prefix):
                class_id, _, last = name.removeprefix(prefix).rpartition(":")
                if date.fromisoformat(last) < today and (class_id, date.fromisoformat(last)) not in needed:
                    self._keyring.destroy(name)
