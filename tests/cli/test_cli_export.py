"""``dongui export events``: whole files or none, coarse for recipients, ready for datasette, small in memory."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from dongui_collector.cli import export as command
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core

Run = Callable[..., Result]
AGENCY = "Example Agency"


def fill(config: str, number: int) -> str:
    """So many events of one visitor, all of today; the day."""
    core = open_core(load_settings(Path(config)), writable=True)
    try:
        now, today = core.clock.now(), core.clock.today(core.settings.zone)
        notice = core.registry.in_force(core.registry.sites()[0].ref, now)
        with core.storage.ledger.writing():
            chosen = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {}))
        event = {
            "visitor": chosen.answer["visitor"],
            "name": "visit",
            "at": now,
            "ip": "203.0.113.9",
            "props": {"n": 1},
        }
        lines = [json.dumps({**event, "id": str(uuid.uuid4()), "url": f"/{n}"}) for n in range(number)]
        for start in range(0, number, 5000):
            perform(core, "events.import", {"lines": lines[start : start + 5000]})
        return str(today)
    finally:
        core.close()


def asked(day: str, *more: str) -> list[str]:
    return ["export", "events", "--purpose", "statistics", "--from", day, "--to", day, *more]


def test_an_sqlite_database_is_ready_for_datasette(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    day, file = fill(installed["config"], 5), tmp_path / "out.db"
    plain = [json.loads(line) for line in dongui(*asked(day)).stdout.splitlines()]
    done = dongui(*asked(day, "--format", "sqlite", "-o", str(file)))
    assert done.exit_code == 0, done.output
    assert f"datasette {file} --metadata" in done.stderr
    with closing(sqlite3.connect(file)) as conn:
        conn.row_factory = sqlite3.Row
        found = [dict(row) for row in conn.execute("SELECT * FROM events ORDER BY rowid")]
        assert conn.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    assert [(r["id"], r["at"], r["ip_address"]) for r in found] == [(r["id"], r["at"], r["ip_address"]) for r in plain]
    assert {(r["purposes"], r["props"], r["country"]) for r in found} == {('["statistics"]', '{"n": 1}', None)}
    said = json.loads((tmp_path / "out.metadata.json").read_text())
    assert said["databases"]["out"]["tables"]["events"]["columns"].keys() <= found[0].keys()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("out.*")} == {0o600}
    assert sorted(path.name for path in tmp_path.glob("out*")) == ["out.db", "out.metadata.json"]


@pytest.mark.parametrize("kind", ["ndjson", "sqlite"])
def test_what_breaks_off_leaves_no_file_and_harms_none(
    installed: dict[str, str], dongui: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    day, file = fill(installed["config"], 3), tmp_path / "out"
    file.write_text("the export of yesterday")
    (tmp_path / "out.part").write_text("left by a crash")

    def broken(rows: Any, _columns: Any = ()) -> Any:
        next(rows)
        raise OSError("no space left")
        yield

    monkeypatch.setattr(command, "write_database", lambda _path, rows, _columns: list(broken(rows)))
    monkeypatch.setitem(command.FORMATS, "ndjson", broken)
    assert dongui(*asked(day, "--format", kind, "-o", str(file))).exit_code != 0
    assert file.read_text() == "the export of yesterday"
    assert [path.name for path in tmp_path.glob("out*")] == ["out"]


def test_what_cannot_go_together_is_usage(dongui: Run) -> None:
    wrong = (
        (["--format", "sqlite"], "-o"),
        (["--precise"], "--recipient"),
        (["--bom"], "--format csv"),
        (["--columns", "id,colour"], "name 2 of columns"),
    )
    for more, says in wrong:
        done = dongui(*asked("2026-01-01", *more))
        assert done.exit_code == 2
        assert says in done.stderr


def test_a_csv_of_some_columns_and_events_opens_in_excel(
    installed: dict[str, str], dongui: Run, tmp_path: Path
) -> None:
    day, file = fill(installed["config"], 3), tmp_path / "out.csv"
    done = dongui(
        *asked(day, "--format", "csv", "--bom", "--columns", "page,id", "--filter", "page:/1", "-o", str(file))
    )
    assert done.exit_code == 0, done.output
    assert file.read_bytes().startswith("\ufeffid,page\r\n".encode())
    assert [line.partition(",")[2] for line in file.read_text("utf-8-sig").splitlines()] == ["page", "/1"]


@pytest.mark.parametrize("filter", ["colour:red", "page"])
def test_a_filter_that_cannot_be_asked_writes_nothing(
    installed: dict[str, str], dongui: Run, tmp_path: Path, filter: str
) -> None:
    done = dongui(*asked("2026-01-01", "--filter", filter, "-o", str(tmp_path / "out")))
    assert done.exit_code != 0
    assert "DIMENSION:VALUE" in done.stderr
    assert list(tmp_path.glob("out*")) == []


def test_changes_since_a_cursor(installed: dict[str, str], dongui: Run) -> None:
    command, day = ("export", "events", "--purpose", "statistics"), fill(installed["config"], 3)
    begun = dongui(*command, "--since", "0", "--limit", "2")
    assert len(begun.stdout.splitlines()) == 2
    option, cursor, more = begun.stderr.split(maxsplit=2)
    assert (option, more.strip()) == ("--since", "(there is more)")
    rest = dongui(*command, "--since", cursor, "--format", "csv", "--bom")
    assert rest.stdout.startswith("\ufeffid,day,")
    assert [line.rpartition(",")[2] for line in rest.stdout.splitlines()] == ["ended", "false"]
    assert dongui(*command, "--since", rest.stderr.split()[1]).stdout == ""
    for wrong in (["--since", "x"], ["--since", cursor, "--from", day], ["--since", "0", "--after", "x"], []):
        done = dongui(*command, *wrong)
        assert done.exit_code == 2, wrong
        assert "--" in done.stderr


PARTY = f"""
[[processors]]
name = "{AGENCY}"
task.ko = "분석"
task.en = "Analysis"
country = "KR"
items = ["visit_time", "ip_address"]
purposes = ["statistics"]
"""


def test_s4_1_a_hand_over_is_coarse_and_its_digest_is_the_files(
    installed: dict[str, str], dongui: Run, tmp_path: Path
) -> None:
    policy = Path(installed["config"]).parent / "policy.toml"
    text = policy.read_text()
    version = next(line for line in text.splitlines() if line.startswith("version"))
    policy.write_text(text.replace(version, 'version = "next"') + PARTY)
    assert dongui("policy", "publish", str(policy)).exit_code == 0
    day = fill(installed["config"], 2)
    found = {}
    for more in ([], ["--precise"]):
        file = tmp_path / f"out{len(more)}.db"
        done = dongui(*asked(day, "--recipient", AGENCY, "--format", "sqlite", "-o", str(file), *more))
        assert done.exit_code == 0, done.output
        with closing(sqlite3.connect(file)) as conn:
            found[len(more)] = conn.execute("SELECT at, ip_address FROM events").fetchall()
        entry = json.loads(dongui("disclosures", "list", "--json").stdout)[0]
        assert (entry["digest"], entry["rows"]) == (hashlib.sha256(file.read_bytes()).hexdigest(), 2)
        assert entry.get("precise", False) == bool(more)
    assert {address for _, address in found[0]} == {"203.0.113.0"}
    assert {at % 3_600_000 for at, _ in found[0]} == {0}
    assert {address for _, address in found[1]} == {"203.0.113.9"}


MEASURED = (
    "import resource, sys\n"
    "from dongui_collector.cli import cli\n"
    "cli(sys.argv[1:], standalone_mode=False)\n"
    "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)\n"
)


@pytest.mark.parametrize("kind", ["ndjson", "csv", "sqlite"])
def test_memory_does_not_grow_with_the_export(installed: dict[str, str], tmp_path: Path, kind: str) -> None:
    """Ten times the rows, some 20 MB as Python values, in the same memory."""
    peaks = []
    for number in (2_000, 20_000):
        day = fill(installed["config"], number)
        command = [*asked(day, "--format", kind, "-o", str(tmp_path / "out")), "--config", installed["config"]]
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True, env={**os.environ}
        )
        peaks.append(int(done.stderr.splitlines()[-1]))
    assert peaks[1] - peaks[0] < 8_000, f"KiB at the most: {peaks}"


# --- in parts --------------------------------------------------------------------------------------------------------


def test_an_export_in_parts_is_the_whole(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    day, file = fill(installed["config"], 7), tmp_path / "part.ndjson"
    whole = [json.loads(line) for line in dongui(*asked(day)).stdout.splitlines()]
    found: list[Any] = []
    go_on: list[str] = []
    for _ in range(4):
        done = dongui(*asked(day, "--limit", "3", *go_on, "-o", str(file)))
        assert done.exit_code == 0, done.output
        found += [json.loads(line) for line in file.read_text().splitlines()]
        if "--after" not in done.stderr:
            break
        go_on = done.stderr.split()[-2:]
    assert found == whole
    assert len(found) == 7
    assert go_on[0] == "--after"


def test_a_cursor_of_another_question_is_usage_and_writes_nothing_down(
    installed: dict[str, str], dongui: Run, tmp_path: Path
) -> None:
    day = fill(installed["config"], 3)
    cursor = dongui(*asked(day, "--limit", "2")).stderr.split()[-1]
    exports = len(list(exports_of(installed["config"])))
    for wrong in (
        [*asked(day, "--after", "nonsense")],
        [*asked(day, "--purpose", "marketing", "--after", cursor)],
        [*asked("2025-01-01", "--after", cursor)],
    ):
        refused = dongui(*wrong)
        assert refused.exit_code == 2
        assert "--after is what the part before said" in refused.stderr
        assert refused.stdout == ""
    assert len(list(exports_of(installed["config"]))) == exports
    rest = dongui(*asked(day, "--after", cursor))
    assert len(rest.stdout.splitlines()) == 1
    assert "--after" not in rest.stderr


def exports_of(config: str) -> list[Any]:
    core = open_core(load_settings(Path(config)), writable=False)
    try:
        return [r for r in core.storage.ledger.of_kind("audit") if r.body and r.body.get("action") == "export"]
    finally:
        core.close()
