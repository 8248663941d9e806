"""Threads for one kind of work, given in turns: a page of an export is one turn, a withdrawal's write is one.

Each kind of work has threads of its own, so that no kind takes another's. Within a kind whoever asks for much waits for
themselves (:mod:`dongui_collector.core.turns`), and nobody is refused.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple, TypeVar

from dongui_collector.core.turns import FairTurns, Whose

T = TypeVar("T")


class _Job(NamedTuple):
    work: Callable[[], Any]
    future: asyncio.Future[Any]


class ThreadTurns:
    """Runs work in ``threads`` threads. To be used from one event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._free = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting: FairTurns[_Job] = FairTurns()
        self._most = 1  # jobs that one thread takes at a time

    async def run(self, whose: Whose, work: Callable[[], T]) -> T:
        """Run ``work`` when its turn has come; what it raises is raised here."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.add(whose, _Job(work, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        while self._free and self._waiting:
            jobs = [job for job in self._waiting.take(self._most) if not job.future.done()]  # others have gone
            if jobs:
                self._free -= 1
                work = [job.work for job in jobs]
                running = asyncio.get_running_loop().run_in_executor(self._pool, self._carry_out, work)
                running.add_done_callback(lambda done, jobs=jobs: self._ended(done, jobs))  # type: ignore[misc]

    def _carry_out(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        """What each job answers, or the exception that it raises; in a thread."""
        return [_outcome(work) for work in works]

    def _ended(self, done: asyncio.Future[list[Any]], jobs: Sequence[_Job]) -> None:
        self._free += 1
        if done.cancelled():  # the loop ends
            return
        for job, outcome in zip(jobs, done.result(), strict=True):
            if job.future.done():
                continue
            if isinstance(outcome, BaseException):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        self._begin()


class GroupTurns(ThreadTurns):
    """Group commit in one thread: what waits together shares one transaction, so one lock and one wait for the disk.

    ``together`` is the transaction, re-entrant; what fails in company is tried again by itself, through ``alone``.
    """

    def __init__(
        self,
        name: str,
        together: Callable[[], AbstractContextManager[None]],
        alone: Callable[[Callable[[], Any]], Any] = lambda work: work(),
        most: int = 16,
    ) -> None:
        super().__init__(1, name)
        self._together = together
        self._alone = alone
        self._most = most

    def _carry_out(self, works: Sequence[Callable[[], Any]]) -> list[Any]:
        if len(works) > 1:
            try:
                with self._together():
                    return [work() for work in works]
            except Exception:  # noqa: S110 (nothing of it was written; whose it is, raises it again below)
                pass
        return [_outcome(partial(self._alone, work)) for work in works]


def _outcome(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except Exception as error:
        return error
