"""From a file of another product to days' numbers as they are kept: what names nobody, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO
from zoneinfo import ZoneInfo

from dongui_collector.analytics.imports import hits, plausible
from dongui_collector.analytics.imports.files import ForeignError, opened
from dongui_collector.analytics.imports.plausible import Days
from dongui_collector.analytics.reports import NAMES
from dongui_collector.analytics.snapshot_rules import HOURS, kept
from dongui_collector.storage.contract.values import Json

READERS: Mapping[str, Callable[[Mapping[str, IO[bytes]], ZoneInfo], Days]] = {
    "plausible": lambda files, _zone: plausible.read(files),
    "umami": hits.umami,
    "goatcounter": hits.goatcounter,
}


def days_of(product: str, path: Path, zone: ZoneInfo) -> dict[str, dict[str, Json]]:
    """Day → report → what is kept of it. Raises :class:`ForeignError`; then nothing of the file was taken."""
    with opened(path) as files:
        if not files:
            raise ForeignError(f"{path.name} holds no CSV file")
        found = READERS[product](files, zone)
    whole = product != "plausible"  # its tables are cut already when they arrive here
    return {
        day.isoformat(): {report: kept(_names(report), parts, whole=whole) for report, parts in reports.items()}
        for day, reports in sorted(found.items())
    }


def _names(report: str) -> tuple[str, ...]:
    return ("time",) if report == HOURS else NAMES[report]
