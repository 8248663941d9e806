"""The bench itself: the generator counts right, a loss is noticed, the page is written where it should be."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

import pytest

from bench import ingest, report
from bench.ingest import Lost, Plan, check
from bench.load import LoadError, Outcome, drive, parse_answer
from bench.payloads import Crowd, agents, requests
from bench.processes import free_port, python, running

CROWD = Crowd("s_test", [f"testvisitor{i:011d}" for i in range(50)], agents(10))
ANSWER = b"HTTP/1.1 202 Accepted\r\nContent-Length: 14\r\n\r\n" + b'{"recorded":1}'


def test_requests_are_distinct_and_in_the_order_of_their_times() -> None:
    ids = [uuid.UUID(m[1].decode()) for r in requests(CROWD, 200, events=3) for m in re.finditer(rb'"id":"([^"]+)"', r)]
    assert len(set(ids)) == 600
    assert {i.version for i in ids} == {7}
    assert [i.int >> 80 for i in ids] == sorted(i.int >> 80 for i in ids)


def test_agents_are_distinct() -> None:
    assert len(set(agents(30_000))) == 30_000


def test_an_answer_is_understood_only_when_it_is_whole() -> None:
    assert [parse_answer(ANSWER[:end]) for end in (0, 20, len(ANSWER) - 1)] == [None, None, None]
    assert parse_answer(ANSWER) == (202, b'{"recorded":1}')
    with pytest.raises(LoadError):
        parse_answer(b"SSH-2.0-x\r\n\r\n")


@pytest.mark.parametrize("rate", [None, 500.0], ids=["saturated", "paced"])
def test_every_request_is_answered_and_counted_once(rate: float | None) -> None:
    port = free_port()
    with running(python("-m", "bench.yardsticks.echo", str(port)), port):
        outcome = drive(port, requests(CROWD, 400, events=25), seconds=30, connections=8, rate=rate)
    assert outcome.requests == len(outcome.took) == outcome.count(202) == 400
    assert outcome.recorded() == 400
    assert min(outcome.took) > 0


def test_a_loss_and_a_surplus_are_noticed() -> None:
    outcome = Outcome()
    outcome.answers[202, b'{"recorded":1,"refused":{}}'] += 3
    outcome.done.extend([0.1, 0.2, 0.3])
    check(outcome, 3, 1)
    for rows in (2, 4):
        with pytest.raises(Lost):
            check(outcome, rows, 1)
    outcome.answers[503, b"{}"] += 1
    outcome.done.append(0.4)
    with pytest.raises(Lost):
        check(outcome, 3, 1)


def test_a_load_on_a_real_collector_is_on_disk_after_it_was_killed() -> None:
    outcome = ingest.collector(Plan(rounds=1, seconds=1.0, most_rate=3000), 0)
    assert outcome.recorded() > 100


def test_a_part_writes_between_its_own_markers_only(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text("# P\n<!-- bench:a -->\nold\n<!-- /bench:a -->\nkept\n<!-- bench:b -->\nother\n<!-- /bench:b -->\n")
    report.write(
        "a",
        [report.Figure("x", "1 s", "", "≤ 2 s", True), report.Figure("y", "3 s", "", "≤ 2 s", False)],
        "Note.",
        page,
    )
    text = page.read_text()
    assert "old" not in text
    assert "| y | 3 s |  | ≤ 2 s | **missed** |" in text
    assert text.endswith("<!-- /bench:a -->\nkept\n<!-- bench:b -->\nother\n<!-- /bench:b -->\n")
    with pytest.raises(ValueError, match="no markers"):
        report.write("c", [], "", page)
