"""``dongui requests``: listed by urgency, answered with a reason, an erasure carried out."""

from __future__ import annotations

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
from dongui_collector.rights import filing
from dongui_collector.runtime.composition import open_core

Run = Callable[..., Result]


@pytest.fixture
def asked(installed: dict[str, str]) -> dict[str, Any]:
    """A visitor with three rows who asked for erasure, and somebody who asked for access and is due sooner."""
    core = open_core(load_settings(Path(installed["config"])), writable=True)
    try:
        now, today = core.clock.now(), core.clock.today(core.settings.zone)
        notice = core.registry.in_force(core.registry.sites()[0].ref, now)
        with core.storage.ledger.writing():
            visitor = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {})).answer["visitor"]
        event = {"visitor": visitor, "name": "visit", "at": now, "url": "https://shop.example.com/sentinel-9f2c"}
        lines = [json.dumps({**event, "id": str(uuid.uuid4())}) for _ in range(3)]
        perform(core, "events.import", {"lines": lines})
        standing = core.storage.ledger.visitor(core.ledger.key_of(visitor))
        assert standing
        filing.received_online(core, standing, "erase", "please")
        received = (today - timedelta(days=7)).isoformat()
        given = {"kind": "access", "received": received, "name": "Gildong", "by": "officer"}
        perform(core, "requests.add", given)
        return {"visitor": visitor, "today": today, "data": core.settings.data_path}
    finally:
        core.close()


def listed(dongui: Run, *options: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(dongui("requests", "list", *options, "--json").stdout)
    return found


def test_the_most_urgent_comes_first(dongui: Run, asked: dict[str, Any]) -> None:
    assert [(r["id"], r["kind"], r["days_left"], r["state"]) for r in listed(dongui)] == [
        (2, "access", 3, "open"),
        (1, "erasure", 10, "open"),
    ]


def test_one_is_shown_with_what_is_held_and_without_who_it_is(dongui: Run, asked: dict[str, Any]) -> None:
    result = dongui("requests", "show", "1", "--json")
    shown = json.loads(result.stdout)
    assert shown["text"] == "please"
    assert (shown["held"]["rows"], shown["held"]["visitors"], shown["held"]["suspended"]) == (3, 1, False)
    assert asked["visitor"] not in result.stdout


def test_granting_an_erasure_carries_it_out(dongui: Run, asked: dict[str, Any]) -> None:
    assert any(b"sentinel-9f2c" in p.read_bytes() for p in asked["data"].rglob("*") if p.is_file())
    answer = json.loads(dongui("requests", "answer", "1", "--outcome", "granted", "--json").stdout)
    assert answer == {"id": 1, "outcome": "granted", "due": None, "ground": None, "rows_destroyed": 3, "kept": []}
    assert not any(b"sentinel-9f2c" in p.read_bytes() for p in asked["data"].rglob("*") if p.is_file())
    assert [r["id"] for r in listed(dongui)] == [2]
    assert [(r["id"], r["state"]) for r in listed(dongui, "--all")] == [(2, "open"), (1, "granted")]
    assert json.loads(dongui("requests", "show", "1", "--json").stdout)["held"] is None
    assert dongui("verify").exit_code == 0


def test_refusing_closes_with_a_reason(dongui: Run, asked: dict[str, Any]) -> None:
    dongui("requests", "answer", "1", "--outcome", "refused", "--ground", "PIPA 36(1)", "--reason", "kept by law")
    shown = json.loads(dongui("requests", "show", "1", "--json").stdout)
    assert shown["state"] == "refused"
    assert shown["answers"][0]["reason"] == "kept by law"
    assert shown["held"]["rows"] == 3
    again = dongui("requests", "answer", "1", "--outcome", "granted")
    assert again.exit_code == 2
    assert "closed already" in again.stderr


def test_postponing_moves_the_day_and_leaves_it_open(dongui: Run, asked: dict[str, Any]) -> None:
    until = (asked["today"] + timedelta(days=20)).isoformat()
    postponed = ["answer", "2", "--outcome", "postponed", "--until", until, "--reason", "PIPA 35(3): many at once"]
    before = dongui("requests", *postponed)
    assert before.exit_code == 2
    assert "requests identity 2" in before.stderr, "S9.6: it says what to do first"
    assert dongui("requests", "identity", "2", "--how", "call_back").exit_code == 0
    assert dongui("requests", *postponed).exit_code == 0
    assert [(r["id"], r["due"], r["state"]) for r in listed(dongui)][1] == (2, until, "postponed")
    assert dongui("requests", "answer", "2", "--outcome", "granted").exit_code == 0


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--outcome", "refused"], "needs a reason"),
        (["--outcome", "postponed", "--until", "2999-01-01"], "needs a reason"),
        (["--outcome", "postponed", "--reason", "PIPA 36(5)"], "--until"),
        (["--outcome", "postponed", "--reason", "PIPA 36(5)", "--until", "soon"], "--until"),
        (["--outcome", "postponed", "--reason", "PIPA 36(5)", "--until", "2020-01-01"], "a day to come"),
        (["--outcome", "refused", "--ground", "PIPA 35(4)", "--reason", "no"], "PIPA 36(1)"),
        (["--outcome", "forgotten"], "forgotten"),
    ],
    ids=["refused", "postponed", "no day", "no date", "the past", "no ground", "no such outcome"],
)
def test_an_answer_that_is_not_whole_changes_nothing(
    dongui: Run, asked: dict[str, Any], options: list[str], complaint: str
) -> None:
    result = dongui("requests", "answer", "1", *options)
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert json.loads(dongui("requests", "show", "1", "--json").stdout)["answers"] == []


def test_an_unknown_request_is_named(dongui: Run) -> None:
    for arguments in (["show", "7"], ["answer", "7", "--outcome", "granted"]):
        result = dongui("requests", *arguments)
        assert result.exit_code == 2
        assert "no privacy request 7" in result.stderr


def test_one_that_came_by_letter_is_filed_with_its_clock(dongui: Run, asked: dict[str, Any]) -> None:
    """S9.2, S9.3: by letter too, and by an agent."""
    received = (asked["today"] - timedelta(days=12)).isoformat()
    options = ["--kind", "correction", "--channel", "letter", "--agent", "--member", "m-1", "--received", received]
    made = json.loads(dongui("requests", "add", *options, "--text", "-", "--json", input="the wrong name").stdout)
    assert made["id"] == 3
    assert next((r["id"], r["urgency"], r["days_left"]) for r in listed(dongui)) == (3, "overdue", -2)
    shown = json.loads(dongui("requests", "show", "3", "--json").stdout)
    assert (shown["text"], shown["held"], shown["identity"]) == ("the wrong name", None, None)
    doctor = dongui("doctor", "--json").stdout
    assert "1 privacy requests are overdue" in doctor


def test_a_visitor_id_is_typed_in_and_appears_nowhere(dongui: Run, asked: dict[str, Any]) -> None:
    made = dongui("requests", "add", "--kind", "access", "--visitor", "-", "--json", input=asked["visitor"] + "\n")
    id = str(json.loads(made.stdout[made.stdout.index("{") :])["id"])
    assert asked["visitor"] not in made.output
    assert dongui("requests", "identity", id, "--how", "visitor_id").exit_code == 0
    assert json.loads(dongui("requests", "show", id, "--json").stdout)["held"]["rows"] == 3
    assert not any(asked["visitor"].encode() in p.read_bytes() for p in asked["data"].rglob("*") if p.is_file())


def test_the_grounds_are_listed(dongui: Run) -> None:
    found = json.loads(dongui("requests", "grounds", "--json").stdout)
    assert {"PIPA 35(4)", "PIPA 36(1)", "PIPA 37(2)"} <= {g["id"] for g in found}


def test_s9_6_the_access_package_is_written_after_the_check(dongui: Run, asked: dict[str, Any], tmp_path: Path) -> None:
    """K10, K12: only then, and never over another."""
    out = tmp_path / "answer"
    before = dongui("requests", "package", "2", "-o", str(out))
    assert before.exit_code == 2
    assert "requests identity 2" in before.stderr
    assert not out.exists()
    assert dongui("requests", "identity", "2", "--how", "visitor_id", "--visitor", asked["visitor"]).exit_code == 0
    written = json.loads(dongui("requests", "package", "2", "-o", str(out), "--json").stdout)
    found = json.loads((out / "access-2.json").read_text())
    assert len(found["events"]) == 3
    assert sorted(Path(p).name for p in written["files"]) == ["access-2.en.html", "access-2.json", "access-2.ko.html"]
    again = dongui("requests", "package", "2", "-o", str(out))
    assert again.exit_code == 2
    assert "there already" in again.stderr


def test_s9_1_a_record_is_corrected_and_the_letter_says_what_cannot_be(
    dongui: Run, asked: dict[str, Any], tmp_path: Path, installed: dict[str, str]
) -> None:
    core = open_core(load_settings(Path(installed["config"])), writable=True)
    kept = core.retention.records.add(
        core.registry.sites()[0], "abuse", "m-1", core.clock.now(), "support", {"name": "wrong"}
    )
    core.close()
    dongui("requests", "add", "--kind", "correction", "--member", "m-1")
    dongui("requests", "identity", "3", "--how", "document")
    (tmp_path / "right.json").write_text('{"name": "right"}')
    done = dongui("requests", "correct", "3", "--record", kept["id"], "--data", str(tmp_path / "right.json"), "--json")
    assert json.loads(done.stdout)["record"] == kept["id"]
    [now] = json.loads(dongui("requests", "show", "3", "--json").stdout)["records"]
    assert now["data"] == {"name": "right"}
    assert dongui("requests", "letter", "3").exit_code == 2
    dongui("requests", "answer", "3", "--outcome", "granted")
    assert "정정하지 않습니다" in dongui("requests", "letter", "3").stdout
    (tmp_path / "bad.json").write_text("{")
    bad = dongui("requests", "correct", "3", "--record", kept["id"], "--data", str(tmp_path / "bad.json"))
    assert bad.exit_code == 2
