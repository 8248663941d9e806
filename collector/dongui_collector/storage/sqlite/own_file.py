"""A store's database file: one connection, its transactions and reads under the writers' lock."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from sqlite_utils.migrations import Migrations

from dongui_collector.storage.sqlite.connect import WRITER, connect, own_error, own_errors
from dongui_collector.storage.sqlite.migrations import migrate


@own_errors()
def opened(path: Path, migrations: Migrations, *, readonly: bool = False) -> sqlite3.Connection:
    """A file that is up to date, unless it is opened to read."""
    conn = connect(path, readonly=readonly)
    if not readonly:
        migrate(conn, migrations)
    return conn


class OwnFile:
    """Reads and writes one file, from several threads."""

    def __init__(self, conn: sqlite3.Connection) -> None:
        self.conn = conn
        self._depth = 0
        self._before_commit: list[Callable[[], object]] = []

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One durable transaction (all or nothing, on disk at exit). Re-entrant in a thread; threads take turns."""
        with own_errors(), WRITER:
            if self._depth:
                yield
                return
            self.conn.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
                for work in self._before_commit:
                    work()
                self.conn.execute("COMMIT")
            except BaseException:
                self._undone()
                if self.conn.in_transaction:
                    self.conn.execute("ROLLBACK")
                raise
            finally:
                self._depth = 0
                self._before_commit.clear()

    def before_commit(self, work: Callable[[], object]) -> None:
        """Run ``work`` once everything else of the transaction has succeeded; never for one that comes to nothing."""
        if not self._depth:
            raise RuntimeError("nothing to commit outside `with ….writing():`")
        self._before_commit.append(work)

    def _undone(self) -> None:
        """Told of a transaction that came to nothing, before anybody else may write."""

    def _write(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        if not self._depth:
            raise RuntimeError("a write outside `with ….writing():`")
        return self.conn.execute(sql, values)

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple]:  # type: ignore[type-arg]
        try:
            with WRITER:
                return self.conn.execute(sql, values).fetchall()
        except sqlite3.DatabaseError as error:
            raise own_error(error) from error

    def close(self) -> None:
        """Close the file."""
        with WRITER:
            self.conn.close()
