"""Records and what concerns members, sent again because the answer was lost: kept once, answered the same."""

from __future__ import annotations

import json
import random
import signal
import socket
import sqlite3
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from dongui.policy import default_policy_text

from tests.clock import now_ms, today
from tests.collector import Installation, event


def record(collector: Installation, subject: str, number: int, **more: Any) -> dict[str, Any]:
    at = now_ms()
    body = {"site": collector.site, "id": str(uuid.uuid4()), "class": "abuse", "subject": subject, "at": at}
    return {**body, "source": "service", "data": {"number": number}, **more}


def post(collector: Installation, path: str, body: dict[str, Any]) -> httpx.Response:
    return collector.http.post(path, json=body, headers=collector.bearer)


def numbers(collector: Installation, visitor: str) -> list[int]:
    return [one["data"]["number"] for one in collector.me(visitor)["records"] if one["data"]]


def test_a_record_sent_again_is_kept_once_and_answered_the_same(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    body = record(collector, visitor, 1)
    first = post(collector, "/v1/records", body)
    assert first.status_code == 201
    assert first.json()["id"] != body["id"], "ids of the site's own making may tell the time"
    again = post(collector, "/v1/records", {**body, "class": "complaint", "data": {"number": 2}})
    assert (again.status_code, again.json()) == (201, first.json()), "the first one counts"
    assert numbers(collector, visitor) == [1]
    assert post(collector, "/v1/records", record(collector, visitor, 3)).status_code == 201
    without = {name: value for name, value in body.items() if name != "id"}
    assert post(collector, "/v1/records", without).json()["id"] != first.json()["id"]
    assert sorted(numbers(collector, visitor)) == [1, 1, 3]


def test_a_record_sent_by_many_at_once_is_kept_once(collector: Installation) -> None:
    visitor = collector.consent(["statistics"])["visitor"]
    for number in range(5):
        body = record(collector, visitor, number)
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _, body=body: post(collector, "/v1/records", body), range(8)))
        assert len({json.dumps(answer.json()) for answer in answers}) == 1
        assert {answer.status_code for answer in answers} == {201}
    assert sorted(numbers(collector, visitor)) == list(range(5))


def test_a_bad_id_is_malformed(collector: Installation) -> None:
    for path, body in (
        ("/v1/records", record(collector, "m", 1)),
        ("/v1/members", {"site": collector.site, "event": "closed", "member": "m"}),
    ):
        answer = post(collector, path, {**body, "id": "no uuid"})
        assert answer.status_code == 400
        assert answer.json()["detail"] == "Invalid UUID - at `$.id`"


def test_kill_9_between_a_record_and_its_answer(fresh: Installation) -> None:
    fresh.start()
    visitor = fresh.consent(["statistics"])["visitor"]
    for number in range(4):
        body = record(fresh, visitor, number)
        data = json.dumps(body).encode()
        head = f"POST /v1/records HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {fresh.secret}\r\n"
        with socket.create_connection(("127.0.0.1", fresh.port)) as raw:
            raw.sendall(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
            if number % 2:  # the last possible instant: it is on disk, and nobody has read the answer
                wait_until_kept(fresh, number + 1)
            else:
                time.sleep(random.uniform(0, 0.02))
            fresh.stop(signal.SIGKILL)
        fresh.start()
        first, again = (post(fresh, "/v1/records", body) for _ in range(2))
        assert first.status_code == again.status_code == 201, first.text
        assert first.json() == again.json()
        assert sorted(numbers(fresh, visitor)) == list(range(number + 1))


def wait_until_kept(collector: Installation, count: int) -> None:
    """Looks from outside, as the operating system would."""
    end = time.monotonic() + 60
    while True:
        assert time.monotonic() < end
        with sqlite3.connect(f"file:{collector.folder}/data/records.db?mode=ro", uri=True) as conn:
            [[kept]] = conn.execute("SELECT coalesce(sum(n), 0) FROM groups").fetchall()
        conn.close()
        if kept >= count:
            return


@pytest.fixture
def with_members(tmp_path: Path) -> Iterator[Installation]:
    """A site whose statistics may be joined to members."""
    items = '["cookie", "visit_time", "service_usage", "access_environment", "ip_address"'
    text = default_policy_text(version="v1", effective=date(2024, 1, 1), presets=("ga4", "meta"))
    assert items in text
    policy = tmp_path / "policy.toml"
    policy.write_text(text.replace(items, f'{items}, "member_reference"'))
    installation = Installation(tmp_path / "installation", policy=policy).start()
    yield installation
    installation.close()


def test_no_event_names_a_member(with_members: Installation) -> None:
    """K18: behaviour is joined to nobody by name, be it from before or after the sign-in."""
    collector = with_members
    visitor, member = collector.consent(["statistics"])["visitor"], f"member{uuid.uuid4().hex}"
    assert collector.send(visitor, event()).json()["recorded"] == 1
    said = {"site": collector.site, "visitor": visitor, "member": member, "event": "identified"}
    assert post(collector, "/v1/members", said).json() == {"identified": True}
    assert collector.send(visitor, event()).json()["recorded"] == 1
    exported = collector.run("export", "events", "--purpose", "statistics", *days(), "--format", "ndjson").stdout
    rows = [json.loads(line) for line in exported.splitlines()]
    assert len(rows) == len(collector.me(visitor)["events"]) == 2
    assert all("member" not in row for row in rows)
    assert member not in exported
    assert member.encode() not in collector.bytes(), "kept as a keyed hash alone"


def days() -> list[str]:
    day = today()
    return ["--from", str(day - timedelta(days=1)), "--to", str(day + timedelta(days=1))]


def test_what_concerns_a_member_is_answered_the_same_and_done_once(with_members: Installation) -> None:
    collector = with_members
    visitor = collector.consent(["statistics"])["visitor"]
    member = f"member-{uuid.uuid4()}"
    said = {"site": collector.site, "visitor": visitor, "member": member}
    joined = {**said, "event": "identified", "id": str(uuid.uuid4())}
    closed = {**said, "event": "closed", "id": str(uuid.uuid4())}
    for _ in range(2):
        answer = post(collector, "/v1/members", joined)
        assert (answer.status_code, answer.json()) == (200, {"identified": True}), answer.text
    first = post(collector, "/v1/members", closed)
    assert first.json() == {"erased": 1}
    endings = ended(collector)
    for _ in range(2):
        assert post(collector, "/v1/members", closed).json() == {"erased": 1}
    assert ended(collector) == endings, "nothing was ended once more"
    assert post(collector, "/v1/members", joined).json() == {"identified": True}, "the answer that was lost"
    fresh_ids = {**joined, "id": str(uuid.uuid4())}
    assert post(collector, "/v1/members", fresh_ids).status_code == 409, "and yet nobody is joined any more"
    assert post(collector, "/v1/members", {**closed, "id": str(uuid.uuid4())}).json() == {"erased": 0}


def test_under_one_id_nobodys_ending_is_taken_for_anothers(with_members: Installation) -> None:
    """Another member, another visitor or another event is another request, whatever its id: no erasure is left out."""
    collector = with_members
    id_, visitors = str(uuid.uuid4()), [collector.consent(["statistics"])["visitor"] for _ in range(2)]
    members = [f"member-{uuid.uuid4()}" for _ in visitors]
    for visitor, member in zip(visitors, members, strict=True):
        said = {"site": collector.site, "visitor": visitor, "member": member, "id": id_}
        assert post(collector, "/v1/members", {**said, "event": "identified"}).json() == {"identified": True}
    for visitor, member in zip(visitors, members, strict=True):
        said = {"site": collector.site, "visitor": visitor, "member": member, "id": id_, "event": "closed"}
        assert post(collector, "/v1/members", said).json() == {"erased": 1}


def ended(collector: Installation) -> int:
    """How many endings the ledger holds."""
    with sqlite3.connect(f"file:{collector.folder}/data/dongui.db?mode=ro", uri=True) as conn:
        [[found]] = conn.execute("SELECT count(*) FROM chain WHERE kind = 'erasure'").fetchall()
    conn.close()
    return int(found)
