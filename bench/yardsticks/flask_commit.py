"""Yardstick: a Flask view that commits one SQLite row a request, as one would write it first.

``granian --interface wsgi bench.yardsticks.flask_commit:app`` with ``BENCH_DATABASE``. The same durability as the
collector's (WAL, ``synchronous=FULL``); no consent, no gate, no encryption.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from typing import Any

from flask import Flask, request

app = Flask(__name__)
_local = threading.local()
_TABLE = """
    CREATE TABLE IF NOT EXISTS events (id TEXT PRIMARY KEY, visitor TEXT, at INTEGER, name TEXT, url TEXT,
                                       referrer TEXT, props TEXT, ip TEXT, agent TEXT)"""


def connection() -> sqlite3.Connection:
    """One connection a thread."""
    if not hasattr(_local, "connection"):
        _local.connection = sqlite3.connect(os.environ["BENCH_DATABASE"], timeout=30)
        _local.connection.execute("PRAGMA journal_mode=WAL")
        _local.connection.execute("PRAGMA synchronous=FULL")
        _local.connection.execute(_TABLE)
    found: sqlite3.Connection = _local.connection
    return found


@app.post("/v1/events")
def events() -> tuple[dict[str, Any], int]:
    """Insert the events of one request and commit."""
    batch = request.get_json()
    address, agent = request.headers.get("X-Forwarded-For"), request.headers.get("User-Agent")
    rows = [
        (e["id"], batch["visitor"], e["at"], e["name"], e["url"], e["referrer"], json.dumps(e["props"]), address, agent)
        for e in batch["events"]
    ]
    with connection() as conn:
        conn.executemany("INSERT OR IGNORE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return {"recorded": len(rows), "refused": {}}, 202
