"""A database as a stream of values, and back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from dongui_collector.storage.sqlite.connect import connect
from dongui_collector.storage.sqlite.dump import dump, load

SCHEMA = """
    CREATE TABLE plain (n INTEGER PRIMARY KEY, a TEXT, b BLOB) STRICT;
    CREATE UNIQUE INDEX plain_a ON plain (a) WHERE a IS NOT NULL;
    CREATE TABLE keyed (k TEXT PRIMARY KEY, v INTEGER) STRICT,
        WITHOUT
        ROWID;
    CREATE TABLE named (k TEXT PRIMARY KEY, v REAL) STRICT;
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source.db"
    with closing(connect(path)) as conn:
        conn.executescript(SCHEMA)
        conn.execute("BEGIN")
        conn.executemany(
            "INSERT INTO plain VALUES (?, ?, ?)", ((n * 3, f"가{n}", bytes([n % 256])) for n in range(1, 5001))
        )
        conn.execute("UPDATE plain SET a = NULL, b = NULL WHERE n % 2 = 0")
        conn.executemany("INSERT INTO keyed VALUES (?, ?)", ((f"k{n}", -n) for n in range(100)))
        conn.executemany("INSERT INTO named VALUES (?, ?)", ((f"k{n}", n / 2) for n in range(100)))
        conn.execute("COMMIT")
    return path


def content(path: Path) -> dict[str, object]:
    with closing(sqlite3.connect(path)) as conn:
        tables = ("plain WHERE a IS NOT NULL", "keyed", "named")
        found: dict[str, object] = {t: conn.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in tables}
        return found | {"schema": sorted(conn.execute("SELECT type, name, sql FROM sqlite_master").fetchall())}


@pytest.mark.parametrize("one_moment", [True, False])
def test_what_comes_back_is_what_was(source: Path, tmp_path: Path, one_moment: bool) -> None:
    target = tmp_path / "target.db"
    assert load(target, dump(source, one_moment=one_moment)) == 2500 + 200
    assert content(target) == content(source)


def test_cleared_rows_are_left_behind(source: Path, tmp_path: Path) -> None:
    load(tmp_path / "target.db", dump(source, one_moment=True))
    with closing(sqlite3.connect(tmp_path / "target.db")) as conn:
        assert conn.execute("SELECT count(*) FROM plain").fetchone() == (2500,)


def test_one_moment_is_one_moment(source: Path) -> None:
    parts = dump(source, one_moment=True)
    next(parts)
    with closing(connect(source)) as conn:
        conn.execute("DELETE FROM keyed")
    rows = [row for part in parts if part.get("table") == "keyed" for row in part["rows"]]
    assert len(rows) == 100


def test_a_table_that_goes_while_it_is_read_is_passed_over(source: Path) -> None:
    parts = dump(source, one_moment=False)
    next(parts)
    with closing(connect(source)) as conn:
        conn.execute("DROP TABLE named")
    assert "named" not in {part.get("table") for part in parts}


def test_a_large_table_is_read_in_pages_whatever_its_key(source: Path) -> None:
    with closing(connect(source)) as conn:
        conn.executemany("INSERT INTO keyed VALUES (?, ?)", ((f"more{n}", n) for n in range(5000)))
    sizes = [len(part["rows"]) for part in dump(source, one_moment=True) if part.get("table") == "keyed"]
    assert sum(sizes) == 5100
    assert max(sizes) <= 2000, "one part is one frame of a backup, and a frame is bounded"
