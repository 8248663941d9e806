"""``dongui export --recipient``, ``disclosures``, ``transfer``, ``investigation`` on the command line."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core

Run = Callable[..., Result]
META = "Meta Platforms, Inc."


@pytest.fixture
def visited(installed: dict[str, str]) -> dict[str, Any]:
    """Two visitors with one row each, of whom one agreed to advertising."""
    core = open_core(load_settings(Path(installed["config"])), writable=True)
    try:
        now, today = core.clock.now(), core.clock.today(core.settings.zone)
        notice = core.registry.in_force(core.registry.sites()[0].ref, now)
        found: dict[str, Any] = {"today": today}
        for purpose in ("statistics", "marketing"):
            with core.storage.ledger.writing():
                visitor = core.ledger.choose(notice, None, Decision((purpose,), (), "api", "ko", {})).answer["visitor"]
            event = {"visitor": visitor, "name": "visit", "at": now, "url": "https://shop.example.com/?gclid=g"}
            perform(core, "events.import", {"lines": [json.dumps({**event, "id": str(uuid.uuid4())})]})
            found[purpose] = visitor
        return found
    finally:
        core.close()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def listed(dongui: Run) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dongui("disclosures", "list", "--json").stdout)
    return found


def test_s4_1_an_export_to_a_recipient_is_in_the_ledger(dongui: Run, visited: dict[str, Any], tmp_path: Path) -> None:
    file, day = tmp_path / "out.ndjson", str(visited["today"])
    days = ["--from", day, "--to", day, "-o", str(file)]
    assert dongui("export", "events", "--purpose", "marketing", "--recipient", META, *days).exit_code == 0
    assert [row["advertising_ids"] for row in lines(file)] == [{"gclid": "g"}]
    (entry,) = listed(dongui)
    assert (entry["recipient"], entry["rows"], entry["people"], entry["state"]) == (META, 1, 1, "done")
    assert entry["digest"] == hashlib.sha256(file.read_bytes()).hexdigest()
    shown = json.loads(dongui("disclosures", "show", "1", "--json").stdout)
    assert shown == entry
    assert META in dongui("disclosures", "list").stdout
    refused = dongui("export", "events", "--purpose", "statistics", "--recipient", META, *days)
    assert refused.exit_code == 2
    assert "does not give" in refused.stderr
    assert "register it in the policy" in refused.stderr
    assert dongui("export", "events", "--purpose", "statistics", *days).exit_code == 0
    assert len(listed(dongui)) == 1


def test_s4_1_a_hand_over_noted_by_hand(dongui: Run, visited: dict[str, Any], tmp_path: Path) -> None:
    people = tmp_path / "members.txt"
    people.write_text("m-1\nm-2\n\n")
    said = ["--recipient", META, "--purpose", "marketing", "--what", "a list by courier"]
    made = dongui(
        "disclosures", "note", *said, "--members-file", str(people), "--visitor", visited["marketing"], "--json"
    )
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["people"] == 3
    assert dongui("disclosures", "note", *said).exit_code == 2
    assert dongui("disclosures", "show", "7").exit_code == 2


def test_s4_2a_a_transfer_is_refused_until_nothing_is_missing(
    dongui: Run, visited: dict[str, Any], tmp_path: Path
) -> None:
    until = str(visited["today"] + timedelta(days=40))
    said = ["--recipient", "Example Successor", "--address", "1 Example Street", "--contact", "+82 2 000 0000"]
    said += ["--fact", "sale", "--opt-out", "write to us", "--until", until]
    made = json.loads(dongui("transfer", "plan", *said, "--json").stdout)
    assert made["missing"][0].split(";")[0] == "no notice is logged"
    done = dongui("transfer", "notice", "1", "--means", "email", "--proof", "dispatch 17", "--json")
    assert [n["means"] for n in json.loads(done.stdout)["notices"]] == ["email"]
    assert dongui("transfer", "opt-out", "1", "--member", "m-1").exit_code == 0
    refused = dongui("transfer", "export", "1", "-o", str(tmp_path / "t"))
    assert refused.exit_code == 2
    assert f"opt out until {until}" in refused.stderr
    assert not (tmp_path / "t").exists()
    assert "missing" in dongui("transfer", "show", "1").stdout
    assert dongui("transfer", "cancel", "1").exit_code == 0


def test_s4_2c_a_demand_is_recorded_and_then_carried_out(dongui: Run, visited: dict[str, Any], tmp_path: Path) -> None:
    day, file = str(visited["today"]), tmp_path / "demand.ndjson"
    said = ["--authority", "Example Police", "--statute", "형사소송법 제215조", "--procedure", "warrant"]
    said += ["--document", "2026-1", "--item", "service_usage", "--from", day, "--to", day]
    made = dongui("investigation", "record", *said, "--visitor", visited["statistics"], "--json")
    assert made.exit_code == 0, made.stderr
    assert json.loads(made.stdout)["state"] == "planned"
    done = dongui("investigation", "export", "1", "-o", str(file), "--json")
    assert done.exit_code == 0, done.stderr
    (row,) = lines(file)
    assert (row["name"], row["visitor"], row["at"]) == ("visit", None, None)
    assert (file.stat().st_mode & 0o777) == 0o600
    assert json.loads(done.stdout)["digest"] == hashlib.sha256(file.read_bytes()).hexdigest()


def test_k9_a_breach_is_planned_and_its_list_audited(dongui: Run, visited: dict[str, Any], tmp_path: Path) -> None:
    day, file = str(visited["today"]), tmp_path / "breach.html"
    days = ["--from", day, "--to", day]
    made = dongui("breach", "plan", *days, "--files", "events", "--outside", "--page", str(file), "--json")
    assert made.exit_code == 0, made.stderr
    told = json.loads(made.stdout)
    assert (told["people"]["number"], told["keys_lost"]) == (2, False)
    assert {d["id"] for d in told["duties"] if d["applies"]} == {"tell_people", "report", "publish", "record"}
    assert "개인정보 유출" in told["notice"]["ko"]
    assert "breach of personal data" in file.read_text()
    assert dongui("breach", "plan", *days, "--at", "yesterday").exit_code == 2
    people = tmp_path / "ours.txt"
    people.write_text("m-1\n")
    listed = dongui("breach", "members", *days, "--reason", "to tell them", "--references", str(people), "--json")
    assert json.loads(listed.stdout) == {"members": [], "unnamed": 0}
