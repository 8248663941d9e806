"""Other users of the machine read nothing: every file is its owner's alone, also in folders that were open to all."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from dongui_collector.core.private_files import private
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import Installation, event

OTHERS = 0o077


def open_files(folder: Path) -> list[str]:
    """Everything in a folder, itself too, that another user may touch."""
    found = []
    for one in (folder, *folder.rglob("*")):
        with suppress(FileNotFoundError):  # a log that was closed meanwhile is part of its database now
            if stat.S_IMODE(one.lstat().st_mode) & OTHERS:
                found.append(str(one))
    return found


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Installation]:
    """An installation that recorded, stopped, and whose files were copied about with wide permissions."""
    made = Installation(tmp_path / "i").start()
    made.send(made.consent(["statistics"])["visitor"], event())
    made.stop()
    for part in ("data", "keys"):
        for one in ((made.folder / part), *(made.folder / part).rglob("*")):
            one.chmod(0o777 if one.is_dir() else 0o666)
    yield made
    made.close()


def test_a_start_narrows_what_was_open_and_makes_nothing_that_is(old: Installation) -> None:
    """Databases with their logs and indexes, days, archive, journal, locks, the reserve, the control socket."""
    old.start()
    old.send(old.consent(["statistics"])["visitor"], event())
    names = {one.name for one in old.folder.rglob("*")}
    assert {"dongui.db", "dongui.db-wal", "dongui.db-shm", "keys.db", "journal.ndjson", "control.sock"} <= names, names
    assert open_files(old.folder / "data") == []
    assert open_files(old.folder / "keys") == []


def test_what_commands_write_is_its_owners_also_over_a_file_that_was_open(old: Installation) -> None:
    old.start()
    out = old.folder / "out"
    out.mkdir()
    visitor = old.consent(["statistics"])["visitor"]
    old.send(visitor, event())
    asked = old.http.post("/v1/me/requests", json={"kind": "access"}, headers={"authorization": f"Bearer {visitor}"})
    days = ["--purpose", "statistics", "--from", "2020-01-01", "--to", "2030-01-01"]
    commands = {
        "events.ndjson": ["export", "events", *days, "-o"],
        "events.csv": ["export", "events", *days, "--format", "csv", "-o"],
        "backup": ["backup"],
        "keys": ["keys", "backup", "--under-master-key"],
        "evidence.zip": ["verify", "--evidence"],
    }
    assert asked.status_code == 201
    for name, command in commands.items():
        for left in (name, f"{name}.part", f"{name}.journal"):
            (out / left).write_bytes(b"left")
            (out / left).chmod(0o666)
        old.run(*command, str(out / name))
        for one in out.glob(f"{name}*"):
            if one.read_bytes() == b"left":  # a file of somebody else's
                one.unlink()
    assert json.dumps(open_files(out)) == json.dumps([str(out)])


def test_links_and_what_they_lead_to_are_left_alone(tmp_path: Path) -> None:
    made = Installation(tmp_path / "i")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("x")
    elsewhere.chmod(0o644)
    (made.folder / "data" / "link").symlink_to(elsewhere)
    (made.folder / "data" / "nowhere").symlink_to(tmp_path / "nowhere")
    open_core(load_settings(made.folder / "dongui.toml"), writable=True).close()
    assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o644


def test_a_pipe_or_a_device_stays_as_it_is() -> None:
    before = Path("/dev/null").stat().st_mode
    with open("/dev/null", "wb", opener=private) as file:
        file.write(b"x")
    assert Path("/dev/null").stat().st_mode == before
