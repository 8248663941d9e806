"""Where a copy is kept: SQLite, PostgreSQL, DuckDB, or a folder of Parquet files. Each erases the bytes of what ends.

What does not is refused by its name.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from dongui_collector.core.errors import CollectorError
from dongui_collector.exports.columns import COLUMNS, ENVIRONMENT
from dongui_collector.exports.formats import flat, parquet
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.portable_copy import PortableCopy, replace_file
from dongui_collector.storage.portable_duckdb import DuckdbCopy
from dongui_collector.storage.portable_postgres import PostgresCopy

SQLITE = (".db", ".sqlite", ".sqlite3")
_BOOK = ".dongui.db"  # beside the files of a folder: the rows, by which a day's file is made again
_UNDATED = "undated"
DUCKDB = ".duckdb"
POSTGRES = ("postgresql", "postgres")
_TYPES = {"instant": "INTEGER", "boolean": "INTEGER"}
_POSTGRES_TYPES = {
    "text": "text",
    "day": "date",
    "instant": "timestamptz",
    "boolean": "boolean",
    "object": "jsonb",
    "texts": "text[]",
}
_DUCKDB_TYPES = {
    "text": "VARCHAR",
    "day": "DATE",
    "instant": "TIMESTAMPTZ",
    "boolean": "BOOLEAN",
    "object": "JSON",
    "texts": "VARCHAR[]",
}
_REFUSED = {
    "clickhouse": "no copy is kept in ClickHouse: it keeps parts that were merged away",
    "s3": "no copy is kept in S3: versions and replicas of an object outlive its destruction",
}
_KINDS = f"an SQLite file ({', '.join(SQLITE)}), a DuckDB file ({DUCKDB}), postgresql://… or a folder for Parquet files"


class Copy(Protocol):
    """A table of rows that is kept as a copy, wherever it lies."""

    @property
    def cursor(self) -> str | None:
        """Where the copy stands; None before its first answer."""

    @property
    def question(self) -> str | None:
        """Of what it is a copy, for people."""

    def count(self) -> int:
        """How many rows it holds."""

    def apply(self, changes: Iterable[tuple[str, Sequence[object] | None]], cursor: str, question: str) -> int:
        """Apply an answer and take its cursor, all or nothing. Returns how many rows were told."""

    def empty(self) -> None:
        """Erase every row, and forget the cursor."""

    def scrub(self) -> bool:
        """Erase what is left of the ended. False where a reader is in the way."""

    def close(self) -> None: ...


class Sink(Protocol):
    """Where ``sync`` puts a copy. ``shown`` is how it may be named."""

    shown: str

    @property
    def copy(self) -> Copy: ...

    def apply(self, rows: Iterable[Json], cursor: str, question: str) -> int:
        """Apply an answer to ``since``, all or nothing. Returns how many rows were told."""

    def finish(self) -> bool:
        """Erase what is left of the ended. False where a reader is in the way: it is tried again the next time."""

    def close(self) -> None: ...


class DatabaseSink:
    """A copy in a database that has types of its own."""

    def __init__(self, copy: PostgresCopy | DuckdbCopy) -> None:
        self.copy: Copy = copy
        self.shown = copy.shown

    def apply(self, rows: Iterable[Json], cursor: str, question: str) -> int:
        return self.copy.apply(map(self._entry, rows), cursor, question)

    def _entry(self, row: Json) -> tuple[str, list[object] | None]:
        if row.get("ended"):
            return row["id"], None
        values = flat(row) | {"purposes": list(row["purposes"])}
        return row["id"], [_typed(column.kind, values[column.name]) for column in COLUMNS]

    def finish(self) -> bool:
        return self.copy.scrub()

    def close(self) -> None:
        self.copy.close()


def _typed(kind: str, value: Any) -> Any:
    """A value as a database with types reads it; an instant is told in UTC."""
    if value is None or kind != "instant":
        return value
    return datetime.fromtimestamp(value / 1000, UTC).isoformat()


def _described(types: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    return {column.name: (types[column.kind], column.meaning) for column in COLUMNS}


class SqliteSink:
    """A copy in one SQLite file, cleared in place. People read the view ``events``."""

    def __init__(self, path: Path, shown: str = "") -> None:
        self.shown = shown or str(path)
        self.copy = PortableCopy(path, {column.name: _TYPES.get(column.kind, "TEXT") for column in COLUMNS})

    def apply(self, rows: Iterable[Json], cursor: str, question: str) -> int:
        """Apply an answer to ``since``, all or nothing. Returns how many rows were told."""
        return self.copy.apply(map(_entry, rows), cursor, question)

    def finish(self) -> bool:
        """Erase what is left of the ended. False where a reader is in the way: it is tried again the next time."""
        for day in self.copy.touched():
            self.copy.settle(day)
        return self.copy.scrub()

    def close(self) -> None:
        self.copy.close()


class ParquetSink(SqliteSink):
    """A copy in a folder, a Parquet file a day. A file whose day changed is written anew, the old one overwritten.

    The rows lie in an SQLite file beside: a file of one day cannot be made from an answer that names ids alone.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._lock = folder, _locked(folder)
        try:
            if not (folder / _BOOK).exists() and any(folder.iterdir()):
                raise CollectorError(f"{folder} holds something else; name a folder that is empty or not there yet")
            next(parquet(()))  # says what to install, before anything is read
            super().__init__(folder / _BOOK, str(folder))
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        super().close()
        os.close(self._lock)

    def finish(self) -> bool:
        for day in self.copy.touched():
            rows = self._rows(day)
            first = next(rows, None)
            path = self._folder / f"{day or _UNDATED}.parquet"
            replace_file(path, None if first is None else parquet(_chained(first, rows)))
            self.copy.settle(day)
        return self.copy.scrub()

    def _rows(self, day: str) -> Iterator[Json]:
        return map(_unflat, self.copy.rows_of(day))


def _locked(folder: Path) -> int:
    """A lock on a folder, by its descriptor: two runs at once would overwrite the files of one another."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(fd)
        raise CollectorError(f"another run keeps the copy in {folder} right now; run again when it has ended") from None
    return fd


def sink_of(destination: str) -> Sink:
    """The sink that a destination names. Raises :class:`CollectorError` for what cannot be one, with the reason."""
    scheme, _, rest = destination.partition("://")
    path = Path(destination)
    if scheme.lower() in POSTGRES and rest:
        return DatabaseSink(PostgresCopy(destination, _described(_POSTGRES_TYPES)))
    if rest:
        why = _REFUSED.get(scheme.lower(), "no copy can be kept there")
        raise CollectorError(f"{why}; name {_KINDS}")
    if path.suffix.lower() == DUCKDB and not path.is_dir():
        return DatabaseSink(DuckdbCopy(path, _described(_DUCKDB_TYPES)))
    if path.suffix.lower() in SQLITE and not path.is_dir():
        return SqliteSink(path)
    if path.is_file() or path.suffix:
        raise CollectorError(f"a copy is {_KINDS}")
    return ParquetSink(path)


def _entry(row: Json) -> tuple[str, list[object] | None]:
    """A row of an answer as the copy takes it."""
    if row.get("ended"):
        return row["id"], None
    values = flat(row) | {"purposes": json.dumps(row["purposes"])}
    return row["id"], list(values.values())


def _unflat(values: dict[str, Any]) -> Json:
    """A row of the copy in the "Read back" shape."""
    row: Json = {}
    for column in COLUMNS:
        value = values[column.name]
        if value is not None and column.kind in ("object", "texts"):
            value = json.loads(value)
        elif value is not None and column.kind == "boolean":
            value = bool(value)
        name, _, part = column.name.partition(".")
        if part:
            row.setdefault(name, {})[part] = value
        else:
            row[name] = value
    if not any(row[ENVIRONMENT].values()):
        row[ENVIRONMENT] = None
    return row


def _chained(first: Json, rest: Iterator[Json]) -> Iterator[Json]:
    yield first
    yield from rest
