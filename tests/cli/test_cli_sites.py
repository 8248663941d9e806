"""``dongui sites``, ``dongui tokens``, ``dongui snippet``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]


def test_a_new_site_gets_its_own_id_and_secret(dongui: Run, installed: dict[str, str]) -> None:
    result = dongui("sites", "add", "blog", "--origin", "https://blog.example.com", "--json")
    assert result.exit_code == 0, result.output
    made = json.loads(result.stdout)
    assert sorted(made) == ["name", "origins", "secret_key", "site"]
    assert made["site"] != installed["site"]
    assert made["secret_key"] != installed["secret_key"]
    listed = json.loads(dongui("sites", "list", "--json").stdout)
    assert [site["name"] for site in listed] == ["shop", "blog"]
    assert listed[1]["notice"] == listed[0]["notice"]


def test_adding_a_known_site_adds_origins_and_shows_no_secret(dongui: Run, installed: dict[str, str]) -> None:
    result = dongui("sites", "add", "shop", "--origin", "https://www.example.com:443", "--json")
    made = json.loads(result.stdout)
    assert made == {
        "site": installed["site"],
        "name": "shop",
        "origins": ["https://shop.example.com", "https://www.example.com"],
    }


def test_a_site_may_bring_its_own_policy(dongui: Run, installed: dict[str, str], tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    text = Path(installed["config"]).with_name("policy.toml").read_text()
    own.write_text(
        "\n".join('version = "own"' if line.startswith("version = ") else line for line in text.splitlines())
    )
    dongui("sites", "add", "blog", "--origin", "https://blog.example.com", "--policy", str(own))
    assert [site["notice"] for site in json.loads(dongui("sites", "list", "--json").stdout)][1] == "own"


def test_a_known_site_takes_no_policy_this_way(dongui: Run, installed: dict[str, str]) -> None:
    policy = Path(installed["config"]).with_name("policy.toml")
    result = dongui("sites", "add", "shop", "--origin", "https://x.example.com", "--policy", str(policy))
    assert result.exit_code == 2
    assert "dongui policy publish" in result.stderr


def test_a_policy_in_another_encoding_is_named(dongui: Run, tmp_path: Path) -> None:
    (tmp_path / "p.toml").write_bytes("# 동의".encode("euc-kr"))
    result = dongui("sites", "add", "blog", "--origin", "https://x.example.com", "--policy", str(tmp_path / "p.toml"))
    assert result.exit_code == 2
    assert "UTF-8" in result.stderr


@pytest.mark.parametrize(
    "origin", ["https://[", "https://℀.com", f"https://{'가' * 70}.com", "https://a..가", "https://*.x.com"]
)
def test_what_no_browser_sends_is_refused_in_a_line(dongui: Run, origin: str) -> None:
    result = dongui("sites", "add", "blog", "--origin", origin)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert len(json.loads(dongui("sites", "list", "--json").stdout)) == 1


@pytest.mark.parametrize("url", ["http://[", "https://", "https://℀.com/", "ftp://x"])
def test_an_address_that_is_none_is_not_visited(dongui: Run, url: str) -> None:
    result = dongui("scan", url)
    assert result.exit_code == 2
    assert "https:// or http://" in result.stderr


def test_an_origin_with_a_path_is_refused_with_the_remedy(dongui: Run) -> None:
    result = dongui("sites", "add", "blog", "--origin", "https://blog.example.com/page")
    assert result.exit_code == 2
    assert "https://shop.example.com" in result.stderr
    assert len(json.loads(dongui("sites", "list", "--json").stdout)) == 1


def test_a_token_is_bound_shown_once_and_revocable(dongui: Run, installed: dict[str, str]) -> None:
    made = json.loads(dongui("tokens", "create", "--purpose", "statistics", "--note", "reports", "--json").stdout)
    assert made["site"] == installed["site"]
    assert made["purposes"] == ["statistics"]
    assert made["role"] == "consumer"
    listed = dongui("tokens", "list", "--json").stdout
    assert made["token"] not in listed
    assert json.loads(listed)[0]["id"] == made["id"]
    assert dongui("tokens", "revoke", made["id"]).exit_code == 0
    assert json.loads(dongui("tokens", "list", "--json").stdout)[0]["revoked_at"] is not None
    again = dongui("tokens", "revoke", made["id"])
    assert again.exit_code == 2
    assert "no live token" in again.stderr


def test_a_token_for_what_nobody_is_asked_is_refused(dongui: Run) -> None:
    result = dongui("tokens", "create", "--purpose", "service")
    assert result.exit_code == 2
    assert "'service'" in result.stderr


def test_where_there_are_several_sites_one_must_be_named(dongui: Run) -> None:
    dongui("sites", "add", "blog", "--origin", "https://blog.example.com")
    result = dongui("tokens", "create", "--purpose", "statistics")
    assert result.exit_code == 2
    assert "shop, blog" in result.stderr
    assert dongui("tokens", "create", "--purpose", "statistics", "--site", "blog").exit_code == 0


def test_the_snippet_names_the_site_and_no_secret(dongui: Run, installed: dict[str, str]) -> None:
    out = dongui("snippet").stdout
    assert f'<script async src="/_dongui/v1/dongui.js" data-site="{installed["site"]}"></script>' in out
    assert "dgs_" not in out
    direct = json.loads(dongui("snippet", "--collector", "https://collect.example/", "--json").stdout)
    assert direct["tag"].startswith('<script async src="https://collect.example/v1/dongui.js"')


def test_googles_options_are_explicit_and_the_doubtful_ones_are_warned_of(
    dongui: Run, installed: dict[str, str]
) -> None:
    """W2."""
    plain = dongui("snippet", "--stub")
    assert "Warning" not in plain.stderr
    assert "wait_for_update" not in plain.stdout
    asked = ["--url-passthrough", "--ads-data-redaction", "--wait-for-update", "500", "--region", "KR"]
    told = dongui("snippet", "--stub", *asked)
    assert '"wait_for_update":500,"region":["KR"]' in told.stdout
    for name in ("url_passthrough", "ads_data_redaction", "region"):
        assert f"Warning: {name}:" in told.stderr
