"""``serve`` ages out by itself, right when the day is over (K17), under its own clock."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.collector import Installation, event

NOON = 1_741_575_600_000  # 2025-03-10T12:00+09:00
MIDNIGHT = 1_773_154_800_000  # 2026-03-11T00:00+09:00: the year is over


def test_a_day_is_there_until_its_last_moment_and_gone_right_after(tmp_path: Path) -> None:
    """S5.1, K17."""
    one = Installation(tmp_path / "d", testing=True)
    try:
        one.start(clock="2025-03-10T12:00:01+09:00")
        visitor = one.consent(["statistics"])["visitor"]
        one.send(visitor, event(at=NOON, url="https://shop.example.com/sentinel"))
        one.stop()
        # However slow this machine is to start it, it sees the last hour and destroys nothing yet …
        one.start(clock="2026-03-10T23:00:00+09:00")
        assert [r["day"] for r in one.me(visitor)["events"]] == ["2025-03-10"]
        assert b"sentinel" in one.bytes()
        one.stop()
        # … and, whether it starts before midnight or after it, the day goes when it is over, and not before.
        one.start(clock="2026-03-10T23:59:50+09:00")
        deadline = time.monotonic() + 120
        while b"sentinel" in one.bytes() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert b"sentinel" not in one.bytes()
        assert one.me(visitor)["events"] == []
        assert not list((one.folder / "data" / "events").glob("2025-03-10*"))
        done = []
        while not done and time.monotonic() < deadline:
            done = json.loads(one.run("destruction", "list", "--state", "done", "--json").stdout)
        assert [d["what"]["day"] for d in done] == ["2025-03-10"]
        assert done[0]["selected_at"] >= MIDNIGHT, "not a moment before the day was over"
        metrics = one.http.get("/metrics").text
        age = next(line for line in metrics.splitlines() if line.startswith("dongui_retention_age_seconds "))
        assert float(age.split()[1]) >= 0, "the last run succeeded"
        one.stop()
        assert one.run("verify", clock="2026-03-11T00:10:00+09:00").returncode == 0
    finally:
        one.close()
