"""Yardstick: the collector's own server and loop, answering 202 to a body that was parsed and then thrown away.

``python -m bench.yardsticks.parsed_body PORT``. What is left between this and the collector is the gate, the
enrichment, the sealing and the disk.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import uvloop
from granian.constants import Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server


class Event(msgspec.Struct):
    id: str
    name: str
    at: int
    url: str | None = None
    referrer: str | None = None
    props: dict[str, Any] | None = None
    environment: dict[str, Any] | None = None


class Batch(msgspec.Struct):
    site: str
    visitor: str | None
    events: list[Event]


_decode = msgspec.json.Decoder(Batch).decode


async def app(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """Read, parse, answer. Like the collector it does not wait to be told that the body is all there when it is."""
    length = next((int(value) for name, value in scope["headers"] if name == b"content-length"), -1)
    body = b""
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False) and len(body) != length
    answer = b'{"recorded":%d,"refused":{}}' % len(_decode(body).events)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": answer})


async def main(port: int) -> None:
    # The same options as the collector's own (runtime/serve.py), and its garbage collection.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    sys.setswitchinterval(0.001)
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        log_enabled=False,
        backlog=16_384,
        backpressure=16_384,
        websockets=False,
        http1_settings=HTTP1Settings(header_read_timeout=15_000),
    )
    await server.serve()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
