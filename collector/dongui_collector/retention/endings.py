"""Endings of visitors, one batch at a time: whoever asks waits for the batch that theirs is in.

Many that come at once share one search of the days and one transaction, so that a hundred cost hardly more than one.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future

from dongui_collector.core.turns import FairTurns, Whose
from dongui_collector.retention.executor import Certificate, Executor
from dongui_collector.retention.visitor_steps import VisitorSteps
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import VisitorTarget
from dongui_collector.storage.contract.values import Ended, Intent

BATCH = 64


class EndingQueue:
    """Carries out what the ledger's open intents ended. Thread-safe."""

    def __init__(self, storage: Storage, executor: Executor, visitors: VisitorSteps) -> None:
        self._storage = storage
        self._executor = executor
        self._visitors = visitors
        self._turns: FairTurns[Intent] = FairTurns()
        self._waiting: dict[int, Future[Ended]] = {}  # by the intent's ledger number
        self._held_by: dict[int, tuple[int, ...]] = {}  # endings that wait for holds, and for which
        self._lock = threading.Lock()
        self._running = threading.Lock()

    def submit(self, intent: Intent, source: str = "") -> Future[Ended]:
        """Put an ending into its turn; :meth:`drain` carries it out. The same one again is the same future.

        ``source`` is whom it counts for beside its site and visitor: the address that it came from, or a hash of it.
        """
        with self._lock:
            if intent.seq not in self._waiting:
                self._waiting[intent.seq] = future = Future[Ended]()
                future.set_running_or_notify_cancel()  # whoever waits may go: the ending goes on
                self._turns.add(Whose(intent.site_ref, source, intent.visitor), intent)
            return self._waiting[intent.seq]

    def drain(self) -> None:
        """Carry out what waits, batch by batch. Whoever comes while another thread is at it waits for that one."""
        with self._running:
            while batch := self._next():
                self._run(batch)

    def finish(self, intent: Intent) -> Ended:
        """Destroy what an intent ended, then certify it. ``held`` in the answer says that a hold keeps part of it."""
        waiting = self.submit(intent)
        self.drain()
        return waiting.result()

    def resume(self) -> Ended:
        """Finish the endings that a crash, an error or a hold left open. Returns what that did."""
        ended, error = Ended(), None
        waiting = [self.submit(intent) for intent in self._storage.ledger.intents()]
        self.drain()
        for one in waiting:
            if failed := one.exception():
                error = failed
            else:
                ended.add(one.result())
        if error:
            raise error
        return ended

    def _next(self) -> list[Intent]:
        with self._lock:
            return self._turns.take(BATCH)

    def _run(self, batch: Sequence[Intent]) -> None:
        outcomes: dict[int, Ended | BaseException] = {}
        try:
            outcomes.update(self._carry_out(batch))
        except Exception as error:
            if len(batch) == 1:
                outcomes[batch[0].seq] = error
            else:
                for intent in batch:  # one that fails keeps none of the others
                    self._run([intent])
                return
        with self._lock:
            futures = {intent.seq: self._waiting.pop(intent.seq) for intent in batch}
        for seq, future in futures.items():
            outcome = outcomes[seq]
            if isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)

    def _carry_out(self, batch: Sequence[Intent]) -> dict[int, Ended]:
        targets = self._visitors.resolve(batch)
        todo = [t for t in targets if not t.holding or self._held_by.get(t.of) != _ids(t)]
        done = self._executor.execute(todo) if todo else Certificate()
        for target in todo:
            if target.of in done.certified:
                self._held_by.pop(target.of, None)
            else:
                self._held_by[target.of] = _ids(target)
        waits = {t.of for t in targets} - done.certified
        return {i.seq: done.of.get(i.seq, Ended(held=i.seq in waits)) for i in batch}


def _ids(target: VisitorTarget) -> tuple[int, ...]:
    return tuple(hold.id for hold in target.holding)
