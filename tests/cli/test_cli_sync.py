"""``dongui sync``: a copy equals the export after every run, whatever interrupts it; no byte of what ended stays."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import Result
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.exports.columns import NAMES
from dongui_collector.exports.sinks import sink_of
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage import portable_copy

Run = Callable[..., Result]


def arrive(config: str) -> str:
    visitor = choose(config, None, ("statistics",))
    assert visitor
    return visitor


def choose(config: str, visitor: str | None, granted: tuple[str, ...], refused: tuple[str, ...] = ()) -> str | None:
    core = open_core(load_settings(Path(config)), writable=True)
    try:
        notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
        with core.storage.ledger.writing():
            outcome = core.ledger.choose(notice, visitor, Decision(granted, refused, "api", "ko", {}))
        core.retention.endings.resume()
        found: str | None = outcome.answer["visitor"]
        return found
    finally:
        core.close()


def record(config: str, visitor: str, *markers: str, days_ago: int = 0) -> None:
    core = open_core(load_settings(Path(config)), writable=True)
    try:
        at = core.clock.now() - days_ago * 86_400_000
        base = {"visitor": visitor, "name": "visit", "at": at, "ip": "203.0.113.9"}
        lines = [{**base, "id": str(uuid.uuid4()), "url": f"/{m}", "props": {"m": m}} for m in markers]
        for start in range(0, len(lines), 5000):
            perform(core, "events.import", {"lines": [json.dumps(line) for line in lines[start : start + 5000]]})
    finally:
        core.close()


def held(destination: Path) -> dict[str, str]:
    """Id → page of what people read at a destination."""
    if destination.is_dir():
        rows = [row for file in destination.glob("*.parquet") for row in pq.read_table(file).to_pylist()]
        return {row["id"]: row["page"] for row in rows}
    with closing(sqlite3.connect(destination)) as conn:
        return dict(conn.execute("SELECT id, page FROM events").fetchall())


def exported(dongui: Run) -> dict[str, str]:
    done = dongui("export", "events", "--purpose", "statistics", "--from", "2000-01-01", "--to", "2999-12-31")
    return {row["id"]: row["page"] for row in map(json.loads, done.stdout.splitlines())}


def every_byte(destination: Path) -> bytes:
    files = destination.parent.rglob(f"{destination.name}*")
    inside = destination.rglob("*") if destination.is_dir() else ()
    return b"\n".join(file.read_bytes() for file in (*files, *inside) if file.is_file())


def synced(dongui: Run, destination: Path | str) -> dict[str, Any]:
    done = dongui("sync", str(destination), "--purpose", "statistics", "--json")
    assert done.exit_code == 0, done.output
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.mark.parametrize("name", ["copy.db", "copy"])
def test_a_copy_is_begun_kept_and_erased(installed: dict[str, str], dongui: Run, tmp_path: Path, name: str) -> None:
    config, destination = installed["config"], tmp_path / name
    stays, goes = arrive(config), arrive(config)
    record(config, stays, "stays-a", "stays-b")
    record(config, goes, *(f"erased-{n}" for n in range(300)), days_ago=2)
    first = synced(dongui, destination)
    assert (first["told"], first["rows"], first["anew"], first["erased"]) == (302, 302, True, True)
    assert held(destination) == exported(dongui)
    record(config, stays, "stays-late", days_ago=5)
    assert (synced(dongui, destination)["told"], held(destination)) == (1, exported(dongui))
    if name == "copy.db":
        assert b"erased-17" in every_byte(destination)
    choose(config, goes, (), ("statistics",))
    last = synced(dongui, destination)
    assert (last["rows"], last["anew"], last["erased"]) == (3, False, True)
    assert held(destination) == exported(dongui)
    assert b"erased-" not in every_byte(destination)
    assert b"stays-" in every_byte(destination) or name == "copy"  # Parquet is compressed
    assert synced(dongui, destination)["told"] == 0


def test_a_file_that_is_written_anew_is_overwritten_first(
    installed: dict[str, str], dongui: Run, tmp_path: Path
) -> None:
    """Whoever still has the old file, as the disk has its blocks, finds nothing in it."""
    config, folder, witness = installed["config"], tmp_path / "copy", tmp_path / "witness"
    visitor = arrive(config)
    record(config, visitor, "erased")
    record(config, arrive(config), "stays")
    synced(dongui, folder)
    (file,) = folder.glob("*.parquet")
    witness.hardlink_to(file)
    assert len(witness.read_bytes().strip(b"\0")) > 1000
    choose(config, visitor, (), ("statistics",))
    synced(dongui, folder)
    assert witness.read_bytes().strip(b"\0") == b""
    assert len(held(folder)) == 1


def test_days_that_did_not_change_are_not_written_anew(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    config, folder = installed["config"], tmp_path / "copy"
    visitor = arrive(config)
    record(config, visitor, "old", days_ago=3)
    synced(dongui, folder)
    (old,) = folder.glob("*.parquet")
    before = old.stat().st_ino
    record(config, visitor, "new")
    synced(dongui, folder)
    assert old.stat().st_ino == before
    assert len(list(folder.glob("*.parquet"))) == 2


def test_a_copy_of_something_else_is_refused(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"
    synced(dongui, file)
    done = dongui("sync", str(file), "--purpose", "marketing")
    assert done.exit_code == 2
    assert "statistics" in done.stderr
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as conn:
        conn.execute("CREATE TABLE mine (a)")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").touch()
    for destination in (other, tmp_path / "full"):
        assert dongui("sync", str(destination), "--purpose", "statistics").exit_code == 2
    with closing(sqlite3.connect(other)) as conn:
        assert conn.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]


@pytest.mark.parametrize(
    ("destination", "says"),
    [
        ("clickhouse://db", "no copy is kept in ClickHouse"),
        ("s3://bucket/x", "no copy is kept in S3"),
        ("ftp://host/x", "no copy can be kept there"),
        ("x.csv", "SQLite file"),
    ],
)
def test_what_keeps_bytes_is_refused_by_name(dongui: Run, destination: str, says: str) -> None:
    done = dongui("sync", destination, "--purpose", "statistics")
    assert done.exit_code == 2
    assert says in done.stderr


def test_an_expired_copy_is_emptied_and_begun_anew(
    installed: dict[str, str], dongui: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, file = installed["config"], tmp_path / "copy.db"
    visitor = arrive(config)
    record(config, visitor, "kept")
    synced(dongui, file)
    monkeypatch.setattr("dongui_collector.exports.copies.KNOWN_MS", -1)
    again = synced(dongui, file)
    assert (again["anew"], again["rows"]) == (True, 1)
    assert held(file) == exported(dongui)


_KILLED = """
import os, signal, sys
from dongui_collector.storage import portable_copy
from dongui_collector.cli.root import cli
left, real = [int(sys.argv[1])], portable_copy.PortableCopy._add
def add(self, values):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    real(self, values)
portable_copy.PortableCopy._add = add
rewritten = portable_copy.replace_file
def replace_file(path, chunks):
    if left[0] < 0:
        rewritten(path.with_name(path.name + portable_copy.NEW), [b"half"])
        os.kill(os.getpid(), signal.SIGKILL)
    rewritten(path, chunks)
from dongui_collector.exports import sinks
sinks.replace_file = replace_file
cli(sys.argv[2:])
"""


@pytest.mark.parametrize("name", ["copy.db", "copy"])
@pytest.mark.parametrize("at", [1, 250, 400, 401])
def test_a_run_that_was_killed_leaves_a_true_copy_after_the_next(
    installed: dict[str, str], dongui: Run, tmp_path: Path, name: str, at: int
) -> None:
    """At its first row, in the middle, at its last, and (in a folder) between the rows and their files."""
    config, destination = installed["config"], tmp_path / name
    goes, stays = arrive(config), arrive(config)
    record(config, goes, *(f"erased-{n}" for n in range(100)))
    synced(dongui, destination)
    choose(config, goes, (), ("statistics",))
    record(config, stays, *(f"s{n}" for n in range(400)), days_ago=1)
    command = ["sync", str(destination), "--purpose", "statistics", "--config", config]
    program = [sys.executable, "-c", _KILLED, str(at if at <= 400 else -1 if name == "copy" else 400), *command]
    done = subprocess.run(program, capture_output=True, timeout=300, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert synced(dongui, destination)["erased"]
    assert held(destination) == exported(dongui)
    assert b"erased-" not in every_byte(destination)
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (portable_copy.OLD, portable_copy.NEW)]


def test_a_reader_in_the_way_is_said(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    config, file = installed["config"], tmp_path / "copy.db"
    visitor = arrive(config)
    record(config, visitor, "erased-1")
    synced(dongui, file)
    choose(config, visitor, (), ("statistics",))
    with closing(sqlite3.connect(file, isolation_level=None)) as conn:
        conn.execute("BEGIN")
        conn.execute("SELECT * FROM events").fetchall()
        done = dongui("sync", str(file), "--purpose", "statistics")
        assert done.exit_code == 1
        assert "is being read" in done.stderr
    assert synced(dongui, file)["erased"]
    assert b"erased-" not in every_byte(file)


def test_two_runs_at_once_do_not_write_one_folder(installed: dict[str, str], dongui: Run, tmp_path: Path) -> None:
    config, folder = installed["config"], tmp_path / "copy"
    record(config, arrive(config), "stays")
    with closing(sink_of(str(folder))):
        done = dongui("sync", str(folder), "--purpose", "statistics")
        assert done.exit_code == 2
        assert "another run" in done.stderr
    synced(dongui, folder)
    assert held(folder) == exported(dongui)


def test_the_columns_are_described_by_one_table(tmp_path: Path) -> None:
    sink = sink_of(str(tmp_path / "copy.db"))
    sink.close()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as conn:
        names = [row[1] for row in conn.execute("PRAGMA table_info(events)")]
    assert names == list(NAMES)
