"""The README from its first command to the first recorded event, and what a site with only a draft answers before."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.runtime.composition import open_core

from tests.collector import CHROME, ORIGIN, environment, event
from tests.ports import free_port

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
PATIENCE_S = 60.0


def commands() -> list[str]:
    """The commands of "Use it on your own site", in their order, one a line."""
    part = README.split("## Use it on your own site", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", part, re.S)
    return [line for block in blocks for line in block.splitlines() if line]


class Shell:
    """An empty folder in which the README's commands are typed. Ports are free ones; nobody is at the terminal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.desk_port = free_port(), free_port()
        ports = {"DONGUI_PORT": str(self.port), "DONGUI_DESK_PORT": str(self.desk_port)}
        self.environment = environment() | ports | {"PYTHONUNBUFFERED": "1"}
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=60, headers={"user-agent": CHROME})

    def argv(self, line: str) -> list[str]:
        words = shlex.split(line)
        assert words[0] == "dongui", line
        return [sys.executable, "-m", "dongui_collector", *words[1:]]

    def run(self, line: str) -> str:
        done = subprocess.run(
            self.argv(line),
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextmanager
    def serving(self, line: str) -> Iterator[Path]:
        """Runs ``dongui serve`` until the end of the block; yields the file that it prints to."""
        printed = self.folder / "printed.txt"
        with printed.open("wb") as out:
            process = subprocess.Popen(
                self.argv(line), cwd=self.folder, env=self.environment, stdout=out, stderr=subprocess.DEVNULL
            )
        try:
            self._await(process)
            yield printed
        finally:
            process.kill()
            process.wait(PATIENCE_S)

    def _await(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            assert process.poll() is None, "serve ended"
            try:
                if self.http.get("/healthz").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)
        raise AssertionError("serve did not start")


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    with closing(made.http):
        yield made


def first_event(shell: Shell, site: str) -> None:
    """A visitor of the listed origin agrees, and one of their events is recorded."""
    notice = shell.http.get("/v1/notice", params={"site": site}).json()
    choice = {"site": site, "notice": notice["version"], "granted": ["statistics"], "refused": [], "method": "banner"}
    given = shell.http.post("/v1/consents", json={**choice, "lang": "en"}, headers={"origin": ORIGIN})
    assert given.status_code == 201, given.text
    body = {"site": site, "visitor": given.json()["visitor"], "events": [event()]}
    sent = shell.http.post("/v1/events", json=body, headers={"origin": ORIGIN})
    assert (sent.status_code, sent.json()["recorded"]) == (202, 1)


def test_the_readme_runs_from_top_to_bottom(shell: Shell) -> None:
    install, init, *published, serve, check = commands()
    assert install == "pip install '.[collector]'"  # tests/test_packaging.py installs it
    said = shell.run(init)
    site = re.search(r"site id +(\S+)", said)
    assert site is not None
    for line in published:
        shell.run(line)
    with shell.serving(serve) as printed:
        told = printed.read_text("utf-8")
        assert f"http://127.0.0.1:{shell.port}" in told
        assert f"http://127.0.0.1:{shell.desk_port}/console/" in told
        assert "waiting for the first visit" in told
        assert site[1] in shell.run("dongui snippet --config shop/dongui.toml")
        assert "dongui check-site URL" in told
        assert shlex.split(check)[:2] == ["dongui", "check-site"]
        first_event(shell, site[1])


def test_with_only_a_draft_the_door_answers_with_the_remedy_until_it_is_published(shell: Shell) -> None:
    _, init, *_, publish, serve, _ = commands()
    found = re.search(r"site id +(\S+)", shell.run(init))
    assert found is not None
    site = found[1]
    with shell.serving(serve) as printed:
        assert "the policy is a draft: dongui policy publish" in printed.read_text("utf-8")
        refused = [
            shell.http.get("/v1/notice", params={"site": site}),
            shell.http.get("/v1/notice"),
            shell.http.get("/v1/policy", params={"site": site}),
            shell.http.get("/policy"),
            shell.http.post("/v1/events", json={"site": site, "events": [event()]}, headers={"origin": ORIGIN}),
            shell.http.post(
                "/v1/consents",
                json={"site": site, "notice": "v1", "granted": [], "refused": [], "method": "banner", "lang": "en"},
                headers={"origin": ORIGIN},
            ),
        ]
        assert [answer.status_code for answer in refused] == [404] * len(refused)
        for answer in refused:
            assert answer.json()["type"] == "urn:dongui:problem:not-published"
            assert "dongui policy publish" in answer.json()["detail"]
        assert shell.http.get("/readyz").status_code == 200
        assert shell.http.get("/v1/dongui.js").status_code == 200
        shell.run(publish)
        first_event(shell, site)


def test_the_console_of_a_draft_says_what_to_do_and_never_fails(shell: Shell) -> None:
    _, init, *_ = commands()
    password = re.search(r"console password +(\S+)", shell.run(init))
    assert password is not None
    core = open_core(load_settings(shell.folder / "shop" / "dongui.toml"), writable=False)
    try:
        desk = create_desk(core)
        answers = []
        with desk.test_client() as browser:
            page = browser.get("/console/login").get_data(as_text=True)
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
            assert token is not None
            form = {"name": "admin", "password": password[1], "csrf_token": token[1]}
            assert browser.post("/console/login", data=form).status_code == 303
            for rule in desk.url_map.iter_rules():
                if "GET" in (rule.methods or ()) and not rule.arguments and rule.rule.startswith("/console"):
                    answer = browser.get(rule.rule)
                    answers.append((rule.rule, answer.status_code))
            told = browser.get("/console/cookies")
        assert [one for one in answers if one[1] >= 500] == []
        assert told.status_code == 200
        assert "dongui policy publish" in told.text
    finally:
        core.close()
