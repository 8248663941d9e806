"""Where a database file is damaged: asked when an installation does not open, and whenever it is verified."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from dongui.i18n import Message

from dongui_collector.storage.sqlite.connect import connect

_FILES = ("dongui.db", "archive.db", "records.db")
_MOST = 5


def damage(data: Path, keys: Path) -> list[tuple[str, str]]:
    """(place, what is wrong) for the ledger, the archive, the other records and the keys. Reads every page of them."""
    paths = [(f"data/{name}", data / name) for name in _FILES] + [("keys/keys.db", keys / "keys.db")]
    return [found for name, path in paths for found in _damage(name, path)]


def _damage(name: str, path: Path) -> Iterator[tuple[str, str]]:
    if not path.exists():
        yield name, "it is not there"
        return
    tables: list[str] = []
    try:
        with closing(connect(path, readonly=True)) as conn:
            conn.text_factory = bytes  # text that is no text is the reader's finding, not a damaged page
            tables = [
                r[0].decode() for r in conn.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
            ]
            found: list[tuple[str, str]] = list(_damaged_tables(name, conn, tables))
            if not found:
                lines = [r[0].decode() for r in conn.execute(f"PRAGMA quick_check({_MOST})")]
                # Its words name tables, indexes and pages, never a value.
                wrong = [line for line in lines if line != "ok"][:_MOST]
                found = [(name, Message("it is damaged: {line}", line=line)) for line in wrong]
            yield from found
    except sqlite3.DatabaseError as error:
        yield name, Message("it is damaged and cannot be read ({error})", error=error)


def _damaged_tables(name: str, conn: sqlite3.Connection, tables: list[str]) -> Iterator[tuple[str, str]]:
    for table in tables:
        try:
            for _ in conn.execute(f'SELECT * FROM "{table}"'):
                pass
        except sqlite3.DatabaseError as error:
            yield (
                Message("{name}, table {table}", name=name, table=table),
                Message("a page of it is damaged ({kind})", kind=type(error).__name__),
            )
