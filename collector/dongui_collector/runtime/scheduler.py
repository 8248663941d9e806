"""What ``serve`` does on its own: finish endings, age out, seal days, write totals.

An error is logged, counted and tried again.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta

from dongui_collector.core.clock import day_of, start_of
from dongui_collector.evidence.checkpoint_files import keep_daily
from dongui_collector.evidence.sealing import Interrupted, Sealer, gentle, settled
from dongui_collector.intake.app import PublicApp
from dongui_collector.rights import correction, request_list, settling
from dongui_collector.webhooks.delivery import Deliverer

log = logging.getLogger("dongui.upkeep")

_EVERY_S = 15.0
_PROVE_EVERY_S = 60.0
_AHEAD_EVERY_S = 60.0
_TOTALS_EVERY_S = 5.0
_WEBHOOKS_EVERY_S = 2.0
_PLACES_EVERY_S = 20.0
# Work whose failure may keep personal data past its end; whoever is woken by an alert is woken for this.
_ENDS_DATA = frozenset({"endings", "scrub", "requests", "age_out"})


class Scheduler:
    """Background work of the one writing process."""

    def __init__(self, door: PublicApp, freeze_ahead: Callable[[], None] = lambda: None) -> None:
        self._door = door
        self._freeze_ahead = freeze_ahead
        self._core = door.core
        self._tasks: list[asyncio.Task[None]] = []
        self._sealer = Sealer(self._core.storage, self._core.keyring, self._core.clock)
        self._stopping = threading.Event()
        self._webhooks = Deliverer(self._core, self._door.metrics.webhook)

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._every(_EVERY_S, self.round)),
            loop.create_task(self._every_totals()),
            # Apart: on a day of a million rows it takes a minute, and destruction must not wait for it.
            loop.create_task(self._every(_PROVE_EVERY_S, self.prove)),
            loop.create_task(self._every(_AHEAD_EVERY_S, self.ahead)),  # apart, as that may take minutes
            loop.create_task(self._every(_PLACES_EVERY_S, self._places)),
            # Apart as well: it waits for others' servers, and holds nothing meanwhile.
            loop.create_task(self._every(_WEBHOOKS_EVERY_S, self.tell)),
        ]

    def stop(self) -> None:
        self._stopping.set()
        for task in self._tasks:
            task.cancel()

    async def _every(self, seconds: float, work: Callable[[], None]) -> None:
        while True:
            await asyncio.to_thread(self._safely, work)
            await asyncio.sleep(min(seconds, self._until_midnight()))

    def _until_midnight(self) -> float:
        """Seconds until the day ends in the installation's zone.

        Destruction is due right then, not at the next round.
        """
        zone, now = self._core.settings.zone, self._core.clock.now()
        return max(0.05, (start_of(day_of(now, zone) + timedelta(days=1), zone) - now) / 1000 + 0.01)

    def _safely(self, work: Callable[[], None]) -> bool:
        """Do some work; False when it failed, which is logged and counted: apart, where it ends data."""
        name = work.__name__.strip("_")
        try:
            work()
        except Exception as error:
            if name in _ENDS_DATA:
                self._door.metrics.retention_failures.inc()
            else:
                self._door.metrics.background_failures.labels(name).inc()
            log.error("upkeep failed and will be tried again", extra={"work": name, "kind": type(error).__name__})
            return False
        return True

    def round(self) -> None:
        """One round; each part is tried even when another fails."""
        parts = (self._endings, self._scrub, self._requests, self._age_out, self._seal, self._forget, self._prepare)
        for part in parts:
            self._safely(part)

    def _endings(self) -> None:
        self._door.endings.resume()

    def _places(self) -> None:
        self._door.rows.places.refresh()

    def _scrub(self) -> None:
        """A backup may read the ledger for longer than an ending waits: what that cleared goes from the log now."""
        self._core.storage.ledger.scrub_again()

    def _requests(self) -> None:
        settling.resume(self._core)
        correction.resume(self._core)
        self._door.metrics.requests(request_list.waiting(self._core))

    def _age_out(self) -> None:
        self._core.retention.tick()

    def _seal(self) -> None:
        core = self._core
        for day in core.storage.events.unsealed(settled(core.clock, core.settings.zone)):
            core.storage.events.seal(day)

    def _prepare(self) -> None:
        """A day's file is ready when the day begins, since that is also when another day is overwritten.

        Not its key: a day that has one and no file was robbed of it, as `dongui verify` says, and nobody may come.
        """
        self._core.storage.events.prepare()

    def prove(self) -> None:
        """Fix finished days on the ledger, and once a day what the ledger holds outside of it."""
        core, endings = self._core, self._door.endings
        pace = gentle(self._stopping, lambda: endings.at_work > 0)
        with suppress(Interrupted):
            self._sealer.run(settled(core.clock, core.settings.zone), pace=pace)
        keep_daily(core)

    def ahead(self) -> None:
        """Work out what is to outlive a day that ends soon."""
        self._freeze_ahead()

    def tell(self) -> None:
        """Deliver what webhooks wait for."""
        self._webhooks.round()

    def _forget(self) -> None:
        self._core.ledger.forget_answers()
        self._door.endings.reserve.take()

    async def _every_totals(self) -> None:
        while True:
            await asyncio.sleep(_TOTALS_EVERY_S)
            for limit in (self._door.limit, self._door.page_limit):
                limit.forget()
            await self.totals()

    async def totals(self) -> None:
        """Write what was counted since the last time. What could not be written is counted to the next time's."""
        taken = self.take_totals()

        def totals() -> None:
            self.write_totals(taken)

        if not await asyncio.to_thread(self._safely, totals):
            self._door.events.counts.update(taken)

    def take_totals(self) -> Counter[tuple[date, int, str]]:
        """What was counted since the last time. On the loop's own thread, which counts."""
        taken, self._door.events.counts = self._door.events.counts, Counter()
        return taken

    def write_totals(self, taken: Counter[tuple[date, int, str]]) -> None:
        """Numbers that outlive a day; at most the last few seconds' are lost in a crash."""
        if not any(taken.values()):
            return
        with self._core.storage.ledger.writing():
            for (day, site_ref, name), n in taken.items():
                if n:
                    self._core.storage.ledger.add_totals(day, site_ref, {name: n})
