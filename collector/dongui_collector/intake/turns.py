"""Threads for one kind of work, given in turns: a page of an export is one turn, a withdrawal's write is one.

Each kind of work has threads of its own, so that no kind takes another's. Within a kind addresses take turns, and those
of one address among each other: whoever asks for much waits for themselves, and nobody is refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Whose(NamedTuple):
    """Who a turn belongs to: an address, and somebody there (a visitor's key, a site)."""

    address: str = ""
    who: bytes | str = ""


class _Job(NamedTuple):
    work: Callable[[], Any]
    future: asyncio.Future[Any]


class ReadingTurns:
    """Runs work in ``threads`` threads. To be used from one event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._free = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting: OrderedDict[str, OrderedDict[bytes | str, deque[_Job]]] = OrderedDict()

    async def run(self, whose: Whose, work: Callable[[], T]) -> T:
        """Run ``work`` when its turn has come; what it raises is raised here."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(whose.address, OrderedDict()).setdefault(whose.who, deque()).append(_Job(work, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        while self._free and self._waiting:
            job = self._next()
            if job.future.done():  # whoever waited has gone
                continue
            self._free -= 1
            running = asyncio.get_running_loop().run_in_executor(self._pool, job.work)
            running.add_done_callback(lambda done, future=job.future: self._ended(done, future))  # type: ignore[misc]

    def _next(self) -> _Job:
        """The next job of the next one of the next address; both go to the end of their rows."""
        address, people = self._waiting.popitem(last=False)
        who, jobs = people.popitem(last=False)
        job = jobs.popleft()
        if jobs:
            people[who] = jobs
        if people:
            self._waiting[address] = people
        return job

    def _ended(self, done: asyncio.Future[Any], future: asyncio.Future[Any]) -> None:
        self._free += 1
        if not future.done():
            if error := done.exception():
                future.set_exception(error)
            else:
                future.set_result(done.result())
        elif not done.cancelled():
            done.exception()  # looked at, so that nobody is told of an error that nobody waits for
        self._begin()
