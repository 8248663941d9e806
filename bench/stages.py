"""Where an event's time goes: the collector's own steps, timed one by one in one process without a network.

Figures without a budget: they say why an ingest budget is met or missed. The sum is what one core does for an event;
HTTP and the event loop come on top, once a request.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from bench.history import opened
from bench.ingest import COMMON_AGENTS, VISITORS
from bench.installation import Installation
from bench.payloads import Crowd, address_of, agents, requests
from bench.report import Figure

_GROUP = 64  # requests in one commit: 64 connections whose requests were answered together ask again together
_ROUNDS = 60


def measure(quick: bool) -> tuple[list[Figure], str]:
    """Microseconds an event for each step, for requests of one event and of 25."""
    figures = []
    for events in (1, 25):
        with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
            installation = Installation.make(Path(folder) / "site")
            with installation.serving() as port:
                crowd = installation.crowd(port, VISITORS, agents(COMMON_AGENTS))
            spent = _timed(installation, crowd, events, 3 if quick else _ROUNDS)
        what = "one event a request" if events == 1 else f"{events} events a request"
        steps = ", ".join(f"{step} {micro:.1f}" for step, micro in spent.items())
        figures.append(Figure(what, f"{sum(spent.values()):.1f} µs an event", steps))
    return figures, f"Groups of {_GROUP} requests a commit; each figure is microseconds an event."


def _timed(installation: Installation, crowd: Crowd, events: int, rounds: int) -> dict[str, float]:
    from dongui_collector.intake.gate import RequestRows
    from dongui_collector.runtime.public import public_app
    from dongui_collector.storage.sqlite.dayfile import DayFile, DayTransaction

    bodies = _bodies(crowd, _GROUP * rounds, events)
    spent: dict[str, float] = defaultdict(float)
    with opened(installation.config) as core:
        door = public_app(core)
        # Every visitor's first request reads the ledger, the next ones do not (docs/decisions/003).
        for group in _groups(_bodies(crowd, VISITORS, 1)):
            asyncio.run(_group(door, crowd, group, defaultdict(float)))
        with (
            _clocked(DayTransaction, "insert", spent, "insert"),
            _clocked(DayTransaction, "known", spent, "seen before?"),
            _clocked(DayTransaction, "visitor", spent, "ledger"),
            _clocked(RequestRows, "row", spent, "gate and seal"),
            _clocked(type(door.rows), "key", spent, "keys"),
            _clocked(DayFile, "transaction", spent, "commit", entering=True),
        ):
            for group in _groups(bodies):
                asyncio.run(_group(door, crowd, group, spent))
    inner = ("insert", "seen before?", "ledger", "gate and seal", "keys", "commit")
    spent["the rest"] = spent.pop("whole commit") - sum(spent[name] for name in inner)
    return {step: seconds * 1e6 / (rounds * _GROUP * events) for step, seconds in spent.items()}


def _bodies(crowd: Crowd, number: int, events: int) -> list[bytes]:
    return [r.partition(b"\r\n\r\n")[2] for r in requests(crowd, number, events=events, seed=events + number)]


def _groups(bodies: list[bytes]) -> Iterator[list[bytes]]:
    return (bodies[i : i + _GROUP] for i in range(0, len(bodies), _GROUP))


async def _group(door: Any, crowd: Crowd, bodies: list[bytes], spent: dict[str, float]) -> None:
    """One turn of the loop, as ``Door`` does it: parse and check each body, then commit all of them."""
    from dongui_collector.intake.gate import Sender
    from dongui_collector.intake.group_commit import Pending
    from dongui_collector.intake.schema import EventBatch, check_events, decode

    loop, pending = asyncio.get_running_loop(), []
    start = time.perf_counter()
    for i, body in enumerate(bodies):
        batch = decode(body, EventBatch)
        check_events(batch.events, addresses=False)
        site = door.site(batch.site)
        sender = Sender(address_of(i), crowd.agents[i % len(crowd.agents)], "ko", False, False, "homepage")
        visitor = door.core.ledger.key_of(batch.visitor)
        now = door.core.clock.now()
        pending.append(Pending(site.ref, visitor, batch.events, sender, now, loop.create_future()))
    parsed = time.perf_counter()
    door.events.commit(pending)
    spent["parse and check"] += parsed - start
    spent["whole commit"] += time.perf_counter() - parsed
    assert all(p.recorded == len(p.events) for p in pending)


@contextmanager
def _clocked(owner: type, name: str, spent: dict[str, float], step: str, *, entering: bool = False) -> Iterator[None]:
    """Add what each call of a method takes to ``spent[step]``; of a context manager its beginning and its end."""
    method: Callable[..., Any] = getattr(owner, name)

    def whole(*args: Any) -> Any:
        start = time.perf_counter()
        try:
            return method(*args)
        finally:
            spent[step] += time.perf_counter() - start

    @contextmanager
    def ends(*args: Any) -> Iterator[None]:
        start = time.perf_counter()
        with method(*args):
            spent[step] += time.perf_counter() - start
            yield
            start = time.perf_counter()
        spent[step] += time.perf_counter() - start

    with mock.patch.object(owner, name, ends if entering else whole):
        yield
