"""Endings inside ``serve``: carried out in a thread, at once, tried again until they are done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from dongui_collector.core.installation import Installation
from dongui_collector.intake.metrics import DoorMetrics
from dongui_collector.storage.contract.values import Intent
from dongui_collector.storage.sqlite.connect import is_full
from dongui_collector.storage.sqlite.files import Reserve

T = TypeVar("T")
log = logging.getLogger("dongui.endings")


class WithdrawalQueue:
    """Carries out withdrawals and erasures beside ingest, which waits for a few milliseconds at a time at the most."""

    def __init__(self, core: Installation, metrics: DoorMetrics) -> None:
        self._core = core
        self._metrics = metrics
        self.reserve = Reserve(core.settings.data_path)
        # A withdrawal waits for no erasure, nor an erasure for a withdrawal.
        self._pools = {kind: ThreadPoolExecutor(2, thread_name_prefix=kind) for kind in ("withdrawal", "erasure")}
        self.forget: Callable[[bytes], None] = lambda visitor: None  # told of everybody whose data end
        self.at_work = 0  # endings that are being carried out right now: what can wait gives way to them

    def must_succeed(self, work: Callable[..., T], *arguments: object) -> T:
        """Run a change that ends data; on a full disk once more, on the space put by."""
        try:
            return work(*arguments)
        except Exception as error:
            if not is_full(error):
                raise
            self.reserve.spend()
            return work(*arguments)

    async def carry_out(self, intent: Intent, *, within: float = 5.0) -> bool:
        """Destroy what ``intent`` ended. True when done within the time.

        Else it goes on behind, and masks every read already.
        """
        self.forget(intent.visitor)
        work = asyncio.get_running_loop().run_in_executor(self._pools[intent.kind], self.finish, intent)
        self.at_work += 1
        work.add_done_callback(self._done)
        done, _ = await asyncio.wait({work}, timeout=within)
        return bool(done) and work.result()

    def _done(self, _: asyncio.Future[bool]) -> None:
        self.at_work -= 1

    def finish(self, intent: Intent) -> bool:
        """Finish one intent, in this thread. False when it failed or a legal hold keeps part of it.

        :meth:`resume` tries again.
        """
        for attempt in (1, 2):
            try:
                ended = self._core.ledger.finish(intent)
            except Exception as error:
                if attempt == 1 and is_full(error):
                    self.reserve.spend()
                    continue
                self._metrics.ending_failures.inc()
                log.error(
                    "an ending failed and will be tried again", extra={"kind": type(error).__name__, "seq": intent.seq}
                )
                return False
            return not ended.held
        return False

    def resume(self) -> int:
        """Finish what a crash or an error left open. Returns how many are still open."""
        return sum(not self.finish(intent) for intent in self._core.storage.ledger.intents())
