"""Threads for one kind of work, given in turns: a page of an export is one turn, a withdrawal's write is one.

Each kind of work has threads of its own, so that no kind takes another's. Within a kind sites take turns, then
the addresses of a site, then the visitors of an address: whoever asks for much waits for themselves, and nobody is
refused.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")


class Whose(NamedTuple):
    """Who a turn belongs to: a visitor (their key) at an address, on a site (its number)."""

    site: int = 0
    address: str = ""
    visitor: bytes = b""


class _Job(NamedTuple):
    work: Callable[[], Any]
    future: asyncio.Future[Any]


_Row = OrderedDict[Any, Any]  # of each site, of each address there, of each visitor there, a deque of jobs


class ReadingTurns:
    """Runs work in ``threads`` threads. To be used from one event loop."""

    def __init__(self, threads: int, name: str) -> None:
        self._free = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting: _Row = OrderedDict()

    async def run(self, whose: Whose, work: Callable[[], T]) -> T:
        """Run ``work`` when its turn has come; what it raises is raised here."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        addresses: _Row = self._waiting.setdefault(whose.site, OrderedDict())
        visitors: _Row = addresses.setdefault(whose.address, OrderedDict())
        visitors.setdefault(whose.visitor, deque()).append(_Job(work, future))
        self._begin()
        return await future

    def _begin(self) -> None:
        while self._free and self._waiting:
            job = _next(self._waiting)
            if job.future.done():  # whoever waited has gone
                continue
            self._free -= 1
            running = asyncio.get_running_loop().run_in_executor(self._pool, job.work)
            running.add_done_callback(lambda done, future=job.future: self._ended(done, future))  # type: ignore[misc]

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


def _next(row: _Row) -> _Job:
    """The next job of whose turn it is; whoever had it goes to the end of every row that they stand in."""
    key, inner = row.popitem(last=False)
    job: _Job = inner.popleft() if isinstance(inner, deque) else _next(inner)
    if inner:
        row[key] = inner
    return job
