"""A destruction killed (SIGKILL, a real process) between any two of its steps is carried through by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.storage.contract.values import Hold

from tests.retention.house import House, at, policy

# Opens the installation, arms one function so that the process kills itself there, and runs a round of the keeper.
CHILD = """
import sys
from pathlib import Path
from dongui_collector.runtime.composition import open_core
from dongui_collector.core.settings import Settings
from tests.killing import arm

folder, target, moment, nth = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
import dongui_collector.retention.steps
dongui_collector.retention.steps._CHUNK = 2
core = open_core(Settings(folder=folder, testing=True), writable=True)
arm(target, moment, nth)
core.retention.run()
"""

DAYS, DESTROY = "dongui_collector.storage.sqlite.days", "dongui_collector.retention.executor:Executor"
BEGIN = "dongui_collector.retention.approvals:Approvals.begin"
TELL = "dongui_collector.ledger.erasure_feed:ErasureFeed.aged_out"
DAY_POINTS = [
    (BEGIN, "before"),
    (BEGIN, "after"),
    ("dongui_collector.storage.sqlite.journal:Journal.append", "after"),
    ("dongui_collector.storage.sqlite.keys:SqliteKeys.destroy", "after"),
    ("dongui_collector.storage.sqlite.keys:scrub", "before"),
    (f"{DAYS}:SqliteDays.destroy", "before"),
    (f"{DAYS}:await_readers", "before"),
    (f"{DAYS}:destroy_file", "before"),
    (f"{DAYS}:destroy_file", "after"),
    (f"{DAYS}:SqliteDays.destroy", "after"),
    (TELL, "before"),
    (TELL, "after"),
    (f"{DESTROY}.execute", "after"),
]
ROW_POINTS = [
    (BEGIN, "after", 1),
    (f"{DAYS}:SqliteDays._end_some", "before", 2),
    (f"{DAYS}:SqliteDays._end_some", "after", 2),
    (f"{DAYS}:scrub", "before", 1),
    (TELL, "after", 1),
]
RECORD_POINTS = [
    ("dongui_collector.storage.sqlite.keys:SqliteKeys.destroy", "after", 1),
    ("dongui_collector.storage.sqlite.records:SqliteRecords._clear", "after", 1),
    ("dongui_collector.storage.sqlite.records:SqliteRecords._drop_empty_months", "before", 1),
    ("dongui_collector.storage.sqlite.records:scrub", "before", 1),
    (TELL, "after", 1),
]
PROOF_POINTS = [
    (BEGIN, "after", 1),
    ("dongui_collector.storage.sqlite.ledger:SqliteLedger.erase_bodies", "before", 1),
    ("dongui_collector.storage.sqlite.ledger:SqliteLedger.erase_bodies", "after", 2),
    (TELL, "after", 1),
]


def killed(folder: Path, clock: str, target: str, moment: str, nth: int = 1) -> None:
    command = [sys.executable, "-c", CHILD, str(folder), target, moment, str(nth)]
    given = {"cwd": Path(__file__).parents[2], "env": os.environ | {"DONGUI_CLOCK": clock}}
    done = subprocess.run(command, **given, capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, f"the point {target} was never reached: {done.stderr[-2000:]}"


def resumed(house: House, when: str) -> None:
    """What must hold however the first try ended: one round later all is done, certified once, and verifies."""
    house.open()
    outcome = house.run(when)
    assert outcome.failed == 0
    assert {d.state for d in house.core.storage.admin.destructions()} == {"done"}
    bodies = [r.body for r in house.core.storage.ledger.records() if r.kind == "certificate" and r.body]
    destructions = [body["destruction"] for body in bodies]
    assert sorted(destructions) == sorted({d.id for d in house.core.storage.admin.destructions()})
    assert [str(f) for f in verify(house.core).findings] == []
    assert house.core.storage.events.leftovers() == []
    assert house.run().destroyed == 0


@pytest.mark.parametrize(("target", "moment"), DAY_POINTS, ids=lambda v: v.rpartition(":")[2])
def test_a_day(house: House, target: str, moment: str) -> None:
    visitor = house.arrive()
    for n in range(20):
        house.visit(visitor, marker=f"sentinel{n}")
    house.now = at("2025-03-11T12:00")
    house.visit(visitor, marker="neighbour")
    house.close()
    killed(house.folder, "2026-03-11T00:00:00+09:00", target, moment)
    resumed(house, "2026-03-11T00:01")
    assert b"sentinel" not in house.bytes("data", "keys")
    assert house.markers() == {"neighbour"}
    assert house.core.keyring.day(date(2025, 3, 10)) is None


@pytest.mark.parametrize(("target", "moment", "nth"), ROW_POINTS, ids=lambda v: str(v).rpartition(":")[2])
def test_some_purposes_of_a_day(new_house: Callable[..., House], target: str, moment: str, nth: int) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    visitor, other = house.arrive("marketing"), house.arrive("statistics")
    for n in range(450):
        house.visit(visitor, marker=f"sentinel{n}")
    house.visit(other, marker="neighbour")
    house.close()
    killed(house.folder, "2025-09-11T00:00:00+09:00", target, moment, nth)
    resumed(house, "2025-09-11T00:01")
    assert b"G-sentinel" not in house.bytes()
    assert house.markers() == {"neighbour"}
    assert len(house.rows()) == 1


@pytest.mark.parametrize(("target", "moment", "nth"), RECORD_POINTS, ids=lambda v: str(v).rpartition(":")[2])
def test_records(house: House, target: str, moment: str, nth: int) -> None:
    for n in range(300):
        house.core.retention.records.add(house.site, "complaint", f"member-{n}", house.now, "support", {"n": n})
    keep = house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", {"n": 1})
    house.close()
    killed(house.folder, "2028-03-11T00:00:00+09:00", target, moment, nth)
    resumed(house, "2028-03-11T00:01")
    left = house.core.storage.records.of_site(house.site.ref)
    assert [r.class_id for r in left] == ["payment"]
    assert house.core.retention.records.opened(left[0])["data"] == {"n": 1}
    assert keep["kept_until"] == "2030-03-10"


@pytest.mark.parametrize(("target", "moment", "nth"), PROOF_POINTS, ids=lambda v: str(v).rpartition(":")[2])
def test_consent_records(house: House, target: str, moment: str, nth: int) -> None:
    keys = [house.core.ledger.key_of(house.arrive()) for _ in range(5)]
    house.close()
    killed(house.folder, "2028-09-07T00:00:00+09:00", target, moment, nth)
    resumed(house, "2028-09-07T00:01")
    assert all(house.core.storage.ledger.records_of(key) == [] for key in keys)
    assert all(key not in house.bytes() for key in keys)


@pytest.mark.parametrize("whose", ["everyone", "one visitor"])
def test_a_hold_that_comes_between_crash_and_resumption_is_honoured(
    new_house: Callable[..., House], whose: str
) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    held, free = house.arrive("marketing", "statistics"), house.arrive("marketing", "statistics")
    for visitor in (held, free):
        house.visit(visitor)
    house.close()
    killed(house.folder, "2025-09-11T00:00:00+09:00", BEGIN, "after")
    house.open()
    key = house.core.ledger.key_of(held) if whose == "one visitor" else None
    hold = house.core.retention.holds.add(Hold(0, 1, "claim", None, "ads_log", key, None, None, house.now))

    def ads() -> int:
        return sum(row.ads is not None for row in house.rows())

    house.run("2025-09-11T00:01")
    assert ads() == (1 if whose == "one visitor" else 2)
    house.core.retention.approvals.release_hold(hold.id, "officer")
    house.run()
    assert ads() == 0
    assert house.run().selected == 0
    assert [str(f) for f in verify(house.core).findings] == []
