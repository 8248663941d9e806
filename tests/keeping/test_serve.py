"""``serve`` ages out by itself, right when the day is over (K17), under its own clock."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.collector import Installation, event

NOON = 1_741_575_600_000  # 2025-03-10T12:00+09:00


@pytest.mark.parametrize(("clock", "end"), [("2026-03-10T23:59:45+09:00", "2026-03-11")])
def test_a_day_is_there_until_its_last_moment_and_gone_right_after(tmp_path: Path, clock: str, end: str) -> None:
    """S5.1, K17."""
    one = Installation(tmp_path / "d", testing=True)
    try:
        one.start(clock="2025-03-10T12:00:01+09:00")
        visitor = one.consent(["statistics"])["visitor"]
        one.send(visitor, event(at=NOON, url="https://shop.example.com/sentinel"))
        one.stop()
        one.start(clock=clock)
        assert [r["day"] for r in one.me(visitor)["events"]] == ["2025-03-10"]
        assert b"sentinel" in one.bytes()
        deadline = time.monotonic() + 60
        while b"sentinel" in one.bytes() and time.monotonic() < deadline:
            time.sleep(0.2)
        assert b"sentinel" not in one.bytes()
        assert one.me(visitor)["events"] == []
        assert not list((one.folder / "data" / "events").glob("2025-03-10*"))
        metrics = one.http.get("/metrics").text
        age = next(line for line in metrics.splitlines() if line.startswith("dongui_retention_age_seconds "))
        assert 0 <= float(age.split()[1]) < 60
        one.stop()
        assert one.run("verify", clock=f"{end}T00:10:00+09:00").returncode == 0
    finally:
        one.close()
