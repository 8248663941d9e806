"""A crash before every single write of a destruction, or of a move into the archive: not begun, or complete."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from dongui_collector.core.operations import perform

from tests.retention.house import House, at, policy

DATA = {"transaction": "t-1", "password": "sentinel"}


def tried(house: House, operation: str, clock: str) -> int:
    """Kill it at every write; how many there were."""
    house.close()
    command = [sys.executable, "-m", "tests.retention.crashing", operation, str(house.folder)]
    done = subprocess.run(
        command, env=os.environ | {"DONGUI_CLOCK": f"{clock}+09:00"}, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["wrong"] == {}
    assert told["changed"], "the operation changes something"
    return int(told["writes"])


def a_day(house: House) -> str:
    visitor = house.arrive()
    for n in range(3):
        house.visit(visitor, marker=f"sentinel{n}")
    house.now = at("2025-03-11T12:00")
    house.visit(visitor, marker="neighbour")
    return "2026-03-11T00:01:00"


def records(house: House) -> str:
    for member in ("member-1", "member-2"):
        house.core.retention.records.add(house.site, "complaint", member, house.now, "support", DATA)
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", DATA)
    return "2028-03-11T00:01:00"


def an_approval(house: House) -> str:
    records(house)
    arguments = {"record_class": "payment", "reason": "delivered and settled", "by": "analyst"}
    perform(house.core, "destruction.select", arguments)
    return "2025-03-12T12:00:00"


def a_member(house: House) -> str:
    records(house)
    house.core.retention.records.add(house.site, "abuse", "member-1", house.now, "service_use", DATA)
    return "2025-03-12T12:00:00"


def a_visitor(house: House) -> str:
    visitor, other = house.arrive(), house.arrive()
    for whom in (visitor, other):
        house.visit(whom, marker="sentinel")
        house.core.retention.records.add(house.site, "payment", whom, house.now, "settlement", DATA)
        house.core.retention.records.add(house.site, "abuse", whom, house.now, "service_use", DATA)
    return "2025-03-12T12:00:00"


def a_hold(house: House) -> str:
    visitor = house.arrive()
    house.visit(visitor, marker="sentinel")
    house.core.retention.records.add(house.site, "payment", visitor, house.now, "settlement", DATA)
    perform(house.core, "holds.add", {"ground": "claim", "reason": "invoice 7"})
    house.erase(visitor)
    return "2026-03-11T00:01:00"


@pytest.mark.parametrize(
    ("prepare", "operation", "least"),
    [
        (a_day, "run", 25),
        (records, "run", 25),
        (an_approval, "approve", 25),
        (a_member, "close", 20),
        (a_visitor, "erase", 25),
        (a_hold, "release", 30),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_crash_at_every_write(house: House, prepare: Callable[[House], str], operation: str, least: int) -> None:
    assert tried(house, operation, prepare(house)) >= least


def test_some_purposes_of_a_day(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    for granted in (("marketing",), ("statistics", "marketing")):
        house.visit(house.arrive(*granted))
    assert tried(house, "run", "2025-09-11T00:01:00") >= 20
