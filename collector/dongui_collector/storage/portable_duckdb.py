"""A DuckDB file that is kept as a copy of rows, written anew where rows end.

DuckDB leaves the bytes of deleted rows in its blocks. So what ends is erased by writing the living rows into a file
beside, which takes the old one's place; the old one is overwritten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from dongui.version import how_to_install

from dongui_collector.core.errors import CollectorError
from dongui_collector.storage.portable_copy import NEW, OLD, put_in_place
from dongui_collector.storage.sqlite.files import destroy_file

Values = Sequence[object]
_ROWS = 1000
_GIVEN = {kind: kind for kind in ("BOOLEAN", "VARCHAR[]")}  # all others come as texts, and DuckDB reads them
_OPTIONS = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}


class DuckdbCopy:
    """``columns`` are names, types and meanings, the first of which is the key. ``events`` holds the rows, for people.

    One process at a time has the file open, readers of other programs included: so DuckDB will have it.
    """

    def __init__(self, path: Path, columns: Mapping[str, tuple[str, str]]) -> None:
        self.path, self.shown = path, str(path)
        self._columns = dict(columns)
        self._recover()
        self._open()
        try:
            self._make()
        except BaseException:
            self._conn.close()
            raise

    def _recover(self) -> None:
        """Finish what was broken off while the file was written anew."""
        new, old, log = (self.path.with_name(self.path.name + end) for end in (NEW, OLD, f"{NEW}.wal"))
        if old.exists() and not self.path.exists():
            old.rename(self.path)
        for left in (new, log, old):
            destroy_file(left)

    def _open(self) -> None:
        with self._errors(), _private():
            self._conn = _duckdb().connect(self.shown, config=_OPTIONS)

    def _make(self) -> None:
        with self._errors():
            found = {name for (name,) in self._conn.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
            if found and "dongui_copy" not in found:
                raise CollectorError(f"{self.path} is a database of something else; name a file that is not there yet")
            if not found:
                return self._create()
            names = [name for name, *_ in self._conn.execute("SELECT * FROM events LIMIT 0").description or ()]
        if names != list(self._columns):
            raise CollectorError(f"{self.path} was made by another version; name another file, and delete this one")
        return None

    def _create(self) -> None:
        typed = ", ".join(f'"{name}" {kind}' for name, (kind, _) in self._columns.items())
        self._conn.execute("BEGIN")
        self._conn.execute(f"CREATE TABLE events ({typed})")
        for name, (_, meaning) in self._columns.items():
            self._conn.execute(f"""COMMENT ON COLUMN events."{name}" IS '{meaning.replace("'", "''")}'""")
        self._conn.execute("CREATE TABLE dongui_copy (cursor VARCHAR, question VARCHAR, ended BOOLEAN)")
        self._conn.execute("INSERT INTO dongui_copy VALUES (NULL, NULL, false)")
        self._conn.execute("COMMIT")

    def _one(self, statement: str) -> Any:
        with self._errors():
            row = self._conn.execute(statement).fetchone()
        assert row is not None
        return row[0]

    @property
    def cursor(self) -> str | None:
        """Where the copy stands; None before its first answer."""
        found: str | None = self._one("SELECT cursor FROM dongui_copy")
        return found

    @property
    def question(self) -> str | None:
        """Of what it is a copy, for people."""
        found: str | None = self._one("SELECT question FROM dongui_copy")
        return found

    def count(self) -> int:
        """How many rows it holds."""
        found: int = self._one("SELECT count(*) FROM events")
        return found

    def apply(self, changes: Iterable[tuple[str, Values | None]], cursor: str, question: str) -> int:
        """Apply an answer and take its cursor, all or nothing: of each id its values, None for what has ended.

        Returns how many rows were told. What is broken off may leave its rows in free blocks: that is written down
        first, so that :meth:`scrub` reaches them.
        """
        told, source, before = 0, iter(changes), self._one("SELECT ended FROM dongui_copy")
        with self._errors():
            self._conn.execute("UPDATE dongui_copy SET ended = true")
            self._conn.execute("BEGIN")
            try:
                ended = before
                while batch := list(islice(source, _ROWS)):
                    told += len(batch)
                    ended |= self._replace(dict(batch))
                values = (cursor, question, ended)
                self._conn.execute("UPDATE dongui_copy SET cursor = ?, question = ?, ended = ?", values)
                self._conn.execute("COMMIT")
            except BaseException:
                self._conn.execute("ROLLBACK")
                raise
        return told

    def _replace(self, rows: Mapping[str, Values | None]) -> bool:
        """Put rows in the place of those with their ids; whether something is left behind of what there was."""
        gone = self._conn.execute("DELETE FROM events WHERE id IN (SELECT unnest(?))", (list(rows),)).fetchone()
        living = [dict(zip(self._columns, values, strict=True)) for values in rows.values() if values is not None]
        if living:
            # One text for all of them: a row at a time would take DuckDB a hundred times as long.
            shape = json.dumps([{name: _GIVEN.get(kind, "VARCHAR") for name, (kind, _) in self._columns.items()}])
            self._conn.execute(
                f"INSERT INTO events SELECT unnest(from_json(?, '{shape}'), recursive := true)",
                (json.dumps(living, ensure_ascii=False),),
            )
        return bool(gone and gone[0]) or len(living) < len(rows)

    def empty(self) -> None:
        """Clear every row, and forget the cursor: the copy begins anew."""
        with self._errors():
            self._conn.execute("BEGIN")
            self._conn.execute("DELETE FROM events")
            self._conn.execute("UPDATE dongui_copy SET cursor = NULL, ended = true")
            self._conn.execute("COMMIT")

    def scrub(self) -> bool:
        """Write the file anew, where something has ended in it."""
        if self._one("SELECT ended FROM dongui_copy"):
            with self._errors():
                self._conn.execute("CHECKPOINT")
                self._conn.close()
                put_in_place(self.path, self._write)
            self._open()
        with self._errors():
            self._conn.execute("CHECKPOINT")
        return True

    def _write(self, new: Path) -> None:
        with _private(), _duckdb().connect(config=_OPTIONS) as conn:
            conn.execute(f"ATTACH {_quoted(self.path)} AS old (READ_ONLY)")
            conn.execute(f"ATTACH {_quoted(new)} AS new")
            conn.execute("COPY FROM DATABASE old TO new")
            conn.execute("UPDATE new.dongui_copy SET ended = false")
            conn.execute("CHECKPOINT new")
            conn.execute("DETACH new")

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What DuckDB refuses, said without a value of anybody's: its messages may repeat one."""
        duckdb = _duckdb()
        try:
            yield
        except duckdb.IOException:
            raise CollectorError(
                f"{self.path} cannot be opened or written: another program has it open, it is no file of DuckDB's, or "
                "the disk is full; close it there and run again"
            ) from None
        except duckdb.Error as error:
            raise CollectorError(
                f"{self.path}: DuckDB failed ({type(error).__name__}); nothing is half-written"
            ) from None

    def close(self) -> None:
        self._conn.close()


def _duckdb() -> Any:
    try:
        import duckdb
    except ImportError:
        raise CollectorError(
            f"a copy in DuckDB needs duckdb; install it: {how_to_install('collector', 'duckdb')}"
        ) from None
    return duckdb


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


@contextmanager
def _private() -> Iterator[None]:
    """Files that DuckDB makes meanwhile are the owner's alone."""
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)
