"""Endings inside ``serve``: carried out in a thread, at once and in fair turns, tried again until they are done."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dongui_collector.core.errors import StorageFull
from dongui_collector.intake.metrics import DoorMetrics
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Ended, Intent

T = TypeVar("T")
log = logging.getLogger("dongui.endings")


class WithdrawalQueue:
    """Carries out withdrawals and erasures beside ingest, which waits for a few milliseconds at a time at the most."""

    def __init__(self, core: Installation, metrics: DoorMetrics) -> None:
        self._core = core
        self._metrics = metrics
        self._turns = core.retention.endings
        self._secret = secrets.token_bytes(16)  # addresses take turns under a hash that ends with this process
        self._tasks: set[asyncio.Task[bool]] = set()
        self.reserve = core.storage.folder.reserve
        self.forget: Callable[[bytes], None] = lambda visitor: None  # told of everybody whose data end
        self.pool = ThreadPoolExecutor(2, thread_name_prefix="ending")

    @property
    def at_work(self) -> int:
        """Endings that wait or are being carried out right now: what can wait gives way to them."""
        return len(self._tasks)

    def must_succeed(self, work: Callable[..., T], *arguments: object) -> T:
        """Run a change that ends data; on a full disk once more, on the space put by."""
        try:
            return work(*arguments)
        except StorageFull:
            self.reserve.spend()
            return work(*arguments)

    async def carry_out(self, intent: Intent, *, within: float = 5.0, source: str = "") -> bool:
        """Destroy what ``intent`` ended, in the turn of its visitor and of the address ``source`` that it came from.

        True when done within the time (seconds). Else it goes on behind, and masks every read already.
        """
        self.forget(intent.visitor)
        task = asyncio.get_running_loop().create_task(self._carry(intent, source))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        done, _ = await asyncio.wait({task}, timeout=within)
        return bool(done) and task.result()

    async def _carry(self, intent: Intent, source: str) -> bool:
        hashed = hashlib.blake2b(source.encode(), key=self._secret, digest_size=16).hexdigest()
        for attempt in (1, 2):
            waiting = self._turns.submit(intent, hashed)
            self.pool.submit(self._turns.drain)
            (outcome,) = await asyncio.gather(asyncio.wrap_future(waiting), return_exceptions=True)
            if not (attempt == 1 and self._tries_again(outcome)):
                return self._is_done(intent, outcome)
        return False

    def _tries_again(self, outcome: Ended | BaseException) -> bool:
        """Whether the disk was full; then the space put by is given back for another try."""
        full = isinstance(outcome, StorageFull)
        if full:
            self.reserve.spend()
        return full

    def _is_done(self, intent: Intent, outcome: Ended | BaseException) -> bool:
        if isinstance(outcome, Ended):
            return not outcome.held
        self._metrics.ending_failures.inc()
        log.error("an ending failed and will be tried again", extra={"kind": type(outcome).__name__, "seq": intent.seq})
        return False

    def resume(self) -> int:
        """Finish what a crash or an error left open, in this thread. Returns how many are still open: those that
        failed, and those of which a legal hold keeps part."""
        return self._finish(self._core.storage.ledger.intents())

    def _finish(self, intents: Iterable[Intent], *, attempt: int = 1) -> int:
        waiting = [(intent, self._turns.submit(intent)) for intent in intents]
        self._turns.drain()
        outcomes = [(intent, future.exception() or future.result()) for intent, future in waiting]
        again = [intent for intent, outcome in outcomes if attempt == 1 and self._tries_again(outcome)]
        left = [(intent, outcome) for intent, outcome in outcomes if intent not in again]
        still_open = sum(not self._is_done(intent, outcome) for intent, outcome in left)
        return still_open + (self._finish(again, attempt=2) if again else 0)
