"""The key store on SQLite: ``keys/keys.db``, never backed up with ``data/``.

A destroyed key leaves its name behind and nothing else. So the same name is never made anew, and a file, a backup or a
late event that still refers to a destroyed day cannot bring it back to life.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

from dongui_collector.core.errors import StorageError
from dongui_collector.storage.sqlite.connect import WRITER, scrub
from dongui_collector.storage.sqlite.migrations import KEYS
from dongui_collector.storage.sqlite.own_file import OwnFile, opened


class SqliteKeys(OwnFile):
    """Implements :class:`~dongui_collector.storage.contract.stores.KeyStore`."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._readonly = readonly
        super().__init__(opened(path, KEYS, readonly=readonly))

    lock = WRITER

    @property
    def readonly(self) -> bool:
        return self._readonly

    def get(self, name: str) -> bytes | None:
        rows = self._read("SELECT wrapped FROM keys WHERE name = ?", (name,))
        return rows[0][0] if rows else None

    def put(self, name: str, wrapped: bytes) -> None:
        try:
            with self.writing():
                self._write("INSERT INTO keys (name, wrapped) VALUES (?, ?)", (name, wrapped))
        except sqlite3.IntegrityError:
            raise StorageError(f"the key {name!r} exists or was destroyed; a key's name is used once") from None

    def names(self, prefix: str = "") -> list[str]:
        sql = "SELECT name FROM keys WHERE wrapped IS NOT NULL AND substr(name, 1, ?) = ? ORDER BY name"
        return [row[0] for row in self._read(sql, (len(prefix), prefix))]

    def destroyed(self, name: str) -> bool:
        return self._read("SELECT wrapped IS NULL FROM keys WHERE name = ?", (name,)) == [(1,)]

    def destroy(self, name: str) -> bool:
        with self.writing():
            # Same length first: SQLite then writes over the very bytes (docs/decisions/001).
            self._write(
                "UPDATE keys SET wrapped = zeroblob(length(wrapped)) WHERE name = ? AND wrapped IS NOT NULL", (name,)
            )
            done = self._write(
                "UPDATE keys SET wrapped = NULL WHERE name = ? AND wrapped IS NOT NULL", (name,)
            ).rowcount
        # Also when there was nothing to do: a crash may have come between the commit and the checkpoint. Not under the
        # writers' lock: it may have to wait for a reader, and ingest must not wait with it.
        if not scrub(self.conn):
            raise StorageError(
                f"the key {name!r} is cleared but still in keys.db's log, which another process reads; try again"
            )
        return bool(done)

    def gone(self) -> list[str]:
        return [row[0] for row in self._read("SELECT name FROM keys WHERE wrapped IS NULL ORDER BY name")]

    def replace_all(self, rewrap: Callable[[str, bytes], bytes], *, beside: tuple[str, bytes] | None = None) -> int:
        with WRITER:
            with self.writing():
                rows = self._write("SELECT name, wrapped FROM keys WHERE wrapped IS NOT NULL").fetchall()
                for name, wrapped in rows:
                    self._write("UPDATE keys SET wrapped = ? WHERE name = ?", (rewrap(name, wrapped), name))
                if beside is not None:
                    self._write("INSERT INTO keys (name, wrapped) VALUES (?, ?)", beside)
            scrub(self.conn)
        return len(rows)
