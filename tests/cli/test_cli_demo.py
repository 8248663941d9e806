"""``dongui demo``: what it says when something is missing, and how a failed observation ends."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dongui.version import how_to_install
from dongui_collector.cli import cli
from dongui_collector.core.errors import CollectorError
from dongui_collector.demo import journey
from dongui_collector.demo.journey import Observation
from dongui_collector.demo.stage import Stage

from tests.ports import free_port


def demo(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["demo", *arguments])


def port_base() -> int:
    """The first of three ports in a row that nobody else takes: a demo looks for free ones, and so do others."""
    while True:
        first = free_port()
        if (free_port(), free_port()) == (first + 1, first + 2):
            return first


def test_without_chromium_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = demo("--check")
    assert result.exit_code == 2
    assert "apt install chromium" in result.stderr


def test_without_playwright_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    result = demo("--check")
    assert result.exit_code == 2
    assert how_to_install("collector", "scan") in result.stderr


def test_a_taken_port_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = demo("--port-base", str(min(port, 65533)), "--folder", str(tmp_path / "d"))
    assert result.exit_code == 2
    assert "--port-base" in result.stderr
    assert not (tmp_path / "d").exists()


def test_a_collector_that_cannot_start_tells_its_own_reason(tmp_path: Path) -> None:
    with Stage(tmp_path / "d", port_base(), testing=False) as stage:
        stage.stop()
        with pytest.raises(CollectorError, match="testing = true"):
            stage.start(clock="2030-01-01T00:00:00Z")


def test_an_observation_that_is_not_as_it_must_be_is_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def seen(*_: Any) -> Iterator[Observation]:
        yield Observation("step", "cookies", "none", "none", True)
        yield Observation("step", "rows", "0", "17", False)

    monkeypatch.setattr(journey, "journey", seen)
    result = demo("--check", "--port-base", str(port_base()), "--folder", str(tmp_path / "d"))
    assert result.exit_code == 1
    assert "17   (must be: 0)" in result.stdout
    assert "2 observations, 1 of them" in result.stdout
    result = demo("--check", "--port-base", str(port_base()), "--folder", str(tmp_path / "e"), "--json")
    assert result.exit_code == 1
    assert [found["ok"] for found in json.loads(result.stdout)] == [True, False]
