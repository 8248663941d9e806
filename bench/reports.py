"""Reports over a year: the first screen through the desk's real HTTP API, beside plain SQL over one big table."""

from __future__ import annotations

import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import quote
from zoneinfo import ZoneInfo

from bench import flat
from bench.history import opened
from bench.installation import PURPOSES, Installation, dongui
from bench.load import drive
from bench.payloads import Crowd, agents, requests
from bench.processes import free_port
from bench.report import Figure
from bench.traffic import write_year

EVENTS, DAYS = 10_000_000, 365
_WARM_S = 3600.0
_ZONE = ZoneInfo("Asia/Seoul")  # of the policy that the benchmark installs
SCREEN = ("overview?compare=previous", "timeseries?", "sources?", "pages?", "locations?", "devices?")
# The filters of the API, and the same as a condition on an event in SQL.
FILTERS = (
    (("country:KR",), "country = 'KR'"),
    (("page:/products/1*",), "name = 'pageview' AND page GLOB '/products/1*'"),
    (("channel:organic_search",), "channel = 'organic_search'"),
    (("event:purchase",), "name = 'purchase'"),
    (("device:PC", "!country:KR"), "device = 'PC' AND country != 'KR'"),
)


class Desk:
    """The desk of a running installation, asked with a token over one connection that is kept."""

    def __init__(self, port: int, token: str, first: date, last: date) -> None:
        self.token, self.first, self.last = token, first, last
        self._conn = HTTPConnection("127.0.0.1", port, timeout=_WARM_S)

    def get(self, path: str) -> str:
        self._conn.request("GET", path, headers={"Authorization": f"Bearer {self.token}"})
        answer = self._conn.getresponse()
        text = answer.read().decode()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {text[:200]}")
        return text

    def screen(self, filters: Sequence[str] = ()) -> tuple[float, list[Any]]:
        """Seconds from the first question to the last answer, and the answers."""
        asked = "".join(f"&filter={quote(one)}" for one in filters)
        begun = time.perf_counter()
        said = [self.get(f"/v1/reports/{r}&from={self.first}&to={self.last}&limit=10{asked}") for r in SCREEN]
        return time.perf_counter() - begun, list(map(json.loads, said))

    def metric(self, name: str) -> float:
        lines = self.get("/metrics").splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith(f"{name} ")))


def measure(quick: bool) -> tuple[list[Figure], str]:
    """The first screen, unfiltered and filtered, when it is first asked for and again, also while events come in."""
    events, days = (20_000, 20) if quick else (EVENTS, DAYS)
    with tempfile.TemporaryDirectory(prefix="dongui-bench-") as temporary:
        folder = Path(temporary)
        config = _year(folder / "site", events, days)
        held = [date.fromisoformat(path.stem) for path in sorted(_days(config).glob("????-??-??.db"))]
        installation, (crowd, purposes) = Installation(config.parent, "", ""), _crowd(config)
        port, token = free_port(), _token(config, purposes)
        with installation.serving(desk_port=port) as public:
            desk = _desk(port, token, held[0], datetime.now(_ZONE).date())
            warm = Warm(_warmed(desk, len(held)), *_process(config), desk.metric("dongui_desk_report_bytes"))
            print(f"  {warm}", flush=True)
            first, _ = desk.screen()
            again = median(desk.screen()[0] for _ in range(9))
            coming = _while_events_come(desk, crowd, public)
            filtered = [desk.screen(some)[0] for some, _ in FILTERS]
            known = median(desk.screen(some)[0] for some, _ in FILTERS for _ in range(3))
            print(f"  {first=:.3f} {again=:.3f} {coming=:.3f} {filtered=} {known=:.3f}", flush=True)
            desk.last = max(day for day in held if day < datetime.now(_ZONE).date())
            said = json.loads(desk.get(f"/v1/reports/overview?from={desk.first}&to={desk.last}"))["rows"][0]
        with flat.flat(_days(config), folder / "flat.db", desk.last) as conn:
            plain = _timed(lambda: flat.screen(conn))
            beside = [_timed(partial(flat.screen, conn, which)) for _, which in FILTERS[:2]]
            rows = _agree(said, conn)
    figures = _figures((first, again, coming, plain), (filtered, known, beside), warm)
    return figures, _notes(rows, len(held))


@dataclass(frozen=True, slots=True)
class Warm:
    """What it takes to be ready: seconds, the process's processor time and resident memory, what the columns take."""

    seconds: float
    processor: float
    resident: float
    columns: float


def _days(config: Path) -> Path:
    return config.parent / "data" / "events"


def _crowd(config: Path) -> tuple[Crowd, tuple[str, ...]]:
    """Some visitors who have just consented, for events that come while reports are asked for; all consent purposes."""
    from dongui_collector.ledger.service import Decision

    with opened(config) as core:
        site = core.registry.sites()[0]
        notice = core.registry.in_force(site.ref, core.clock.now())
        with core.storage.ledger.writing():
            choices = [
                core.ledger.choose(notice, None, Decision(PURPOSES, (), "api", "ko", {}, None)) for _ in range(50)
            ]
    crowd = Crowd(site.id, [choice.answer["visitor"] for choice in choices], agents(50))
    return crowd, tuple(notice.policy.consent_purposes)


def _process(config: Path) -> tuple[float, float]:
    """The desk's processor time (s) and resident memory (bytes), of the process that serves this installation."""
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (path / "cmdline").read_bytes().split(b"\0")
            if b"dongui_collector.runtime.desk_serve" in command and str(config).encode() in command:
                times = (path / "stat").read_text().rpartition(")")[2].split()[11:13]
                pages = int((path / "statm").read_text().split()[1])
                return sum(map(int, times)) / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE")
    raise RuntimeError("there is no desk")


def _agree(said: dict[str, Any], conn: sqlite3.Connection) -> int:
    """How many events there are; both must have counted the same visits of them."""
    (rows, visits, visitors, views) = conn.execute(
        "SELECT count(*), count(DISTINCT visit), count(DISTINCT visitor), sum(name = 'pageview') FROM flat"
    ).fetchone()
    if (said["visits"], said["visitors"], said["page_views"]) != (visits, visitors, views):
        raise AssertionError(f"the report says {said}, plain SQL {(visits, visitors, views)}")
    return int(rows)


def _figures(
    screen: tuple[float, float, float, float], filtered: tuple[list[float], float, list[float]], warm: Warm
) -> list[Figure]:
    (first, again, coming, plain), (asked, known, beside) = screen, filtered
    sql = f"plain SQL: {plain:.1f} s"
    several = f"plain SQL: {min(beside):.1f} to {max(beside):.1f} s"
    return [
        Figure("the first screen, asked for the first time", f"{first * 1000:.0f} ms", sql),
        Figure("the first screen, again", f"{again * 1000:.0f} ms", sql, "≤ 200 ms", again <= 0.2),
        Figure("a second after new events", f"{coming * 1000:.0f} ms", sql, "≤ 200 ms", coming <= 0.2),
        Figure(
            f"the slowest of {len(asked)} filters, asked for the first time",
            f"{max(asked):.2f} s",
            several,
            "≤ 2 s",
            max(asked) <= 2,
        ),
        Figure("with a filter, again", f"{known * 1000:.0f} ms", several),
        Figure("from the start of the desk until all days are in memory", f"{warm.seconds:.0f} s"),
        Figure("its processor time for that", f"{warm.processor:.0f} s"),
        Figure("memory: the columns", f"{warm.columns / 1e6:.0f} MB", f"the desk in all: {warm.resident / 1e6:.0f} MB"),
    ]


def _notes(rows: int, days: int) -> str:
    filters = "; ".join(" and ".join(some) for some, _ in FILTERS)
    return (
        f"{rows:,} events of {days} days, for all purposes together; both counted the same visitors, visits and page "
        f"views. “Again”: the median of nine. Filters: {filters}. Warming up pauses for a quarter of the time, and the "
        "processor time begins with the process."
    )


def _year(folder: Path, events: int, days: int) -> Path:
    """The configuration of an installation with a year; ``BENCH_YEAR`` names the folder of one that is there."""
    if "BENCH_YEAR" in os.environ:
        return Path(os.environ["BENCH_YEAR"]) / "dongui.toml"
    installation = Installation.make(folder, testing=True)
    write_year(installation.config, events, days=days)
    return installation.config


def _token(config: Path, purposes: Sequence[str]) -> str:
    asked = [part for purpose in purposes for part in ("--purpose", purpose)]
    made = json.loads(dongui("tokens", "create", *asked, "--role", "analyst", "--json", "--config", str(config)))
    return str(made["token"])


def _desk(port: int, token: str, first: date, last: date) -> Desk:
    deadline = time.monotonic() + 60
    while True:
        try:
            desk = Desk(port, token, first, last)
            desk.get("/healthz")
            return desk
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _warmed(desk: Desk, days: int) -> float:
    """Seconds until the desk holds all days."""
    begun = time.monotonic()
    while desk.metric("dongui_desk_report_days") < days:
        if time.monotonic() - begun > _WARM_S:
            raise TimeoutError("the desk does not get warm")
        time.sleep(0.5)
    return time.monotonic() - begun


def _while_events_come(desk: Desk, crowd: Crowd, port: int) -> float:
    """Seconds of the screen a moment after new events were recorded."""
    took = []
    for turn in range(5):
        outcome = drive(port, requests(crowd, 200, seed=turn), seconds=30, connections=8)
        if outcome.recorded() != 200:
            raise RuntimeError(f"only {outcome.recorded()} of 200 events were recorded")
        time.sleep(1.1)
        took.append(desk.screen()[0])
    return median(took)


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
