"""``dongui init``: everything or nothing, and exactly what it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dongui.policy import all_presets, load
from dongui_collector.cli import cli
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime.composition import open_core

from tests.collector import starting_text, written_policy

SITE = ["--origin", "https://shop.example.com", "--name", "shop"]


def dongui(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"DONGUI_CONFIG": None, **environment}).invoke(cli, arguments)


def test_json_says_exactly_four_things(tmp_path: Path) -> None:
    result = dongui("init", str(tmp_path / "d"), *SITE, "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert sorted(data) == ["config", "console_password", "secret_key", "site"]
    assert data["config"] == str(tmp_path / "d" / "dongui.toml")


def test_settings_are_flat_and_say_nothing_of_testing(tmp_path: Path) -> None:
    dongui("init", str(tmp_path / "d"), *SITE)
    text = (tmp_path / "d" / "dongui.toml").read_text()
    assert "testing" not in text
    assert text.endswith("\n")
    assert not any(isinstance(value, dict) for value in tomllib.loads(text).values())
    with (tmp_path / "d" / "dongui.toml").open("a") as file:
        file.write("testing = true\n")
    assert load_settings(tmp_path / "d" / "dongui.toml").testing


def test_what_is_secret_is_readable_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "d"
    dongui("init", str(folder), *SITE)
    modes = {p: (folder / p).stat().st_mode & 0o777 for p in (".", "data", "keys", "keys/master.key")}
    assert modes == {".": 0o700, "data": 0o700, "keys": 0o700, "keys/master.key": 0o600}


def test_the_time_zone_is_the_policys(tmp_path: Path) -> None:
    dongui("init", str(tmp_path / "first"), *SITE)
    policy = (tmp_path / "first" / "policy.toml").read_text()
    assert 'timezone = "Asia/Seoul"' in policy
    own = tmp_path / "own.toml"
    own.write_text(starting_text().replace("Asia/Seoul", "Pacific/Auckland"))
    result = dongui("init", str(tmp_path / "second"), "--policy", str(own), *SITE)
    assert result.exit_code == 0, result.output
    assert load_settings(tmp_path / "second" / "dongui.toml").timezone == "Pacific/Auckland"
    assert (tmp_path / "second" / "policy.toml").read_text() == own.read_text()


def test_the_site_the_account_and_the_approval_stand_and_the_policy_is_a_draft(tmp_path: Path) -> None:
    data = json.loads(dongui("init", str(tmp_path / "d"), *SITE, "--json").stdout)
    core = open_core(load_settings(Path(data["config"])), writable=False)
    try:
        [site] = core.registry.sites()
        assert (site.id, site.name, site.origins) == (data["site"], "shop", ("https://shop.example.com",))
        assert core.registry.notices(site.ref) == []
        assert core.storage.accounts.account("admin")
        assert core.retention.overview.status().standing_approval.by == "dongui init"
    finally:
        core.close()


def test_secrets_are_kept_nowhere_in_the_clear(tmp_path: Path) -> None:
    data = json.loads(dongui("init", str(tmp_path / "d"), *SITE, "--json").stdout)
    everything = b"".join(p.read_bytes() for p in (tmp_path / "d").rglob("*") if p.is_file())
    assert data["site"].encode() in everything
    assert data["secret_key"].encode() not in everything
    assert data["console_password"].encode() not in everything


@pytest.mark.parametrize("part", ["dongui.toml", "data", "keys"])
def test_an_installation_is_never_overwritten(tmp_path: Path, part: str) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / part).mkdir()
    result = dongui("init", str(tmp_path / "d"), *SITE)
    assert result.exit_code == 2
    assert f"already holds an installation ({part})" in result.stderr
    assert [p.name for p in (tmp_path / "d").iterdir()] == [part]


def test_a_policy_that_cannot_be_executed_leaves_nothing_behind(tmp_path: Path) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text("schema = 1\n")
    result = dongui("init", str(tmp_path / "deep" / "er"), "--policy", str(bad), *SITE)
    assert result.exit_code == 2
    assert result.stderr.startswith("dongui: ")
    assert not (tmp_path / "deep").exists()


def test_an_error_half_way_removes_what_was_made(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "note.txt").write_text("mine")
    result = dongui("init", str(tmp_path / "d"), "--origin", "not an origin", "--name", "shop")
    assert result.exit_code == 2
    assert "is not an origin" in result.stderr
    assert [p.name for p in (tmp_path / "d").iterdir()] == ["note.txt"]


def test_a_false_clock_is_refused_since_nothing_allows_it_yet(tmp_path: Path) -> None:
    result = dongui("init", str(tmp_path / "d"), *SITE, DONGUI_CLOCK="2025-03-10T00:00:00+09:00")
    assert result.exit_code == 2
    assert "testing = true" in result.stderr
    assert not (tmp_path / "d").exists()


def test_a_preset_adds_its_cookies(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    dongui("init", str(plain), *SITE)
    assert "_clck" not in (plain / "policy.toml").read_text()
    result = dongui("init", str(tmp_path / "d"), "--preset", "clarity", *SITE)
    assert result.exit_code == 0, result.output
    assert "_clck" in (tmp_path / "d" / "policy.toml").read_text()


def test_an_unknown_preset_is_named(tmp_path: Path) -> None:
    result = dongui("init", str(tmp_path / "d"), "--preset", "nosuch", *SITE)
    assert result.exit_code == 2
    assert "nosuch" in result.stderr
    assert "minimal" in result.stderr
    assert not (tmp_path / "d").exists()


def findings(folder: Path) -> list[str]:
    report = json.loads(dongui("policy", "check", str(folder / "policy.toml"), "--json").stdout)
    return [finding["key"] for finding in report["findings"] if finding["level"] == "error"]


def test_what_nobody_said_is_a_placeholder_and_is_not_published(tmp_path: Path) -> None:
    dongui("init", str(tmp_path / "d"), *SITE)
    config, draft = str(tmp_path / "d" / "dongui.toml"), str(tmp_path / "d" / "policy.toml")
    assert findings(tmp_path / "d") == ["controller.name", "controller.contact", "officer.contact"]
    refused = dongui("policy", "publish", draft, "--config", config)
    assert refused.exit_code == 1
    assert "is still a placeholder" in refused.stdout
    given = dongui("init", str(tmp_path / "e"), "--policy", draft, *SITE)
    assert given.exit_code == 2
    assert "placeholder" in given.stderr
    assert not (tmp_path / "e").exists()


def test_options_fill_in_the_draft_and_it_is_published_as_it_stands(tmp_path: Path) -> None:
    facts = ["--controller", "Shop Ltd.", "--contact", "help@shop.kr", "--language", "ko", "--country", "KR"]
    assert dongui("init", str(tmp_path / "d"), *facts, *SITE).exit_code == 0
    policy = load(tmp_path / "d" / "policy.toml")
    assert (policy.controller.name, policy.controller.contact) == ("Shop Ltd.", "help@shop.kr")
    assert policy.officer.contact == "help@shop.kr", "the officer's is the controller's, unless said"
    assert policy.notice.languages == ("ko",)
    assert policy.notice.service == {"ko": "shop"}
    config = str(tmp_path / "d" / "dongui.toml")
    done = dongui("policy", "publish", str(tmp_path / "d" / "policy.toml"), "--config", config, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["unsigned"] == [], "init approved the routine of the first policy"
    again = dongui("policy", "publish", str(tmp_path / "d" / "policy.toml"), "--config", config)
    assert "was published before with this text; nothing changed" in again.stdout
    assert "None" not in again.stdout


def test_a_given_policy_is_published_at_once(tmp_path: Path) -> None:
    own = written_policy(tmp_path / "own.toml")
    out = dongui("init", str(tmp_path / "d"), "--policy", str(own), *SITE).stdout
    assert "The policy is published" in out
    [site] = json.loads(dongui("sites", "list", "--config", str(tmp_path / "d" / "dongui.toml"), "--json").stdout)
    assert site["notice"]


@pytest.mark.parametrize("option", [["--preset", "ga4"], ["--controller", "X"], ["--language", "ko"]], ids=str)
def test_what_is_for_the_draft_does_not_go_with_a_policy(tmp_path: Path, option: list[str]) -> None:
    own = written_policy(tmp_path / "own.toml")
    result = dongui("init", str(tmp_path / "d"), "--policy", str(own), *option, *SITE)
    assert result.exit_code == 2
    assert option[0] in result.stderr


def test_the_presets_are_listed(tmp_path: Path) -> None:
    shown = dongui("init", "--help").stdout
    assert [name for name in ("minimal", *all_presets()) if name not in shown] == []


@pytest.mark.parametrize("officer", ["", "dpo@shop.kr"])
def test_on_a_terminal_it_asks_for_what_no_option_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, officer: str
) -> None:
    monkeypatch.setattr("dongui_collector.cli.init.on_terminal", lambda: True)
    answers = f"help@shop.kr\n{officer}\nko, en\n"
    arguments = ["init", str(tmp_path / "d"), "--controller", "Shop Ltd.", *SITE]
    result = CliRunner(env={"DONGUI_CONFIG": None}).invoke(cli, arguments, input=answers)
    assert result.exit_code == 0, result.output
    assert findings(tmp_path / "d") == []
    policy = load(tmp_path / "d" / "policy.toml")
    assert (policy.controller.name, policy.controller.contact) == ("Shop Ltd.", "help@shop.kr")
    assert policy.officer.contact == (officer or "help@shop.kr")


def test_without_a_terminal_it_never_waits_for_an_answer(tmp_path: Path) -> None:
    """Its standard input stays open and silent: whoever asked would wait for ever."""
    command = [sys.executable, "-m", "dongui_collector", "init", str(tmp_path / "d"), *SITE]
    silent, held = os.pipe()
    try:
        done = subprocess.run(command, stdin=silent, capture_output=True, text=True, timeout=120, check=False)
    finally:
        os.close(silent)
        os.close(held)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "d" / "policy.toml").exists()


def test_a_site_with_a_draft_alone(tmp_path: Path) -> None:
    """What reads the installation says what is to be done, and breaks at nothing."""
    dongui("init", str(tmp_path / "d"), *SITE)
    config = str(tmp_path / "d" / "dongui.toml")
    assert dongui("snippet", "--config", config).exit_code == 0
    assert "policy publish" in dongui("snippet", "--stub", "--config", config).stderr
    report = dongui("doctor", "--config", config)
    assert report.exit_code == 1
    assert "is a draft" in report.stdout
    for command in (
        ["retention", "plan"],
        ["retention", "run"],
        ["destruction", "list"],
        ["verify"],
        ["sites", "list"],
    ):
        done = dongui(*command, "--config", config)
        assert done.exit_code == 0, (command, done.output)


def test_the_text_says_what_to_do_next(tmp_path: Path) -> None:
    out = dongui("init", str(tmp_path / "d"), *SITE).stdout
    for word in ("site id", "secret key", "console password", "dongui serve --config", "dongui snippet"):
        assert word in out


def test_any_setting_may_be_appended(tmp_path: Path) -> None:
    """What init writes must not be in the way of a line that says otherwise: TOML refuses a key twice."""
    dongui("init", str(tmp_path / "d"), *SITE)
    config = tmp_path / "d" / "dongui.toml"
    with config.open("a") as file:
        file.write('host = "0.0.0.0"\nport = 9001\ndesk_port = 9002\ntrusted_proxies = 1\nrate_limit = 5\n')
    settings = load_settings(config)
    assert (settings.host, settings.port, settings.desk_port, settings.trusted_proxies) == ("0.0.0.0", 9001, 9002, 1)
