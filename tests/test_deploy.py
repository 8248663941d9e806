"""``deploy/`` is tried, not only written: the unit's command starts, both proxies run before a real collector."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import yaml
from dongui_collector.core.settings import Settings, load_settings
from dongui_collector.runtime import serve

from tests.collector import ORIGIN, Installation, environment, event
from tests.deployment import (
    DEPLOY,
    ROOT,
    dockerfile,
    haproxy_file,
    nginx_files,
    proxy,
    request,
    tool,
    unit,
    unit_environment,
)
from tests.ports import free_port

SETTINGS = {f"DONGUI_{f.name.upper()}" for f in fields(Settings)} | {"DONGUI_CONFIG", "DONGUI_MASTER_KEY"}


@pytest.fixture(scope="module")
def image() -> list[Any]:
    return dockerfile((DEPLOY / "Dockerfile").read_text(encoding="utf-8"))


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = installed(tmp_path / "site", proxies=1)
    yield made
    made.close()


def installed(folder: Path, *, proxies: int) -> Installation:
    made = Installation(folder)
    config = Path(made.config)
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}trusted_proxies = {proxies}\n")
    return made


# --- the image ---------------------------------------------------------------------------------------------------


def of(image: list[Any], name: str, stage: int | None = None) -> list[str]:
    return [i.value for i in image if i.name == name and stage in (None, i.stage)]


def test_the_image_is_built_in_one_stage_and_run_from_another(image: list[Any]) -> None:
    bases = of(image, "FROM")
    assert len(bases) == 2
    for base in bases:
        version = re.match(r"python:3\.(\d+)-slim", base)
        assert version, f"{base}: pinned to a version of Python"
        assert int(version[1]) >= 11
    assert of(image, "COPY", 1) == ["--from=build /opt/dongui /opt/dongui"]


def test_the_image_does_not_run_as_root(image: list[Any]) -> None:
    user = of(image, "USER", 1)[-1]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a number, so that Kubernetes can see that it is not root"
    last = max(i for i, instruction in enumerate(image) if instruction.name == "RUN")
    assert last < next(i for i, instruction in enumerate(image) if instruction.name == "USER")


def test_everything_that_the_image_copies_is_there_and_is_let_through(image: list[Any]) -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    allowed = {line[1:] for line in ignore if line.startswith("!")}
    copied = {source for value in of(image, "COPY", 0) for source in value.split()[:-1]}
    assert "*" in ignore
    assert copied == allowed
    assert [source for source in copied if not (ROOT / source).exists()] == []


def test_the_image_holds_every_package(image: list[Any]) -> None:
    copied = {source for value in of(image, "COPY", 0) for source in value.split()[:-1]}
    roots = re.findall(r"^\s+[\w.]+ = (\S+/\S+)$", (ROOT / "setup.cfg").read_text(encoding="utf-8"), re.M)
    assert roots
    assert [r for r in roots if not any(r == c or r.startswith(c + "/") for c in copied)] == []


def test_the_images_health_check_tells_a_ready_collector_from_none(
    image: list[Any], installation: Installation
) -> None:
    check = json.loads(of(image, "HEALTHCHECK", 1)[0].partition("CMD")[2])
    command = [sys.executable, *(word.replace(":8787/", f":{installation.port}/") for word in check[1:])]
    assert str(installation.port) in command[-1]
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
    installation.start()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_image_starts_what_the_readme_starts(image: list[Any]) -> None:
    assert json.loads(of(image, "ENTRYPOINT", 1)[0]) + json.loads(of(image, "CMD", 1)[0]) == ["dongui", "serve"]
    assert {word.split("=")[0] for word in of(image, "ENV", 1)[0].split() if word.startswith("DONGUI_")} <= SETTINGS


def test_compose_publishes_nothing_beyond_the_host_and_keeps_keys_apart() -> None:
    service = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]["dongui"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert {volume.split(":")[0] for volume in service["volumes"]} == {"data", "keys"}
    assert service["cap_drop"] == ["ALL"]
    assert service["read_only"] is True
    assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).resolve() == DEPLOY / "Dockerfile"
    assert set(service["environment"]) <= SETTINGS


# --- the unit ----------------------------------------------------------------------------------------------------


def test_the_units_command_starts_and_ends_within_five_seconds(tmp_path: Path) -> None:
    made = Installation(tmp_path / "site")
    service = unit(DEPLOY / "dongui.service")
    command = shlex.split(service["ExecStart"])
    assert command[0] == "/opt/dongui/bin/dongui"
    command[0] = str(Path(sys.executable).with_name("dongui"))
    env = environment() | unit_environment(service) | {"DONGUI_CONFIG": made.config}
    env |= {"DONGUI_PORT": str(made.port), "DONGUI_DESK_PORT": str(made.desk_port)}
    with (tmp_path / "log").open("wb") as log:
        child = subprocess.Popen(command, env=env, stdout=log, stderr=log, umask=int(service["UMask"], 8))
    try:
        assert becomes_ready(made.base, child), (tmp_path / "log").read_text()
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == 0
        assert serve._LAST_S < 5, "when it ends itself, however slow the disk is"
    finally:
        child.kill()
        child.wait()
        made.close()


def becomes_ready(base: str, child: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + 60
    while child.poll() is None and time.monotonic() < deadline:
        try:
            with urlopen(f"{base}/readyz") as answer:
                return bool(answer.status == 200)
        except URLError:
            time.sleep(0.05)
    return False


def test_the_unit_sets_only_known_settings_and_may_write_to_its_folder_alone() -> None:
    service = unit(DEPLOY / "dongui.service")
    assert set(unit_environment(service)) <= SETTINGS
    assert service["ProtectSystem"] == "strict"
    assert service["StateDirectory"] == "dongui"
    assert "ReadWritePaths" not in service
    assert unit_environment(service)["DONGUI_CONFIG"] == f"/var/lib/{service['StateDirectory']}/dongui.toml"


@pytest.mark.parametrize(
    "key",
    ["NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictNamespaces", "MemoryDenyWriteExecute"],
)
def test_the_unit_is_fenced_in(key: str) -> None:
    assert unit(DEPLOY / "dongui.service")[key] == "yes"


def test_the_unit_needs_no_privilege() -> None:
    service = unit(DEPLOY / "dongui.service")
    assert service["CapabilityBoundingSet"] == ""
    assert service["User"] == "dongui"


# --- the proxies -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["nginx", "nginx behind a balancer", "haproxy"])
def fronted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fronted]:
    """A collector behind the example configuration, with the number of proxies that its comment names."""
    folder, port = tmp_path_factory.mktemp("proxy"), free_port()
    behind = request.param == "nginx behind a balancer"
    installation = installed(tmp_path_factory.mktemp("fronted") / "site", proxies=2 if behind else 1).start()
    if request.param == "haproxy":
        command = [tool("haproxy"), "-f", str(haproxy_file(folder, port=port, upstream=installation.port))]
    else:
        config = nginx_files(folder, port=port, upstream=installation.port, behind_balancer=behind)
        command = [tool("nginx"), "-e", "stderr", "-p", str(folder), "-c", str(config)]
    with proxy(command, port, folder / "proxy.log"):
        yield Fronted(installation, folder, port, behind)
    installation.close()


class Fronted:
    def __init__(self, installation: Installation, folder: Path, port: int, behind: bool) -> None:
        self.installation, self.folder, self.port = installation, folder, port
        # What a balancer would have added on the right; alone, it is a client's forgery.
        self.claim = "X-Forwarded-For: 203.0.113.9, 198.51.100.7"
        self.address = "198.51.100.7" if behind else "127.0.0.7"

    def post(self, path: str, body: dict[str, Any]) -> bytes:
        headers = [
            f"Origin: {ORIGIN}",
            "Content-Type: application/json",
            "User-Agent: Mozilla/5.0 Firefox/140.0",
            self.claim,
        ]
        return request(self.port, "POST", path, json.dumps(body).encode(), headers=headers)

    def written(self) -> str:
        """Everything that the proxy has written anywhere, its own configuration aside."""
        own = {"nginx.conf", "dongui.conf", "haproxy.cfg", "collect.example.pem"}
        return "\n".join(
            p.read_text(errors="replace") for p in self.folder.rglob("*") if p.is_file() and p.name not in own
        )


def test_the_collector_sees_the_visitor_and_the_log_does_not(fronted: Fronted) -> None:
    site, notice = fronted.installation.site, fronted.installation.notice()
    consent = {
        "site": site,
        "notice": notice,
        "granted": ["statistics"],
        "refused": [],
        "method": "banner",
        "lang": "ko",
    }
    visitor = json.loads(fronted.post("/v1/consents", consent).partition(b"\r\n\r\n")[2])["visitor"]
    batch = {"site": site, "visitor": visitor, "events": [event()]}
    assert b" 202 " in fronted.post("/v1/events?secret=query", batch)[:20]
    (row,) = fronted.installation.me(visitor)["events"]
    assert row["ip_address"] == fronted.address
    log = eventually_logged(fronted)
    assert "127.0.0.0" in log
    for secret in ("127.0.0.7", "198.51.100.7", "203.0.113.9", "secret=query", visitor, "Firefox"):
        assert secret not in log


def eventually_logged(fronted: Fronted) -> str:
    """What was written once the last request is in it; proxies log after they have answered."""
    deadline = time.monotonic() + 60
    while "/v1/events" not in (log := fronted.written()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "/v1/events" in log
    return log


def test_the_proxy_refuses_what_is_too_large_and_hides_the_metrics(fronted: Fronted) -> None:
    answer = request(fronted.port, "POST", "/v1/events", b"x" * 20_000, announced=70_000)
    assert b" 413 " in answer[:20]
    for spelt in ("/metrics", "/%6detrics", "/%6D%65trics", "/metric%73", "/metrics?a=1", "/%6detrics?a=1"):
        assert b" 404 " in request(fronted.port, "GET", spelt)[:20], spelt
        assert b"dongui_requests" not in request(fronted.port, "GET", spelt)
    for beside in ("//metrics", "/./metrics", "/x/../metrics", "/metrics/", "/%2fmetrics", "/metrics%00"):
        assert b"dongui_requests" not in request(fronted.port, "GET", beside), beside
    assert b" 200 " in request(fronted.port, "GET", "/readyz")[:20]


@pytest.mark.parametrize("behind_balancer", [False, True], ids=["alone", "behind a balancer"])
def test_nginx_accepts_its_configuration(tmp_path: Path, behind_balancer: bool) -> None:
    config = nginx_files(tmp_path, port=free_port(), upstream=8787, behind_balancer=behind_balancer)
    done = subprocess.run(
        [tool("nginx"), "-t", "-e", "stderr", "-p", str(tmp_path), "-c", str(config)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr


def test_haproxy_accepts_its_configuration(tmp_path: Path) -> None:
    config = haproxy_file(tmp_path, port=free_port(), upstream=8787)
    done = subprocess.run([tool("haproxy"), "-c", "-f", str(config)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "WARNING" not in done.stdout + done.stderr


def test_the_proxies_say_the_count_that_the_unit_and_compose_set() -> None:
    compose = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]["dongui"]["environment"]
    assert (
        compose["DONGUI_TRUSTED_PROXIES"]
        == unit_environment(unit(DEPLOY / "dongui.service"))["DONGUI_TRUSTED_PROXIES"]
        == "1"
    )
    for name in ("nginx.conf", "haproxy.cfg"):
        assert "trusted_proxies = 1" in (DEPLOY / name).read_text(encoding="utf-8")


def test_a_new_installation_trusts_no_proxy(tmp_path: Path) -> None:
    made = Installation(tmp_path / "site")
    made.close()
    assert "DONGUI_TRUSTED_PROXIES" not in os.environ
    assert load_settings(Path(made.config)).trusted_proxies == 0


def test_the_image_can_make_its_installation_on_its_two_volumes(image: list[Any], tmp_path: Path) -> None:
    """``dongui init`` in the image: settings and data on one volume, keys on another that exists and is empty."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "keys").mkdir()
    variables = dict(word.split("=", 1) for word in of(image, "ENV", 1)[0].split() if word.startswith("DONGUI_"))
    moved = [("/var/lib/dongui-keys", tmp_path / "keys"), ("/var/lib/dongui", tmp_path / "lib")]
    for name, value in variables.items():
        for inside, outside in moved:
            value = re.sub(f"^{inside}(?=/|$)", str(outside), value)
        variables[name] = value
    assert variables["DONGUI_CONFIG"] == str(tmp_path / "lib" / "dongui.toml")
    command = [sys.executable, "-m", "dongui_collector", "init", str(tmp_path / "lib"), "--json"]
    done = subprocess.run(command, env=environment() | variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "keys" / "keys.db").exists()
    assert not (tmp_path / "lib" / "keys" / "keys.db").exists()
