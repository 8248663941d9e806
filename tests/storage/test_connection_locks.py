"""A second connection to a file takes none of the first one's locks: POSIX drops them all with any descriptor's end."""

from __future__ import annotations

import fcntl
import os
import sys
import threading
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.backup.backup import make_backup
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.storage.sqlite import files
from dongui_collector.storage.sqlite.connect import connect

from tests.retention.conftest import house, new_house
from tests.retention.house import ALL, House

__all__ = ["house", "new_house"]
DAY = date(2025, 3, 10)


def locks(path: Path) -> list[str]:
    """The kernel's lines about a file, less their numbers."""
    inode = f":{path.stat().st_ino} "
    return sorted(line.partition(" ")[2] for line in Path("/proc/locks").read_text().splitlines() if inode in line)


def test_another_connection_lets_go_of_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    with closing(connect(path)) as first:
        first.execute("CREATE TABLE t (n INTEGER)")
        held = locks(path)
        assert held, "SQLite holds a shared lock for as long as a file with a log is open"
        with closing(connect(path)):
            pass
        assert locks(path) == held


class Opened:
    """Files below a folder that Python opens; SQLite's own openings are not among them. The hook stays for good."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.files: list[tuple[str, int]] = []
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if self.folder is not None and event == "open" and isinstance(args[0], str | bytes):
            name = os.fsdecode(args[0])
            if name.startswith(str(self.folder)):
                self.files.append((name, args[2]))


OPENED = Opened()


def live_databases(opened: list[tuple[str, int]]) -> list[str]:
    """Files of SQLite's that may be open elsewhere in the process: neither just made nor being destroyed."""
    ends = (".db", ".db-wal", ".db-shm")
    return [name for name, flags in opened if name.endswith(ends) and not flags & os.O_EXCL]


def live(house: House, tmp_path: Path) -> None:
    """What an installation does with its days while ingest has them open."""
    leaver, stayer = house.arrive(), house.arrive()
    events = house.core.storage.events
    for n in range(3):
        house.visit(leaver)
        house.visit(stayer)
        house.now += 86_400_000 * (n > 0)
    events.seal(DAY)
    for day in events.days():
        events.count(day), events.rows(day), events.bases(day), events.changes(day), events.tally(day)
    house.choose((), ("marketing",), stayer)
    house.erase(leaver)
    events.prepare()
    house.choose((), ALL, house.arrive())
    with (tmp_path / "copy.backup").open("wb") as out:
        make_backup(house.core, out)
    assert verify(house.core).findings == []


def test_nothing_of_ours_opens_a_database_beside_sqlite(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.visit(house.arrive())
    day = house.folder / "data" / "events" / f"{DAY}.db"
    held = locks(day)
    assert held, "ingest has the day open"
    monkeypatch.setattr(OPENED, "files", [])
    monkeypatch.setattr(OPENED, "folder", house.folder)
    live(house, tmp_path)
    assert OPENED.files, "the hook hears"
    assert live_databases(OPENED.files) == []
    assert [line for line in held if line not in locks(day)] == []


def test_a_destruction_waits_for_the_days_readers_alone(tmp_path: Path) -> None:
    os.close(files.make_leases(tmp_path))
    destroyed = threading.Event()

    def destroy() -> None:
        files.await_readers(tmp_path, DAY, within=60)
        destroyed.set()

    with files.reading(tmp_path, DAY + timedelta(days=1)):
        files.await_readers(tmp_path, DAY)  # another day's reader is in nobody's way
        with files.reading(tmp_path, DAY), files.reading(tmp_path, DAY):
            with files.reading(tmp_path, DAY):
                pass  # who comes and goes in the same process takes nobody's lease along
            waiting = threading.Thread(target=destroy)
            waiting.start()
            assert not destroyed.is_set(), "it cannot be while a lease is held"
        waiting.join(60)
    assert destroyed.is_set()


def test_a_held_lease_bars_destruction(tmp_path: Path) -> None:
    fd = files.make_leases(tmp_path)
    with files.reading(tmp_path, DAY), pytest.raises(BlockingIOError):
        fcntl.fcntl(fd, fcntl.F_OFD_SETLK, files._lock(fcntl.F_WRLCK, DAY))
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, files._lock(fcntl.F_WRLCK, DAY))
    os.close(fd)


def test_where_nobody_has_written_there_is_no_lease_and_nothing_is_made(tmp_path: Path) -> None:
    with files.reading(tmp_path, DAY):
        pass
    assert list(tmp_path.iterdir()) == []
