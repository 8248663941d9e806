"""``dongui import``: the same gate, idempotent, malformed lines named and never stored."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.contract.stores import iter_rows

Run = Callable[..., Result]
YEAR_MS = 365 * 86_400_000


def consenting(installed: dict[str, str], *purposes: str) -> tuple[str, int]:
    """A visitor who granted these purposes, and the collector's time (epoch ms)."""
    core = open_core(load_settings(Path(installed["config"])), writable=True)
    try:
        now = core.clock.now()
        notice = core.registry.in_force(core.registry.sites()[0].ref, now)
        with core.storage.ledger.writing():
            outcome = core.ledger.choose(notice, None, Decision(purposes, (), "api", "ko", {}))
        visitor: str = outcome.answer["visitor"]
        return visitor, now
    finally:
        core.close()


def stored(installed: dict[str, str]) -> list[dict[str, Any]]:
    core = open_core(load_settings(Path(installed["config"])), writable=False)
    try:
        return [
            shown
            for day in core.storage.events.days()
            for row in iter_rows(core.storage.events, day)
            if (shown := core.reader.readable(row, day, core.masks()))
        ]
    finally:
        core.close()


def event(visitor: str, at: int, **fields: Any) -> dict[str, Any]:
    return {"visitor": visitor, "id": str(uuid.uuid4()), "name": "visit", "at": at, **fields}


def ndjson(path: Path, *entries: dict[str, Any] | str) -> str:
    path.write_text("\n".join(e if isinstance(e, str) else json.dumps(e) for e in entries) + "\n")
    return str(path)


def test_events_are_gated_by_the_ledger(dongui: Run, installed: dict[str, str], tmp_path: Path) -> None:
    visitor, now = consenting(installed, "statistics")
    known = event(visitor, now - 5 * 86_400_000, url="https://shop.example.com/a?gclid=abc", ip="203.0.113.7")
    file = ndjson(tmp_path / "events.ndjson", known, event("nobody-we-know-of-at-all", now))
    result = dongui("import", file, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == {"recorded": 1, "refused": {"no_consent": 1}, "malformed": []}
    [row] = stored(installed)
    assert row["url"] == "https://shop.example.com/a"
    assert row["ip_address"] == "203.0.113.7"
    assert row["advertising_ids"] is None
    assert row["source"] == "import"


def test_importing_again_doubles_nothing(dongui: Run, installed: dict[str, str], tmp_path: Path) -> None:
    visitor, now = consenting(installed, "statistics")
    file = ndjson(tmp_path / "events.ndjson", *(event(visitor, now - n * 1000) for n in range(1200)))
    for _ in range(2):
        assert json.loads(dongui("import", file, "--json").stdout)["recorded"] == 1200
    assert len(stored(installed)) == 1200


def test_what_is_past_its_period_is_refused(dongui: Run, installed: dict[str, str], tmp_path: Path) -> None:
    visitor, now = consenting(installed, "statistics")
    file = ndjson(tmp_path / "events.ndjson", event(visitor, now - 2 * YEAR_MS))
    assert json.loads(dongui("import", file, "--json").stdout)["refused"] == {"expired": 1}
    assert stored(installed) == []


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"visitor": "v"}',
        '{"visitor": "v", "id": "x", "name": "n", "at": 1}',
        '{"visitor": "v", "id": "8c2e8b1c-6d3d-4f9a-8b1e-0d5d8f3f0a11", "name": "n", "at": NaN}',
        "[" * 70_000,
    ],
    ids=["no JSON", "no object", "fields missing", "no UUID", "NaN", "too long"],
)
def test_a_malformed_line_is_named_and_stops_nothing(
    dongui: Run, installed: dict[str, str], tmp_path: Path, line: str
) -> None:
    visitor, now = consenting(installed, "statistics")
    file = ndjson(tmp_path / "events.ndjson", event(visitor, now), "", line, event(visitor, now))
    result = dongui("import", file, "--json")
    assert result.exit_code == 1
    data = json.loads(result.stdout)
    assert data["recorded"] == 2
    assert [entry["line"] for entry in data["malformed"]] == [3]
    assert line not in json.dumps(data["malformed"])


def test_bytes_that_are_no_text_are_malformed(dongui: Run, tmp_path: Path) -> None:
    (tmp_path / "events.ndjson").write_bytes(b'{"visitor": "\xff\xfe"}\n')
    result = dongui("import", str(tmp_path / "events.ndjson"))
    assert result.exit_code == 1
    assert "line 1:" in result.stdout


def test_what_was_counted_is_in_the_totals(dongui: Run, installed: dict[str, str], tmp_path: Path) -> None:
    visitor, now = consenting(installed, "statistics")
    file = ndjson(tmp_path / "events.ndjson", event(visitor, now), event("nobody-we-know-of-at-all", now))
    dongui("import", file)
    core = open_core(load_settings(Path(installed["config"])), writable=False)
    try:
        totals = {name: n for (_, _, name), n in core.storage.ledger.totals().items() if name.startswith("events.")}
    finally:
        core.close()
    assert totals == {"events.recorded": 1, "events.refused.no_consent": 1}


def test_standard_input_will_do(dongui: Run, installed: dict[str, str]) -> None:
    visitor, now = consenting(installed, "statistics")
    result = dongui("import", "-", "--json", input=json.dumps(event(visitor, now)))
    assert json.loads(result.stdout)["recorded"] == 1
