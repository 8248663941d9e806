"""Endings of visitors in one search of the days, which whoever asks joins as it goes on: none waits for a batch.

Endings share each opening of a day and each transaction, so that a hundred cost hardly more than one; between two steps
of some days others join, in fair turns, and those that are through are certified (decision 160).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import date

from dongui_collector.core.turns import FairTurns, Whose
from dongui_collector.retention.day_scan import DayScan
from dongui_collector.retention.executor import Executor
from dongui_collector.retention.visitor_steps import VisitorSteps
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.targets import VisitorTarget
from dongui_collector.storage.contract.values import Ended, Intent

BATCH = 64  # endings at work, as many as wait
LATE = 4  # beyond these, so many join at each step: whoever comes late waits for a step and not for a batch
MOST = 96  # endings at work in all
STEP = 48  # days between two chances to join
_SIDE_BY_SIDE = 24  # days at a time: they wait for the disk together, others are searched meanwhile


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
        # Of whoever has the lock above: the endings at work, what each ends, and what it has ended so far.
        self._scan = DayScan()
        self._targets: dict[int, VisitorTarget] = {}
        self._ended: dict[int, Ended] = {}

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
        """Carry out what waits, and who joins. Whoever comes while another thread is at it waits for that one."""
        with self._running, ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="ending") as pool:
            while self._join() or len(self._scan):
                self._step(pool)

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

    # -- one step: who joins, some days, who is through

    def _join(self) -> bool:
        """Let those whose turn it is join; whether there were any."""
        at_work = len(self._scan)
        room = BATCH - at_work if at_work < BATCH else min(LATE, MOST - at_work)
        with self._lock:
            intents = {intent.seq: intent for intent in self._turns.take(room)}
        self._together(list(intents), lambda some: self._begin([intents[of] for of in some]))
        return bool(intents)

    def _begin(self, intents: Sequence[Intent]) -> None:
        targets = self._visitors.resolve(intents)
        todo = [t for t in targets if not t.holding or self._held_by.get(t.of) != _ids(t)]
        self._executor.note(todo)
        days = self._visitors.days_of(todo)
        for target in todo:
            self._targets[target.of], self._ended[target.of] = target, Ended()
            self._scan.join(target.of, days[target.of])
        waits = {t.of for t in targets} - self._targets.keys()
        for intent in intents:
            if intent.seq not in self._targets:  # finished already, or nothing has changed about its holds
                self._settle(intent.seq, Ended(held=intent.seq in waits))

    def _step(self, pool: ThreadPoolExecutor) -> None:
        work = self._scan.take(STEP)
        for found in pool.map(lambda item: self._end_day(*item), work.items()):
            for of, outcome in found.items():
                if isinstance(outcome, Ended):
                    self._ended[of].add(outcome)
                elif of in self._targets:
                    self._fail(of, outcome)
        self._together(self._scan.finished(), self._certify)

    def _end_day(self, day: date, whose: Sequence[int]) -> dict[int, Ended | Exception]:
        """What ended in a day for each of these endings; where that fails, for each alone: none fails the others."""
        try:
            return dict(self._visitors.end_day(day, [self._targets[of] for of in whose]))
        except Exception as error:
            if len(whose) == 1:
                return {whose[0]: error}
            return {of: outcome for one in whose for of, outcome in self._end_day(day, [one]).items()}

    def _certify(self, numbers: Sequence[int]) -> None:
        targets = [self._targets[of] for of in numbers]
        so_far = {of: replace(self._ended[of], days=set(self._ended[of].days)) for of in numbers}
        done = self._executor.execute(targets, so_far)
        for target in targets:
            if target.of in done.certified:
                self._held_by.pop(target.of, None)
            else:
                self._held_by[target.of] = _ids(target)
            self._settle(target.of, done.of[target.of])

    # -- how it ends for whoever waits

    def _together(self, numbers: Sequence[int], work: Callable[[Sequence[int]], None]) -> None:
        """Do it for all; where that fails, for each alone, and fail those that fail alone."""
        if not numbers:
            return
        try:
            work(numbers)
        except Exception as error:
            if len(numbers) == 1:
                self._fail(numbers[0], error)
                return
            for of in numbers:
                self._together([of], work)

    def _settle(self, of: int, ended: Ended) -> None:
        self._forget(of).set_result(ended)

    def _fail(self, of: int, error: Exception) -> None:
        self._forget(of).set_exception(error)

    def _forget(self, of: int) -> Future[Ended]:
        self._scan.leave(of)
        self._targets.pop(of, None)
        self._ended.pop(of, None)
        with self._lock:
            return self._waiting.pop(of)


def _ids(target: VisitorTarget) -> tuple[int, ...]:
    return tuple(hold.id for hold in target.holding)
