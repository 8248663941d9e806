"""``python -m bench.attackers NAME PORT SITE NOTICE VISITOR``: one attack on a collector, until it is ended."""

from __future__ import annotations

import json
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from http.client import HTTPConnection, HTTPException
from itertools import count

from bench.payloads import ORIGIN

SILENT = 16_384
_CONNECTIONS = 8
_OF_ONE = 480  # silent connections of one address: below the ceiling of one, so that they count as many strangers'
Ask = Callable[..., bytes]


def exports(visitor: str) -> Callable[[Ask, int], None]:
    """Line 1: one visitor's own data, without end."""
    return lambda ask, _number: _ignored(ask("GET", "/v1/me/export", visitor))


def loops(site: str, notice: str) -> Callable[[Ask, int], None]:
    """Line 2: grants and withdrawals, each loop of a visitor of its own."""

    def once(ask: Ask, _number: int) -> None:
        body = {"site": site, "notice": notice, "method": "banner", "lang": "ko"}
        given = json.loads(ask("POST", "/v1/consents", body=body | {"granted": ["statistics"], "refused": []}))
        if visitor := given.get("visitor"):
            back = body | {"granted": [], "refused": ["statistics"], "visitor": visitor}
            ask("POST", "/v1/consents", body=back)

    return once


def requests(visitor: str) -> Callable[[Ask, int], None]:
    """Line 10: privacy requests, each in other words."""
    return lambda ask, number: _ignored(
        ask("POST", "/v1/me/requests", visitor, {"kind": "access", "text": f"once more, for the {number}th time"})
    )


def _ignored(_answer: bytes) -> None:
    """What comes back is nothing to an attacker."""


def _asking(port: int, once: Callable[[Ask, int], None], lane: int) -> None:
    """Attack on one connection, on a new one after each that fails; from another address at each turn."""
    numbers = count()
    while True:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)

        def ask(
            number: int, method: str, path: str, visitor: str = "", body: object = None, to: HTTPConnection = connection
        ) -> bytes:
            address = f"203.{lane}.{number >> 8 & 255}.{number & 255}"
            headers = {"x-forwarded-for": address, "user-agent": "Mozilla/5.0 Chrome/140.0.0.0 Safari/537.36"}
            headers |= {"authorization": f"Bearer {visitor}"} if visitor else {"origin": ORIGIN}
            headers |= {"content-type": "application/json"} if body is not None else {}
            to.request(method, path, json.dumps(body).encode() if body is not None else None, headers)
            return to.getresponse().read()

        with suppress(OSError, HTTPException, ValueError):
            for number in numbers:
                once(partial(ask, number), number)
        connection.close()


def silent(port: int) -> None:
    """Line 8: connections that say nothing, from many addresses."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, SILENT + 1024) if hard > 0 else SILENT + 1024, hard))
    held = [_opened(port, f"127.0.{1 + number // _OF_ONE}.1") for number in range(SILENT)]
    print("ready", flush=True)
    threading.Event().wait()
    del held


def _opened(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


def main() -> None:
    """Never returns."""
    name, port, site, notice, visitor = sys.argv[1], int(sys.argv[2]), *sys.argv[3:6]
    if name == "silent":
        silent(port)
    once = {"exports": exports(visitor), "loops": loops(site, notice), "requests": requests(visitor)}[name]
    for number in range(_CONNECTIONS):
        threading.Thread(target=_asking, args=(port, once, number), daemon=True).start()
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
