"""Bodies that were compressed for the way: from servers alone, and holding no more than any other body may. Pure."""

from __future__ import annotations

import zlib

from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import MAX_BODY

_GZIP = 16 + zlib.MAX_WBITS


def unpacked(body: bytes, encoding: str, *, zipped: bool) -> bytes:
    """The body as it was before ``Content-Encoding``. ``zipped``: whether gzip is taken, as from whoever has a secret
    key. Raises :class:`Problem` for another encoding, for more than 64 KiB inside, of which no more is inflated than
    that, and for what is not one whole gzip stream.
    """
    named = [name.strip().lower() for name in encoding.split(",")]
    if named == ["identity"]:
        return body
    if not zipped or named not in (["gzip"], ["x-gzip"]):
        raise Problem("unsupported-encoding", takes="gzip" if zipped else "identity")
    inflating = zlib.decompressobj(_GZIP)
    try:
        inside = inflating.decompress(body, MAX_BODY + 1)
    except zlib.error:
        raise Problem("malformed", "the body is not gzip") from None
    if len(inside) > MAX_BODY:
        raise Problem("too-large-inside")
    if not inflating.eof or inflating.unused_data:
        raise Problem("malformed", "the body is not one whole gzip stream")
    return inside
