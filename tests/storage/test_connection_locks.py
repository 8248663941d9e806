"""A second connection to a file takes none of the first one's locks: POSIX drops them all with any descriptor's end."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from dongui_collector.storage.sqlite.connect import connect


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
