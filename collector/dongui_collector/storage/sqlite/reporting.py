"""What reports read of a day's file, as SQL: the columns that they count, and what has changed since they last did."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from dongui_collector.storage.contract.values import Changes, Fact, Mark
from dongui_collector.storage.sqlite.dayfile import has

_COLUMNS = ", ".join(
    "CASE WHEN name IN ('engagement', 'vital') THEN props END" if c == "props" else c for c in Fact._fields
)
_FACTS = f"""SELECT {_COLUMNS} FROM events
    WHERE visitor IS NOT NULL AND site_ref = ? AND at >= ? AND at < ? AND n > ? %s ORDER BY n LIMIT ?"""
_ENDED = "SELECT serial, n FROM ended WHERE serial > ? ORDER BY serial"
# Two writes within a tick of the kernel's clock leave the same time on a file: a mark that young proves nothing.
_YOUNG_NS = 100_000_000


def facts(
    conn: sqlite3.Connection, site_ref: int, first: int, end: int, after: int, limit: int, visitors: Sequence[bytes]
) -> list[Fact]:
    """A page of facts in order of ``n``: one site's rows with ``first <= at < end``, of ``visitors`` if any."""
    only = f"AND visitor IN ({', '.join('?' * len(visitors))})" if visitors else ""
    return list(map(Fact._make, conn.execute(_FACTS % only, (site_ref, first, end, after, *visitors, limit))))


def changes(conn: sqlite3.Connection, after: int) -> Changes:
    """The day's last position, and which rows were ended after the serial number ``after``."""
    conn.execute("BEGIN")  # both as of one moment
    try:
        (top,) = conn.execute("SELECT coalesce(max(n), 0) FROM events").fetchone()
        if not has(conn, "ended"):
            return Changes(top, 0, ())
        found = conn.execute(_ENDED, (after,)).fetchall()
        return Changes(top, found[-1][0] if found else after, tuple(n for _, n in found))
    finally:
        conn.execute("COMMIT")


def marks(folder: Path) -> dict[date, Mark]:
    """Of every day's file and its log when they were written and how large they are."""
    now = time.time_ns()
    found: dict[date, list[int]] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            name, log = entry.name[:10], entry.name[10:]
            if log not in (".db", ".db-wal"):
                continue
            try:
                status = entry.stat()
                day = date.fromisoformat(name)
            except (FileNotFoundError, ValueError):
                continue
            young = now if now - status.st_mtime_ns < _YOUNG_NS else 0
            found.setdefault(day, []).extend((len(log), status.st_mtime_ns, status.st_size, young))
            if log == ".db":
                found[day].append(-1)
    return {day: tuple(mark) for day, mark in found.items() if -1 in mark}
