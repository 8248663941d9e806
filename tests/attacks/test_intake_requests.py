"""Requests that no browser sends, on the wire: refused or answered once, never two for one, the next one served."""

from __future__ import annotations

import contextlib
import gzip
import re
import socket
from collections.abc import Iterator

import pytest

from tests.collector import Installation

HOST = b"Host: shop.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0\r\nConnection: close\r\n"
SENTINEL = b"sentinelofthewire"
TWICE = gzip.compress(gzip.compress(b"a" * 1_000_000))
SECOND = b"GET /v1/openapi.json?" + SENTINEL + b" HTTP/1.1\r\n" + HOST + b"\r\n"


def post(*headers: bytes, body: bytes = b"{}", path: bytes = b"/v1/consents") -> bytes:
    return b"POST %s HTTP/1.1\r\n%s%s\r\n\r\n%s" % (path, HOST, b"\r\n".join(headers), body)


def get(target: bytes, *headers: bytes, method: bytes = b"GET") -> bytes:
    return b"%s %s HTTP/1.1\r\n%s%s\r\n" % (method, target, HOST, b"".join(h + b"\r\n" for h in headers))


WIRE = {
    "two lengths": (400, post(b"Content-Length: 2", b"Content-Length: 3", body=b"{}" + SECOND)),
    "a length and chunks": (
        400,
        post(b"Content-Length: 4", b"Transfer-Encoding: chunked", body=b"0\r\n\r\n" + SECOND),
    ),
    "an unknown transfer encoding": (400, post(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + SECOND)),
    "a space before the colon": (400, post(b"Transfer-Encoding : chunked", body=b"0\r\n\r\n" + SECOND)),
    "a folded header": (400, get(b"/healthz", b"X-A: b\r\n c")),
    "a negative length": (400, post(b"Content-Length: -1")),
    "a length with a sign": (400, post(b"Content-Length: +2")),
    "a full-width length": (400, post("Content-Length: \uff12".encode())),
    "a chunk of 2^68 bytes": (400, post(b"Transfer-Encoding: chunked", body=b"FFFFFFFFFFFFFFFFF\r\n")),
    "a long chunk extension": (
        400,
        post(b"Transfer-Encoding: chunked", body=b"1;" + b"a" * 60_000 + b"\r\n{\r\n0\r\n\r\n"),
    ),
    "credentials in a trailer": (
        400,
        post(b"Transfer-Encoding: chunked", body=b"1\r\n{\r\n0\r\nAuthorization: Bearer x\r\n\r\n"),
    ),
    "compressed twice": (
        415,
        post(b"Content-Encoding: gzip, gzip", b"Content-Length: %d" % len(TWICE), body=TWICE, path=b"/v1/events"),
    ),
    "fifty encodings": (
        415,
        post(b"Content-Encoding: " + b",".join([b"gzip"] * 50), b"Content-Length: 2", path=b"/v1/events"),
    ),
    "a NUL in the path": (400, get(b"/v1/\x00me")),
    "bytes that are no UTF-8": (404, get(b"/v1/%ff%fe%00")),
    "metrics behind a proxy's rule": (404, get(b"/metrics%0A")),
    "one's own data by another name": (404, get(b"/v1/me%0A", b"Authorization: Bearer " + b"a" * 22)),
    "a script by another name": (404, get(b"/v1/dongui.js%0a")),
    "a long path": (414, get(b"/" + b"a" * 100_000)),
    "2,000 headers": (431, get(b"/healthz", *(b"X-%d: 1" % n for n in range(2000)))),
    "a long header": (431, get(b"/healthz", b"X-A: " + b"a" * 1_000_000)),
    "CONNECT": (404, get(b"other.example:443", method=b"CONNECT")),
    "TRACE": (405, get(b"/v1/me", b"Authorization: Bearer " + SENTINEL, method=b"TRACE")),
    "OPTIONS *": (404, get(b"*", method=b"OPTIONS")),
    "another site's address": (404, get(b"http://other.example/nowhere?" + SENTINEL)),
    "an upgrade to HTTP/2": (
        200,
        get(b"/healthz", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    ),
    "two credentials": (404, get(b"/v1/me", *(b"Authorization: Bearer " + c * 22 for c in (b"a", b"b")))),
    "credentials in Latin-1": (404, get(b"/v1/me", b"Authorization: Bearer \x85\xa0\xff")),
    "1,500 cookies": (
        401,
        get(b"/v1/me", b"X-Dongui: 1", b"Cookie: " + b"; ".join(b"dongui_id=%022d" % n for n in range(1500))),
    ),
    "3,000 ranges": (200, get(b"/v1/dongui.js", b"Range: bytes=" + b",".join(b"%d-%d" % (n, n) for n in range(3000)))),
    "qualities that are no numbers": (
        200,
        get(b"/v1/dongui.js", b"Accept-Encoding: br;q=1e999, gzip;q=nan, *;q=0.0000000001, identity;q=-1"),
    ),
    "3,000 languages": (
        200,
        get(b"/policy", b"Accept-Language: " + b",".join(b"k%d;q=0.%d" % (n, n) for n in range(3000))),
    ),
    "addresses that are none": (
        200,
        get(b"/healthz", b"X-Forwarded-For: [::1]:80, unknown, 1.2.3.4:99, fe80::1%eth0, 999.1.1.1, , 0x7f.1, \xff"),
    ),
}


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("requests") / "i").start()
    yield installation
    installation.close()


def answer(port: int, request: bytes) -> bytes:
    """Everything that comes until the connection is closed."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        with contextlib.suppress(ConnectionError):  # refused before it was read to its end
            connection.sendall(request)
        while True:
            try:
                piece = connection.recv(1 << 16)
            except ConnectionError:
                return found
            if not piece:
                return found
            found += piece


@pytest.mark.parametrize("kind", WIRE)
def test_what_no_browser_sends_is_answered_once_and_the_next_one_is_served(door: Installation, kind: str) -> None:
    status, request = WIRE[kind]
    got = answer(door.port, request)
    answers = re.findall(rb"HTTP/1\.[01] (\d{3})", got)
    assert answers in ([b"%d" % status], [] if status in (400, 414, 415, 431) else [b""]), got[:300]
    assert SENTINEL not in got
    assert door.http.get("/healthz").status_code == 200
    assert SENTINEL.decode() not in door.log.read_text()
