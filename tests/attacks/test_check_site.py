"""``check-site`` runs a stranger's page beside the installation: it reaches nothing that the site does not list."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from dongui_collector.site_check import plain
from dongui_collector.site_check.destinations import DestinationRefused, Destinations, origin_of, place_of
from dongui_collector.site_check.devtools import chromium_path
from dongui_collector.site_check.filter_proxy import FilterProxy
from dongui_collector.site_check.model import VisitRequest
from dongui_collector.site_check.visit import VisitFailed, end, visit

from tests.site_check.pages import Pages, serving

DOOR = ("127.0.0.1", 8787)
Names = Callable[[str, int], list[str]]


def request(
    *origins: str, url: str = "", loopback: bool = False, browser: str | None = None, seconds: float = 0.5
) -> VisitRequest:
    return VisitRequest(url or f"{origins[0]}/", origins, loopback, DOOR, "s_1", browser, seconds)


def answers(**names: str) -> Names:
    """A resolver: a host's name with ``_`` for ``.`` → its addresses."""
    known = {name.replace("_", "."): text.split() for name, text in names.items()}
    return lambda host, _port: known[host]


def outcome(places: Destinations, host: str, port: int) -> str:
    try:
        places.addresses_of(host, port)
    except DestinationRefused as refused:
        return refused.outcome
    return "reached"


@pytest.fixture
def pages() -> Iterator[Pages]:
    with serving() as served:
        yield served


@pytest.fixture
def inside() -> Iterator[Pages]:
    """Another server of this machine, which no page may reach."""
    with serving() as served:
        yield served


# --- where a connection may go ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1"]
)
def test_a_listed_name_that_leads_inside_is_not_asked(address: str) -> None:
    for loopback in (False, True):  # a public name never means this machine, whatever the site is for
        places = Destinations(request("https://shop.test", loopback=loopback), answers(shop_test=f"8.8.8.8 {address}"))
        assert outcome(places, "shop.test", 443) == "private"


def test_only_listed_hosts_at_their_ports_are_asked() -> None:
    places = Destinations(request("https://shop.test"), answers(shop_test="8.8.8.8", other_test="8.8.4.4"))
    assert outcome(places, "shop.test", 443) == "reached"
    assert [outcome(places, *place) for place in (("shop.test", 22), ("other.test", 443), ("", 0))] == [
        "not_listed"
    ] * 3


def test_a_name_is_resolved_once_and_its_first_answer_counts() -> None:
    changing = iter([["8.8.8.8"], ["127.0.0.1"]])
    places = Destinations(request("https://shop.test"), lambda _host, _port: next(changing))
    assert [places.addresses_of("shop.test", 443) for _ in range(3)] == [["8.8.8.8"]] * 3


def test_this_machine_is_asked_at_listed_ports_and_the_door_alone() -> None:
    places = Destinations(request("http://localhost:5000", loopback=True), lambda host, _: ["127.0.0.1"])
    assert outcome(places, "localhost", 5000) == "reached"
    assert not places.admit_collector("http://127.0.0.1:6379/v1/dongui.js")
    assert outcome(places, "127.0.0.1", 6379) == "not_listed"
    assert places.admit_collector("http://127.0.0.1:8787/v1/dongui.js")
    assert outcome(places, "127.0.0.1", 8787) == "reached"
    public = Destinations(request("https://shop.test"), lambda host, _: ["127.0.0.1"])
    public.admit_collector("http://127.0.0.1:8787/v1/dongui.js")
    assert outcome(public, "127.0.0.1", 8787) == "private"


@pytest.mark.parametrize(
    "address",
    ["file:///etc/passwd", "javascript:1", "ftp://shop.test/", "http://", "http://[::1", "http://shop.test:0/", "//x"],
)
def test_what_is_no_address_of_a_page_leads_nowhere(address: str) -> None:
    assert (place_of(address), origin_of(address)) == (("", 0), "")


# --- over plain HTTP -------------------------------------------------------------------------------------------------


def test_a_redirect_to_a_place_that_is_not_listed_is_not_followed(pages: Pages, inside: Pages) -> None:
    pages.put("/", "", status=302, location=f"{inside.origin}/secret")
    seen = plain.look(Destinations(request(pages.origin, loopback=True)), f"{pages.origin}/")
    assert (seen.outcome, seen.where, inside.asked) == ("redirect_out", inside.origin, [])


def test_an_endless_answer_is_cut(pages: Pages) -> None:
    pages.put("/", "x" * (plain.LARGEST + 100_000))
    found = plain.fetch(Destinations(request(pages.origin, loopback=True)), f"{pages.origin}/")
    assert len(found.body) == plain.LARGEST


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "WITHIN_S", 0.3)
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

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        assert plain.look(Destinations(request(address, loopback=True)), f"{address}/").outcome == "timeout"
    finally:
        stop.set()
        listener.close()
        thread.join(60)


# --- the browser's only way out --------------------------------------------------------------------------------------


def through(proxy: FilterProxy, *lines: str) -> bytes:
    """The first line of the proxy's answer to a request's head."""
    with socket.create_connection(("127.0.0.1", proxy.port), 30) as connection:
        connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        got = b""
        while b"\r\n" not in got and (data := connection.recv(4096)):
            got += data
    return got.split(b"\r\n")[0]


def test_the_proxy_tunnels_and_forwards_to_listed_places_alone(pages: Pages, inside: Pages) -> None:
    host, other = pages.origin.removeprefix("http://"), inside.origin.removeprefix("http://")
    pages.put("/", "here")
    with FilterProxy(Destinations(request(pages.origin, loopback=True))) as proxy:
        assert through(proxy, f"CONNECT {host} HTTP/1.1") == b"HTTP/1.1 200 OK"
        assert b" 200 " in through(proxy, f"GET {pages.origin}/ HTTP/1.1", f"Host: {host}")
        for line in (
            f"CONNECT {other} HTTP/1.1",
            f"GET {inside.origin}/ HTTP/1.1",
            "CONNECT 169.254.169.254:80 HTTP/1.1",
        ):
            # The Host header says nothing: the connection goes where the judged address is.
            assert through(proxy, line, f"Host: {host}") == b"HTTP/1.1 403 Forbidden"
        proxy.shutdown()
    assert inside.asked == []


@pytest.mark.browser
def test_whatever_a_page_does_nothing_inside_is_asked(pages: Pages, inside: Pages) -> None:
    """Frames, images, fetches, sockets, workers, beacons, forms, prefetches, and at last the page's own address."""
    worker = f"fetch('{inside.origin}/worker', {{mode: 'no-cors'}})"
    script = f"""
      const inside = {json.dumps(inside.origin)};
      fetch(inside + "/fetch", {{mode: "no-cors"}});
      navigator.sendBeacon(inside + "/beacon");
      new WebSocket(inside.replace("http", "ws") + "/socket");
      new Worker(URL.createObjectURL(new Blob([{json.dumps(worker)}])));
      open(inside + "/window");
      new RTCPeerConnection({{iceServers: [{{urls: "stun:" + inside.slice(7)}}]}}).createDataChannel("x");
      alert("held up");
      setTimeout(() => location = inside + "/moved", 100);
    """
    body = (
        f'<iframe src="{inside.origin}/frame"></iframe><img src="{inside.origin}/image">'
        f'<link rel="prefetch" href="{inside.origin}/prefetch"><script>{script}</script>'
    )
    pages.put("/", f"<!doctype html><title>x</title>{body}")
    seen = visit(request(pages.origin, loopback=True, browser=chromium_path()))
    assert seen.browser == "chromium"
    assert f"{inside.origin}/fetch" in seen.requests  # it was tried
    assert inside.asked == []


@pytest.mark.browser
def test_a_redirect_of_the_browser_ends_where_the_list_ends(pages: Pages, inside: Pages) -> None:
    pages.put("/", f'<meta http-equiv="refresh" content="0;url={inside.origin}/moved">')
    seen = visit(
        request(pages.origin, loopback=True, browser=chromium_path(), seconds=5)
    )  # it moves on in its own time
    assert (seen.outcome, seen.where, inside.asked) == ("redirect_out", inside.origin, [])


# --- the process -----------------------------------------------------------------------------------------------------


def test_the_process_has_nothing_of_the_installation(monkeypatch: pytest.MonkeyPatch, pages: Pages) -> None:
    monkeypatch.setenv("DONGUI_MASTER_KEY", "secret-of-ours")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    told: list[bytes] = []

    def look(process: subprocess.Popen[bytes]) -> None:
        told.append(Path(f"/proc/{process.pid}/environ").read_bytes())

    pages.put("/", "here")
    assert visit(request(pages.origin, loopback=True), look).outcome == "ok"
    assert told
    assert [one for one in told if b"secret-of-ours" in one or b"http_proxy" in one] == []


def test_a_look_can_be_ended(pages: Pages) -> None:
    with pytest.raises(VisitFailed):
        visit(request(pages.origin, loopback=True), end)


def test_root_is_given_up_before_anything_is_asked() -> None:
    owners: list[int] = []
    known = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    started: list[int] = []

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            assert known.wait(60)
            owners.append(Path(f"/proc/{started[0]}").stat().st_uid)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()

    def note(process: subprocess.Popen[bytes]) -> None:
        started.append(process.pid)
        known.set()

    visit(request(address, loopback=True), note)
    thread.join(60)
    listener.close()
    assert owners == [os.geteuid() or 65534]
