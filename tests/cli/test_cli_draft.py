"""Commands while the first site's policy is a draft: they go by the first site that has published one."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from dongui_collector.cli import cli
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.public import public_app

from tests.cli.conftest import Run
from tests.collector import CHROME, written_policy


@pytest.fixture
def draft(tmp_path: Path) -> Run:
    """Runs a command on an installation whose only site is a draft."""
    runner = CliRunner(env={"DONGUI_CONFIG": str(tmp_path / "d" / "dongui.toml")})
    made = runner.invoke(cli, ["init", str(tmp_path / "d"), "--name", "shop", "--origin", "https://shop.example.com"])
    assert made.exit_code == 0, made.output
    return lambda *arguments, **options: runner.invoke(cli, arguments, **options)


def versions(run: Run) -> dict[str, bool]:
    """Site → whether it has a notice."""
    return {site["name"]: bool(site["notice"]) for site in json.loads(run("sites", "list", "--json").stdout)}


def test_sites_are_added_beside_a_draft(draft: Run, tmp_path: Path) -> None:
    assert draft("sites", "add", "blog", "--origin", "https://blog.example.com").exit_code == 0
    assert versions(draft) == {"shop": False, "blog": False}
    own = written_policy(tmp_path / "own.toml")
    assert draft("sites", "add", "wiki", "--origin", "https://w.example.com", "--policy", str(own)).exit_code == 0
    assert draft("sites", "add", "chat", "--origin", "https://c.example.com").exit_code == 0
    assert versions(draft) == {"shop": False, "blog": False, "wiki": True, "chat": True}


def test_a_breach_is_planned_beside_a_draft(draft: Run, tmp_path: Path) -> None:
    own = written_policy(tmp_path / "own.toml")
    draft("sites", "add", "wiki", "--origin", "https://w.example.com", "--policy", str(own))
    page = tmp_path / "breach.html"
    days = ("--from", "2026-01-01", "--to", "2026-12-31")
    for more in ((), ("--page", str(page)), ("--site", "wiki")):
        result = draft("breach", "plan", *days, *more, "--json")
        assert result.exit_code == 0, result.output
        assert set(json.loads(result.stdout)["notice"]) == {"ko", "en"}
    assert page.read_text("utf-8")
    result = draft("breach", "plan", *days, "--site", "shop")
    assert result.exit_code == 2
    assert "dongui policy publish" in result.stderr


def test_the_policy_page_without_a_site_is_the_first_published_one(draft: Run, tmp_path: Path) -> None:
    own = written_policy(tmp_path / "own.toml")
    draft("sites", "add", "wiki", "--origin", "https://w.example.com", "--policy", str(own))
    core = open_core(load_settings(tmp_path / "d" / "dongui.toml"), writable=True)

    async def asked() -> list[httpx.Response]:
        door = httpx.ASGITransport(public_app(core))
        async with httpx.AsyncClient(transport=door, base_url="http://test", headers={"user-agent": CHROME}) as http:
            first = core.registry.sites()[0].id
            return [await http.get("/policy"), await http.get(f"/policy?site={first}"), await http.get("/v1/notice")]

    try:
        page, of_draft, unnamed = asyncio.run(asked())
    finally:
        core.close()
    assert page.status_code == 200
    assert of_draft.json()["type"] == "urn:dongui:problem:not-published"
    assert unnamed.json()["type"] == "urn:dongui:problem:unknown-site"
