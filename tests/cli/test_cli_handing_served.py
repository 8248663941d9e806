"""A hand-over beside a running ``serve``: each step is asked of it while the rows are read here (S4.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.clock import today
from tests.collector import Installation, event

META = "Meta Platforms, Inc."


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path / "installation").start()
    yield installation
    installation.close()


def test_s4_1_beside_serve_whose_data_went_is_known_to_the_person(served: Installation, tmp_path: Path) -> None:
    visitor = served.consent(["marketing"])["visitor"]
    assert served.send(visitor, *(event() for _ in range(3))).json()["recorded"] == 3
    file, day = tmp_path / "out.ndjson", today()
    days = ["--from", str(day - timedelta(days=2)), "--to", str(day + timedelta(days=2)), "-o", str(file)]
    served.run("export", "events", "--purpose", "marketing", "--recipient", META, *days)
    (entry,) = json.loads(served.run("disclosures", "list", "--json").stdout)
    assert (entry["state"], entry["rows"], entry["people"]) == ("done", 3, 1)
    assert entry["digest"] == hashlib.sha256(file.read_bytes()).hexdigest()
    erased = served.http.delete("/v1/me", headers={"authorization": f"Bearer {visitor}"})
    assert erased.status_code == 200
    served.run("verify")  # exits with 0
