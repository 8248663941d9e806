"""``dongui policy`` from the outside: output, JSON and exit codes, without an installation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from dongui.policy import render
from dongui_collector.cli import cli
from policies import FIRST, MENDED, edited, somoon


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["policy", *map(str, arguments)])


def run_json(*arguments: object) -> tuple[int, dict[str, Any]]:
    result = run(*arguments, "--json")
    return result.exit_code, json.loads(result.stdout)


@pytest.fixture
def unlawful(tmp_path: Path) -> Path:
    file = tmp_path / "unlawful.toml"
    file.write_text(edited(('lifetime = "P400D"', 'lifetime = "P401D"')), "utf-8")
    return file


def test_check_of_a_good_file(tmp_path: Path) -> None:
    coming = tmp_path / "coming.toml"
    coming.write_text(edited(("effective = 2023-04-28", "effective = 2199-01-01")), "utf-8")
    assert run("check", coming).exit_code == 0
    code, report = run_json("check", coming, "--strict")
    assert (code, report["ok"], report["findings"]) == (0, True, [])


def test_check_warns_of_a_date_that_has_passed() -> None:
    """SA: the seed is of 2023; what is published now holds from today at the earliest."""
    code, report = run_json("check", MENDED)
    assert (code, [(f["level"], f["key"]) for f in report["findings"]]) == (0, [("warning", "notice.effective")])


def test_check_warns_and_strict_counts_warnings() -> None:
    result = run("check", FIRST)
    assert result.exit_code == 0
    assert "warning: records.abuse:" in result.stdout
    assert "0 errors, 8 warnings" in result.stdout
    code, report = run_json("check", FIRST, "--strict")
    assert code == 1
    assert (report["errors"], report["warnings"]) == (0, 8)
    assert all(finding["remedy"] for finding in report["findings"])


@pytest.mark.parametrize(
    "arguments", [("check", MENDED), ("render", MENDED), ("diff", FIRST, MENDED)], ids=lambda arguments: arguments[0]
)
def test_a_config_is_accepted_and_not_read(arguments: tuple[object, ...], tmp_path: Path) -> None:
    plain, configured = run(*arguments), run(*arguments, "--config", tmp_path / "absent.toml")
    assert (plain.exit_code, configured.exit_code) == (0, 0)
    assert configured.output == plain.output
    assert "--config" not in run(arguments[0], "--help").output


def test_check_finds_errors(unlawful: Path, tmp_path: Path) -> None:
    assert run("check", unlawful).exit_code == 1
    code, report = run_json("check", unlawful)
    assert (code, report["findings"][0]["key"]) == (1, "cookies[1].lifetime")
    broken = tmp_path / "broken.toml"
    broken.write_text("schema = ")
    result = run("check", broken)
    assert (result.exit_code, "is not TOML" in result.stdout) == (1, True)


@pytest.mark.parametrize("command", ["check", "render", "diff", "publish"])
def test_an_absent_file_is_a_usage_error(command: str, tmp_path: Path) -> None:
    files = [tmp_path / "absent.toml"] * (2 if command == "diff" else 1)
    assert run(command, *files).exit_code == 2


def test_render(tmp_path: Path) -> None:
    assert run("render", MENDED).stdout == render(somoon(), "ko")
    assert run("render", MENDED, "--lang", "en", "--format", "markdown").stdout.startswith("# Privacy Policy")
    page = tmp_path / "page.html"
    assert run("render", MENDED, "--lang", "en", "-o", page).stdout == ""
    assert page.read_text("utf-8") == render(somoon(), "en")
    assert "시행 (2023-04-28)" in run("render", MENDED, "--earlier", FIRST).stdout
    code, shown = run_json("render", MENDED, "--lang", "en")
    assert (code, shown["lang"], shown["text"]) == (0, "en", render(somoon(), "en"))
    assert run("render", MENDED, "--lang", "fr").exit_code == 2


def test_a_file_that_does_not_load_cannot_be_rendered_or_compared(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("schema = 1")
    for arguments in (("render", file), ("diff", MENDED, file)):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "mine.toml: officer: is missing" in result.stderr


def test_diff(tmp_path: Path) -> None:
    wider = tmp_path / "wider.toml"
    wider.write_text(edited(('["cookie", "service_usage"]', '["cookie", "service_usage", "ip_address"]')), "utf-8")
    code, found = run_json("diff", MENDED, wider)
    assert (code, found["needs_consent"], found["purposes"]) == (0, True, ["personalisation"])
    assert [change["key"] for change in found["changes"]] == ["purposes.personalisation.items"]
    assert "asked again, for: personalisation" in run("diff", MENDED, wider).stdout
    assert "not asked again" in run("diff", wider, MENDED).stdout


def test_an_unlawful_policy_is_not_published(unlawful: Path, tmp_path: Path) -> None:
    """The check stands before the installation is even looked for."""
    result = run("publish", unlawful, "--config", tmp_path / "none.toml")
    assert result.exit_code == 1
    assert "cookies[1].lifetime" in result.stdout
