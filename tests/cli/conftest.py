"""An installation to run commands on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dongui_collector.cli import cli

from tests.collector import written_policy

Run = Callable[..., Result]


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What ``dongui init --json`` printed for an installation that is copied for each test."""
    folder = tmp_path_factory.mktemp("template") / "d"
    own = written_policy(tmp_path_factory.mktemp("policy") / "policy.toml")
    arguments = ["init", str(folder), "--origin", "https://shop.example.com", "--name", "shop", "--json"]
    arguments += ["--policy", str(own)]
    result = CliRunner(env={"DONGUI_CONFIG": None}).invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    data: dict[str, str] = json.loads(result.stdout)
    return data


@pytest.fixture
def installed(template: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """A fresh installation with one site, "shop"."""
    shutil.copytree(Path(template["config"]).parent, tmp_path / "d")
    return {**template, "config": str(tmp_path / "d" / "dongui.toml")}


@pytest.fixture
def dongui(installed: dict[str, str]) -> Run:
    """Runs a command on that installation."""

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner(env={"DONGUI_CONFIG": installed["config"]}).invoke(cli, arguments, **options)

    return run
