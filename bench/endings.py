"""Many erasures at once beside a full year: how soon all are destroyed, and how soon a lone one among them is."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path

from bench.history import fill, opened, row_maker
from bench.ingest import COMMON_AGENTS
from bench.installation import Installation
from bench.payloads import agents
from bench.report import Figure
from bench.year import _erase, _open_endings, _rows_of

_YEAR = (365, 2000, 1000)  # days, events a day, erasures at once
_QUICK = (5, 200, 50)
_DEADLINE_S = 300.0
_CONNECTIONS = 128
_SPREAD = 37  # a visitor comes back every so many days, as people do: not every day of the year holds everybody


def measure(quick: bool) -> tuple[list[Figure], str]:
    """1,000 erasures that are asked for together, and one that comes a moment later."""
    days, a_day, many = _QUICK if quick else _YEAR
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
        full = Installation.make(Path(folder) / "full")
        with full.serving() as port:
            crowd = full.crowd(port, many + 1, agents(COMMON_AGENTS))
        with opened(full.config) as core:
            make = row_maker(core, crowd.visitors)
            today = core.clock.today(core.settings.zone)
            for back in range(days, 0, -1):
                day: date = today - timedelta(days=back)
                fill(core, day, a_day, make, lambda i, back=back: (i * _SPREAD + back) % (many + 1))  # type: ignore[misc]
        with full.serving() as port:
            time.sleep(2.0 if quick else 10.0)  # the first rounds: the collector learns whose the days are
            all_, lone = _together(port, crowd.visitors[:-1], crowd.visitors[-1])
            left = sum(_rows_of(full, v) for v in crowd.visitors[-3:])
    if left:
        raise AssertionError(f"{left} rows of ended visitors are left")
    figures = [
        Figure(
            f"{many:,} erasures at once beside a full year, all destroyed", f"{all_:.1f} s", "", "≤ 60 s", all_ <= 60
        ),
        Figure("a lone erasure beside them", f"{lone:.2f} s", "", "≤ 2 s", lone <= 2),
    ]
    return figures, f"The year: {days} days of {a_day:,} events of {many + 1:,} visitors, each day sealed."


def _together(port: int, visitors: Sequence[str], lone: str) -> tuple[float, float]:
    """Seconds until all are destroyed, and until the lone one's request is answered (once it is destroyed)."""
    took: list[float] = []

    def alone() -> None:
        time.sleep(0.5)
        start = time.perf_counter()
        _erase(port, lone)
        took.append(time.perf_counter() - start)

    apart = threading.Thread(target=alone)
    start = time.perf_counter()
    apart.start()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        list(pool.map(lambda visitor: _erase(port, visitor), visitors))
    while _open_endings(port):
        if time.perf_counter() - start > _DEADLINE_S:
            raise TimeoutError("endings are still open after five minutes")
        time.sleep(0.05)
    all_ = time.perf_counter() - start
    apart.join()
    return all_, took[0]
