"""What ``serve`` does on its own: what fails is tried again, loses nothing, and is counted as what it is."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from datetime import date

import pytest
from dongui_collector.intake.app import PublicApp
from dongui_collector.runtime.public import public_app
from dongui_collector.runtime.scheduler import Scheduler
from dongui_collector.storage.sqlite.days import SqliteDays
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.webhooks.delivery import Deliverer

from tests.retention.house import House

DAY = date(2025, 3, 10)
METRICS = ("dongui_retention_failures_total", "dongui_background_failures_total")


def failing(*_: object, **__: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def counted(door: PublicApp) -> dict[str, float]:
    """The failures that were counted: by metric and, where it has one, by work."""
    return {
        ":".join([sample.name, *sample.labels.values()]): sample.value
        for family in door.metrics.registry.collect()
        for sample in family.samples
        if sample.name in METRICS and sample.value
    }


def test_totals_whose_write_fails_are_written_the_next_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    door = public_app(house.core)
    upkeep = Scheduler(door)
    door.events.counts.update({(DAY, 1, "views"): 3})
    with monkeypatch.context() as broken:
        broken.setattr(SqliteLedger, "add_totals", failing)
        asyncio.run(upkeep.totals())
        door.events.counts.update({(DAY, 1, "views"): 4})  # what comes meanwhile is added, not replaced
        asyncio.run(upkeep.totals())
    assert house.core.storage.ledger.totals(1, prefix="views") == {}
    asyncio.run(upkeep.totals())
    asyncio.run(upkeep.totals())
    assert house.core.storage.ledger.totals(1, prefix="views") == {(DAY, 1, "views"): 7}, "once, and all of them"
    assert door.events.counts == Counter()
    assert counted(door) == {"dongui_background_failures_total:totals": 2}


def test_a_webhooks_failure_is_no_failure_of_retention(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    door = public_app(house.core)
    monkeypatch.setattr(Deliverer, "round", failing)
    upkeep = Scheduler(door)
    upkeep._safely(upkeep.tell)
    assert counted(door) == {"dongui_background_failures_total:tell": 1}


@pytest.mark.parametrize("method", ["prepare", "unsealed"])
def test_neither_is_other_work_that_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    door = public_app(house.core)
    monkeypatch.setattr(SqliteDays, method, failing)
    Scheduler(door).round()
    work = {"prepare": "prepare", "unsealed": "seal"}[method]
    assert counted(door) == {f"dongui_background_failures_total:{work}": 1}


def test_what_keeps_data_past_its_end_is_one(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    door = public_app(house.core)
    monkeypatch.setattr(SqliteDays, "leftovers", failing)
    Scheduler(door).round()
    assert counted(door) == {"dongui_retention_failures_total": 1}
