"""The yardstick of reports: the same events in one big SQLite table, and the first screen asked of it in plain SQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

_TABLE = """CREATE TABLE flat (
    visit INTEGER, first INTEGER, visitor BLOB, at INTEGER, day TEXT, name TEXT, page TEXT, source TEXT, channel TEXT,
    country TEXT, city TEXT, device TEXT, seconds REAL)"""
_FILL = """
WITH gaps AS (
    SELECT *, coalesce(at - lag(at) OVER (PARTITION BY visitor ORDER BY at, n) > 1800000, 1) AS first
    FROM day.events WHERE visitor IS NOT NULL AND at IS NOT NULL),
visits AS (SELECT *, ?1 + sum(first) OVER (ORDER BY visitor, at, n ROWS UNBOUNDED PRECEDING) AS visit FROM gaps)
INSERT INTO flat SELECT visit, first, visitor, at, ?2, name, page(url), CASE WHEN first THEN source(url, referrer) END,
    CASE WHEN first THEN channel(url, referrer) END, country, city, device,
    CASE WHEN name = 'engagement' THEN props ->> 'seconds' END FROM visits"""
_VISITS = """SELECT count(*), sum(views), avg(views), avg(views = 1 AND others = 0), avg(lasted), avg(seconds)
    FROM (SELECT max(at) - min(at) AS lasted, sum(name = 'pageview') AS views, sum(seconds) AS seconds,
        sum(name NOT IN ('pageview', 'engagement', 'vital')) AS others FROM flat {where} GROUP BY visit)"""
# What the first screen asks; {where} chooses whole visits, {and} goes on with it.
SCREEN = (
    "SELECT count(DISTINCT visitor) FROM flat {where}",
    _VISITS,
    "SELECT day, count(DISTINCT visitor), count(DISTINCT visit), sum(name = 'pageview') FROM flat {where} GROUP BY 1",
    """SELECT source, channel, count(DISTINCT visitor) AS c, count(*) FROM flat {and} first GROUP BY 1, 2
        ORDER BY c DESC LIMIT 10""",
    """SELECT page, count(DISTINCT visitor) AS c, count(DISTINCT visit), count(*) FROM flat {and} name = 'pageview'
        GROUP BY 1 ORDER BY c DESC LIMIT 10""",
    """SELECT country, city, count(DISTINCT visitor) AS c, count(*) FROM flat {and} first GROUP BY 1, 2
        ORDER BY c DESC LIMIT 10""",
    "SELECT device, count(DISTINCT visitor) AS c, count(*) FROM flat {and} first GROUP BY 1 ORDER BY c DESC LIMIT 10",
)


@contextmanager
def flat(folder: Path, file: Path, last: date) -> Iterator[sqlite3.Connection]:
    """All events of a folder's days up to ``last`` in one table of ``file``."""
    from dongui_collector.analytics.attribution import origin_of
    from dongui_collector.analytics.site_rules import SiteRules
    from dongui_collector.core.addresses import parts_of

    conn = sqlite3.connect(file, isolation_level=None)
    try:
        conn.execute("PRAGMA journal_mode=off")
        conn.execute("PRAGMA temp_store=memory")
        conn.execute("PRAGMA cache_size=-1000000")
        own = SiteRules(frozenset({"shop.example"}))
        conn.create_function("page", 1, lambda url: parts_of(url)[1], deterministic=True)
        conn.create_function("source", 2, lambda url, from_: origin_of(url, from_, (), own).source, deterministic=True)
        conn.create_function(
            "channel", 2, lambda url, from_: origin_of(url, from_, (), own).channel, deterministic=True
        )
        conn.execute(_TABLE)
        conn.execute("CREATE INDEX flat_visit ON flat (visit)")
        visits = 0
        for day in sorted(folder.glob("????-??-??.db")):
            if day.stem > last.isoformat():
                continue
            conn.execute("ATTACH ? AS day", (str(day),))
            conn.execute("BEGIN")
            conn.execute(_FILL, (visits, day.stem))
            conn.execute("COMMIT")
            (visits,) = conn.execute("SELECT coalesce(max(visit), ?) FROM flat", (visits,)).fetchone()
            conn.execute("DETACH day")
        yield conn
    finally:
        conn.close()


def screen(conn: sqlite3.Connection, which: str = "") -> list[list[tuple[object, ...]]]:
    """The answers of the first screen; ``which`` is the condition on an event that a visit must have one of."""
    where = f"WHERE visit IN (SELECT visit FROM flat WHERE {which})" if which else ""
    both = f"{where} AND" if which else "WHERE"
    return [conn.execute(sql.replace("{where}", where).replace("{and}", both)).fetchall() for sql in SCREEN]
