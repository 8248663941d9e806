"""``verify`` finds what is wrong, and says where. Every kind of damage is really done."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from dongui.i18n import MESSAGES
from dongui_collector.evidence.bundle import chain_of
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.runtime.public import public_app
from dongui_collector.runtime.scheduler import Scheduler
from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.values import Selection

from tests.catalogs import entries
from tests.retention.house import ALL, House, at
from tests.said import untold

DAY = date(2025, 3, 10)
KO = {"": "", **entries("ko", MESSAGES)}


@pytest.fixture
def lived_in(house: House) -> House:
    """A house with everything in it: consents, rows, a withdrawal, an erasure, records, a destroyed day."""
    first, second, third = (house.arrive() for _ in range(3))
    for visitor in (first, second, third):
        house.visit(visitor)
    house.core.retention.records.add(house.site, "payment", first, house.now, "settlement", {"a": 1})
    house.core.retention.records.add(house.site, "abuse", first, house.now, "support", {"a": 1})
    house.choose((), ("marketing",), second)
    house.erase(third)
    house.now = at("2026-03-09T12:00")
    house.choose(ALL, visitor=first)
    house.visit(first)
    house.run("2026-03-11T00:00")
    assert findings(house) == []
    return house


def findings(house: House) -> list[str]:
    """What is found; whatever it is can be said in Korean, too."""
    found = verify(house.core).findings
    assert [text for f in found for said in (f.where, f.what, f.remedy) for text in untold(KO, said)] == []
    return [str(f) for f in found]


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as conn:
        for statement in statements:
            assert conn.execute(statement).rowcount != 0, f"nothing was damaged by: {statement}"
        conn.commit()


def ledger_sql(house: House, *statements: str) -> None:
    sql(house.folder / "data" / "dongui.db", *statements)


def seq_of(house: House, kind: str) -> int:
    return next(r.seq for r in house.core.storage.ledger.records() if r.kind == kind and r.body)


def test_a_day_on_which_nobody_comes_is_nothing_to_complain_of(lived_in: House) -> None:
    upkeep = Scheduler(public_app(lived_in.core))
    for _ in range(3):
        upkeep.round()
        upkeep.prove()
        lived_in.now += 86_400_000
    assert findings(lived_in) == []


# --- the chain -------------------------------------------------------------------------------------------------------


def test_a_whole_house_verifies(lived_in: House) -> None:
    result = verify(lived_in.core)
    assert result.ok
    assert result.checked == {
        "ledger_records": lived_in.core.storage.ledger.head()[0],
        "days": 1,
        "rows": 1,
        "records": 2,
        "certificates": 1,
        "visitors": 2,
        "sealed_days": 0,
        "checkpoints": 0,
    }


def test_an_edited_record_is_found(lived_in: House) -> None:
    seq = seq_of(lived_in, "certificate")
    ledger_sql(lived_in, f"UPDATE chain SET body = '{{\"of\": 1}}' WHERE seq = {seq}")
    assert f"ledger record {seq}: its content is not what was committed to" in findings(lived_in)


@pytest.mark.parametrize("column", ["kind = 'site'", "at = at + 1", "commitment = zeroblob(32)"])
def test_an_edited_head_of_a_record_is_found(lived_in: House, column: str) -> None:
    seq = seq_of(lived_in, "consent")
    ledger_sql(lived_in, f"UPDATE chain SET {column} WHERE seq = {seq}")
    assert any(f.startswith(f"ledger record {seq}:") for f in findings(lived_in))


def test_another_visitor_in_a_record_is_found(lived_in: House) -> None:
    seq = seq_of(lived_in, "consent")
    ledger_sql(lived_in, f"UPDATE chain SET visitor = zeroblob(16) WHERE seq = {seq}")
    assert any(f.startswith(f"ledger record {seq}:") for f in findings(lived_in))


def test_a_dropped_record_is_found(lived_in: House) -> None:
    ledger_sql(lived_in, "DELETE FROM chain WHERE seq = 3")
    assert any(f.startswith("ledger record 3: it is missing") for f in findings(lived_in))


def test_reordered_records_are_found(lived_in: House) -> None:
    ledger_sql(
        lived_in,
        "UPDATE chain SET seq = -1 WHERE seq = 3",
        "UPDATE chain SET seq = 3 WHERE seq = 4",
        "UPDATE chain SET seq = 4 WHERE seq = -1",
    )
    assert any(f.startswith("ledger record 3:") for f in findings(lived_in))


def test_a_truncated_chain_is_found(lived_in: House) -> None:
    last = lived_in.core.storage.ledger.head()[0]
    ledger_sql(lived_in, f"DELETE FROM chain WHERE seq = {last}")
    assert any(f.startswith("ledger head:") for f in findings(lived_in))


def test_a_chain_rewritten_without_the_secret_is_found(lived_in: House) -> None:
    """Someone who writes the database but has no keys drops the last record and mends the rest."""
    last = lived_in.core.storage.ledger.head()[0]
    (before,) = lived_in.core.storage.ledger.records(last - 2, 1)
    mac = chain.head_mac(b"a guess".ljust(32), last - 1, before.hash)
    ledger_sql(
        lived_in,
        f"DELETE FROM chain WHERE seq = {last}",
        f"UPDATE head SET count = {last - 1}, hash = x'{before.hash.hex()}', mac = x'{mac.hex()}'",
    )
    assert any("MAC" in f for f in findings(lived_in))


def test_an_erasure_that_nothing_certifies_is_found(lived_in: House) -> None:
    seq = max(r.seq for r in lived_in.core.storage.ledger.records() if r.kind == "consent" and r.body)
    ledger_sql(lived_in, f"UPDATE chain SET body = NULL, salt = NULL, visitor = NULL WHERE seq = {seq}")
    assert f"ledger record {seq}: its content was erased and nothing certifies that" in findings(lived_in)


def test_a_certificate_without_its_content_is_found(lived_in: House) -> None:
    seq = seq_of(lived_in, "destruction")
    ledger_sql(lived_in, f"UPDATE chain SET body = NULL, salt = NULL WHERE seq = {seq}")
    assert any(f.startswith(f"ledger record {seq}: its content is gone") for f in findings(lived_in))


def test_a_head_that_was_deleted_is_found(lived_in: House) -> None:
    ledger_sql(lived_in, "DELETE FROM head")
    assert findings(lived_in) == ["ledger head: it is missing"]


@pytest.mark.parametrize("body", ["'no JSON'", "'[]'", "CAST(x'ff' AS TEXT)"])
def test_a_body_that_cannot_be_read_is_found(lived_in: House, body: str) -> None:
    seq = seq_of(lived_in, "site")
    ledger_sql(lived_in, f"UPDATE chain SET body = {body} WHERE seq = {seq}")
    result = verify(lived_in.core)
    assert f"ledger record {seq}: its content cannot be read" in [str(f) for f in result.findings]
    assert {f.where for f in result.findings} == {f"ledger record {seq}", "table sites, site 1"}


def test_a_ledger_that_cannot_be_read_is_found(lived_in: House) -> None:
    ledger_sql(lived_in, "ALTER TABLE chain RENAME TO elsewhere")
    result = verify(lived_in.core)
    assert "data/dongui.db: it cannot be read" in [str(f) for f in result.findings]
    assert json.loads(json.dumps(result.json()))["head"].keys() == {"records", "hash"}


# --- certificates ----------------------------------------------------------------------------------------------------


def test_a_destroyed_day_that_came_back_is_found(lived_in: House) -> None:
    events = lived_in.folder / "data" / "events"
    with (
        closing(sqlite3.connect(events / "2026-03-09.db")) as old,
        closing(sqlite3.connect(events / f"{DAY}.db")) as new,
    ):
        old.backup(new)
    found = findings(lived_in)
    assert any("day 2025-03-10 is certified as destroyed, but its file exists" in f for f in found)


def test_a_destroyed_key_that_came_back_is_found(lived_in: House) -> None:
    sql(lived_in.folder / "keys" / "keys.db", "UPDATE keys SET wrapped = x'00' WHERE name = 'day:2025-03-10'")
    assert any("its key exists" in f for f in findings(lived_in))


def test_a_destruction_called_done_without_certificate_is_found(lived_in: House) -> None:
    ledger_sql(
        lived_in,
        "INSERT INTO destructions (id, state, what, reason, selected_at, approved_by, done_at, certificate)"
        " VALUES (77, 'done', '{\"kind\": \"day\"}', '', 0, 'x', 0, '{}')",
    )
    assert any(f.startswith("destruction 77:") for f in findings(lived_in))


@pytest.mark.parametrize(
    "column",
    [
        "certificate = json_set(certificate, '$.rows', 99)",
        "what = json_set(what, '$.day', '2025-03-11')",
        "reason = 'another'",
        "approved_by = 'another'",
        "done_at = done_at + 1",
    ],
)
def test_an_edited_destruction_is_found(lived_in: House, column: str) -> None:
    ledger_sql(lived_in, f"UPDATE destructions SET {column} WHERE id = 1")
    assert findings(lived_in) == ["destruction 1: its certificate is not the one on the ledger"]


def test_a_begun_destruction_that_was_forgotten_is_found(lived_in: House) -> None:
    lived_in.core.storage.admin.destructions()
    with lived_in.core.storage.ledger.writing():
        what = {"kind": "day", "day": "2025-01-01"}
        lived_in.core.storage.ledger.append("destruction", lived_in.now, {"destruction": 88, "what": what})
    assert any(f.startswith("destruction 88: it was begun") for f in findings(lived_in))


def test_an_erasure_that_was_not_carried_out_is_found(lived_in: House) -> None:
    with lived_in.core.storage.ledger.writing():
        seq = seq_of(lived_in, "consent")
        erasure = lived_in.core.storage.ledger.append("erasure", lived_in.now, {"records": [seq], "reason": "x"})
    found = findings(lived_in)
    assert f"ledger record {erasure.seq}: an erasure that was neither carried out nor is on its way" in found
    assert f"ledger record {erasure.seq}: it certifies an erasure, but 1 records keep their content" in found


# --- rows ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("notice_ref = 9", "notice version that does not exist"),
        ("site_ref = 9", "another site's notice"),
        ("purposes = 0", "no consent purpose"),
        ("purposes = purposes | (1 << 40)", "no consent purpose"),
        ("visitor = zeroblob(16)", "no consent on the ledger"),
        ("seq = 0", "no consent on the ledger"),
        ("at = at - 86400000", "belongs to another day"),
        ("ip = ads", "sealed ip does not open"),
        ("key = zeroblob(16)", "does not open"),
    ],
)
def test_a_row_without_a_basis_is_found(house: House, change: str, complaint: str) -> None:
    house.visit(house.arrive())
    assert findings(house) == []
    path = house.folder / "data" / "events" / f"{DAY}.db"
    sql(path, f"UPDATE events SET {change} WHERE n = 1")
    (found,) = findings(house)
    assert found.startswith(f"day {DAY}, row 1: ")
    assert complaint in found


@pytest.mark.parametrize(
    ("item", "change"),
    [
        ("advertising_id", "ads = ip"),
        ("service_usage", "url = 'https://shop.example.com/'"),
        ("access_environment", "screen = '1x1'"),
        ("ip_address", "city = 'Seoul'"),
    ],
)
def test_an_item_that_no_purpose_lists_is_found(house: House, item: str, change: str) -> None:
    granted = {"advertising_id": "statistics", "service_usage": "marketing"}.get(item, "marketing")
    house.visit(house.arrive(granted))
    sql(house.folder / "data" / "events" / f"{DAY}.db", f"UPDATE events SET {change} WHERE n = 1")
    (found,) = findings(house)
    assert f"it holds the item {item}, which none of its purposes lists" in found


def test_a_row_that_survived_its_withdrawal_is_found(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    path = house.folder / "data" / "events" / f"{DAY}.db"
    with closing(sqlite3.connect(path)) as conn:
        row = conn.execute("SELECT * FROM events").fetchone()
    house.choose((), ("marketing",), visitor)
    marks = ", ".join("?" * len(row))
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"REPLACE INTO events VALUES ({marks})", row)
        conn.commit()
    assert findings(house) == [f"day {DAY}, row 1: no consent on the ledger covers marketing"]


def test_a_consent_given_again_does_not_cover_the_row_from_before(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    path = house.folder / "data" / "events" / f"{DAY}.db"
    with closing(sqlite3.connect(path)) as conn:
        row = conn.execute("SELECT * FROM events").fetchone()
    house.choose((), ("marketing",), visitor)
    house.choose(("marketing",), (), visitor)
    with closing(sqlite3.connect(path)) as conn:
        conn.execute(f"REPLACE INTO events VALUES ({', '.join('?' * len(row))})", row)
        conn.commit()
    assert findings(house) == [f"day {DAY}, row 1: no consent on the ledger covers marketing"]


def test_what_outlived_its_period_is_found_once_it_is_late(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.core.retention.records.add(house.site, "access_log", visitor, house.now, "service_use", {})
    house.now = at("2026-03-11T00:30")
    assert findings(house) == [], "half an hour is what a round of the keeper may take"
    house.now = at("2026-03-11T01:30")
    assert [f.partition(":")[0] for f in findings(house)] == [
        f"day {DAY}, row 1",
        "records.db, access_log until 2026-03-10",
    ]


def test_an_outstanding_approval_is_given_five_days(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    house.run("2026-03-15T12:00")
    assert findings(house) == []
    house.now = at("2026-03-16T12:00")
    assert len(findings(house)) == 1


def test_an_ending_on_its_way_is_no_finding(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    assert len(house.rows()) == 1
    assert findings(house) == []


def test_a_file_that_cannot_be_read_is_found(lived_in: House) -> None:
    (lived_in.folder / "data" / "events" / "2026-01-01.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    assert any(f.startswith("day 2026-01-01: it cannot be read") for f in findings(lived_in))


# --- records ---------------------------------------------------------------------------------------------------------


def test_a_record_in_the_wrong_database_is_found(lived_in: House) -> None:
    (payment,) = lived_in.core.storage.records.of_class(1, "payment")
    lived_in.core.storage.archive.add([payment])
    assert any("in the archive and among the live records" in f for f in findings(lived_in))


def test_a_record_that_does_not_open_is_found(lived_in: House) -> None:
    sql(lived_in.folder / "data" / "records.db", "UPDATE m2030_03 SET site_ref = 1, sealed = zeroblob(60)")
    assert any("a record's content does not open" in f for f in findings(lived_in))


def test_a_record_that_vanished_is_found(lived_in: House) -> None:
    sql(lived_in.folder / "data" / "records.db", "DELETE FROM m2030_03 WHERE class_id = 'payment'")
    assert any("1 records are counted, 0 are there" in f for f in findings(lived_in))


# --- evidence --------------------------------------------------------------------------------------------------------


def test_the_shown_chain_can_be_checked_without_us_and_names_nobody(lived_in: House) -> None:
    """K2: the burden of proof is the controller's; tests/evidence/ checks the whole bundle with its own script."""
    count, head, _ = lived_in.core.storage.ledger.head()
    given = list(chain_of(lived_in.core, count))
    previous = chain.GENESIS
    for one in given:
        committed = bytes.fromhex(one["commitment"])
        previous = chain.link(previous, one["seq"], one["kind"], one["at"], committed)
        assert previous.hex() == one["hash"]
        if "body" in one:
            content = chain.content(one["body"], one["site"], None)
            assert chain.commitment(bytes.fromhex(one["salt"]), content) == committed
        if "open" in one:
            content = chain.open_content(one["open"], one["site"], bytes.fromhex(one["rest"]))
            assert chain.commitment(bytes.fromhex(one["salt"]), content) == committed
    assert previous == head
    kinds = {one["kind"] for one in given if "body" in one}
    assert {"destruction", "certificate", "erasure", "approval"} <= kinds
    assert not kinds & {"consent", "audit", "account", "token"}
    text = json.dumps(given)
    for record in lived_in.core.storage.ledger.records():
        assert record.visitor is None or record.visitor.hex() not in text
        assert record.kind != "consent" or record.body is None or record.body["record"] not in text


def test_the_check_looks_again_before_it_complains(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A withdrawal between the reading of a row and of its consents is no finding."""
    visitor = house.arrive()
    house.visit(visitor)
    events = house.core.storage.events
    real: Callable[..., object] = events.rows
    done: list[int] = []

    def rows(day: date, selection: Selection | None = None, **more: int) -> object:
        page = real(day, selection, **more)
        if not done:
            done.append(1)
            house.choose((), ALL, visitor)
        return page

    monkeypatch.setattr(events, "rows", rows)
    assert findings(house) == []
    assert done
