"""A database file to be taken along: one table of rows, and nothing of ours beside it."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

_ROWS = 2000  # in one statement


class PortableTable:
    """Writes ``path``, which must not exist yet, as an SQLite database with one table.

    ``columns`` are names and their types (``TEXT``, ``INTEGER``), the first of which is the key. Not durable before
    :meth:`close`, and of no use before it.
    """

    def __init__(self, path: Path, table: str, columns: Mapping[str, str], indexes: Sequence[str] = ()) -> None:
        self._conn = sqlite3.connect(path, isolation_level=None)
        self._table, self._indexes = table, indexes
        key, *others = columns
        made = [f'"{key}" {columns[key]} PRIMARY KEY NOT NULL', *(f'"{name}" {columns[name]}' for name in others)]
        # What breaks off is thrown away: no journal beside it, in which rows would stay behind.
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = MEMORY"):
            self._conn.execute(f"PRAGMA {pragma}")
        self._conn.execute("BEGIN")
        self._conn.execute(f'CREATE TABLE "{table}" ({", ".join(made)}) STRICT')
        self._insert = f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(columns))})'
        self._rows: list[Sequence[object]] = []

    def add(self, row: Sequence[object]) -> None:
        """One row, its values in the order of the columns."""
        self._rows.append(row)
        if len(self._rows) >= _ROWS:
            self._flush()

    def _flush(self) -> None:
        self._conn.executemany(self._insert, self._rows)
        self._rows.clear()

    def close(self) -> None:
        """Write the rest and the indexes; now the file is whole."""
        self._flush()
        for name in self._indexes:
            self._conn.execute(f'CREATE INDEX "{self._table}_{name}" ON "{self._table}" ("{name}")')
        self._conn.execute("COMMIT")
        self._conn.execute("ANALYZE")
        self._conn.close()

    def abandon(self) -> None:
        """Let go of the file; what is in it is of no use."""
        self._conn.close()
