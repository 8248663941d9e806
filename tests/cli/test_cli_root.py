"""The root: lazy modules, errors as one line and exit 2, --config at every level."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from dongui.errors import DonguiError
from dongui_collector.cli import cli
from dongui_collector.cli.common import CommandGroup, config_option, emit, json_option, settings_of
from dongui_collector.cli.root import COMMANDS, LazyRoot
from dongui_collector.core.errors import SettingsError


@pytest.fixture
def tool() -> click.Group:
    """A command line of the same classes as the real one, with commands that show what reached them."""
    root = LazyRoot(name="tool")
    group = CommandGroup("group")

    @group.command()
    @config_option
    @json_option
    def show(config: Path, as_json: bool) -> None:
        emit({"config": str(config)}, as_json)

    @group.command()
    def fail() -> None:
        raise DonguiError("the settings say nothing; add a line")

    @group.command()
    def miss() -> None:
        Path("/nonexistent/policy.toml").read_text()

    root.get_command = lambda ctx, name: group if name == "group" else None  # type: ignore[method-assign]
    return root


def test_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("dongui, version ")


def test_help_names_every_command_that_is_there_without_loading_it() -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from dongui_collector.cli import cli\n"
        "out = CliRunner().invoke(cli, ['--help']).output\n"
        "assert 'Make an installation' in out, out\n"
        "heavy = {'flask', 'granian', 'starlette', 'rich', 'sqlite_utils', 'cryptography'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_command_whose_module_is_missing_breaks_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "later", ("no_such_module", "later", "Not there yet."))
    runner = CliRunner()
    assert "later" not in runner.invoke(cli, ["--help"]).output
    assert runner.invoke(cli, ["later"]).exit_code == 2
    assert runner.invoke(cli, ["--version"]).exit_code == 0


def test_an_error_is_one_line_and_exit_2(tool: click.Group) -> None:
    result = CliRunner().invoke(tool, ["group", "fail"])
    assert result.exit_code == 2
    assert result.stderr == "dongui: the settings say nothing; add a line\n"
    assert result.stdout == ""


def test_a_missing_file_is_named_not_traced(tool: click.Group) -> None:
    result = CliRunner().invoke(tool, ["group", "miss"])
    assert result.exit_code == 2
    assert result.stderr == "dongui: /nonexistent/policy.toml: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--config", "a.toml", "group", "show"],
        ["group", "--config", "a.toml", "show"],
        ["group", "show", "--config", "a.toml"],
        ["group", "--config", "b.toml", "show", "--config", "a.toml"],
    ],
    ids=["at the root", "at the group", "at the end", "the innermost wins"],
)
def test_config_may_stand_anywhere(tool: click.Group, arguments: list[str]) -> None:
    result = CliRunner().invoke(tool, arguments, env={"DONGUI_CONFIG": "from-environment.toml"})
    assert result.output == "config: a.toml\n"


def test_config_comes_from_the_environment_then_the_folder(tool: click.Group) -> None:
    runner = CliRunner()
    assert runner.invoke(tool, ["group", "show"], env={"DONGUI_CONFIG": "e.toml"}).output == "config: e.toml\n"
    assert runner.invoke(tool, ["group", "show"], env={"DONGUI_CONFIG": None}).output == "config: dongui.toml\n"


def test_json_is_json_with_korean_in_it(tool: click.Group, capsys: pytest.CaptureFixture[str]) -> None:
    emit({"목적": ["통계"], "n": 1}, True)
    assert '"목적"' in capsys.readouterr().out


def test_a_table_in_a_pipe_is_whole_and_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    emit(
        [{"id": "x" * 150, "note": "[bold]not markup[/]"}, {"id": None, "note": [1, 2]}],
        False,
        ["id", ("note", "Note")],
    )
    out = capsys.readouterr().out
    assert "x" * 150 in out
    assert "[bold]not markup[/]" in out
    assert "1, 2" in out


def test_a_false_clock_stops_every_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "dongui.toml"
    config.write_text('timezone = "Asia/Seoul"\n')
    monkeypatch.setenv("DONGUI_CLOCK", "2026-03-10T23:59:50+09:00")
    with pytest.raises(SettingsError, match="testing = true"):
        settings_of(config)
    config.write_text("testing = true\n")
    assert settings_of(config).testing


@pytest.mark.parametrize("arguments", [["policy", "check", "--help"], ["init", "--help"], ["export", "--help"]])
def test_a_command_loads_no_web_framework(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from click.testing import CliRunner\n"
        "from dongui_collector.cli import cli\n"
        f"assert CliRunner().invoke(cli, {arguments!r}).exit_code == 0\n"
        "heavy = {'flask', 'granian', 'starlette', 'playwright'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
