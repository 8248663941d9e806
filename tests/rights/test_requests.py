"""Privacy requests from the day they come in to their answer (S9, K10, K10a, K11)."""

from __future__ import annotations

import json
from datetime import date, timedelta

import msgspec
import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed, Unknown
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.rights import filing, request_list, settling
from dongui_collector.rights.grounds import GROUNDS, KINDS, due_day, grounds_for, named_in, urgency
from dongui_collector.storage.contract.requests import VERSION, StoredRequest
from dongui_collector.storage.contract.values import Hold
from dongui_collector.storage.sqlite.admin import SqliteAdmin
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House, at
from tests.rights.members import add, ask, join, proved

# --- the clock (K10, K17) --------------------------------------------------------------------------------------------


def test_k10_k17_the_first_day_is_not_counted() -> None:
    assert due_day("access", date(2025, 3, 10)) == date(2025, 3, 20)
    assert due_day("erasure", date(2024, 2, 25)) == date(2024, 3, 6)
    assert due_day("explanation", date(2025, 1, 31)) == date(2025, 3, 2), "K10a: thirty days"


def test_k10_the_clock_runs_from_the_day_of_receipt(house: House) -> None:
    id = add(house, received="2025-03-07")
    [shown] = request_list.listed(house.core)
    assert (shown.id, shown.due, shown.days_left) == (id, date(2025, 3, 17), 7)
    with pytest.raises(CollectorError, match="future"):
        add(house, received="2025-03-11")


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(-400, 400), st.booleans())
def test_k10_no_open_request_is_past_its_day_unnoticed(due: date, later: int, closed: bool) -> None:
    found = urgency(due, due + timedelta(days=later), closed=closed)
    assert (found == "closed") == closed
    if not closed:
        assert (found == "overdue") == (later > 0)
        assert (found == "due_soon") == (-3 <= later <= 0)


def test_k10_warnings_follow_the_clock(house: House) -> None:
    add(house)
    seen = []
    for when in ("2025-03-16T23:59", "2025-03-17T00:00", "2025-03-20T23:59", "2025-03-21T00:00"):
        house.now = at(when)
        seen.append(request_list.waiting(house.core))
    assert [next(k for k, n in counts.items() if n) for counts in seen] == ["open", "due_soon", "due_soon", "overdue"]


# --- who asks (S9.6, K11) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("outcome", ["granted", "refused", "postponed"])
def test_s9_6_nothing_is_answered_before_the_identity_was_checked(house: House, kind: str, outcome: str) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    id = add(house, kind, visitor=visitor)
    for ground in GROUNDS:
        with pytest.raises(NotAllowed, match="identity"):
            ask(house, "answer", id=id, outcome=outcome, reason="why", ground=ground.id, until="2025-04-01")
    assert ask(house, "show", id=id)["held"] is None
    assert len(house.rows()) == 1
    assert not house.core.storage.ledger.suspended()


def test_s9_6_whose_identity_is_not_confirmed_is_refused_for_that_and_nothing_else(house: House) -> None:
    id = add(house, "erasure", visitor=house.arrive())
    ask(house, "identity", id=id, how="call_back", failed=True)
    with pytest.raises(NotAllowed, match="could not be confirmed"):
        ask(house, "answer", id=id, outcome="granted")
    with pytest.raises(CollectorError, match="DECREE 46"):
        ask(house, "answer", id=id, outcome="refused", reason="a law names it", ground="PIPA 36(1)")
    assert ask(house, "show", id=id)["held"] is None
    ask(house, "answer", id=id, outcome="refused", reason="nobody answered", ground="DECREE 46(1)")
    assert request_list.listed(house.core) == []


def test_s9_6_that_ground_is_closed_to_whoever_was_confirmed(house: House) -> None:
    id = proved(house)
    with pytest.raises(CollectorError, match=r"PIPA 35\(4\)"):
        ask(house, "answer", id=id, outcome="refused", reason="x", ground="DECREE 46(1)")


def test_s9_3_k11_an_agent_needs_a_power_of_attorney(house: House) -> None:
    id = add(house, agent=True, member="m-1")
    with pytest.raises(NotAllowed, match="power of attorney"):
        ask(house, "identity", id=id, how="document")
    ask(house, "identity", id=id, how="document", attorney="form 11, seen on 10 March")
    assert ask(house, "show", id=id)["attorney"] == "form 11, seen on 10 March"
    steps = [r.body for r in house.core.storage.ledger.records() if r.kind == "request" and r.body]
    assert steps[-1]["attorney"] is True
    assert "form 11" not in str(steps)


def test_s9_6_the_visitor_id_itself_is_the_proof_of_the_snippets_requests(house: House) -> None:
    visitor = house.core.storage.ledger.visitor(house.core.ledger.key_of(house.arrive()))
    assert visitor
    filed = filing.received_online(house.core, visitor, "erase", "me")
    [shown] = request_list.listed(house.core)
    assert (shown.kind, shown.channel, shown.identity) == ("erasure", "online", "confirmed")
    assert ask(house, "answer", id=filed.id, outcome="granted")["outcome"] == "granted"


# --- what lies where -------------------------------------------------------------------------------------------------


def test_s7_2_who_asked_and_every_word_lie_sealed_and_age_out_with_the_request(house: House) -> None:
    id = proved(house, member="member-sentinel")
    ask(house, "answer", id=id, outcome="refused", reason="reason-sentinel", ground="PIPA 35(4)")
    assert b"sentinel" not in house.bytes("data", "keys")
    shown = ask(house, "show", id=id)
    assert (shown["text"], shown["answers"][0]["reason"]) == ("please-sentinel", "reason-sentinel")
    filed = house.core.storage.admin.request(id)
    assert filed
    assert filed.key
    house.run("2028-03-10T23:59:59")
    assert house.core.storage.admin.request(id)
    house.run("2028-03-11T00:00")
    assert house.core.storage.admin.request(id) is None
    assert house.core.storage.keys.destroyed(filed.key), "no backup tells it either"
    assert verify(house.core).ok


def test_k12_every_look_is_on_the_ledger(house: House) -> None:
    id = proved(house, visitor=house.arrive())
    before = house.core.storage.ledger.head()[0]
    ask(house, "show", id=id, address="192.0.2.1")
    looks = [r for r in house.core.storage.ledger.records(before) if r.kind == "audit" and r.body]
    assert any(r.body and r.body["action"] == "request.show" and r.body["by"] == "officer" for r in looks)


# --- answers (K10) ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_k10_a_refusal_rests_on_a_provision_for_its_kind(house: House, kind: str) -> None:
    """S9.4: limits carry a reason."""
    id = proved(house, kind)
    fitting = {g.id for g in grounds_for(kind, "refused", proved=True)}
    for ground in GROUNDS:
        if ground.id not in fitting:
            with pytest.raises(CollectorError):
                ask(house, "answer", id=id, outcome="refused", reason="so", ground=ground.id)
    if len(fitting) != 1:
        with pytest.raises(CollectorError, match="ground"):
            ask(house, "answer", id=id, outcome="refused", reason="we would rather not")
    if fitting:
        done = ask(house, "answer", id=id, outcome="refused", reason=f"so, under {min(fitting)}")
        assert done["ground"] == min(fitting)


@pytest.mark.parametrize(("kind", "outcome"), [(k, o) for k in KINDS for o in ("refused", "postponed")])
def test_k10_the_only_ground_that_is_open_need_not_be_named(house: House, kind: str, outcome: str) -> None:
    id = proved(house, kind)
    open_to = [g.id for g in grounds_for(kind, outcome, proved=True)]
    given = {"outcome": outcome, "reason": "a good reason", "until": "2025-04-01"}
    if len(open_to) == 1:
        with pytest.raises(CollectorError, match="ground"):
            ask(house, "answer", id=id, **given | {"reason": "under DECREE 46(1)"})
        assert ask(house, "answer", id=id, **given)["ground"] == open_to[0]
        return
    with pytest.raises(CollectorError, match="ground"):
        ask(house, "answer", id=id, **given)


def test_k10_a_ground_is_found_in_the_words_of_the_reason() -> None:
    assert named_in("개인정보 보호법 제36조 제1항에 따라 거절합니다", GROUNDS) == GROUNDS[2]
    assert named_in("see PIPA 36(1).", GROUNDS) == GROUNDS[2]
    assert named_in("PIPA 36(12)", GROUNDS) is None
    assert named_in("because", GROUNDS) is None


def test_k10_a_postponement_moves_the_clock_and_it_warns_again(house: House) -> None:
    id = proved(house)
    ask(house, "answer", id=id, outcome="postponed", reason="many at once", ground="PIPA 35(3)", until="2025-04-01")
    assert request_list.listed(house.core)[0].due == date(2025, 4, 1)
    house.now = at("2025-04-02T00:00")
    assert request_list.waiting(house.core)["overdue"] == 1
    ask(house, "answer", id=id, outcome="granted")
    with pytest.raises(NotAllowed, match="closed already"):
        ask(house, "identity", id=id, how="document")


def test_k10_s11_the_person_reads_the_answer_with_the_route_of_objection(house: House) -> None:
    from dongui_collector.rights.own_requests import own_requests

    visitor = house.arrive()
    id = proved(house, "erasure", visitor=visitor)
    ask(house, "answer", id=id, outcome="refused", reason="the law names it", ground="PIPA 36(1)")
    [own] = own_requests(house.core, house.core.ledger.key_of(visitor))
    assert own["answers"] == [
        {"outcome": "refused", "ground": "PIPA 36(1)", "at": house.now, "until": None, "reason": "the law names it"}
    ]
    assert own["objection"][0]["contact"]
    assert "officer" not in str(own["answers"])


# --- carried out -----------------------------------------------------------------------------------------------------


def test_s9_1_a_members_erasure_covers_every_linked_visitor_and_the_records(members: House) -> None:
    house = members
    phone, laptop, stranger = house.arrive(), house.arrive(), house.arrive()
    for visitor in (phone, laptop):
        join(house, visitor, "m-1")
    for visitor, marker in ((phone, "phone"), (laptop, "laptop"), (stranger, "stranger")):
        house.visit(visitor, marker=marker)
    for subject in ("m-1", "m-2"):
        house.core.retention.records.add(
            house.site, "abuse", subject, house.now, "support", {"who": f"abuse-{subject}"}
        )
    id = proved(house, "erasure", member="m-1")
    assert ask(house, "show", id=id)["held"]["rows"] == 2
    done = ask(house, "answer", id=id, outcome="granted")
    assert done["rows_destroyed"] == 2
    assert house.markers() == {"stranger"}
    assert len(house.core.storage.records.of_site(1)) == 1
    filed = house.core.storage.admin.request(id)
    assert filed
    assert (filed.member, filed.visitor, filed.settling) == (None, None, None), "whose it was is forgotten"
    assert [str(f) for f in verify(house.core).findings] == []


def test_s9_5_what_another_law_names_is_left_and_named_with_its_end(members: House) -> None:
    house = members
    house.core.retention.records.add(house.site, "payment", "m-1", house.now, "settlement", {"amount": 1})
    house.core.retention.records.add(house.site, "abuse", "m-1", house.now, "support", {"x": 1})
    id = proved(house, "erasure", member="m-1")
    [kept] = ask(house, "answer", id=id, outcome="granted")["kept"]
    assert (kept["class"], kept["until"], kept["records"]) == ("payment", "2030-03-10", 1)
    assert "시행령 제6조" in kept["law"]["ko"]
    assert ask(house, "show", id=id)["kept"] == [kept]


def test_s9_5_where_everything_is_kept_by_law_the_erasure_can_only_be_refused(members: House) -> None:
    house = members
    house.core.retention.records.add(house.site, "payment", "m-1", house.now, "settlement", {"amount": 1})
    id = proved(house, "erasure", member="m-1")
    with pytest.raises(NotAllowed, match=r"until 2030-03-10.*PIPA 36"):
        ask(house, "answer", id=id, outcome="granted")
    assert request_list.listed(house.core)[0].state == "open"


def test_s3_2_a_hold_keeps_the_file_open_until_it_is_released(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    wanted = Hold(0, house.site.ref, "investigation", "형사소송법 제199조", None, None, None, None, house.now)
    held = house.core.retention.holds.add(wanted)
    id = proved(house, "erasure", visitor=visitor)
    done = ask(house, "answer", id=id, outcome="granted")
    assert done["rows_destroyed"] == 0
    assert [k["law"]["ko"] for k in done["kept"]] == ["형사소송법 제199조"]
    assert "investigation" not in str(done)
    house.core.retention.approvals.release_hold(held.id, "o")
    house.core.retention.endings.resume()
    settling.resume(house.core)
    assert house.rows() == []
    assert ask(house, "show", id=id)["kept"] == []


def test_k10_a_members_suspension_reaches_visitors_joined_later(members: House) -> None:
    house = members
    visitor = house.arrive()
    join(house, visitor, "m-1")
    id = proved(house, "suspension", member="m-1")
    ask(house, "answer", id=id, outcome="granted")
    assert house.visit(visitor) == {"suspended": 1}
    again = proved(house, "resumption", member="m-1")
    ask(house, "answer", id=again, outcome="granted")
    assert house.visit(visitor) == {}
    assert not house.core.storage.ledger.suspended()
    assert verify(house.core).ok


def test_an_unknown_visitor_id_is_said_so(house: House) -> None:
    with pytest.raises(Unknown, match="nothing is held"):
        add(house, visitor="A" * 22)


# --- rows of earlier versions ----------------------------------------------------------------------------------------

FIRST_FORM = {
    "site_ref": 1,
    "kind": "restriction",
    "at": 1_741_572_000_000,
    "due": "2025-03-20",
    "text": "please-sentinel",
    "visitor": None,
    "correcting": None,
    "identity": {"result": "confirmed", "how": "document", "at": 1_741_572_000_001, "by": "officer"},
    "answers": [{"outcome": "postponed", "ground": "PIPA 35(4)", "at": 3, "by": "officer", "until": "2025-03-20"}],
}


@pytest.mark.parametrize("without", [(), ("identity",), ("answers",), ("text", "visitor", "correcting", "due")])
def test_a_row_of_the_first_form_is_read_and_stored_as_one_of_today(house: House, without: tuple[str, ...]) -> None:
    admin, form = house.core.storage.admin, {k: v for k, v in FIRST_FORM.items() if k not in without}
    assert isinstance(admin, SqliteAdmin)
    with house.core.storage.ledger.writing():
        id = admin.add_request(StoredRequest(1, "access"))
        admin._write("UPDATE requests SET body = ? WHERE id = ?", (json.dumps(form), id))
    found = admin.request(id)
    assert found
    assert (found.v, msgspec.to_builtins(found) | {"id": id}) == (
        1,
        {k: v for k, v in form.items() if v is not None} | {"id": id},
    )
    with house.core.storage.ledger.writing():
        admin.update_request(found)
    again = admin.request(id)
    assert again
    assert (again.v, again.id, again.kind, again.answers) == (VERSION, id, found.kind, found.answers)
