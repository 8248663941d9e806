"""The body of a request to a WSGI server, read within a deadline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Protocol

from dongui.rules.body import MOST_BODY
from dongui.web.proxy_rules import BODY_TIME

_AT_ONCE = 1 << 12


class Stream(Protocol):
    """What WSGI promises of ``wsgi.input``."""

    def read(self, size: int, /) -> bytes: ...


def read_body(environ: Mapping[str, Any], stream: Stream) -> bytes | None:
    """The request's body, or one byte more than is allowed of a longer one; None of one that does not come in time.

    ``stream.read(n)`` blocks until all ``n`` bytes have come, so that a client who sends one now and then would hold a
    thread for as long as it likes. ``read1`` gives what is there; a stream without it is read byte by byte.
    """
    if length := environ.get("CONTENT_LENGTH", ""):
        wanted = int(length) if length.isascii() and length.isdigit() else 0
        if wanted > MOST_BODY:
            return b"\0" * (MOST_BODY + 1)
    else:
        wanted = MOST_BODY + 1 if environ.get("wsgi.input_terminated") else 0
    read1 = getattr(stream, "read1", None)
    read, at_once = (stream.read, 1) if read1 is None else (read1, _AT_ONCE)
    parts: list[bytes] = []
    deadline = time.monotonic() + BODY_TIME
    while wanted > 0 and (part := read(min(wanted, at_once))):
        parts.append(part)
        wanted -= len(part)
        if time.monotonic() > deadline:
            return None
    return b"".join(parts)
