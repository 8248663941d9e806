"""``dongui accounts``, ``tokens`` and ``audit`` from the command line (S7.2, K12)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.collector import Installation


@pytest.fixture
def installed(tmp_path: Path) -> Installation:
    return Installation(tmp_path / "d", testing=True)


def said(installed: Installation, *arguments: str, **more: Any) -> Any:
    return json.loads(installed.run(*arguments, "--json", **more).stdout)


def test_accounts_are_made_changed_and_removed(installed: Installation) -> None:
    made = said(installed, "accounts", "add", "kim", "--role", "analyst")
    assert len(made["password"]) > 20
    assert "already" in installed.run("accounts", "add", "kim", "--role", "officer", code=2).stderr
    installed.run("accounts", "role", "kim", "officer")
    installed.run("accounts", "disable", "kim", code=2)  # the only officer
    installed.run("accounts", "add", "park", "--role", "officer")
    installed.run("accounts", "disable", "kim")
    shown = {row["name"]: row for row in said(installed, "accounts", "list")}
    assert (shown["kim"]["role"], shown["kim"]["disabled"], shown["admin"]["role"]) == ("officer", True, "admin")
    assert "argon2" not in json.dumps(shown)
    installed.run("accounts", "enable", "kim")
    assert said(installed, "accounts", "reset", "kim")["password"] != made["password"]
    installed.run("accounts", "remove", "kim")
    assert {row["name"] for row in said(installed, "accounts", "list")} == {"admin", "park"}
    assert "there is no account" in installed.run("accounts", "remove", "kim", code=2).stderr
    assert "last account" in installed.run("accounts", "remove", "admin", code=2).stderr


def test_a_token_says_until_when(installed: Installation) -> None:
    said(installed, "tokens", "create", "--purpose", "statistics", "--expires", "2099-01-31")
    said(installed, "tokens", "create", "--purpose", "statistics", "--expires", "never")
    table = installed.run("tokens", "list").stdout
    assert "2099-01-31" in table
    assert (
        "neither a period"
        in installed.run("tokens", "create", "--purpose", "statistics", "--expires", "soon", code=2).stderr
    )


def test_k12_the_log_is_listed_and_a_month_reviewed(installed: Installation) -> None:
    installed.run(
        "export", "events", "--purpose", "statistics", "--from", "2026-01-01", "--to", "2026-01-02",
        "-o", str(installed.folder / "out.ndjson"), clock="2026-03-02T03:00:00+09:00",
    )  # fmt: skip
    later = {"clock": "2026-04-05T12:00:00+09:00"}
    [entry] = said(installed, "audit", "list", "--from", "2026-03-01", "--to", "2026-03-31", **later)
    assert entry["action"] == "export"
    assert said(installed, "audit", "list", "--from", "2026-03-01", "--by", "nobody", **later) == []
    open_ = json.loads(installed.run("audit", "review", "--json", code=1, **later).stdout)
    assert (open_["month"], open_["entries"], open_["reviewed_by"]) == ("2026-03", 1, None)
    assert [e["seq"] for e in open_["unusual"]] == [entry["seq"]]
    doctor = installed.run("doctor", code=None, **later).stdout
    assert "nobody has reviewed the access log of 2026-03" in doctor
    installed.run("audit", "review", "--sign", "--note", "quiet", **later)
    assert json.loads(installed.run("audit", "review", "--json", **later).stdout)["reviewed_by"] == entry["by"]
    assert "no month" in installed.run("audit", "review", "--month", "2026-3", code=2, **later).stderr
