"""The health page of the console: ``dongui doctor`` for people who sit before a browser, and the few numbers that
matter. Only looks.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flask import render_template

from dongui_collector.core.diagnosis import Diagnosis, Examine
from dongui_collector.core.operations import execute
from dongui_collector.desk.pages import DeskPages, MenuLine
from dongui_collector.desk.shell import open_core
from dongui_collector.keys import operations
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.operations import BACKED_UP

pages = DeskPages("condition", __name__, url_prefix="/console/health")


@pages.get("", endpoint="health", nobody="numbers, settings that are amiss", menu=MenuLine("set_up", 6, "health"))
def health_page() -> str:
    return render_template("health.html", v=vitals(open_core()))


@dataclass(frozen=True, slots=True)
class Vitals:
    """Times are epoch ms, None for never; sizes are bytes. ``key_copies_until`` is a day in ISO form."""

    symptoms: list[Diagnosis]
    last_retention: int | None
    last_backup: int | None
    last_key_copy: int | None
    key_copies_until: str | None
    disk_free: int
    disk_total: int
    data_bytes: int
    log_bytes: int
    days: int
    ledger_records: int
    open_endings: int


def vitals(core: Installation) -> Vitals:
    """Everything that the health page tells."""
    disk = shutil.disk_usage(core.settings.data_path)
    files = list(_files(core.settings.data_path))
    logs = [size for path, size in files if path.name.endswith("-wal")]
    backup, keys = core.storage.admin.setting(BACKED_UP), operations.status(core, operations.ShowKeyStatus())
    return Vitals(
        symptoms=execute(core, Examine()),
        last_retention=core.retention.last_success(),
        last_backup=int(backup["at"]) if backup else None,
        last_key_copy=keys.copied_at,
        key_copies_until=keys.copies_expire,
        disk_free=disk.free,
        disk_total=disk.total,
        data_bytes=sum(size for _, size in files),
        log_bytes=sum(logs),
        days=len(core.storage.events.days()),
        ledger_records=core.storage.ledger.head()[0],
        open_endings=len(core.storage.ledger.intents()),
    )


def _files(folder: Path) -> Iterable[tuple[Path, int]]:
    """Every file of the data folder with its size; one that goes meanwhile is no error."""
    for path in folder.rglob("*"):
        try:
            if path.is_file():
                yield path, path.stat().st_size
        except OSError:
            continue
