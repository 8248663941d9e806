"""kill -9 in the middle of a granted erasure: either it was not begun, or the next start finishes it (S9, K10)."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import request_list, settling

from tests.retention.house import House
from tests.rights.members import join, proved

# Opens the installation, arms one function so that the process kills itself there, and grants the request.
CHILD = """
import sys
from pathlib import Path
from dongui_collector.runtime.composition import open_core
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import Settings
from tests.killing import arm

folder, id, target, moment, nth = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])
core = open_core(Settings(folder=folder, testing=True), writable=True)
arm(target, moment, nth)
perform(core, "requests.answer", {"id": id, "outcome": "granted", "by": "officer"})
"""

LEDGER = "dongui_collector.ledger"
RETENTION = "dongui_collector.retention"
RIGHTS = "dongui_collector.rights"
POINTS = [
    (f"{LEDGER}.service:LedgerService.erase", "after", 1, False),
    (f"{LEDGER}.service:LedgerService.end_member", "after", 1, False),
    (f"{RIGHTS}.files:save", "after", 1, False),
    (f"{RIGHTS}.fulfilment:finish", "before", 1, True),
    ("dongui_collector.storage.sqlite.journal:Journal.append", "after", 1, True),
    ("dongui_collector.storage.sqlite.days:SqliteDays.end_all", "before", 1, True),
    ("dongui_collector.storage.sqlite.days:SqliteDays.end_all", "after", 1, True),
    (f"{RETENTION}.executor:Executor._certify", "before", 1, True),
    (f"{RETENTION}.executor:Executor.execute", "after", 1, True),
    (f"{RETENTION}.executor:Executor.execute", "after", 2, True),
    (f"{RETENTION}.executor:Executor.execute", "after", 3, True),
    (f"{RIGHTS}.answering:settle", "before", 1, True),
    (f"{RIGHTS}.files:save", "before", 2, True),
    (f"{RIGHTS}.files:save", "after", 2, True),
]


@pytest.mark.parametrize(
    ("target", "moment", "nth", "decided"), POINTS, ids=[f"{t.split(':')[1]}-{m}-{n}" for t, m, n, _ in POINTS]
)
def test_a_killed_erasure_was_not_begun_or_is_finished(
    members: House, target: str, moment: str, nth: int, decided: bool
) -> None:
    house = members
    phone, laptop = house.arrive(), house.arrive()
    for visitor in (phone, laptop):
        join(house, visitor, "m-1")
        house.visit(visitor, marker="killed-sentinel")
    house.core.retention.records.add(house.site, "abuse", "m-1", house.now, "support", {"x": 1})
    id = proved(house, "erasure", member="m-1")
    house.close()
    command = [sys.executable, "-c", CHILD, str(house.folder), str(id), target, moment, str(nth)]
    killed = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    house.open()
    assert len(house.rows()) == 2 or decided
    house.core.retention.endings.resume()  # what every start does
    settling.resume(house.core)
    [listed] = request_list.listed(house.core, closed=True)
    if not decided:
        assert listed.state == "open"
        assert len(house.rows()) == 2
        return
    assert (listed.state, listed.urgency) == ("granted", "closed")
    assert house.rows() == []
    assert house.core.storage.records.of_site(house.site.ref) == []
    assert b"killed-sentinel" not in house.bytes()
    filed = house.core.storage.admin.request(id)
    assert filed
    assert (filed.member, filed.visitor, filed.settling) == (None, None, None)
    assert house.core.storage.ledger.intents() == []
    assert [str(f) for f in verify(house.core).findings] == []
