"""``dongui verify``, ``dongui checkpoint`` and what ``serve`` keeps by itself, on real installations."""

from __future__ import annotations

import json
import re
import sqlite3
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from dongui_collector.evidence.checkpoint_files import keep_daily
from dongui_collector.evidence.checkpoints import parse

from tests.collector import CONSENT_PURPOSES, Installation, dongui, event, written_policy
from tests.evidence.seen import run
from tests.retention.house import House, at


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Lived in for a day, and left: the next day's first round has sealed it."""
    found = Installation(tmp_path_factory.mktemp("proof") / "inst", testing=True, checkpoint_folder="kept")
    found.start(clock="2026-11-23T12:00:00+09:00")
    visitor = found.consent(list(CONSENT_PURPOSES))["visitor"]
    at_noon = at("2026-11-23T12:00")
    assert found.send(visitor, event(at_noon), event(at_noon)).json()["recorded"] == 2
    found.stop()
    found.start(clock="2026-11-24T12:00:00+09:00")
    deadline = time.monotonic() + 60
    while not list(found.folder.glob("kept/*2026-11-24.json")):
        assert time.monotonic() < deadline, found.log.read_text()
        time.sleep(0.1)
    yield found
    found.close()


def test_serve_seals_what_is_finished_and_keeps_a_checkpoint_a_day(made: Installation) -> None:
    path = made.folder / "kept" / "checkpoint-2026-11-24.json"
    kept = parse(path.read_text(), path.name)
    assert kept.days == 1
    said = json.loads(made.run("verify", "--json", "--checkpoint", str(made.folder / "kept")).stdout)
    assert said["ok"]
    assert said["checked"]["sealed_days"] == 1
    assert said["checked"]["checkpoints"] == 2


def test_a_checkpoint_is_made_beside_serve_and_bound_to_this_ledger(made: Installation, tmp_path: Path) -> None:
    path = tmp_path / "mine.json"
    assert "Keep it elsewhere" in made.run("checkpoint", "-o", str(path)).stdout
    assert made.run("checkpoint").stdout.startswith("{")
    printed, written = (json.loads(made.run("checkpoint", "--json", *more).stdout) for more in ((), ("-o", str(path))))
    assert written == {"file": str(path), **json.loads(path.read_text())}
    assert printed.keys() == written.keys() - {"file"}
    made.run("verify", "--checkpoint", str(path))
    changed = json.loads(path.read_text()) | {"hash": "0" * 64}
    path.write_text(json.dumps(changed))
    done = made.run("verify", "--checkpoint", str(path), code=1)
    assert "checkpoint mine.json: record" in done.stdout
    path.write_text("{}")
    assert "mine.json is no checkpoint" in made.run("verify", "--checkpoint", str(path), code=2).stderr


def test_evidence_is_written_beside_serve_and_verified_by_its_own_script(made: Installation, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    made.run("verify", "--evidence", str(file))
    assert not list(tmp_path.glob("*.part"))
    script = tmp_path / "verify_evidence.py"
    with zipfile.ZipFile(file) as packed:
        script.write_bytes(packed.read("verify_evidence.py"))
    (tmp_path / "cwd").mkdir()
    done = run(script, str(file), "--lang", "en", cwd=tmp_path / "cwd")
    assert done.returncode == 0, done.stdout + done.stderr


# --- a folder that does not open -------------------------------------------------------------------------------------


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """An installation at rest, whose database an accident will meet."""
    own = str(written_policy(tmp_path / "policy.toml"))
    made = json.loads(
        dongui("init", str(tmp_path / "inst"), "--origin", "https://shop.example.com", "--policy", own, "--json").stdout
    )
    return Path(made["config"])


def overwrite(path: Path, table: str) -> None:
    """Random-looking bytes over the first page of a table, as a failing disk leaves them."""
    with closing(sqlite3.connect(path)) as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page,) = conn.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = conn.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xa5" * size)


@pytest.mark.parametrize("table", ["notices", "sites", "chain", "head", "settings", "visitors", "tokens", "holds"])
def test_a_damaged_page_is_a_finding_with_its_place(damaged: Path, table: str) -> None:
    """Also of what opening the installation reads first."""
    overwrite(damaged.parent / "data" / "dongui.db", table)
    done = dongui("verify", "--config", str(damaged), "--json", code=1)
    found = json.loads(done.stdout)["findings"]
    assert f"data/dongui.db, table {table}" in [f["where"] for f in found]
    assert all(f["remedy"] for f in found if f["where"].startswith("data/dongui.db"))
    assert "Traceback" not in done.stderr


def test_a_damaged_key_store_and_a_file_that_is_none_are_findings(damaged: Path) -> None:
    folder = damaged.parent
    overwrite(folder / "keys" / "keys.db", "keys")
    assert "keys/keys.db, table keys" in dongui("verify", "--config", str(damaged), code=1).stdout
    (folder / "data" / "dongui.db").write_bytes(b"no database at all" * 300)
    assert "data/dongui.db: it is damaged" in dongui("verify", "--config", str(damaged), code=1).stdout


def test_a_notice_that_is_no_policy_any_more_is_a_finding(damaged: Path) -> None:
    with closing(sqlite3.connect(damaged.parent / "data" / "dongui.db")) as conn:
        conn.execute("UPDATE notices SET text = 'nonsense'")
        conn.commit()
    assert "contradict" in dongui("verify", "--config", str(damaged), code=1).stdout


def test_where_nothing_is_there_is_nothing_to_verify(tmp_path: Path) -> None:
    (tmp_path / "dongui.toml").write_text("")
    dongui("verify", "--config", str(tmp_path / "dongui.toml"), code=2)


# --- the daily checkpoint --------------------------------------------------------------------------------------------


def test_a_checkpoint_is_kept_once_a_day_and_never_written_over(house: House) -> None:
    assert keep_daily(house.core) is None
    house.core.settings = replace(house.core.settings, checkpoint_folder="elsewhere/kept")
    first = keep_daily(house.core)
    assert first is not None
    assert re.fullmatch(r"checkpoint-2025-03-10\.json", first.name)
    text = first.read_text()
    house.arrive()
    assert keep_daily(house.core) is None
    assert first.read_text() == text
    house.now = at("2025-03-11T00:10")
    assert keep_daily(house.core) != first
    assert sorted(p.suffix for p in first.parent.iterdir()) == [".json", ".json"]
