"""What an installation holds, looked at from outside: read beside its running collector, and byte by byte."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from dongui.rules.periods import destroy_at

from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core


@dataclass(frozen=True, slots=True)
class Holdings:
    """How much is held: rows, days that have a file, consent records with a body."""

    rows: int
    days: tuple[date, ...]
    consents: int


def holdings(config: Path) -> Holdings:
    """Count what is held."""
    core = open_core(load_settings(config), writable=False)
    try:
        days = core.storage.events.days()
        records = core.storage.ledger.records(limit=10_000)
        consents = sum(record.kind == "consent" and record.body is not None for record in records)
        return Holdings(sum(core.storage.events.count(day) for day in days), tuple(days), consents)
    finally:
        core.close()


def destruction_of(config: Path) -> tuple[date, datetime]:
    """The newest day that holds rows, and the instant at which statistics' period for it has ended."""
    core = open_core(load_settings(config), writable=False)
    try:
        day = core.storage.events.days()[-1]
        notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
        keep = notice.policy.records[notice.policy.purposes["statistics"].record].keep
        return day, destroy_at(day, keep, core.settings.zone)
    finally:
        core.close()


def find_bytes(folder: Path, wanted: bytes) -> list[str]:
    """Names of the files below ``folder`` that hold these bytes anywhere: databases, logs of databases, anything."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and wanted in path.read_bytes():
                found.append(path.name)
        except FileNotFoundError:
            continue  # it went while we looked
    return sorted(found)
