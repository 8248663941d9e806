"""``dongui reports``."""

from __future__ import annotations

import csv
import io
import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core

from tests.cli.conftest import Run
from tests.clock import now_ms

DAYS = ("--from", "2020-01-01", "--to", "2999-12-31")


@pytest.fixture
def visited(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    """One visitor who granted statistics, with two page views and a purchase."""
    core = open_core(load_settings(Path(installed["config"])), writable=True)
    try:
        notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
        with core.storage.ledger.writing():
            outcome = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {}))
    finally:
        core.close()
    now = now_ms()
    lines = [
        {"visitor": outcome.answer["visitor"], "id": str(uuid.uuid4()), "name": name, "at": now, "url": url}
        for name, url in (("pageview", "/a?utm_source=kakao"), ("pageview", "/b"), ("purchase", "/b"))
    ]
    file = tmp_path / "events.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)))
    assert dongui("import", str(file)).exit_code == 0


def rows(dongui: Run, *arguments: str) -> list[dict[str, Any]]:
    result = dongui("reports", *arguments, *DAYS, "--purpose", "statistics", "--json")
    assert result.exit_code == 0, result.output
    found: list[dict[str, Any]] = json.loads(result.stdout)["rows"]
    return found


@pytest.mark.usefixtures("visited")
def test_reports_as_json_and_as_a_table(dongui: Run) -> None:
    assert [row["page"] for row in rows(dongui, "pages")] == ["/a", "/b"]
    assert rows(dongui, "sources")[0] | {"source": "KakaoTalk", "channel": "messenger"} == rows(dongui, "sources")[0]
    assert rows(dongui, "overview", "--filter", "event:purchase")[0]["visits"] == 1
    assert rows(dongui, "overview", "--filter", "page:/c")[0]["visits"] == 0
    assert rows(dongui, "overview", "--compare")[0]["previous"]["visits"] == 0
    table = dongui("reports", "pages", *DAYS, "--purpose", "statistics")
    assert table.exit_code == 0
    assert "/a" in table.stdout
    assert "previous visits" in dongui("reports", "overview", "--compare", *DAYS, "--purpose", "statistics").stdout


@pytest.mark.usefixtures("visited")
def test_reports_as_csv_with_every_row_and_the_mark_for_excel(dongui: Run) -> None:
    for name in ("pages", "locations"):
        result = dongui("reports", name, *DAYS, "--purpose", "statistics", "--csv")
        assert result.exit_code == 0, result.output
        text = result.stdout_bytes.decode("utf-8-sig")
        assert len(text.encode("utf-8-sig")) == len(result.stdout_bytes)
        found = list(csv.DictReader(io.StringIO(text, newline="")))
        assert found == [
            {k: "" if v is None else str(v) for k, v in row.items()} for row in rows(dongui, name, "--limit", "1000")
        ]
    assert dongui("reports", "pages", *DAYS, "--purpose", "statistics", "--csv", "--json").exit_code == 2


@pytest.mark.usefixtures("visited")
@pytest.mark.parametrize(
    "arguments",
    [
        ("persons", "--purpose", "statistics"),
        ("pages", "--purpose", "statistics", "--sort", "who"),
        ("pages", "--purpose", "statistics", "--filter", "who:me"),
        ("pages", "--purpose", "marketing"),
        ("pages", "--purpose", "nothing"),
        ("pages", "--purpose", "statistics", "--limit", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_says_why(dongui: Run, arguments: tuple[str, ...]) -> None:
    result = dongui("reports", *arguments, *DAYS)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    assert result.output.strip()
