"""An installation to run commands on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dongui_collector.cli import cli

Run = Callable[..., Result]


@pytest.fixture
def installed(tmp_path: Path) -> dict[str, str]:
    """What ``dongui init --json`` printed for a fresh installation with one site, "shop"."""
    arguments = ["init", str(tmp_path / "d"), "--origin", "https://shop.example.com", "--name", "shop", "--json"]
    result = CliRunner(env={"DONGUI_CONFIG": None}).invoke(cli, arguments)
    assert result.exit_code == 0, result.output
    data: dict[str, str] = json.loads(result.stdout)
    return data


@pytest.fixture
def dongui(installed: dict[str, str]) -> Run:
    """Runs a command on that installation."""

    def run(*arguments: str, **options: Any) -> Result:
        return CliRunner(env={"DONGUI_CONFIG": installed["config"]}).invoke(cli, arguments, **options)

    return run
