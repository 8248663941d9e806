"""Ageing out: a day of a million events ends at midnight, in a ``serve`` under load, beside 50 other such days.

The collector's clock is set shortly before a midnight; nobody tells it to destroy. A watcher of its own process sees
when the day's file is taken away and when it is gone.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from dongui.rules.periods import Period, last_day

from bench.history import copy_day, fill, opened, room_for, row_maker
from bench.ingest import COMMON_AGENTS, check
from bench.installation import Installation
from bench.load import Outcome, drive
from bench.payloads import agents, requests
from bench.processes import ROOT, python
from bench.report import Figure

_ZONE = ZoneInfo("Asia/Seoul")
_VISITORS = 2000
_RATE = 3000.0  # requests a second in the paced case: a busy site, a quarter of what the collector can do
_BEFORE_S, _AFTER_S = 15.0, 15.0
_START_S = 4.0  # what serve may take from its start, where its clock starts, until the load begins


@dataclass(frozen=True, slots=True)
class Plan:
    events: int
    others: int


def measure(quick: bool) -> tuple[list[Figure], str]:
    """The figures for a paced and for a saturating load."""
    plan = Plan(20_000, 3) if quick else Plan(1_000_000, 50)
    figures: list[Figure] = []
    notes = ""
    for name, rate in ((f"{_RATE:,.0f} requests/s", _RATE), ("64 connections, saturated", None)):
        with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
            found, notes = _one(Path(folder) / "site", plan, rate, name)
            figures += found
    return figures, notes


def _one(folder: Path, plan: Plan, rate: float | None, name: str) -> tuple[list[Figure], str]:
    midnight = datetime.now(_ZONE).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    oldest = _ending_with((midnight - timedelta(days=1)).date())
    installation = Installation.make(folder, testing=True)
    with installation.serving(clock=(midnight - timedelta(hours=1)).isoformat()) as port:
        crowd = installation.crowd(port, _VISITORS, agents(COMMON_AGENTS))
    events = folder / "data" / "events"
    with opened(installation.config, clock=midnight - timedelta(hours=1)) as core:
        fill(core, oldest, plan.events, row_maker(core, crowd.visitors), lambda i: i)
        size = core.storage.events.size(oldest)
        others = room_for(events, size, plan.others)
        copy_day(core, events, oldest, [oldest + timedelta(days=1 + i) for i in range(others)])
    froze = _frozen(installation, oldest, midnight + timedelta(hours=1))
    start_clock = midnight - timedelta(seconds=_BEFORE_S + _START_S)
    seconds = _BEFORE_S + _AFTER_S
    # Times ahead of the clock are cut to it: every event is of the moment in which it comes, and midnight begins a day.
    ahead = int((midnight + timedelta(minutes=3)).timestamp() * 1000)
    supply = requests(crowd, int((rate or 16_000) * seconds), at=ahead)
    held = installation.rows()
    with installation.serving(clock=start_clock.isoformat()) as port, watching(events / f"{oldest}.db") as watcher:
        started = time.perf_counter()
        outcome = drive(port, supply, seconds=seconds, rate=rate)
        said = watcher.communicate(timeout=90)[0].split()
    check(outcome, installation.rows() - held + plan.events, 1)
    taken, gone = (float(t) - started for t in said)
    return _figures(name, outcome, taken, gone), _notes(plan, others, size, froze)


def _frozen(installation: Installation, day: date, clock: datetime) -> float:
    """Work out the numbers that outlive a day ahead, so that its destruction falls into the load. Seconds it took."""
    from dongui_collector.analytics.snapshots import freeze

    with opened(installation.config, clock=clock) as core:
        start = time.perf_counter()
        freeze(core, day)
        return time.perf_counter() - start


def _ending_with(last: date) -> date:
    """The day whose year (P1Y, by K17) ends with ``last``."""
    year = Period.parse("P1Y")
    return next(day for back in range(360, 372) if last_day(day := last - timedelta(days=back), year) == last)


def _figures(name: str, outcome: Outcome, taken: float, gone: float) -> list[Figure]:
    without = outcome.percentile(99, (1.0, taken - 1.0)) * 1000
    beside = outcome.percentile(99, (taken - 0.1, max(gone, taken + 0.9) + 0.1)) * 1000
    rate = outcome.rate(1.0)
    return [
        Figure(f"destroyed beside ingest, {name}", f"{gone - taken:.2f} s", "", "≤ 1 s", gone - taken <= 1),
        Figure(
            f"ingest's p99 while it is destroyed, {name}",
            f"{beside:.1f} ms = {beside / without:.2f} ×",
            f"before: {without:.1f} ms at {rate:,.0f} requests/s",
            "≤ 2 ×",
            beside <= 2 * without,
        ),
    ]


def _notes(plan: Plan, others: int, size: int, froze: float) -> str:
    fewer = "" if others == plan.others else f" (of {plan.others} wanted: the disk had no room for more)"
    return (
        f"A day of {plan.events:,} events ({size / 1e6:,.0f} MB) beside {others} others of the same size{fewer}. "
        "The time runs from the moment the day's file is taken away from readers until it is overwritten and unlinked. "
        f"The numbers that outlive the day were worked out before ({froze:.0f} s in one process): `serve` does that "
        "first, in a process of its own at low priority."
    )


@contextmanager
def watching(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that prints when a file is no longer under its name, and when nothing of it is left in the folder."""
    command = python("-m", "bench.ageing", str(path))
    child = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()


def watch(path: Path) -> None:
    """The body of that process: times on the system-wide monotonic clock."""
    while path.exists():
        time.sleep(0.002)
    print(time.perf_counter(), flush=True)
    while any(path.parent.glob(f"{path.name}*")):
        time.sleep(0.002)
    print(time.perf_counter(), flush=True)


if __name__ == "__main__":
    import sys

    watch(Path(sys.argv[1]))
