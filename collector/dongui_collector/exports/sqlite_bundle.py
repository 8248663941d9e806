"""An export as an SQLite database that ``datasette`` shows well, with the metadata that it reads beside it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from dongui_collector.exports.columns import COLUMNS, Column
from dongui_collector.exports.export import Entitlement
from dongui_collector.exports.formats import flat
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.portable import PortableTable

TABLE = "events"
_INDEXES = ("day", "name", "visitor")
_INTEGERS = ("instant", "boolean")
# How SQLite, which has few types, holds each kind.
_MEANING = {
    "text": "{}",
    "day": "{}",
    "instant": "{} Milliseconds since 1970-01-01 UTC.",
    "boolean": "{} 1 or 0.",
    "object": "{} A JSON object.",
    "texts": "{} A JSON array.",
}


def write_database(path: Path, rows: Iterable[Json], columns: Sequence[Column] = COLUMNS) -> None:
    """Write ``path``, which is empty or not there, a row at a time: memory does not grow with it."""
    types = {column.name: "INTEGER" if column.kind in _INTEGERS else "TEXT" for column in columns}
    table = PortableTable(path, TABLE, types, [name for name in _INDEXES if name in types])
    try:
        for row in rows:
            values = flat(row, columns)
            if "purposes" in values:
                values["purposes"] = json.dumps(row["purposes"])
            table.add(list(values.values()))
        table.close()
    except BaseException:
        table.abandon()
        raise


def metadata(name: str, reader: Entitlement, first: date, last: date, columns: Sequence[Column] = COLUMNS) -> Json:
    """What ``datasette FILE --metadata FILE`` shows: what this is, what each column means, what to tell rows apart by.

    ``name`` is the database's own: its file's name without the ending.
    """
    whose = f"for {reader.recipient}" if reader.recipient else "for the controller's own use"
    covered = f"{first.isoformat()} to {last.isoformat()}, {whose}, for {', '.join(reader.purposes)}"
    about = f"Events of {reader.site.name} from {covered}. What the purposes do not cover is null."
    table: dict[str, Any] = {
        "description": about,
        "columns": {column.name: _MEANING[column.kind].format(column.meaning) for column in columns},
        "facets": ["name", "environment.device", {"array": "purposes"}],
        "sort_desc": "at",
        "label_column": "name",
    }
    return {
        "title": f"dongui: {reader.site.name}",
        "description": f"{about} What visitors withdraw must be destroyed here too: see the erasure feed.",
        "databases": {name: {"tables": {TABLE: table}}},
    }
