"""``dongui sync`` into PostgreSQL and DuckDB: equal to the export after every run, and no byte of what ended stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest
from click.testing import Result
from dongui_collector.exports.sinks import sink_of
from dongui_collector.storage import portable_copy, portable_postgres

from tests.cli.test_cli_sync import arrive, choose, every_byte, exported, record, synced
from tests.postgres import Postgres, postgres

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with postgres() as running:
        yield running


class Place:
    """A destination of either kind: how it is named, what people read there, and all its bytes."""

    def __init__(self, kind: str, tmp_path: Path, server: Postgres) -> None:
        self._server = server if kind == "postgres" else None
        self._file = tmp_path / "copy.duckdb"
        self.schema = "s_" + "".join(c if c.isalnum() else "_" for c in tmp_path.name.lower())[-50:]
        self.name = server.address(schema=self.schema) if self._server else str(self._file)

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Rows of a statement in which ``events`` is the table."""
        if self._server:
            return self._server.ask(statement, self.schema)
        with duckdb.connect(str(self._file), read_only=True) as conn:
            return conn.execute(statement).fetchall()

    def held(self) -> dict[str, str]:
        return dict(self.ask("SELECT id, page FROM events"))

    def bytes(self) -> bytes:
        return self._server.every_byte() if self._server else every_byte(self._file)


@pytest.fixture(params=["postgres", "duckdb"])
def place(request: pytest.FixtureRequest, tmp_path: Path, server: Postgres) -> Place:
    return Place(request.param, tmp_path, server)


def marks(word: str, number: int, tmp_path: Path) -> list[str]:
    """Pages that are this test's alone: the server keeps the log of all of them."""
    return [f"{word}-{tmp_path.name}-{n}" for n in range(number)]


def test_a_copy_is_begun_kept_and_erased(installed: dict[str, str], dongui: Run, tmp_path: Path, place: Place) -> None:
    config, (gone, *_) = installed["config"], marks("erased", 1, tmp_path)
    stays, goes = arrive(config), arrive(config)
    record(config, stays, "stays-a", "stays-b")
    record(config, goes, *marks("erased", 300, tmp_path), days_ago=2)
    first = synced(dongui, place.name)
    assert (first["told"], first["rows"], first["anew"], first["erased"]) == (302, 302, True, True)
    assert place.held() == exported(dongui)
    record(config, stays, "stays-late", days_ago=5)
    assert (synced(dongui, place.name)["told"], place.held()) == (1, exported(dongui))
    assert gone.encode() in place.bytes()
    choose(config, goes, (), ("statistics",))
    last = synced(dongui, place.name)
    assert (last["rows"], last["anew"], last["erased"]) == (3, False, True)
    assert place.held() == exported(dongui)
    assert f"erased-{tmp_path.name}".encode() not in place.bytes()
    assert b"stays-late" in place.bytes()
    assert synced(dongui, place.name)["told"] == 0


def test_columns_have_the_types_that_they_are_described_with(
    installed: dict[str, str], dongui: Run, place: Place
) -> None:
    record(installed["config"], arrive(installed["config"]), "page")
    synced(dongui, place.name)
    row = """day + 1 > day, "at" > '2001-01-01T00:00:00+00:00', props->>'m', purposes[1]"""
    assert place.ask(f"SELECT {row} FROM events") == [(True, True, "page", "statistics")]


def test_an_expired_copy_is_emptied_and_begun_anew(
    installed: dict[str, str], dongui: Run, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(installed["config"], arrive(installed["config"]), "kept")
    synced(dongui, place.name)
    monkeypatch.setattr("dongui_collector.exports.copies.KNOWN_MS", -1)
    again = synced(dongui, place.name)
    assert (again["anew"], again["rows"]) == (True, 1)
    assert place.held() == exported(dongui)


_KILLED = """
import os, signal, sys
from dongui_collector.storage import portable_duckdb, portable_copy, portable_postgres
from dongui_collector.cli.root import cli
moment = sys.argv[1]
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
for copy in (portable_duckdb.DuckdbCopy, portable_postgres.PostgresCopy):
    copy._replace = lambda self, rows, real=copy._replace: (real(self, rows), moment == "rows" and die())[0]
    copy.scrub = lambda self, real=copy.scrub: moment == "before" and die() or real(self)
real = portable_postgres.PostgresCopy._sql
def _sql(self, text):
    if moment in ("written", "placed") and text.startswith("INSERT INTO {events}"):
        die()
    return real(self, text)
portable_postgres.PostgresCopy._sql = _sql
def destroy_file(path, real=portable_copy.destroy_file):
    if moment == "placed" and path.name.endswith(portable_copy.OLD) and path.exists():
        die()
    return real(path)
portable_copy.destroy_file = destroy_file
if moment == "written":
    portable_copy.Path.rename = lambda self, to, real=portable_copy.Path.rename: (real(self, to), die())
cli(sys.argv[2:])
"""


@pytest.mark.parametrize("moment", ["rows", "before", "written", "placed"])
def test_a_run_that_was_killed_leaves_a_true_copy_after_the_next(
    installed: dict[str, str], dongui: Run, tmp_path: Path, place: Place, moment: str
) -> None:
    """Within its rows, before anything is erased, and while the living rows take the old ones' place."""
    config = installed["config"]
    goes, stays, both = arrive(config), arrive(config), arrive(config)
    record(config, goes, *marks("erased", 100, tmp_path))
    synced(dongui, place.name)
    choose(config, goes, (), ("statistics",))
    record(config, stays, *(f"s{n}" for n in range(400)), days_ago=1)
    record(config, both, *marks("erased-late", 20, tmp_path))
    command = ["sync", place.name, "--purpose", "statistics", "--config", config]
    program = [sys.executable, "-c", _KILLED, moment, *command]
    done = subprocess.run(program, capture_output=True, timeout=300, check=False, env={**os.environ})
    assert done.returncode == -signal.SIGKILL, done.stderr
    # What the broken run may have left in the pages has ended before the next one tells of it.
    choose(config, both, (), ("statistics",))
    assert synced(dongui, place.name)["erased"]
    assert place.held() == exported(dongui)
    assert f"-{tmp_path.name}-".encode() not in place.bytes()
    assert not [
        path for path in tmp_path.rglob("*") if path.name.endswith((portable_copy.OLD, portable_copy.NEW, ".wal"))
    ]


def test_two_runs_at_once_do_not_write_one_copy(installed: dict[str, str], dongui: Run, place: Place) -> None:
    record(installed["config"], arrive(installed["config"]), "stays")
    with closing(sink_of(place.name)):
        program = [sys.executable, "-m", "dongui_collector", "sync", place.name, "--purpose", "statistics"]
        program += ["--config", installed["config"]]
        done = subprocess.run(program, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 2
    assert "another" in done.stderr
    synced(dongui, place.name)
    assert place.held() == exported(dongui)


def test_what_holds_something_else_is_left_alone(dongui: Run, tmp_path: Path, place: Place, server: Postgres) -> None:
    statement = "CREATE TABLE mine (a int)"
    if place.name.endswith(".duckdb"):
        with duckdb.connect(place.name) as conn:
            conn.execute(statement)
    else:
        server.ask(f"CREATE SCHEMA {place.schema}")
        server.ask(statement, place.schema)
    done = dongui("sync", place.name, "--purpose", "statistics")
    assert done.exit_code == 2
    assert "something else" in done.stderr
    assert place.ask("SELECT * FROM mine") == []


@pytest.mark.parametrize("ours", [False, True])
def test_files_of_somebody_else_beside_it_are_left_alone(
    installed: dict[str, str], dongui: Run, tmp_path: Path, *, ours: bool
) -> None:
    """A backup beside the file was overwritten, also where the file itself was refused."""
    file, config = tmp_path / "copy.duckdb", installed["config"]
    beside = [tmp_path / f"copy.duckdb{end}" for end in (".old", ".new", ".bak", ".new.wal")]
    for one in beside:
        one.write_text("mine")
    if not ours:
        with duckdb.connect(str(file)) as conn:
            conn.execute("CREATE TABLE mine (a int)")
        assert dongui("sync", str(file), "--purpose", "statistics").exit_code == 2
    else:
        visitor = arrive(config)
        record(config, visitor, "erased")
        synced(dongui, file)
        choose(config, visitor, (), ("statistics",))
        assert synced(dongui, file)["erased"]
    assert [one.read_text() for one in beside] == ["mine"] * 4


# -- PostgreSQL alone


def test_a_reader_in_the_way_is_said(
    installed: dict[str, str], dongui: Run, tmp_path: Path, server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, config = Place("postgres", tmp_path, server), installed["config"]
    visitor = arrive(config)
    record(config, visitor, *marks("erased", 1, tmp_path))
    synced(dongui, place.name)
    choose(config, visitor, (), ("statistics",))
    monkeypatch.setattr(portable_postgres, "_PATIENCE", "50ms")
    with psycopg.connect(server.address()) as conn:
        conn.execute(f"SELECT * FROM {place.schema}.events")  # type: ignore[call-overload]
        done = dongui("sync", place.name, "--purpose", "statistics")
        assert done.exit_code == 1
        assert "is being read" in done.stderr
    assert synced(dongui, place.name)["erased"]
    assert f"erased-{tmp_path.name}".encode() not in place.bytes()


def test_an_old_snapshot_keeps_nothing(
    installed: dict[str, str], dongui: Run, tmp_path: Path, server: Postgres
) -> None:
    """``VACUUM FULL`` would carry the ended rows over, as long as any transaction of before goes on."""
    place, config = Place("postgres", tmp_path, server), installed["config"]
    visitor = arrive(config)
    record(config, visitor, *marks("erased", 1, tmp_path))
    synced(dongui, place.name)
    with psycopg.connect(server.address()) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.execute("SELECT 1")
        choose(config, visitor, (), ("statistics",))
        assert synced(dongui, place.name)["erased"]
        assert f"erased-{tmp_path.name}".encode() not in place.bytes()


def test_no_value_reaches_the_statistics(
    installed: dict[str, str], dongui: Run, tmp_path: Path, server: Postgres
) -> None:
    """The most common values of a column would outlive their rows."""
    place, config = Place("postgres", tmp_path, server), installed["config"]
    record(config, arrive(config), *(["same"] * 50))
    synced(dongui, place.name)
    server.ask(f"ANALYZE {place.schema}.events")
    assert server.ask(f"SELECT * FROM pg_stats WHERE schemaname = '{place.schema}'") == []


def test_a_role_that_owns_nothing_is_told_so(
    installed: dict[str, str], dongui: Run, tmp_path: Path, server: Postgres
) -> None:
    place = Place("postgres", tmp_path, server)
    server.ask(f"CREATE ROLE {place.schema} LOGIN")
    stranger = server.address(place.schema, schema=place.schema)
    done = dongui("sync", stranger, "--purpose", "statistics")
    assert (done.exit_code, "needs CREATE on the database" in done.stderr) == (2, True), done.stderr
    synced(dongui, place.name)
    server.ask(f"GRANT ALL ON SCHEMA {place.schema} TO {place.schema}")
    done = dongui("sync", stranger, "--purpose", "statistics")
    assert (done.exit_code, "belong to another role" in done.stderr) == (2, True), done.stderr


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("postgresql://me:s3cret@127.0.0.1:1/db", "cannot be reached"),
        ("postgresql://me:s3cret%zz@127.0.0.1:1/db", "libpq"),
        ("postgresql://me:s3cret@127.0.0.1:1/db?pasword=s3cret", "libpq"),
        ("postgresql://me:s3cret@[::1/db", "no address of PostgreSQL"),
        ("postgresql://127.0.0.1:1/db?schema=s3cret;drop", "schema="),
        ("postgresql://127.0.0.1:1/db?schema=pg_catalog", "schema="),
    ],
)
def test_no_error_repeats_a_password(dongui: Run, address: str, says: str) -> None:
    done = dongui("sync", address, "--purpose", "statistics")
    assert done.exit_code == 2
    assert says in done.stderr
    assert "s3cret" not in done.output


@pytest.mark.parametrize(("module", "address"), [("psycopg", "postgresql://h/db"), ("duckdb", "copy.duckdb")])
def test_what_is_not_installed_is_named(
    dongui: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, address: str
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, module, None)
    done = dongui("sync", address, "--purpose", "statistics")
    assert done.exit_code == 2
    assert f"needs {module}; install it" in done.stderr
    assert list(tmp_path.glob("copy*")) == []
