"""The GeoIP file is replaced while serving, in place or by rename: never a crash, and the newer one is taken up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from dongui_collector.core.errors import SettingsError
from dongui_collector.demo.places import write_places
from dongui_collector.intake.places import GeoDatabase

ADDRESS = "203.0.113.7"


@pytest.fixture
def database(tmp_path: Path) -> Path:
    path = tmp_path / "places.mmdb"
    write_places(path)
    settle(path, 100)
    return path


def settle(path: Path, at: int) -> None:
    os.utime(path, (at, at))


def known(places: GeoDatabase) -> int:
    """How many of some addresses the database knows: the demo's has a few networks."""
    return sum(places.of(f"{n}.{m}.113.7") != (None, None) for n in range(1, 224) for m in (0, 51, 251))


def test_overwritten_in_place_while_it_is_read(database: Path) -> None:
    """In a process of its own: what was mapped and shrinks ended it by SIGBUS."""
    script = f"""
        from pathlib import Path
        from dongui_collector.intake.places import GeoDatabase
        path = Path({str(database)!r})
        places = GeoDatabase(path)
        before = [places.of(f"{{n}}.0.113.7") for n in range(1, 224)]
        with path.open("r+b") as file:
            file.truncate(0)
        assert [places.of(f"{{n}}.0.113.7") for n in range(1, 224)] == before
        path.write_bytes(b"x" * 5000)
        assert not places.refresh()
        assert [places.of(f"{{n}}.0.113.7") for n in range(1, 224)] == before
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["rename", "in place", "removed and copied"])
def test_a_newer_file_is_taken_up(database: Path, tmp_path: Path, how: str) -> None:
    places = GeoDatabase(database)
    before, built = known(places), places.built_at
    assert before
    assert built
    newer = tmp_path / "newer.mmdb"
    write_places(newer)
    content = newer.read_bytes()
    assert not places.refresh(), "nothing has changed"
    if how == "rename":
        newer.rename(database)
    elif how == "in place":
        database.write_bytes(content)
    else:
        database.unlink()
        assert not places.refresh()
        assert known(places) == before, "goes on with what it has"
        shutil.copy(newer, database)
    settle(database, 200)
    assert places.refresh()
    assert places.generation == 2
    assert known(places) == before


def test_a_file_that_is_being_written_waits(database: Path) -> None:
    places = GeoDatabase(database)
    content = database.read_bytes()
    database.write_bytes(content[: len(content) // 2])  # written just now
    assert not places.refresh()
    settle(database, 200)
    assert not places.refresh(), "half a file is none"
    database.write_bytes(content)
    settle(database, 300)
    assert places.refresh()


def test_what_is_no_database_is_said_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "places.mmdb"
    for content in (b"", b"no database at all", None):
        if content is None:
            path.unlink()
        else:
            path.write_bytes(content)
        with pytest.raises(SettingsError, match="geoip_database"):
            GeoDatabase(path)


def test_without_a_database_nothing_is_known() -> None:
    places = GeoDatabase(None)
    assert places.of(ADDRESS) == (None, None)
    assert not places.refresh()
