"""Talking to the collector: one client, against a peer that answers as it pleases."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from dongui.errors import ConfigurationError
from dongui.http.client import TROUBLE, HttpClient
from dongui.http.connection import parse_base
from dongui.result import Response
from hypothesis import given
from hypothesis import strategies as st

from tests.clock import now_utc

Exchange = Callable[..., Response]


@contextmanager
def answering(
    *answers: list[bytes], pause: float = 0.0, tls: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """A peer that answers each connection's requests with these pieces, then hangs up. Yields (address, requests)."""
    server = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []
    waiting = list(answers)

    def serve() -> None:
        while waiting:
            try:
                connection = server.accept()[0]
            except OSError:
                return
            try:
                speak(connection if tls is None else tls.wrap_socket(connection, server_side=True))
            except OSError:
                connection.close()

    def speak(connection: socket.socket) -> None:
        with connection:
            while waiting:
                request = read(connection)
                if not request:
                    return
                seen.append(request)
                for piece in waiting.pop(0):
                    connection.sendall(piece)
                    time.sleep(pause)
                if seen[-1].startswith(b"GET /hang-up"):
                    return

    def read(connection: socket.socket) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            part = connection.recv(65536)
            if not part:
                return b""
            data += part
        return data

    thread = threading.Thread(target=serve)
    thread.start()
    scheme, name = ("http", "127.0.0.1") if tls is None else ("https", "localhost")
    try:
        yield f"{scheme}://{name}:{server.getsockname()[1]}", seen
    finally:
        waiting.clear()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def speaker(address: str, timeout: float = 60.0) -> tuple[HttpClient, Exchange]:
    client = HttpClient(address, timeout=timeout)
    return client, lambda path="/x", limit=1000: client.exchange("GET", path, {"A": "b"}, limit=limit)


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b\r\n\r\n{}"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(OK, id="length"),
        pytest.param(CHUNKED, id="chunks"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n" + OK, id="after a hundred"),
        pytest.param(OK.replace(b"X-A: b", b"Connection: close"), id="closing"),
    ],
)
def test_an_answer_in_any_pieces(answer: bytes) -> None:
    for size in (1, 7, 1000):
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        with answering(pieces, pieces) as (address, seen):
            peer, exchange = speaker(address)
            assert [exchange().body, exchange().body] == [b"{}", b"{}"]
            assert all(b"\r\nA: b\r\n" in request for request in seen)
            peer.close()


def test_an_answer_that_ends_with_the_connection() -> None:
    with answering([b"HTTP/1.1 200 OK\r\n\r\n{}"], [OK]) as (address, _):
        peer, exchange = speaker(address)
        assert exchange("/hang-up").body == b"{}"
        assert exchange().body == b"{}"
        peer.close()


def test_a_connection_that_was_kept_too_long_is_replaced() -> None:
    with answering([OK], [OK]) as (address, seen):
        peer, exchange = speaker(address)
        assert exchange("/hang-up").status == 200
        time.sleep(0.05)
        assert exchange().status == 200
        assert len(seen) == 2
        peer.close()


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x16\x03\x01\x00\r\n\r\n", id="garbage"),
        pytest.param(b"HTTP/1.1 xyz\r\n\r\n", id="no status"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}", id="short"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000, id="longer than allowed"),
        pytest.param(CHUNKED.replace(b"1;x=y", b"zz"), id="no chunk"),
        pytest.param(CHUNKED.replace(b"1;x=y", b"ffff"), id="a chunk too long"),
        pytest.param(CHUNKED[:-6], id="no last chunk"),
    ],
)
def test_nonsense_is_trouble(answer: bytes) -> None:
    with answering([answer], [answer]) as (address, _):
        peer, exchange = speaker(address, timeout=60)
        with pytest.raises(TROUBLE):
            exchange("/hang-up")
        peer.close()


def test_a_peer_that_drips_is_left_at_the_deadline() -> None:
    with answering([b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n"] * 10_000], pause=0.02) as (address, _):
        peer, exchange = speaker(address, timeout=0.3)
        began = time.monotonic()
        with pytest.raises(TROUBLE):
            exchange()
        assert time.monotonic() - began < 100, "all drips would take twice as long"
        peer.close()


def test_nobody_there_is_trouble() -> None:
    _, exchange = speaker("http://127.0.0.1:9")
    with pytest.raises(TROUBLE):
        exchange()


@given(st.text(max_size=20).filter(lambda text: not text.isprintable() or not text.isascii()), st.booleans())
def test_no_header_or_path_smuggles_another(text: str, in_path: bool) -> None:
    client = HttpClient("http://127.0.0.1:9")
    path, value = (f"/{text}", "x") if in_path else ("/", text)
    try:
        request = client.request("GET", path, {"A": value}, b"")
    except ValueError:
        return
    assert request.count(b"\r\n") == 5
    assert request.count(b"\n") == 5


def test_over_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate = self_signed(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with answering([OK], [OK], tls=tls) as (address, _):
        stranger, exchange = speaker(address)
        with pytest.raises(TROUBLE):
            exchange()
        stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        peer, exchange = speaker(address)
        assert exchange().body == b"{}"
        peer.close()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = now_utc()
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.mark.parametrize(
    ("base", "parts"),
    [
        ("http://127.0.0.1:8787", (False, "127.0.0.1", 8787, "")),
        ("https://collect.example.com/dongui/", (True, "collect.example.com", 443, "/dongui")),
        ("http://[::1]:80", (False, "::1", 80, "")),
    ],
)
def test_addresses(base: str, parts: tuple[bool, str, int, str]) -> None:
    assert parse_base(base) == parts


@pytest.mark.parametrize(
    "base", ["", "127.0.0.1:80", "ftp://x", "http://", "http://x:port", "http://x/?q", "http://x/#f", None, 7]
)
def test_what_is_no_address(base: str) -> None:
    with pytest.raises(ConfigurationError, match="is not an address such as"):
        parse_base(base)
