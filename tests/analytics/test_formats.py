from __future__ import annotations

import csv
import io
import json
import re
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from dongui_collector.exports.columns import COLUMNS as COLUMN_TABLE
from dongui_collector.exports.columns import NAMES as COLUMNS
from dongui_collector.exports.formats import FORMATS
from hypothesis import given
from hypothesis import strategies as st

EMPTY: dict[str, Any] = dict.fromkeys(
    [
        "id",
        "day",
        "at",
        "name",
        "url",
        "referrer",
        "props",
        "search",
        "secure",
        "source",
        "visitor",
        "ip_address",
        "country",
        "city",
        "advertising_ids",
        "cookies",
        "environment",
        "notice",
    ]
) | {"purposes": []}
FULL: dict[str, Any] = EMPTY | {
    "id": "abc",
    "day": "2025-03-10",
    "at": 1_741_575_600_000,
    "name": "page_view",
    "url": "https://shop.example.com/",
    "props": {"n": 1, "가": [True, None]},
    "secure": True,
    "visitor": "v",
    "ip_address": "203.0.113.7",
    "advertising_ids": {"gclid": "x"},
    "cookies": {"a": "b"},
    "environment": {"browser": "Chrome", "os": "Linux", "device": "desktop", "language": "ko", "screen": None},
    "purposes": ["statistics", "marketing"],
    "notice": "v1",
}


def written(format: str, *rows: dict[str, Any]) -> bytes:
    return b"".join(FORMATS[format](iter(rows)))


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode(), newline="")))


def test_ndjson_gives_back_what_went_in() -> None:
    assert [json.loads(line) for line in written("ndjson", FULL, EMPTY).splitlines()] == [FULL, EMPTY]
    assert written("ndjson") == b""


def test_a_newline_in_a_value_does_not_end_a_line() -> None:
    odd = EMPTY | {"name": "a\nb\u2028c\x85d"}
    assert len(written("ndjson", odd).splitlines()) == 1


def test_csv_has_a_header_also_without_rows() -> None:
    assert written("csv").decode().strip().split(",") == list(COLUMNS)
    assert read_csv(written("csv")) == []


def test_csv_values() -> None:
    (row,) = read_csv(written("csv", FULL))
    assert row["at"] == "1741575600000"
    assert json.loads(row["props"]) == FULL["props"]
    assert (row["secure"], row["purposes"], row["environment.browser"]) == ("true", "statistics marketing", "Chrome")
    assert (row["environment.screen"], row["country"]) == ("", "")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"], ids=ascii)
@pytest.mark.parametrize("field", ["name", "url", "search", "referrer"])
def test_csv_formulas_are_neutralised(field: str, start: str) -> None:
    formula = f'{start}HYPERLINK("https://evil.example.com","x")'
    (row,) = read_csv(written("csv", EMPTY | {field: formula}))
    assert row[field] == "'" + formula


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        pytest.param(" =1+1", "' =1+1", id="behind a blank"),
        pytest.param("\u00a0=1", "'\u00a0=1", id="behind a blank that does not break"),
        pytest.param("\u3000＝1", "'\u3000＝1", id="wide, behind a wide blank"),
        pytest.param("\ufeff=1", "'\ufeff=1", id="behind a byte order mark"),
        pytest.param("\u200b@SUM", "'\u200b@SUM", id="behind nothing to be seen"),
        pytest.param("x;=1+1", "x;'=1+1", id="where a semicolon splits"),
        pytest.param("x; +1", "x;' +1", id="where a semicolon splits, behind a blank"),
        pytest.param("x\t=1+1", "x\t'=1+1", id="where a tab splits"),
        pytest.param("x\r=1+1", "x\r'=1+1", id="where a carriage return splits"),
        pytest.param("x\n-1", "x\n'-1", id="where a line ends"),
        pytest.param("\t=1", "'\t'=1", id="both"),
        pytest.param("＝1+1", "'＝1+1", id="wide"),
        pytest.param("a=b; c", "a=b; c", id="none"),
        pytest.param("1-2+3@4", "1-2+3@4", id="none within"),
    ],
)
@pytest.mark.parametrize("field", ["name", "url", "page", "search"])
def test_a_formula_is_found_wherever_a_spreadsheet_would(field: str, value: str, cell: str) -> None:
    (row,) = read_csv(written("csv", EMPTY | {field: value}))
    assert row[field] == cell


def test_guarding_takes_time_in_proportion() -> None:
    from dongui_collector.exports.formats import _FORMULA

    for odd in (";", "\t", " ", "; ", "\u200b;", "="):
        assert len(_FORMULA.sub("'", odd * 200_000)) >= 200_000  # ends at all


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")) | st.text(" ;=+\t\n\u200bx'"),
    st.text(st.characters(codec="utf-8")),
)
def test_csv_never_hands_a_formula_to_a_spreadsheet_and_loses_nothing(name: str, agent: str) -> None:
    row = EMPTY | {"name": name, "environment": {**FULL["environment"], "browser": agent.replace("\0", "")}}
    (read,) = read_csv(written("csv", row))
    for value in read.values():
        assert value[:1] not in {*"=+-@\t\r\n＝＋－＠"} or not value
    for part in re.split(r"[;\t\r\n]", read["name"]):
        assert part.strip(" \u200b\ufeff\u00a0")[:1] not in {*"=+-@＝＋－＠"} or not part.strip(" \u200b\ufeff\u00a0")
    assert read["name"].replace("'", "") == name.replace("'", ""), "nothing but apostrophes is added"


def test_ids_and_the_like_are_the_same_in_every_format() -> None:
    """Pseudonyms are base64url: one in 64 begins with a hyphen."""
    texts = ("id", "visitor", "source", "ip_address", "country", "notice")
    odd = FULL | {name: f"-{name}" for name in texts} | {"purposes": ["-a", "b"], "at": -1}
    (line,) = written("ndjson", odd).splitlines()
    (cells,) = read_csv(written("csv", odd))
    (typed,) = pq.read_table(io.BytesIO(written("parquet", odd))).to_pylist()
    for name in texts:
        assert json.loads(line)[name] == cells[name] == typed[name] == f"-{name}"
    assert (json.loads(line)["at"], cells["at"], milliseconds(typed["at"])) == (-1, "-1", -1)
    assert (cells["purposes"], typed["purposes"]) == ("-a b", ["-a", "b"])


def test_parquet_says_what_each_column_means() -> None:
    schema = pq.read_table(io.BytesIO(written("parquet", FULL))).schema
    said = {}
    for field in schema:
        parts = field.type if pa.types.is_struct(field.type) else ()
        said |= {f"{field.name}.{part.name}": part.metadata for part in parts} or {field.name: field.metadata}
    assert {name: about[b"description"].decode() for name, about in said.items()} == {
        column.name: column.meaning for column in COLUMN_TABLE
    }


def milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def test_parquet_is_typed() -> None:
    table = pq.read_table(io.BytesIO(written("parquet", FULL, EMPTY)))
    full, empty = table.to_pylist()
    assert table.schema.field("at").type == pa.timestamp("ms", tz="UTC")
    assert table.schema.field("day").type == pa.date32()
    assert milliseconds(full["at"]) == FULL["at"]
    assert full["day"] == date.fromisoformat(FULL["day"])
    assert dict(full["advertising_ids"]) == {"gclid": "x"}
    assert full["environment"]["browser"] == "Chrome"
    assert full["purposes"] == ["statistics", "marketing"]
    assert json.loads(full["props"]) == FULL["props"]
    assert [empty[name] for name in ("at", "cookies", "environment", "secure")] == [None] * 4


def test_parquet_without_rows_and_with_many() -> None:
    assert pq.read_table(io.BytesIO(written("parquet"))).num_rows == 0
    chunks = list(FORMATS["parquet"](EMPTY | {"id": str(n)} for n in range(25_000)))
    assert len(chunks) > 2, "row groups go out as they come"
    table = pq.read_table(io.BytesIO(b"".join(chunks)))
    assert table["id"].to_pylist() == [str(n) for n in range(25_000)]


@pytest.mark.parametrize("format", sorted(FORMATS))
def test_rows_are_taken_as_they_come(format: str) -> None:
    """A reader that stops early makes nobody read the rest."""
    taken = []

    def rows() -> Any:
        for n in range(50_000):
            taken.append(n)
            yield EMPTY | {"id": str(n)}

    chunks = FORMATS[format](rows())
    next(chunks)
    chunks.close()  # type: ignore[attr-defined]
    assert len(taken) <= 10_000
