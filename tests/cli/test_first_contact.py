"""The README from its first command to the first recorded event, and what a site with only a draft answers before."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.runtime.composition import open_core

from tests.collector import ORIGIN, event
from tests.shell import Shell, first_event

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")


def commands() -> list[str]:
    """The commands of "Use it on your own site", in their order, one a line."""
    part = README.split("## Use it on your own site", 1)[1].split("\n## ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", part, re.S)
    return [line for block in blocks for line in block.splitlines() if line]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    with closing(made.http):
        yield made


def test_the_readme_runs_from_top_to_bottom(shell: Shell) -> None:
    install, init, *published, serve, check = commands()
    assert install == "pip install '.[collector]'"  # tests/packages/test_installed.py installs it
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
