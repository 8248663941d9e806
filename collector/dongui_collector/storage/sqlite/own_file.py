"""A store with a database file of its own: one connection, its transactions and reads under the writers' lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils.migrations import Migrations

from dongui_collector.storage.sqlite.connect import WRITER, connect, own_error, own_errors
from dongui_collector.storage.sqlite.migrations import migrate


class OwnFile:
    """Opens a file and brings it up to date, unless it is opened to read."""

    def __init__(self, path: Path, migrations: Migrations, *, readonly: bool) -> None:
        with own_errors():
            self._conn = connect(path, readonly=readonly)
            if not readonly:
                migrate(self._conn, migrations)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        with own_errors(), WRITER:
            self._conn.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._conn.execute("COMMIT")
            except BaseException:
                if self._conn.in_transaction:
                    self._conn.execute("ROLLBACK")
                raise

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        try:
            with WRITER:
                return self._conn.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise own_error(error) from error

    def close(self) -> None:
        """Close the file."""
        with WRITER:
            self._conn.close()
