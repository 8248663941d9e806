"""The formats of an export: NDJSON, CSV, Parquet. Each turns rows into chunks of bytes as they come."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, Protocol

from dongui.version import how_to_install

from dongui_collector.core.errors import CollectorError
from dongui_collector.exports.columns import COLUMNS, ENDED, ENVIRONMENT, Column, cutter
from dongui_collector.storage.contract.values import Json

_PAIRS = ("advertising_ids", "cookies")  # objects whose values are texts
_ROWS = 10_000  # in one row group of a Parquet file
BOM = "\ufeff".encode()  # what tells Excel that a CSV is UTF-8

# Where a spreadsheet takes a formula to begin, wide forms included (CSV formula injection): with the text, also behind
# blanks and characters without a width, which it may trim; and behind what another spreadsheet splits a line at.
_BLANK = r"[\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad\u1680\u2000-\u200f\u2028\u2029\u202f\u205f\u2060\u3000\ufeff]"
_FORMULA = re.compile(rf"^(?=[\t\r\n])|(?:^|(?<=[;\t\r\n]))(?={_BLANK}*[=+\-@＝＋－＠])")
# Ours, never a visitor's free text: they read the same in every format. A pseudonym may begin with a hyphen.
_VERBATIM = frozenset({"id", "day", "visitor", "source", "ip_address", "country", "purposes", "notice"})


class Format(Protocol):
    """Turns rows of the "Read back" shape into the bytes of a file with these columns."""

    def __call__(self, rows: Iterable[Json], columns: Sequence[Column] = COLUMNS) -> Iterator[bytes]: ...


def ndjson(rows: Iterable[Json], columns: Sequence[Column] = COLUMNS) -> Iterator[bytes]:
    """One JSON object a line."""
    for row in map(cutter(columns), rows):
        yield json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def as_csv(rows: Iterable[Json], columns: Sequence[Column] = COLUMNS) -> Iterator[bytes]:
    """RFC 4180 with a header; composites as JSON, the environment in columns of its own, purposes joined by blanks.

    What a spreadsheet would take for a formula gets an apostrophe in front, but in ids and the like.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([column.name for column in columns])
    for row in rows:
        writer.writerow([_cell(name, value) for name, value in flat(row, columns).items()])
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue().encode()  # no rows: the header alone


def parquet(rows: Iterable[Json], columns: Sequence[Column] = COLUMNS) -> Iterator[bytes]:
    """Apache Parquet with typed columns. Raises :class:`CollectorError` when the extra ``parquet`` is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise CollectorError(f"Parquet needs pyarrow; install it: {how_to_install('collector', 'parquet')}") from None
    schema = _schema(pa, columns)
    sink = _Sink()
    source = iter(rows)
    with pq.ParquetWriter(pa.PythonFile(sink, mode="w"), schema, compression="zstd") as writer:
        while group := list(islice(source, _ROWS)):
            writer.write_table(pa.Table.from_pylist([_typed(row) for row in group], schema))
            yield sink.take()
    yield sink.take()


FORMATS: dict[str, Format] = {"ndjson": ndjson, "csv": as_csv, "parquet": parquet}
MEDIA_TYPES = {
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
}


class _Sink(io.RawIOBase):
    """A file that hands out what was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self._chunks: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._chunks.append(bytes(data))
        return len(self._chunks[-1])

    def take(self) -> bytes:
        taken, self._chunks = b"".join(self._chunks), []
        return taken


def flat(row: Json, columns: Sequence[Column] = COLUMNS) -> dict[str, Any]:
    """A row under the names of ``columns``, objects as JSON text, lists joined by blanks."""
    environment = row.get(ENVIRONMENT) or {}
    found: dict[str, Any] = {}
    for column in columns:
        composite, _, part = column.name.partition(".")
        value = environment.get(part) if part else row.get(composite)
        if column.kind == "texts":
            value = " ".join(value or ())
        if column is ENDED:
            value = bool(value)
        found[column.name] = _json(value) if column.kind == "object" else value
    return found


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, sort_keys=True)


def table_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> bytes:
    """A table of a report: RFC 4180 with a header and a byte order mark, which tells Excel that it is UTF-8.

    Every text is made safe against formulas: names of pages and events come from outside.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(columns)
    writer.writerows([_cell("", row[name]) for name in columns] for row in rows)
    return BOM + buffer.getvalue().encode()


def _cell(name: str, value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return _FORMULA.sub("'", value) if isinstance(value, str) and name not in _VERBATIM else str(value)


def _schema(pa: Any, columns: Sequence[Column]) -> Any:
    """Dates, timestamps in UTC, maps; what a column means stands in its field's metadata."""
    text = pa.string()
    pairs = pa.map_(text, text)
    instant = pa.timestamp("ms", tz="UTC")
    types = {"day": pa.date32(), "instant": instant, "boolean": pa.bool_(), "texts": pa.list_(text)}
    fields: dict[str, Any] = {}
    parts: list[Any] = []
    for column in columns:
        name, _, part = column.name.partition(".")
        about = {"description": column.meaning}
        if part:
            parts.append(pa.field(part, text, metadata=about))
            fields[name] = pa.field(name, pa.struct(parts))
        else:
            kind = pairs if name in _PAIRS else types.get(column.kind, text)
            fields[name] = pa.field(name, kind, metadata=about)
    return pa.schema(list(fields.values()))


def _typed(row: Json) -> Json:
    typed = dict(row)
    typed |= {"props": _json(row.get("props")), "ended": bool(row.get("ended"))}
    typed["day"] = date.fromisoformat(row["day"]) if row.get("day") else None
    for name in _PAIRS:
        if row.get(name) is not None:
            typed[name] = [(key, str(value)) for key, value in row[name].items()]
    return typed
