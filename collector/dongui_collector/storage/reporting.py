"""What reports read of a day's file, as SQL: the columns that they count, and no other."""

from __future__ import annotations

import sqlite3

from dongui_collector.storage.values import Fact

_COLUMNS = ", ".join("CASE name WHEN 'engagement' THEN props END" if c == "props" else c for c in Fact._fields)
_FACTS = f"""SELECT {_COLUMNS} FROM events
    WHERE visitor IS NOT NULL AND site_ref = ? AND at >= ? AND at < ? AND n > ? ORDER BY n LIMIT ?"""


def facts(conn: sqlite3.Connection, site_ref: int, first: int, end: int, after: int, limit: int) -> list[Fact]:
    """A page of facts in order of ``n``, the rows of one site with ``first <= at < end``."""
    return list(map(Fact._make, conn.execute(_FACTS, (site_ref, first, end, after, limit))))
