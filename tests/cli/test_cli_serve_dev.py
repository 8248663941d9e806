"""``dongui serve --dev``: which origins it accepts, where it refuses to run, and the policy file it publishes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui_collector.core.loopback import is_loopback, is_loopback_origin
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.development import PolicyFile

from tests.collector import CHROME, ORIGIN, dongui, environment, starting_text, written_policy
from tests.ports import free_port

PATIENCE_S = 60.0
OURS = (
    "http://localhost:3000",
    "http://localhost",
    "https://localhost:5173",
    "http://127.0.0.1:8000",
    "http://[::1]:1",
)
STRANGERS = (
    "null",
    "",
    ORIGIN,
    "http://localhost.evil.example",
    "http://evil-localhost",
    "http://127.0.0.1.evil.example:80",
    "http://evil.example#localhost",
    "http://localhost@evil.example",
    "http://evil.example:80@localhost",
    "http://localhost:3000/",
    "http://localhost:3000\n",
    "http://localhost:",
    "http://0.0.0.0:3000",
    "http://192.168.0.2:3000",
    "http://[::]:3000",
    "http://[fe80::1]:3000",
    "http://[::1].evil.example",
    "ftp://localhost",
    "file://localhost",
    "chrome-extension://localhost",
    "http://localhost:1, http://localhost:2",
)


@pytest.mark.parametrize("origin", OURS)
def test_an_origin_of_this_machine(origin: str) -> None:
    assert is_loopback_origin(origin)


@pytest.mark.parametrize("origin", STRANGERS)
def test_an_origin_of_others(origin: str) -> None:
    assert not is_loopback_origin(origin)


def test_hosts_of_this_machine() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.0.0.2", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "", "10.0.0.1", "localhost.evil.example", "127.0.0.1.example")))


def made(folder: Path, *options: str) -> dict[str, str]:
    """A published installation of one site, without origins unless ``options`` list some."""
    own = written_policy(folder.parent / "own.toml")
    printed = dongui("init", str(folder), "--name", "shop", "--policy", str(own), "--json", *options).stdout
    return dict(json.loads(printed))


@contextmanager
def serving(config: str, *options: str) -> Iterator[tuple[httpx.Client, Path]]:
    """``dongui serve`` on free ports; yields a client of the door and the file that it prints to."""
    port, printed = free_port(), Path(config).with_name("printed.txt")
    command = [sys.executable, "-m", "dongui_collector", "serve", "--config", config, "--workers", "2", *options]
    command += ["--port", str(port), "--desk-port", str(free_port())]
    with printed.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env=environment())
    client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60, headers={"user-agent": CHROME})
    try:
        until(lambda: process.poll() is not None or healthy(client))
        assert process.poll() is None, printed.read_text()
        yield client, printed
    finally:
        client.close()
        process.kill()
        process.wait(PATIENCE_S)


def healthy(client: httpx.Client) -> bool:
    try:
        return client.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def choose(client: httpx.Client, site: str, origin: str) -> httpx.Response:
    notice = client.get("/v1/notice", params={"site": site}).json()["version"]
    body = {"site": site, "notice": notice, "granted": [], "refused": ["statistics"], "method": "banner", "lang": "en"}
    return client.post("/v1/consents", json=body, headers={"origin": origin})


def preflight(client: httpx.Client, origin: str) -> str | None:
    return client.options("/v1/me", headers={"origin": origin}).headers.get("access-control-allow-origin")


def test_only_with_dev_every_page_of_this_machine_may_write(tmp_path: Path) -> None:
    there = made(tmp_path / "d", "--origin", "http://shop.test")
    with serving(there["config"]) as (client, printed):
        assert [choose(client, there["site"], one).status_code for one in OURS] == [403] * len(OURS)
        assert [preflight(client, one) for one in OURS] == [None] * len(OURS)
        assert "DEVELOPMENT" not in printed.read_text()
    with serving(there["config"], "--dev") as (client, printed):
        for origin in (*OURS, "http://shop.test"):
            answer = choose(client, there["site"], origin)
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (201, origin)
            assert preflight(client, origin) == origin
        for origin in ("null", ORIGIN, "http://localhost.evil.example", "ftp://localhost", "http://192.168.0.2"):
            answer = choose(client, there["site"], origin)
            assert (answer.status_code, answer.headers.get("access-control-allow-origin")) == (403, None)
            assert preflight(client, origin) is None
        twice = [("origin", OURS[0]), ("origin", OURS[1]), ("content-type", "application/json")]
        body = {"site": there["site"], "events": []}
        assert client.post("/v1/events", content=json.dumps(body), headers=twice).status_code == 403
        assert "DEVELOPMENT" in printed.read_text()
        # A site that comes to have an https origin meanwhile has visitors from now on.
        dongui("sites", "add", "shop", "--origin", ORIGIN, "--config", there["config"])
        until(lambda: choose(client, there["site"], OURS[0]).status_code == 403)
        assert preflight(client, OURS[0]) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.2", "localhost.evil.example"])
def test_dev_refuses_every_host_but_loopback(tmp_path: Path, host: str) -> None:
    (tmp_path / "dongui.toml").write_text("")
    done = dongui("serve", "--dev", "--host", host, "--config", str(tmp_path / "dongui.toml"), code=2)
    assert done.stderr == "dongui: --dev listens on loopback alone: --host must be 127.0.0.1, ::1 or localhost\n"


@pytest.mark.parametrize("key", ["host", "desk_host"])
def test_dev_refuses_such_a_host_of_the_settings_too(tmp_path: Path, key: str) -> None:
    (tmp_path / "dongui.toml").write_text(f'{key} = "0.0.0.0"\n')
    done = dongui("serve", "--dev", "--config", str(tmp_path / "dongui.toml"), code=2)
    assert "loopback alone" in done.stderr
    assert done.stderr.count("\n") == 1


def test_dev_refuses_a_published_site_with_an_https_origin(tmp_path: Path) -> None:
    there = made(tmp_path / "d", "--origin", "http://shop.test", "--origin", ORIGIN)
    ports = ("--port", str(free_port()), "--desk-port", str(free_port()))
    done = dongui("serve", "--dev", *ports, "--config", there["config"], code=2)
    assert "start without --dev, or make an installation for development: dongui init DIR" in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_neither_the_file_nor_the_environment_turns_dev_on(tmp_path: Path) -> None:
    there = made(tmp_path / "d", "--origin", "http://shop.test")
    os.environ["DONGUI_DEV"] = "true"
    try:
        assert not hasattr(load_settings(Path(there["config"])), "dev")
    finally:
        del os.environ["DONGUI_DEV"]
    Path(there["config"]).write_text("dev = true\n" + Path(there["config"]).read_text())
    assert "unknown setting 'dev'" in dongui("serve", "--config", there["config"], code=2).stderr


def test_a_saved_policy_is_loaded_and_a_broken_one_is_said(tmp_path: Path) -> None:
    there = made(tmp_path / "d")
    core = open_core(load_settings(Path(there["config"])), writable=True)
    file = Path(there["config"]).with_name("policy.toml")
    text = starting_text()
    file.write_text(text)
    try:
        policy = PolicyFile(core, file)

        def saved(content: bytes) -> str:
            file.write_bytes(content)
            assert policy.look() == ""  # it may still be written at this moment
            return policy.look()

        def in_force() -> tuple[str, str]:
            notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now()).policy.notice
            return notice.version, notice.service["en"]

        version, service = in_force()
        assert (policy.look(), policy.look(), in_force()) == ("", "", (version, "shop"))
        changed = text.replace('service = "shop"', 'service = "books"').encode()
        assert f"version {version}-dev-2" in saved(changed)
        assert in_force() == (f"{version}-dev-2", "books")
        for broken in (b"", b"[notice", b"\xff", changed.replace(b"P180D", b"P18x"), changed.replace(b"Asia", b"Asja")):
            assert "is not loaded, what was in force stays" in saved(broken)
            assert policy.look() == ""  # said once
            assert in_force() == (f"{version}-dev-2", "books")
        assert f"version {version}-dev-3" in saved(text.encode())
        assert in_force() == (f"{version}-dev-3", service)
    finally:
        core.close()


def test_serve_dev_loads_what_is_saved(tmp_path: Path) -> None:
    there = made(tmp_path / "d")
    file = Path(there["config"]).with_name("policy.toml")
    with serving(there["config"], "--dev") as (client, printed):
        file.write_text(starting_text().replace('service = "shop"', 'service = "books"'))
        until(lambda: "is loaded" in printed.read_text())
        assert client.get("/v1/notice", params={"site": there["site"]}).json()["version"].endswith("-dev-2")
        file.write_text("[notice")
        until(lambda: "is not loaded, what was in force stays" in printed.read_text())
        assert client.get("/v1/notice", params={"site": there["site"]}).json()["version"].endswith("-dev-2")
