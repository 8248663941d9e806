"""Compressed answers: gzip, and zstd where pyarrow is installed, as they are read and in constant memory."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec

from werkzeug.datastructures import Accept

_GZIP = zlib.MAX_WBITS | 16  # a gzip header and trailer around the deflated bytes (RFC 1952)
_LEVEL = 5
_PIECE = 1 << 16  # compressed bytes that are gathered before they are sent

Encoder = Callable[[Iterable[bytes]], Iterator[bytes]]


def gzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as one gzip stream."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    waiting = bytearray()
    for chunk in chunks:
        waiting += packer.compress(chunk)
        if len(waiting) >= _PIECE:
            yield bytes(waiting)
            waiting.clear()
    yield bytes(waiting) + packer.flush()


def zstandard(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks as one zstd frame (RFC 8878)."""
    import pyarrow as pa

    sink = _Kept()
    with pa.CompressedOutputStream(pa.PythonFile(sink, mode="w"), "zstd") as packer:
        for chunk in chunks:
            packer.write(chunk)
            if sink.tell() >= _PIECE:
                yield sink.take()
        packer.close()  # writes the frame's end
        yield sink.take()


class _Kept(io.BytesIO):
    """A file that hands out what was written to it, also once its writer has closed it."""

    def close(self) -> None: ...

    def take(self) -> bytes:
        taken = self.getvalue()
        self.seek(0)
        self.truncate()
        return taken


def encodings() -> dict[str, Encoder]:
    """What can be offered here, the best first."""
    found: dict[str, Encoder] = {"zstd": zstandard} if find_spec("pyarrow") else {}
    return found | {"gzip": gzipped}


def accepted(accept: Accept) -> tuple[str, Encoder] | None:
    """The encoding that a reader likes best of those that are offered; None where it names none of them.

    ``*`` alone asks for no particular one and gets the plain bytes (RFC 9110, 12.5.3).
    """
    named = {name.lower(): quality for name, quality in accept if quality > 0}
    offered = [(name, make) for name, make in encodings().items() if name in named]
    best = max(offered, key=lambda one: named[one[0]], default=None)  # of equals the first
    return None if best is None or named.get("identity", 0) > named[best[0]] else best
