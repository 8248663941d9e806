"""retention, destruction, holds, export, verify, backup and restore on the command line."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.clock import today
from tests.collector import Installation, event

TODAY = today()
DAYS = ("--from", str(TODAY - timedelta(days=1)), "--to", str(TODAY + timedelta(days=1)))
LONG_AGO = "2025-03-10T12:00:00+09:00"
NOON = 1_741_575_600_000  # the same instant in epoch ms
YEAR_OVER = "2026-03-11T00:00:00+09:00"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that holds three rows of two visitors; not running."""
    one = Installation(tmp_path_factory.mktemp("cli") / "d", testing=True)
    with closing(one):
        one.start()
        for granted in (["statistics"], ["statistics", "marketing"]):
            visitor = one.consent(granted)["visitor"]
            one.send(visitor, event(name="=cmd()", url="https://shop.example.com/?gclid=abc"))
        one.send(visitor, event(name="buy"))
        one.stop()
        yield one


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


# --- export ----------------------------------------------------------------------------------------------------------


def test_export_prints_ndjson(full: Installation) -> None:
    rows = lines(full.run("export", "events", "--purpose", "statistics", *DAYS).stdout)
    assert [row["name"] for row in rows] == ["=cmd()", "=cmd()", "buy"]
    assert all(row["advertising_ids"] is None for row in rows)
    assert all(row["purposes"] == ["statistics"] for row in rows)
    both = lines(full.run("export", "events", "--purpose", "statistics", "--purpose", "marketing", *DAYS).stdout)
    assert [row["advertising_ids"] for row in both] == [None, {"gclid": "abc"}, None]
    assert {row["visitor"] for row in both} == {row["visitor"] for row in rows}


def test_export_writes_csv_to_a_file_of_ones_own(full: Installation, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    done = full.run("export", "events", "--purpose", "statistics", *DAYS, "--format", "csv", "-o", str(out))
    assert done.stdout == ""
    rows = list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))
    assert [row["name"] for row in rows] == ["'=cmd()", "'=cmd()", "buy"]
    assert out.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--purpose", "nothing", *DAYS), "no consent purpose"),
        (("--purpose", "statistics", *DAYS, "--recipient", "Somebody"), "no processor or recipient"),
        (("--purpose", "marketing", *DAYS, "--recipient", "Google LLC"), "does not give Google LLC anything"),
        (("--purpose", "statistics", "--from", "2026-02-30", "--to", "2026-03-01"), "--from"),
        (("--purpose", "statistics", "--from", "2026-03-02", "--to", "2026-03-01"), "--to"),
        (DAYS, "--purpose"),
    ],
)
def test_what_may_not_be_exported_is_usage(full: Installation, arguments: tuple[str, ...], says: str) -> None:
    done = full.run("export", "events", *arguments, code=2)
    assert says in done.stderr
    assert done.stdout == ""


def test_every_export_is_on_the_ledger(full: Installation, tmp_path: Path) -> None:
    full.run("export", "events", "--purpose", "marketing", *DAYS, "--recipient", "Meta Platforms, Inc.")
    full.run("verify", "--evidence", str(tmp_path / "evidence.zip"))
    with zipfile.ZipFile(tmp_path / "evidence.zip") as bundle:
        chain = [json.loads(line) for line in bundle.read("chain.ndjson").splitlines()]
    assert [one["kind"] for one in chain if one["kind"] != "sealed"][-1] in ("audit", "disclosure")


# --- verify ----------------------------------------------------------------------------------------------------------


def test_verify_says_what_it_checked_and_where_it_is_broken(full: Installation) -> None:
    done = json.loads(full.run("verify", "--json").stdout)
    assert (done["ok"], done["findings"], done["checked"]["rows"]) == (True, [], 3)
    assert "everything holds" in full.run("verify").stdout
    stray = full.folder / "data" / "events" / "2020-01-01.db"
    stray.write_bytes(b"x" * 5000)
    try:
        broken = full.run("verify", code=1)
        assert "day 2020-01-01: it cannot be read" in broken.stdout
        assert json.loads(full.run("verify", "--json", code=1).stdout)["ok"] is False
    finally:
        stray.unlink()


# --- ageing out ------------------------------------------------------------------------------------------------------


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Installation]:
    """An installation with a row of 2025-03-10 and no standing approval."""
    one = Installation(tmp_path / "d", testing=True)
    with closing(one):
        one.start(clock=LONG_AGO)
        visitor = one.consent(["statistics"])["visitor"]
        recorded = one.send(visitor, event(at=NOON, url="https://shop.example.com/sentinel")).json()
        assert recorded == {"recorded": 1, "refused": {}}
        one.stop()
        yield one


def at(one: Installation, *arguments: str, **more: Any) -> Any:
    return json.loads(one.run(*arguments, "--json", clock=YEAR_OVER, **more).stdout)


def test_plan_run_approve_show(old: Installation) -> None:
    assert b"sentinel" in old.bytes()
    old.run("destruction", "revoke", "--by", "김 책임자", clock=LONG_AGO)
    plan = at(old, "retention", "plan")
    assert plan["standing_approval"] is None
    assert [p["what"] for p in plan["due"]] == [{"kind": "day", "day": "2025-03-10"}]
    outcome = at(old, "retention", "run")
    assert (outcome["selected"], outcome["destroyed"], outcome["waiting"]) == (1, 0, 1)
    (waiting,) = at(old, "destruction", "list")
    assert waiting["state"] == "selected"
    assert "waiting for approval: 1" in old.run("retention", "run", clock=YEAR_OVER).stdout
    old.run("destruction", "approve", code=2, clock=YEAR_OVER)
    old.run("destruction", "approve", "99", code=2, clock=YEAR_OVER)
    done = at(old, "destruction", "approve", str(waiting["id"]), "--by", "김 책임자")
    assert [d["state"] for d in done["approved"]] == ["done"]
    shown = at(old, "destruction", "show", str(waiting["id"]))
    assert (shown["approved_by"], shown["certificate"]["rows"]) == ("김 책임자", 1)
    assert at(old, "destruction", "list", "--state", "selected") == []
    assert b"sentinel" not in old.bytes()
    assert at(old, "verify")["ok"]
    old.run("destruction", "show", "99", code=2, clock=YEAR_OVER)


def test_holds(old: Installation) -> None:
    hold = at(
        old,
        "holds",
        "add",
        "--ground",
        "investigation",
        "--reason",
        "수사",
        "--class",
        "access_log",
        "--statute",
        "형사소송법 제199조",
    )
    assert "수사" in old.run("holds", "list", clock=YEAR_OVER).stdout
    assert at(old, "retention", "run")["destroyed"] == 0
    assert at(old, "retention", "plan")["days"][0]["holds"] == [hold["id"]]
    released = at(old, "holds", "release", str(hold["id"]))
    assert released["destroyed"] == 1
    assert at(old, "holds", "list") == []
    assert [h["id"] for h in at(old, "holds", "list", "--all")] == [hold["id"]]
    old.run("holds", "release", "7", code=2, clock=YEAR_OVER)
    old.run("holds", "add", code=2, clock=YEAR_OVER)
    old.run("holds", "add", "--reason", "x", "--from", "yesterday", code=2, clock=YEAR_OVER)


# --- backup and restore ----------------------------------------------------------------------------------------------


def test_a_backup_beside_a_running_serve_and_its_restore(tmp_path: Path) -> None:
    one = Installation(tmp_path / "d")
    try:
        one.start()
        stays, leaves = (one.consent(["statistics"])["visitor"] for _ in range(2))
        for visitor, name in ((stays, "stays"), (leaves, "leaves")):
            one.send(visitor, event(url=f"https://shop.example.com/{name}"))
        file = tmp_path / "backup"
        made = json.loads(one.run("backup", str(file), "--json").stdout)
        assert made["bytes"] == file.stat().st_size
        for one_file in (file, tmp_path / "backup.journal"):
            assert one_file.stat().st_mode & 0o077 == 0
        assert sorted(p.name for p in tmp_path.iterdir()) == ["backup", "backup.journal", "d", "d.policy.toml"]
        assert one.http.delete("/v1/me", headers={"authorization": f"Bearer {leaves}"}).status_code == 200
        assert "in use by process" in one.run("restore", str(file), "--replace", code=2).stderr
        one.stop()
        assert "--replace" in one.run("restore", str(file), code=2).stderr
        outcome = json.loads(one.run("restore", str(file), "--replace", "--json").stdout)
        assert outcome["erasures"] == 1
        assert b"leaves" not in one.bytes()
        assert json.loads(one.run("verify", "--json").stdout)["ok"]
        one.start()
        assert [r["url"] for r in one.me(stays)["events"]] == ["https://shop.example.com/stays"]
        gone = one.http.get("/v1/me", headers={"authorization": f"Bearer {leaves}"})
        assert gone.status_code == 404
    finally:
        one.close()
