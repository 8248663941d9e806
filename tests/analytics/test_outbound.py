"""Nothing is sent into one's own network, wherever a name, a redirect or a second look at the name would lead."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest
from dongui_collector.core.networks import may_reach, resolved
from dongui_collector.webhooks import http
from dongui_collector.webhooks.http import (
    AddressRefused,
    NotDelivered,
    allowed_networks,
    judged,
    post,
    target_of,
)

LOOPBACK = allowed_networks("127.0.0.0/8")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.9.10",
        "0.0.0.0",
        "10.0.0.1",
        "172.16.3.4",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "239.255.255.250",
        "255.255.255.255",
        "240.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fec0::1",
        "feff::1",
        "fd00:ec2::254",
        "ff02::1",
        "2001:db8::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)
def test_addresses_of_ones_own_are_not_reached(address: str) -> None:
    assert not may_reach(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.215.14", "1.1.1.1", "2606:4700:4700::1111"])
def test_anybodys_addresses_are(address: str) -> None:
    assert may_reach(ip_address(address))


def test_a_setting_opens_a_network_and_no_other() -> None:
    allowed = allowed_networks("10.1.0.0/16, fd00:1::/32")
    assert may_reach(ip_address("10.1.2.3"), allowed)
    assert may_reach(ip_address("::ffff:10.1.2.3"), allowed)
    assert may_reach(ip_address("fd00:1::5"), allowed)
    assert not may_reach(ip_address("10.2.0.1"), allowed)
    assert not may_reach(ip_address("fd00:2::5"), allowed)
    with pytest.raises(AddressRefused):
        allowed_networks("10.1.0.1/16")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "https://",
        "https:///path",
        "https://user:pass@hooks.example.com/",
        "https://hooks.example.com@127.0.0.1/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/a b",
        "https://hooks.example.com:99999/",
        "https://[::1/",
        "https://höoks.example.com/",
        "https://hooks.example.com/" + "a" * 3000,
        "",
        "//hooks.example.com/",
    ],
)
def test_what_is_no_https_address_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused) as refused:
        target_of(url)
    assert "user:pass" not in str(refused.value)


@pytest.mark.parametrize(
    "host", ["localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::1]", "[::ffff:7f00:1]"]
)
def test_other_ways_to_write_the_loopback_lead_nowhere(host: str) -> None:
    with pytest.raises((AddressRefused, NotDelivered)):
        post(target_of(f"https://{host}/"), b"", {})


def test_one_address_among_several_is_enough_to_refuse() -> None:
    target = target_of("https://hooks.example.com/")
    with pytest.raises(AddressRefused):
        judged(target, (), lambda _host, _port: ["93.184.215.14", "127.0.0.1"])
    assert judged(target, (), lambda _host, _port: ["93.184.215.14"]) == ["93.184.215.14"]


def test_plain_http_is_for_the_networks_that_a_setting_names() -> None:
    target = target_of("http://hooks.example.com/", plain=True)
    with pytest.raises(AddressRefused, match="https"):
        judged(target, LOOPBACK, lambda _host, _port: ["93.184.215.14"])
    assert judged(target, LOOPBACK, lambda _host, _port: ["127.0.0.1"]) == ["127.0.0.1"]


# --- a real other side -----------------------------------------------------------------------------------------------

Answering = Callable[[bytes], tuple[int, list[bytes]]]


@pytest.fixture
def server() -> Iterator[Answering]:
    """Starts something on loopback that answers every connection with these bytes; gives its port and what it got."""
    listening: list[socket.socket] = []

    def start(answer: bytes) -> tuple[int, list[bytes]]:
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)
        got: list[bytes] = []

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    got.append(connection.recv(65536))
                    connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1]), got

    yield start
    for listener in listening:
        listener.close()


def sent(port: int, **more: object) -> int:
    target = target_of(f"http://hooks.example.com:{port}/in?a=b", plain=True)
    more.setdefault("resolve", lambda _host, _port: ["127.0.0.1"])
    return post(target, b'{"x": 1}', {"X-Test": "1"}, allowed=LOOPBACK, **more)  # type: ignore[arg-type]


def test_a_post_arrives_under_the_name_that_was_asked_for(server: Answering) -> None:
    port, got = server(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert sent(port) == 204
    head, _, body = got[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /in?a=b HTTP/1.1\r\n")
    assert f"Host: hooks.example.com:{port}".encode() in head
    assert body == b'{"x": 1}' or body == b""


def test_no_redirect_is_followed(server: Answering) -> None:
    there, reached = server(b"HTTP/1.1 200 OK\r\n\r\n")
    port, _ = server(f"HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:{there}/\r\n\r\n".encode())
    with pytest.raises(NotDelivered, match="307"):
        sent(port)
    assert reached == []


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n", b"HTTP/1.1 500 Oh\r\n\r\n", b"HTTP/1.1 404 No\r\n\r\n"])
def test_any_other_answer_is_no_delivery_and_is_not_shown(server: Answering, answer: bytes) -> None:
    port, _ = server(answer)
    with pytest.raises(NotDelivered) as failed:
        sent(port)
    assert "nonsense" not in str(failed.value)


def test_a_name_that_changes_its_mind_is_asked_once_and_its_first_answer_counts(server: Answering) -> None:
    """DNS rebinding: judged as one address, and connected to as another."""
    port, got = server(b"HTTP/1.1 200 OK\r\n\r\n")
    answers = iter([["127.0.0.1"], ["10.0.0.1"]])
    assert sent(port, resolve=lambda _host, _port: next(answers)) == 200
    assert len(got) == 1
    with pytest.raises(AddressRefused):
        sent(port, resolve=lambda _host, _port: next(answers))


def test_the_connection_does_not_resolve_again(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    port, got = server(b"HTTP/1.1 200 OK\r\n\r\n")
    asked: list[str] = []
    real = socket.getaddrinfo

    def asking(host: str, *more: object, **named: object) -> object:
        asked.append(host)
        if host == "hooks.example.com":
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        return real(host, *more, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", asking)
    assert sent(port, resolve=resolved) == 200
    assert asked.count("hooks.example.com") == 1
    assert len(got) == 1


def test_an_answer_that_drips_is_given_up(server: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "_ANSWER_S", 0.3)
    listener = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            while not stop.wait(0.05):
                try:
                    connection.sendall(b"H")
                except OSError:
                    return

    threading.Thread(target=drip, daemon=True).start()
    try:
        with pytest.raises(NotDelivered):
            sent(int(listener.getsockname()[1]))
    finally:
        stop.set()
        listener.close()
