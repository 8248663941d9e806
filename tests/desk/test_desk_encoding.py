"""Exports are compressed as their reader asks, in pieces, and are the same bytes once unpacked."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from hashlib import shake_128

import pyarrow as pa
import pytest
from desk_world import World
from dongui_collector.desk.encoding import accepted, encodings
from werkzeug.http import parse_accept_header


def unpacked(name: str, data: bytes) -> bytes:
    if name == "gzip":
        return gzip.decompress(data)
    found: bytes = pa.input_stream(pa.BufferReader(data), compression="zstd").read()
    return found


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip, zstd;q=0.1", "gzip"),
        ("zstd;q=0, gzip", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("gzip;q=0", None),
        ("*", None),
        ("br", None),
        ("", None),
    ],
)
def test_the_reader_says_which(header: str, name: str | None) -> None:
    found = accepted(parse_accept_header(header))
    assert (found and found[0]) == name


@pytest.mark.parametrize("name", ["gzip", "zstd"])
@pytest.mark.parametrize("limit", ["", "&limit=3"])
@pytest.mark.parametrize("format", ["ndjson", "csv", "parquet"])
def test_an_export_is_the_same_once_unpacked(world: World, name: str, limit: str, format: str) -> None:
    world.visitor_with_events("statistics", events=5)
    token = str(world.token("statistics")["token"])
    query = f"/v1/export/events?from=2000-01-01&to=2999-01-01&format={format}{limit}"
    headers = {"Authorization": f"Bearer {token}"}
    with world.browser().get(query, headers=headers) as answer:
        plain = answer.data
        assert "Content-Encoding" not in answer.headers
    with world.browser().get(query, headers=headers | {"Accept-Encoding": name}) as answer:
        if format == "parquet":
            assert "Content-Encoding" not in answer.headers
            return
        assert answer.headers["Content-Encoding"] == name
        assert "Accept-Encoding" in answer.headers["Vary"]
        assert unpacked(name, answer.data) == plain
        assert answer.data != plain


@pytest.mark.parametrize("name", ["gzip", "zstd"])
def test_memory_does_not_grow_with_what_is_compressed(name: str) -> None:
    chunk = shake_128(name.encode()).digest(1 << 16)  # nothing to save: what comes in goes out

    def peak(encode: Callable[[Iterator[bytes]], Iterator[bytes]], number: int) -> int:
        tracemalloc.start()
        try:
            for piece in encode(zlib.compress(chunk, 0) for _ in range(number)):
                assert len(piece) < 1 << 19
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(encodings()[name], 200) < 2 << 20, "13 MB went through"
    assert list(encodings()[name](iter([])))
