"""An export as an SQLite database that ``datasette`` shows well, with the metadata that it reads beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from dongui_collector.exports.export import Entitlement
from dongui_collector.exports.formats import COLUMNS, flat
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.portable import PortableTable

TABLE = "events"
_INTEGERS = frozenset({"at", "secure"})
_INDEXES = ("day", "name", "visitor")
_MEANING = {
    "id": "this consumer's own name for the event",
    "day": "the day, where the time is covered",
    "at": "milliseconds since 1970-01-01 UTC",
    "url": "the address as it was recorded",
    "page": "the path of the address as people read it: one name for a page, however it was escaped",
    "visitor": "this consumer's own name for the visitor; another consumer's differs",
    "props": "properties, as a JSON object",
    "secure": "1 over https",
    "source": "how it was collected, in the words of the notice",
    "advertising_ids": "kinds and values, as a JSON object",
    "cookies": "recorded cookies, as a JSON object",
    "purposes": "the reader's purposes that cover the row, as a JSON array",
    "notice": "the version of the notice under which it was recorded",
}


def write_database(path: Path, rows: Iterable[Json]) -> None:
    """Write ``path``, which is empty or not there, a row at a time: memory does not grow with it."""
    table = PortableTable(path, TABLE, {n: "INTEGER" if n in _INTEGERS else "TEXT" for n in COLUMNS}, _INDEXES)
    try:
        for row in rows:
            values = flat(row) | {"purposes": json.dumps(row["purposes"])}
            table.add([values[name] for name in COLUMNS])
        table.close()
    except BaseException:
        table.abandon()
        raise


def metadata(name: str, reader: Entitlement, first: date, last: date) -> Json:
    """What ``datasette FILE --metadata FILE`` shows: what this is, what each column means, what to tell rows apart by.

    ``name`` is the database's own: its file's name without the ending.
    """
    whose = f"for {reader.recipient}" if reader.recipient else "for the controller's own use"
    covered = f"{first.isoformat()} to {last.isoformat()}, {whose}, for {', '.join(reader.purposes)}"
    about = f"Events of {reader.site.name} from {covered}. What the purposes do not cover is null."
    table: dict[str, Any] = {
        "description": about,
        "columns": _MEANING,
        "facets": ["name", "environment.device", {"array": "purposes"}],
        "sort_desc": "at",
        "label_column": "name",
    }
    return {
        "title": f"dongui: {reader.site.name}",
        "description": f"{about} What visitors withdraw must be destroyed here too: see the erasure feed.",
        "databases": {name: {"tables": {TABLE: table}}},
    }
