"""A folder that holds a full year: how fast it still takes events in, and how fast one visitor's are gone from it."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from urllib.request import Request, urlopen

from bench.history import fill, opened, row_maker
from bench.ingest import COMMON_AGENTS, VISITORS, check
from bench.installation import PURPOSES, Installation
from bench.load import Outcome, drive
from bench.payloads import Crowd, agents, requests
from bench.report import Figure

_EVERY = 365  # every 365th event of a day is the heavy visitor's: 28 a day of 10,000
_DEADLINE_S = 60.0


def measure(quick: bool) -> tuple[list[Figure], str]:
    """Ingest rate beside an empty folder; withdrawal and erasure of visitors with 10,000 events over the year."""
    days, a_day, rounds, seconds = (5, 2000, 1, 1.5) if quick else (365, 10_000, 3, 8.0)
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as folder:
        full = Installation.make(Path(folder) / "full")
        with full.serving() as port:
            crowd = full.crowd(port, VISITORS, agents(COMMON_AGENTS))
        _fill_year(full, crowd, days, a_day)
        into_full, into_empty = [], []
        for number in range(rounds):
            into_empty.append(_into_empty(Path(folder) / f"empty{number}", number, seconds))
            into_full.append(_into(full, crowd, number, seconds))
        with full.serving() as port:
            withdrawn = _ended(full, port, crowd.visitors[0], lambda: _withdraw(full, port, crowd.visitors[0]))
            erased = _ended(full, port, crowd.visitors[1], lambda: _erase(port, crowd.visitors[1]))
    rates = [o.rate(1.0) for o in into_full], [o.rate(1.0) for o in into_empty]
    figures = _figures(*rates, ("withdrawal", *withdrawn), ("erasure", *erased))
    notes = f"The year: {days} days of {a_day:,} events, each day sealed; the folder grows by what the rounds bring."
    return figures, notes


def _fill_year(installation: Installation, crowd: Crowd, days: int, a_day: int) -> None:
    """The two heavy visitors first: every 365th event of each day."""
    with opened(installation.config) as core:
        make = row_maker(core, crowd.visitors)
        today = core.clock.today(core.settings.zone)
        for back in range(days, 0, -1):
            day: date = today - timedelta(days=back)
            fill(core, day, a_day, make, lambda i: i % _EVERY if i % _EVERY < 2 else 2 + i % (len(crowd.visitors) - 2))


def _into_empty(folder: Path, number: int, seconds: float) -> Outcome:
    installation = Installation.make(folder)
    with installation.serving() as port:
        crowd = installation.crowd(port, VISITORS, agents(COMMON_AGENTS))
    return _into(installation, crowd, number, seconds)


def _into(installation: Installation, crowd: Crowd, number: int, seconds: float) -> Outcome:
    before = installation.rows()
    # Never one of the two heavy visitors: their events stay what the year brought.
    others = Crowd(crowd.site, crowd.visitors[2:], crowd.agents)
    supply = requests(others, int(26_000 * seconds), seed=1000 + number)
    with installation.serving() as port:
        outcome = drive(port, supply, seconds=seconds)
    check(outcome, installation.rows() - before, 1)
    return outcome


def _withdraw(installation: Installation, port: int, visitor: str) -> None:
    with urlopen(f"http://127.0.0.1:{port}/v1/notice?site={installation.site}&lang=ko") as answer:
        notice = json.load(answer)["version"]
    body = {"site": installation.site, "visitor": visitor, "notice": notice, "granted": [], "refused": PURPOSES}
    headers = {"Authorization": f"Bearer {installation.secret_key}", "Content-Type": "application/json"}
    data = json.dumps(body | {"method": "letter", "lang": "ko"}).encode()
    urlopen(Request(f"http://127.0.0.1:{port}/v1/consents", data, headers)).close()


def _erase(port: int, visitor: str) -> None:
    headers = {"Authorization": f"Bearer {visitor}"}
    urlopen(Request(f"http://127.0.0.1:{port}/v1/me", headers=headers, method="DELETE")).close()


def _ended(installation: Installation, port: int, visitor: str, end: Callable[[], None]) -> tuple[int, float]:
    """How many events a visitor had, and the seconds from the request until no row of it is in any file."""
    had = _rows_of(installation, visitor)
    start = time.perf_counter()
    end()
    while _open_endings(port):
        if time.perf_counter() - start > _DEADLINE_S:
            raise TimeoutError("an ending is still open after a minute")
        time.sleep(0.01)
    took = time.perf_counter() - start
    if left := _rows_of(installation, visitor):
        raise AssertionError(f"{left} rows of an ended visitor are left")
    return had, took


def _open_endings(port: int) -> int:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        text = answer.read().decode()
    return int(float(next(line.split()[1] for line in text.splitlines() if line.startswith("dongui_open_endings "))))


def _rows_of(installation: Installation, visitor: str) -> int:
    from dongui_collector.core.settings import load_settings
    from dongui_collector.runtime.composition import open_core
    from dongui_collector.storage.contract.values import Selection

    core = open_core(load_settings(installation.config), writable=False)
    try:
        selection = Selection(visitor=core.ledger.key_of(visitor))
        return sum(core.storage.events.count(day, selection) for day in core.storage.events.days())
    finally:
        core.close()


def _figures(full: list[float], empty: list[float], *ends: tuple[str, int, float]) -> list[Figure]:
    share = median(full) / median(empty)
    figures = [
        Figure(
            "ingest into a folder that holds a year",
            f"{median(full):,.0f} requests/s = {share:.0%}",
            f"into an empty one: {median(empty):,.0f} requests/s",
            "≥ 90 %",
            share >= 0.9,
        )
    ]
    return figures + [
        Figure(f"{what} to destroyed, {had:,} events over a year", f"{took:.2f} s", "", "≤ 1 s", took <= 1)
        for what, had, took in ends
    ]
