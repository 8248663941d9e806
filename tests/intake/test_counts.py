"""``POST /v1/counts``: page views that a server counted. Only servers may; once; numbers and nothing else."""

from __future__ import annotations

import json
import uuid
from typing import Any

import httpx
import pytest

from tests.clock import now_ms
from tests.collector import ORIGIN, Installation


def post(collector: Installation, *, secret: bool = True, at: int | None = None, **counts: Any) -> httpx.Response:
    now = now_ms() if at is None else at
    body = {"site": collector.site, "id": str(uuid.uuid4()), "at": now, "counts": counts}
    return collector.http.post("/v1/counts", json=body, headers=collector.bearer if secret else {"origin": ORIGIN})


def told(collector: Installation, first: str = "2000-01-01", last: str = "2999-12-31") -> Any:
    asked = ["reports", "overview", "--from", first, "--to", last, "--purpose", "statistics", "--json"]
    answer = json.loads(collector.run(*asked).stdout)
    return answer["consented"], answer["counted"]


def test_counts_are_added_and_told_in_reports(collector: Installation) -> None:
    assert told(collector) == (None, None)
    assert post(collector, recorded={"statistics": 3, "marketing.statistics": 1}, unasked=4).status_code == 204
    assert post(collector, refused=7, gpc=1).status_code == 204
    body = {"site": collector.site, "id": str(uuid.uuid4()), "at": now_ms(), "counts": {"no_id": 4}}
    for _ in range(3):
        assert collector.http.post("/v1/counts", json=body, headers=collector.bearer).status_code == 204
    counts = {"page_views": 20, "recorded": 4, "unasked": 4, "refused": 7, "gpc": 1, "no_id": 4}
    assert told(collector) == (0.2, counts), "and the same id once"
    # The day is that in the policy's zone, Asia/Seoul: 2026-01-01 begins there at 15:00 UTC the day before.
    assert post(collector, at=1767193199000, refused=1).status_code == 204
    assert post(collector, at=1767193200000, recorded={"statistics": 1}).status_code == 204
    assert told(collector, "2025-12-31", "2025-12-31")[0] == 0
    assert told(collector, "2026-01-01", "2026-01-01")[0] == 1
    # What is said to come from the future is of today.
    assert post(collector, at=253_402_300_799_999, refused=10).status_code == 204
    assert told(collector)[1]["refused"] == 18
    assert told(collector, "2999-01-01")[1] is None


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        ({"recorded": {"statistics": -1}}, "counts.recorded"),
        ({"refused": 1.5}, "counts.refused"),
        ({"refused": 10_000_001}, "counts.refused"),
        ({"recorded": {"someone": 1}}, "no notice of this site"),
        ({"recorded": {"statistics ": 1}}, "counts.recorded"),
        ({"recorded": {"": 1}}, "counts.recorded"),
        ({"someone": 1}, "unknown field"),
        ({"recorded": {f"p{n}": 1 for n in range(300)}}, "counts.recorded"),
    ],
    ids=["negative", "broken", "too large", "unknown purpose", "no name", "nameless", "unknown reason", "too many"],
)
def test_what_is_no_count_is_refused_whole(collector: Installation, counts: dict[str, Any], why: str) -> None:
    before = told(collector)
    answer = post(collector, **{"unasked": 5, **counts})
    assert answer.status_code == 400
    assert why in answer.json()["detail"]
    assert "someone" not in answer.text, "what was sent is not echoed"
    assert told(collector) == before


def test_browsers_count_nothing(collector: Installation) -> None:
    before = told(collector)
    assert post(collector, secret=False, refused=1).status_code == 401
    wrong = {"authorization": "Bearer dgs_" + "x" * 43}
    body = {"site": collector.site, "id": str(uuid.uuid4()), "at": 1, "counts": {"refused": 1}}
    assert collector.http.post("/v1/counts", json=body, headers=wrong).status_code == 401
    assert told(collector) == before
