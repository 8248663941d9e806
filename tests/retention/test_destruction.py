"""S5.3, K3: selected → approved → destroyed → certified. No step is skipped or reordered, whoever asks."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date, timedelta

import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed, StorageError, Unknown
from dongui_collector.core.operations import perform
from dongui_collector.desk.health import Gauges
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention.deadlines import deadline, pressing
from dongui_collector.retention.lifecycle import RecordedDestruction, fold
from dongui_collector.retention.serializers import DestructionSummary
from dongui_collector.retention.standing_approval import UnsignedVersion
from dongui_collector.runtime.doctor import examine
from dongui_collector.storage.contract.values import Destruction, DestructionState, Hold, LedgerRecord
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House, at, policy

OVER = "2026-03-11T00:00"
DATA = {"transaction": "t-1", "email": "a@example.com", "password": "sentinel"}


def sql(house: House, statement: str, *values: object) -> None:
    """Somebody writes into the ledger's file by hand, while nothing runs."""
    house.close()
    with closing(sqlite3.connect(house.folder / "data" / "dongui.db")) as conn:
        assert conn.execute(statement, values).rowcount
        conn.commit()
    house.open()


def waiting(house: House, when: str = OVER) -> Destruction:
    """A day that waits for its approval."""
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    house.run(when)
    (found,) = house.core.storage.admin.destructions(("selected",))
    return found


def states(house: House) -> list[DestructionState]:
    return [d.state for d in house.core.storage.admin.destructions()]


# --- no step can be skipped ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["approved", "running"])
def test_s5_3_a_state_edited_in_the_database_is_refused(house: House, state: str) -> None:
    found = waiting(house)
    sql(
        house,
        "UPDATE destructions SET state = ?, approved_by = 'officer', approved_at = 1 WHERE id = ?",
        state,
        found.id,
    )
    outcome = house.run()
    assert (outcome.destroyed, outcome.refused) == (0, 1)
    assert len(house.rows()) == 1
    assert house.core.storage.admin.destruction(found.id) == found, "put right: it waits as before"
    refused = house.core.storage.ledger.last_of("refused")
    assert refused is not None
    assert refused.body == {"destruction": found.id, "claimed": state, "ledger": "selected"}
    assert house.run().refused == 0
    assert verify(house.core).ok


def test_s5_3_an_approval_counts_for_what_was_selected_and_nothing_else(house: House) -> None:
    found = waiting(house)
    house.now = at("2026-03-10T12:00") + 24 * 3_600_000
    house.visit(house.choose(["statistics"]) or "", marker="young")
    other = json.dumps({"kind": "day", "day": "2026-03-11"})
    house.core.retention.approvals.approve([found.id], "officer")
    sql(house, "UPDATE destructions SET what = ? WHERE id = ?", other, found.id)
    outcome = house.run()
    assert (outcome.destroyed, outcome.refused) == (1, 1)
    assert house.markers() == {"young"}
    assert verify(house.core).ok


def test_s5_3_a_destruction_that_nobody_selected_is_none(house: House) -> None:
    house.visit(house.arrive())
    day = json.dumps({"kind": "day", "day": "2025-03-10"})
    sql(
        house,
        "INSERT INTO destructions (state, what, reason, selected_at, approved_by, approved_at)"
        " VALUES ('approved', ?, 'the period has ended', 1, 'officer', 1)",
        day,
    )
    outcome = house.run()
    assert (outcome.destroyed, outcome.refused) == (0, 1)
    assert states(house) == ["lapsed"]
    assert len(house.rows()) == 1


def test_s5_3_an_approval_forged_on_the_chain_is_found_before_anything_is_destroyed(house: House) -> None:
    found = waiting(house)
    body = json.dumps({"by": "officer", "destructions": [found.id]})
    house.choose(["statistics"])  # a later record to be overwritten
    last = house.core.storage.ledger.head()[0]
    sql(house, "UPDATE chain SET kind = 'approval', body = ?, visitor = NULL WHERE seq = ?", body, last)
    sql(house, "UPDATE destructions SET state = 'approved', approved_by = 'officer' WHERE id = ?", found.id)
    with pytest.raises(StorageError, match="altered"):
        house.run()
    with pytest.raises(StorageError, match="altered"):
        house.core.retention.approvals.approve([found.id], "officer")
    assert len(house.rows()) == 1


@pytest.mark.parametrize("operation", ["destruction.destroy", "destruction.begin", "destruction.certify"])
def test_s5_3_the_control_socket_knows_no_way_around(house: House, operation: str) -> None:
    waiting(house)
    with pytest.raises(Unknown):
        perform(house.core, operation, {"id": 1})
    for role in ("admin", "officer"):
        with pytest.raises(Unknown):
            perform(house.core, "destruction.approve", {"ids": [99], "by": role})
    assert perform(house.core, "retention.run", {})["destroyed"] == 0
    assert len(house.rows()) == 1


def test_s5_3_nobody_approves_without_a_name_or_twice(house: House) -> None:
    found = waiting(house)
    with pytest.raises(NotAllowed, match="name"):
        house.core.retention.approvals.approve([found.id], "  ")
    perform(house.core, "destruction.approve", {"ids": [found.id], "by": "officer"})
    assert house.rows() == []
    with pytest.raises(NotAllowed, match="it is done"):
        house.core.retention.approvals.approve([found.id], "officer")


STEP = st.sampled_from(["selection", "approval", "destruction", "certificate", "lapsed"])


@given(st.lists(STEP, max_size=12))
def test_s5_3_in_whatever_order_records_come_no_step_is_skipped(kinds: list[str]) -> None:
    said: dict[int, RecordedDestruction] = {}
    order = ["selected", "approved", "running", "done"]
    reached: list[str] = []
    for seq, kind in enumerate(kinds, 1):
        body = {
            "destruction": 1,
            "destructions": [1],
            "selected": [{"destruction": 1, "what": {}, "reason": "r"}],
            "by": "x",
        }
        fold(said, LedgerRecord(seq, kind, seq, None, None, body, b"", b"", b""))
        reached = ["selected"] if kind == "selection" else reached
        now = said[1].state if 1 in said else None
        if now and now != "lapsed" and (not reached or reached[-1] != now):
            reached.append(now)
        assert reached == order[: len(reached)]


# --- the standing approval -------------------------------------------------------------------------------------------


def shorter(version: str = "v2", effective: date = date(2025, 3, 11)) -> str:
    text = policy(version, effective)
    head, rest = text.split("[records.access_log]", 1)
    return head + "[records.access_log]" + rest.replace('keep = "P1Y"', 'keep = "P3M"', 1)


def test_s5_3_a_version_with_other_periods_needs_a_new_signature(house: House) -> None:
    """Nothing stops silently: what is signed goes on, what is not waits and is told of from the publication on."""
    visitor = house.arrive()
    house.visit(visitor, marker="old")
    assert house.core.retention.overview.status().unsigned == []
    told = perform(house.core, "policy.publish", {"text": shorter()})
    assert [u["version"] for u in told["unsigned"]] == ["v2"]
    assert house.core.retention.overview.status().unsigned == [
        UnsignedVersion("shop", "v2", date(2025, 3, 11), (("access_log", "P3M", ""),))
    ]
    house.now = at("2025-03-11T12:00")
    house.visit(visitor, marker="new")
    assert house.run("2025-06-12T00:00").waiting == 1
    assert house.markers() == {"old", "new"}
    house.run(OVER)
    assert house.markers() == {"new"}, "what the officer signed for goes on"
    perform(house.core, "approval.grant", {"by": "officer", "version": "v2"})
    house.run()
    assert house.markers() == set()
    assert house.core.retention.overview.status().unsigned == []
    (last,) = [d for d in house.core.storage.admin.destructions() if d.what["day"] == "2025-03-11"]
    assert last.approved_by is not None
    assert "v1, v2" in last.approved_by
    assert verify(house.core).ok


def test_a_version_with_the_same_periods_is_covered_and_so_is_another_site(house: House) -> None:
    perform(house.core, "policy.publish", {"text": policy("v2", date(2025, 3, 11))})
    other = house.add_site(policy(), name="other")
    assert house.core.retention.overview.status().unsigned == []
    house.visit(house.arrive(site=other), site=other)
    assert house.run(OVER).destroyed == 1


def test_a_standing_approval_written_into_the_settings_is_none(house: House) -> None:
    waiting(house)
    forged = {"by": "officer", "at": 1, "versions": [], "schedule": [["access_log", "P1Y", ""]]}
    sql(house, "INSERT INTO settings VALUES ('approval.standing', ?)", json.dumps(forged))
    assert house.run().destroyed == 0
    assert house.core.retention.overview.status().standing_approval is None


def test_a_signature_for_a_version_that_does_not_exist_is_refused(house: House) -> None:
    with pytest.raises(Unknown, match="v9"):
        perform(house.core, "approval.grant", {"by": "officer", "version": "v9"})


# --- the clock of what waits -----------------------------------------------------------------------------------------


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-2, 12))
def test_k3_the_clock(due: date, days: int) -> None:
    today = due + timedelta(days=days)
    assert pressing(due, today) == ("overdue" if days >= 5 else "alert" if days >= 3 else "waiting")
    assert (pressing(due, today) == "overdue") == (today > deadline(due))


@pytest.mark.parametrize(
    ("when", "word"),
    [
        (OVER, "waiting"),
        ("2026-03-13T23:59", "waiting"),
        ("2026-03-14T00:00", "alert"),
        ("2026-03-15T23:59", "alert"),
        ("2026-03-16T00:00", "overdue"),
    ],
)
def test_k3_what_waits_shows_its_deadline_alerts_and_is_overdue(house: House, when: str, word: str) -> None:
    found = waiting(house)
    house.now = at(when)
    shown = DestructionSummary.of(found, house.core.retention.today())
    assert (str(shown.due), str(shown.deadline), shown.pressing) == ("2026-03-11", "2026-03-15", word)
    assert house.core.retention.overview.urgency()[word] == 1
    assert verify(house.core).ok is (word != "overdue"), "what is overdue is a finding"


@pytest.mark.parametrize(("when", "level"), [("2026-03-14T00:00", "warning"), ("2026-03-16T00:00", "error")])
def test_k3_the_doctor_and_the_metrics_tell_of_what_waits(house: House, when: str, level: str) -> None:
    waiting(house)
    house.now = at(when)
    told = [s for s in examine(house.core) if s.what.startswith("1 destructions")]
    assert [s.level for s in told] == [level]
    gauges = {
        sample.name + str(sample.labels): sample.value for m in Gauges(house.core).collect() for sample in m.samples
    }
    word = "overdue" if level == "error" else "alert"
    assert gauges[f"dongui_desk_destructions_pressing{{'urgency': '{word}'}}"] == 1


def test_s5_3_the_doctor_and_the_metrics_tell_of_periods_that_nobody_signed(house: House) -> None:
    def unsigned() -> float:
        return next(
            m.samples[0].value for m in Gauges(house.core).collect() if m.name == "dongui_desk_versions_unsigned"
        )

    assert unsigned() == 0
    perform(house.core, "policy.publish", {"text": shorter()})
    assert unsigned() == 1
    assert any("nobody signed the periods of version v2" in s.what for s in examine(house.core))
    perform(house.core, "policy.publish", {"text": shorter("v3"), "sign": True, "by": "officer"})
    assert unsigned() == 0, "v3 has the periods of v2: one signature covers both"


# --- what a person selects -------------------------------------------------------------------------------------------


def select(house: House, by: str = "analyst", **more: object) -> int:
    arguments = {"record_class": "payment", "subject": "member-1", "reason": "delivered and settled", "by": by} | more
    (one,) = perform(house.core, "destruction.select", arguments)["selected"]
    return int(one["id"])


def test_s5_1_a_purpose_that_is_achieved_waits_and_then_leaves_what_the_law_names(house: House) -> None:
    for member in ("member-1", "member-2"):
        house.core.retention.records.add(house.site, "payment", member, house.now, "settlement", DATA)
    id = select(house)
    assert house.run().waiting == 1, "the standing approval is for the routine"
    assert house.core.storage.archive.groups() == []
    perform(house.core, "destruction.approve", {"ids": [id], "by": "officer"})
    (kept,) = house.core.storage.archive.of_site(house.site.ref)
    opened = house.core.retention.records.opened(kept)
    assert (opened["subject"], opened["reason"]) == ("member-1", "purpose_achieved")
    assert opened["data"] == {"transaction": "t-1", "email": "a@example.com"}
    assert len(house.core.storage.records.of_site(house.site.ref)) == 1
    done = house.core.storage.admin.destruction(id)
    assert done is not None
    assert done.certificate is not None
    certificate = {
        k: getattr(done.certificate, k) for k in ("archived", "records", "kept", "selected_by", "approved_by", "reason")
    }
    assert certificate == {
        "archived": 1,
        "records": 0,
        "kept": 0,
        "selected_by": "analyst",
        "approved_by": "officer",
        "reason": "the purpose is achieved: delivered and settled",
    }
    assert verify(house.core).ok


def test_s5_1_without_a_law_it_is_destroyed_and_a_hold_is_honoured(house: House) -> None:
    for member in ("held", "free"):
        house.core.retention.records.add(house.site, "abuse", member, house.now, "support", DATA)
    key = house.core.retention.records.subject_key(house.site, "held")
    house.core.retention.holds.add(Hold(0, 1, "claim", None, None, key, None, None, house.now, ground="claim"))
    id = select(house, record_class="abuse", subject=None)
    perform(house.core, "destruction.approve", {"ids": [id], "by": "officer"})
    assert [r.subject for r in house.core.storage.records.of_site(house.site.ref)] == [key]
    assert house.core.storage.archive.groups() == []
    assert verify(house.core).ok


def test_a_selection_without_a_reason_a_name_or_anything_in_it_is_refused(house: House) -> None:
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", DATA)
    for bad, error in (({"reason": " "}, CollectorError), ({"subject": "nobody"}, Unknown), ({"by": ""}, NotAllowed)):
        with pytest.raises(error):
            select(house, **bad)  # type: ignore[arg-type]
    assert states(house) == []


def test_two_persons_nobody_approves_their_own_selection(new_house: Callable[..., House]) -> None:
    house = new_house(two_person=True)
    house.add_site()
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", DATA)
    id = select(house, by="Kim")
    for name in ("Kim", " kim "):
        with pytest.raises(NotAllowed, match="somebody else"):
            perform(house.core, "destruction.approve", {"ids": [id], "by": name})
        assert perform(house.core, "destruction.approve", {"by": name})["approved"] == []
    assert house.core.storage.archive.groups() == []
    perform(house.core, "destruction.approve", {"ids": [id], "by": "Lee"})
    assert len(house.core.storage.archive.of_site(house.site.ref)) == 1


def test_two_persons_a_release_alone_destroys_nothing(new_house: Callable[..., House]) -> None:
    house = new_house(two_person=True)
    house.add_site()
    house.visit(house.arrive())
    hold = house.core.retention.holds.add(
        Hold(0, None, "claim", None, None, None, None, None, house.now, ground="claim")
    )
    house.run(OVER)
    perform(house.core, "holds.release", {"id": hold.id, "by": "Kim"})
    assert len(house.rows()) == 1
    assert states(house) == ["selected"]


# --- certificates ----------------------------------------------------------------------------------------------------


def test_s5_3_a_certificate_says_what_how_many_why_under_which_rule_when_and_how(house: House) -> None:
    visitor = house.arrive()
    for _ in range(3):
        house.visit(visitor)
    house.run(OVER)
    record = [r for r in house.core.storage.ledger.records() if r.kind == "certificate"][-1]
    assert record.body is not None
    assert record.at == at(OVER)
    expected = {
        "what": {"kind": "day", "day": "2025-03-10"},
        "rows": 3,
        "reason": "the period has ended",
        "rules": [{"class": "access_log", "keep": "P1Y", "min_keep": None}],
        "method": "key destroyed, file and log overwritten and unlinked",
    }
    assert {key: record.body[key] for key in expected} == expected
    assert record.body["bytes"] > 0
    assert "for v1" in record.body["approved_by"]
