"""Under real servers, each started for real: what was granted is recorded, once, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect

from tests.collector import CHROME
from tests.ports import free_port
from tests.sdk.calls import choice
from tests.sdk.sdk_stub import ORIGIN, SECRET, SITE, Collector

ROOT = Path(__file__).parents[2]
WSGI, ASGI = "tests.sdk.served:application", "tests.sdk.served:asgi_application"
GUNICORN = ["gunicorn", "--bind", "127.0.0.1:{port}", "--workers", "2", "--graceful-timeout", "5"]

UWSGI = ["pyuwsgi", "--http", "127.0.0.1:{port}", "--module", WSGI, "--master", "--processes", "2"]
# With --die-on-term a worker that is busy just then ends without its exit hooks. Connections are closed unannounced.
UWSGI += ["--enable-threads", "--hook-master-start", "unix_signal:15 gracefully_kill_them_all", "--disable-logging"]
UWSGI += ["--add-header", "Connection: close"]

# granian with one worker: asked to end while a second one is still starting, it hangs, with any application.
SERVERS = {
    "gunicorn sync": [*GUNICORN, WSGI],
    "gunicorn gthread": [*GUNICORN, "--worker-class", "gthread", "--threads", "4", WSGI],
    "gunicorn preload": [*GUNICORN, "--preload", WSGI],
    "uwsgi prefork": UWSGI,
    "uwsgi lazy-apps": [*UWSGI, "--lazy-apps"],
    "uwsgi threads": [*UWSGI, "--threads", "4"],
    "waitress": ["waitress", "--listen=127.0.0.1:{port}", WSGI],
    "granian wsgi": ["granian", "--interface", "wsgi", "--port", "{port}", WSGI],
    "wsgiref": ["tests.sdk.wsgiref_server", "{port}"],
    "uvicorn": ["uvicorn", "--port", "{port}", "--log-level", "warning", ASGI],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}", ASGI],
    "granian asgi": ["granian", "--interface", "asgi", "--port", "{port}", ASGI],
}

OWN_PAGE = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin"}  # the shop's host is another than the server's here


@contextmanager
def served(name: str, collector: Collector, log: Path) -> Iterator[httpx.Client]:
    port = free_port()
    module, *arguments = (part.format(port=port) for part in SERVERS[name])
    command = [sys.executable, "-m", module, *arguments]
    if module == "pyuwsgi":  # a program that has Python inside, not the other way round
        command = [str(Path(sys.executable).with_name("pyuwsgi")), *arguments]
    options = {"DONGUI_SITE": SITE, "DONGUI_COLLECTOR": collector.url, "DONGUI_SECRET_KEY": SECRET}
    # A shell that runs the tests in the background has them ignore SIGINT, and a child would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **options}, stdout=out, stderr=out)
    signal.signal(signal.SIGINT, before)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers={"User-Agent": CHROME}) as http:
            wait_until_up(http, process, log)
            yield http
    finally:
        # waitress leaves SIGTERM to the system, which ends it on the spot: nothing at all can be delivered then.
        process.send_signal(signal.SIGINT if name == "waitress" else signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise


def wait_until_up(http: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < end, log.read_text()
        try:
            http.get("/healthz")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            break
    while "--lazy-apps" in str(process.args) and log.read_text().count("WSGI app 0") < 2:
        assert time.monotonic() < end, log.read_text()  # asked to end while a worker is still starting, uWSGI hangs
        time.sleep(0.05)


@pytest.mark.parametrize("name", SERVERS)
def test_what_was_granted_is_recorded_and_nothing_else(name: str, collector: Collector, tmp_path: Path) -> None:
    granting, refusing = collector.visitor("statistics"), "r" * 22
    with served(name, collector, tmp_path / "log") as http:
        yes = {"Cookie": f"{choice('statistics')}; dongui_id={granting}"}
        no = {"Cookie": f"{choice()}; dongui_id={refusing}"}
        for number in range(10):
            got = http.get(f"/page/{number}?gclid=G", headers=yes)
            assert (got.status_code, got.text) == (200, "hello")
            assert [value.partition("=")[0] for value in got.headers.get_list("set-cookie")] == ["_ga", "session"]
            assert http.get(f"/refused/{number}", headers=no).headers.get_list("set-cookie") == ["session=3; Path=/"]
        assert http.get("/stream", headers=yes).text == "".join(str(n) * 1000 for n in range(5))
        if name.startswith("uwsgi"):  # it hangs up on the error of any application
            with pytest.raises(httpx.RemoteProtocolError):
                http.get("/fails", headers=yes)
        else:
            assert http.get("/fails", headers=yes).status_code == 500
        if name not in ("uvicorn", "hypercorn", "granian asgi"):
            assert http.post("/echo", content=b"x" * 100_000, headers=yes).content == b"x" * 100_000
        decided(http)
    # The server has ended, cleanly: what its workers still held, they have delivered.
    recorded = [event["url"].rpartition("/")[2] for event in collector.of(granting)]
    assert sorted(recorded) == sorted([*map(str, range(10)), "stream"])
    assert {event["ip"] for event in collector.of(granting)} == {"127.0.0.1"}
    assert collector.of(refusing) == []
    assert collector.twice == 0
    counts = [body["counts"] for path, body in collector.posts if path == "/v1/counts"]
    assert sum(count.get("refused", 0) for count in counts) == 10
    assert sum(count.get("recorded", {}).get("statistics", 0) for count in counts) == 11
    assert {name for count in counts for name in count} == {"recorded", "refused"}


def decided(http: httpx.Client) -> None:
    """A visitor decides through the site's own origin, and takes it back."""
    body = {"site": SITE, "notice": "v1", "granted": ["marketing"], "refused": [], "method": "banner", "lang": "ko"}
    http.cookies.clear()
    got = http.post("/_dongui/v1/consents", content=json.dumps(body), headers=OWN_PAGE)
    assert got.status_code == 201, got.text
    assert got.json()["visitor_cookie"] is True
    assert set(got.cookies) == {"dongui", "dongui_id"}
    held = http.get("/_dongui/v1/me", headers={"X-Dongui": "1"})
    assert held.json()["state"] == {"marketing": "given"}
    body = {**body, "granted": [], "refused": ["marketing"]}
    got = http.post("/_dongui/v1/consents", content=json.dumps(body), headers=OWN_PAGE)
    assert got.json()["visitor_cookie"] is False
    assert "dongui_id" not in http.cookies


@pytest.mark.parametrize("name", ["uvicorn", "hypercorn", "granian asgi"])
def test_websockets_pass_and_know_the_consent(name: str, collector: Collector, tmp_path: Path) -> None:
    with served(name, collector, tmp_path / "log") as http:
        url = str(http.base_url).replace("http", "ws") + "/socket"
        with connect(url, additional_headers={"Cookie": choice("statistics")}) as websocket:
            websocket.send("granted: ")
            assert websocket.recv() == "granted: True"
