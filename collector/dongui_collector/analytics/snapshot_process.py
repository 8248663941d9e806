"""Freezing beside ingest: a large day's numbers are worked out by another process, ahead of its end where possible.

A day is destroyed within a minute of its end, whatever freezing does: at the end all of it has :data:`AT_MOST_S`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from dongui_collector.analytics.snapshots import Found, due, freeze, keep_all, or_unknown
from dongui_collector.core.clock import start_of
from dongui_collector.storage.contract.values import Selection

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

AT_MOST_S = 30.0  # for everything that ends with a day
_NEAR_MS = 3_600_000  # from when on the numbers of a day that ends are worked out ahead
_AHEAD_S = 600.0
_SMALL = 2_000  # rows that are counted in some 20 ms


class Freezer:
    """What ``serve`` does before a day ends, and at its end (:meth:`freeze_day`). Safe for two threads.

    ``lost`` is called for every day whose numbers could not be taken in time. What was worked out ahead is in memory
    alone: after a crash it is worked out again.
    """

    def __init__(self, core: LedgerInstallation, config: Path, lost: Callable[[], object] = lambda: None) -> None:
        self._core, self._config, self._lost = core, config, lost
        self._lock = threading.Lock()
        self._ahead: dict[date, tuple[object, Found]] = {}
        self._spent: tuple[date, float] = (date.min, 0.0)
        self._failed: set[tuple[date, date]] = set()

    def ahead(self) -> None:
        """In the last hour before a day's end, work out the numbers that are due then, unless that is done already."""
        core = self._core
        tomorrow = core.today() + timedelta(days=1)
        if start_of(tomorrow, core.settings.zone) - core.clock.now() > _NEAR_MS:
            return
        for stored in core.storage.events.days():
            if core.periods.earliest(stored) < tomorrow and self._is_large(stored):
                with self._lock:
                    self._work_ahead(stored, tomorrow)

    def _work_ahead(self, stored: date, tomorrow: date) -> None:
        rests = _rests_on(self._core, stored)  # before anything is read: what changes meanwhile is seen at the end
        if due(self._core, stored, tomorrow) and self._ahead.get(stored, (None,))[0] != rests:
            self._ahead[stored] = rests, self._work_out(stored, tomorrow, _AHEAD_S)

    def freeze_day(self, stored: date) -> int:
        """Freeze what is due of a stored day; how many sets of numbers that were. May be repeated.

        Raises :class:`TimeoutError` or :class:`subprocess.SubprocessError` when that is not done in time.
        """
        if not self._is_large(stored):
            return freeze(self._core, stored)
        today, begun = self._core.today(), time.monotonic()
        spent = self._spent[1] if self._spent[0] == today else 0.0
        try:
            with or_unknown(self._core, stored):
                return self._freeze(stored, today, begun + AT_MOST_S - spent)
        except Exception:
            if (today, stored) not in self._failed:
                self._failed = {turn for turn in self._failed if turn[0] == today} | {(today, stored)}
                self._lost()
            raise
        finally:
            self._spent = today, spent + time.monotonic() - begun

    def _freeze(self, stored: date, today: date, until: float) -> int:
        if not self._lock.acquire(timeout=max(0.0, until - time.monotonic())):
            raise TimeoutError("another day's numbers are being worked out")
        try:
            number = self._keep_what_was_ahead(stored)
            if due(self._core, stored, today):
                number += keep_all(self._core, self._work_out(stored, today, until - time.monotonic()))
            return number
        finally:
            self._lock.release()

    def _keep_what_was_ahead(self, stored: date) -> int:
        rests, found = self._ahead.pop(stored, (None, []))
        with self._core.storage.ledger.writing():  # nobody withdraws between the look and the writing down
            return keep_all(self._core, found) if rests == _rests_on(self._core, stored) else 0

    def _is_large(self, stored: date) -> bool:
        return self._core.storage.events.count(stored) >= _SMALL

    def _work_out(self, stored: date, today: date, seconds: float) -> Found:
        """By another process, since this one's loop shares its GIL."""
        if seconds <= 0:
            raise TimeoutError("no time is left for freezing")
        environment = dict(os.environ)
        if "DONGUI_CLOCK" in environment:
            environment["DONGUI_CLOCK"] = self._core.clock.start_text()
        command = _command(self._config, stored, today)
        done = subprocess.run(  # noqa: S603 (our own module)
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment, timeout=seconds, check=True
        )
        found: Found = json.loads(done.stdout)
        return found


def _command(config: Path, stored: date, today: date) -> list[str]:
    days = ["--day", stored.isoformat(), "--today", today.isoformat()]
    return [sys.executable, "-m", "dongui_collector.runtime.snapshot_worker", "--config", str(config), *days]


def _rests_on(core: LedgerInstallation, stored: date) -> object:
    """What a stored day's numbers rest on: the same as long as they are."""
    events, ledger = core.storage.events, core.storage.ledger
    open_ = (intent for intent in ledger.intents() if _has(core, stored, intent.site_ref, intent.visitor))
    return (
        events.tally(stored),
        frozenset(intent.seq for intent in open_),
        ledger.suspended(),
        tuple((site, *(notice.ref for notice in core.registry.notices(site.ref))) for site in core.registry.sites()),
    )


def _has(core: LedgerInstallation, day: date, site_ref: int, visitor: bytes) -> bool:
    return bool(core.storage.events.rows(day, Selection(site_ref, visitor), limit=1))
