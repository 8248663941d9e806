"""``docs/performance.md``: each part of the bench replaces the text between its own two markers, and nothing else."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.processes import ROOT

PAGE = ROOT / "docs" / "performance.md"


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a table. ``met`` is None where a figure has no budget."""

    what: str
    measured: str
    beside: str = ""
    budget: str = ""
    met: bool | None = None


def at_least(what: str, value: float, wanted: float, *, measured: str, beside: str, budget: str) -> Figure:
    """A figure whose budget is a lower bound."""
    return Figure(what, measured, beside, budget, value >= wanted)


def table(figures: Sequence[Figure]) -> str:
    """Markdown. A missed budget says so in words; a figure without one stays silent."""
    verdict = {True: "met", False: "**missed**", None: ""}
    lines = ["| what | measured | beside | budget | |", "|---|---|---|---|---|"]
    lines += [f"| {f.what} | {f.measured} | {f.beside} | {f.budget} | {verdict[f.met]} |" for f in figures]
    return "\n".join(lines)


def write(part: str, figures: Sequence[Figure], notes: str = "", page: Path = PAGE, *, busy: float = 0.0) -> None:
    """Put a part's table and the machine between ``<!-- bench:part -->`` and ``<!-- /bench:part -->``."""
    text = page.read_text(encoding="utf-8")
    body = f"{table(figures)}\n\n{notes.strip()}\n\n{machine(busy)}".replace("\n\n\n", "\n")
    begin, end = f"<!-- bench:{part} -->", f"<!-- /bench:{part} -->"
    if begin not in text or end not in text:
        raise ValueError(f"{page.name} has no markers for {part!r}")
    place = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.S)
    page.write_text(place.sub(lambda _: f"{begin}\n{body}\n{end}", text), encoding="utf-8")


def machine(busy: float) -> str:
    """The machine and what ran on it, in one line; ``busy`` is what others took of it just before."""
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.M)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    parts = [
        f"{datetime.now(UTC):%Y-%m-%d}",
        f"{len(os.sched_getaffinity(0))} cores of {cpu.group(1) if cpu else platform.machine()}",
        f"{memory:.0f} GB",
        f"Linux {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}",
        f"SQLite {sqlite3.sqlite_version}",
        f"granian {version('granian')}",
    ]
    others = f", **with {busy:.0%} of its time already taken by other work**" if busy > 0.05 else ""
    return f"*Measured {', '.join(parts)}{others}.*"


def busy_share(seconds: float = 3.0) -> float:
    """The share of all processors' time that others use right now: above a few percent, figures come out too low."""

    def times() -> tuple[int, int]:
        fields = [int(n) for n in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # idle, and waiting for the disk

    whole, idle = times()
    time.sleep(seconds)
    whole_now, idle_now = times()
    return 1 - (idle_now - idle) / (whole_now - whole)
