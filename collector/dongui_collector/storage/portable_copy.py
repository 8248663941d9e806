"""A database that is kept as a copy of rows: one table for people to read, cleared in place where rows end.

Like the stored days (docs/decisions/001): rows are only appended, or cleared where they are, and a changed row is
cleared and appended anew; so SQLite never moves one, and ``secure_delete`` leaves no byte of what ended. The one
index is of ids, which are keyed hashes, and of days.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from dongui_collector.core.durable import sync_folder
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.private_files import private
from dongui_collector.storage.sqlite.connect import connect, own_errors, scrub
from dongui_collector.storage.sqlite.files import destroy_file

_NO_DAY = ""
Values = Sequence[object]


class PortableCopy:
    """``columns`` are names and their types, the first of which is the key and one of which is ``day``.

    A view ``events`` shows the rows. Opened by one process at a time; others may read.
    """

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        self.path = path
        self._names = list(columns)
        self._key, self._day = self._names[0], self._names.index("day")
        with own_errors():
            self._conn = connect(path)
            try:
                self._make(columns)
            except BaseException:
                self._conn.close()
                raise

    def _make(self, columns: Mapping[str, str]) -> None:
        found = {name for (name,) in self._conn.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if found and "dongui_copy" not in found:
            raise CollectorError(f"{self.path} is a database of something else; name a file that is not there yet")
        if found:
            return
        typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
        shown = ", ".join(f'"{name}"' for name in columns)
        for statement in (
            "BEGIN",
            f"CREATE TABLE dongui_rows (n INTEGER PRIMARY KEY, {typed}) STRICT",
            f'CREATE UNIQUE INDEX dongui_rows_key ON dongui_rows ("{self._key}") WHERE "{self._key}" IS NOT NULL',
            f'CREATE INDEX dongui_rows_day ON dongui_rows (day) WHERE "{self._key}" IS NOT NULL',
            f'CREATE VIEW events AS SELECT {shown} FROM dongui_rows WHERE "{self._key}" IS NOT NULL',
            "CREATE TABLE dongui_copy (one INTEGER PRIMARY KEY CHECK (one = 1), cursor TEXT, question TEXT) STRICT",
            "CREATE TABLE dongui_touched (day TEXT PRIMARY KEY) STRICT, WITHOUT ROWID",
            "INSERT INTO dongui_copy VALUES (1, NULL, NULL)",
            "COMMIT",
        ):
            self._conn.execute(statement)

    # -- what it is a copy of

    @property
    def cursor(self) -> str | None:
        """Where the copy stands; None before its first answer."""
        found: str | None = self._conn.execute("SELECT cursor FROM dongui_copy").fetchone()[0]
        return found

    @property
    def question(self) -> str | None:
        """Of what it is a copy, for people."""
        found: str | None = self._conn.execute("SELECT question FROM dongui_copy").fetchone()[0]
        return found

    def count(self) -> int:
        """How many rows it holds."""
        found: int = self._conn.execute("SELECT count(*) FROM events").fetchone()[0]
        return found

    # -- changing it

    def apply(self, changes: Iterable[tuple[str, Values | None]], cursor: str, question: str) -> int:
        """Apply an answer and take its cursor, all or nothing: of each id its values, None for what has ended.

        Returns how many rows were told.
        """
        told = 0
        with own_errors():
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                for key, values in changes:
                    self._clear(f'"{self._key}" = ?', key)
                    if values is not None:
                        self._add(values)
                    told += 1
                self._conn.execute("UPDATE dongui_copy SET cursor = ?, question = ?", (cursor, question))
                self._conn.execute("COMMIT")
            except BaseException:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                raise
        return told

    def empty(self) -> None:
        """Clear every row, and forget the cursor: the copy begins anew."""
        with own_errors():
            self._conn.execute("BEGIN IMMEDIATE")
            self._clear(f'"{self._key}" IS NOT NULL')
            self._conn.execute("UPDATE dongui_copy SET cursor = NULL")
            self._conn.execute("COMMIT")

    def _clear(self, condition: str, *values: object) -> None:
        nothing = ", ".join(f'"{name}" = NULL' for name in self._names)
        touched = f"INSERT OR IGNORE INTO dongui_touched SELECT coalesce(day, '{_NO_DAY}') FROM dongui_rows"
        self._conn.execute(f"{touched} WHERE {condition}", values)
        self._conn.execute(f"UPDATE dongui_rows SET {nothing} WHERE {condition}", values)

    def _add(self, values: Values) -> None:
        names = ", ".join(f'"{name}"' for name in self._names)
        marks = ", ".join("?" * len(self._names))
        self._conn.execute(f"INSERT INTO dongui_rows ({names}) VALUES ({marks})", values)
        self._conn.execute("INSERT OR IGNORE INTO dongui_touched VALUES (?)", (values[self._day] or _NO_DAY,))

    def scrub(self) -> bool:
        """Bring the log home, so that nothing of what ended is left in it. False while somebody reads on."""
        return scrub(self._conn)

    # -- days whose files are to be written anew

    def touched(self) -> list[str]:
        """The days that changed since :meth:`settle`; '' stands for rows that do not tell theirs."""
        return [day for (day,) in self._conn.execute("SELECT day FROM dongui_touched ORDER BY day")]

    def settle(self, day: str) -> None:
        """A day's file is as the copy is."""
        self._conn.execute("DELETE FROM dongui_touched WHERE day = ?", (day,))

    def rows_of(self, day: str) -> Iterator[dict[str, object]]:
        """The rows of a day, in the order in which they came."""
        with closing(self._conn.cursor()) as found:
            found.execute("SELECT * FROM dongui_rows WHERE day IS nullif(?, '') AND id IS NOT NULL ORDER BY n", (day,))
            names = [column[0] for column in found.description]
            for values in found:
                yield dict(zip(names, values, strict=True))

    def close(self) -> None:
        self._conn.close()


# Of nobody else: whatever has such a name is destroyed, also beside somebody's own "copy.duckdb.old".
OLD, NEW = ".dongui-old", ".dongui-new"


def replace_file(path: Path, chunks: Iterable[bytes] | None) -> None:
    """Put what is given, or nothing, in a file's place; what was there is overwritten with zeros, not only unlinked.

    May be done twice: whatever a crash left of it is destroyed first.
    """

    def write(new: Path) -> None:
        with open(new, "xb", opener=private) as file:
            file.writelines(chunks or ())

    put_in_place(path, None if chunks is None else write)


def put_in_place(path: Path, write: Callable[[Path], None] | None) -> None:
    """The same with the file that ``write`` makes at the path that it is given, if any."""
    new, old = path.with_name(path.name + NEW), path.with_name(path.name + OLD)
    for left in (new, old):
        destroy_file(left)
    if write:
        write(new)
        with new.open("rb+") as file:
            os.fsync(file.fileno())
    if path.exists():
        path.rename(old)
    if write:
        new.rename(path)
    sync_folder(path.parent)
    destroy_file(old)
