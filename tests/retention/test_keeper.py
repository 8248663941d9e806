"""Ageing out on a real installation: when, what, in which steps, and what an error or a hold changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import perform, plain
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.retention.service import DestructionFailed
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.contract.values import Hold
from dongui_collector.storage.sqlite.days import SqliteDays

from tests.retention.house import ALL, House, at, policy

DAY = date(2025, 3, 10)
LAST_MOMENT, OVER = "2026-03-10T23:59:59.999", "2026-03-11T00:00"


def hold(house: House, **more: object) -> Hold:
    fields: dict[str, object] = dict.fromkeys(("site_ref", "statute", "class_id", "visitor", "first_day", "last_day"))
    return house.core.retention.holds.add(Hold(id=0, reason="investigation", at=house.now, **(fields | more)))  # type: ignore[arg-type]


def nothing_is_wrong(house: House) -> None:
    assert [str(f) for f in verify(house.core).findings] == []


# --- when ------------------------------------------------------------------------------------------------------------


def test_a_day_is_whole_until_its_year_is_over_and_gone_right_after(house: House) -> None:
    """S3.1e, S5.1, K17."""
    visitor = house.arrive()
    for hour in ("00:00", "12:00", "23:59:59.999"):
        house.now = at(f"2025-03-10T{hour}")
        house.visit(visitor)
    assert house.run(LAST_MOMENT).destroyed == 0
    assert len(house.rows(DAY)) == 3
    outcome = house.run(OVER)
    assert outcome.destroyed == 1
    assert house.core.storage.events.days() == []
    assert house.core.keyring.day(DAY) is None
    nothing_is_wrong(house)


def test_no_byte_of_an_aged_out_day_stays(house: House) -> None:
    """S5.3, K13: it cannot be reproduced."""
    visitor = house.arrive()
    for n in range(400):
        house.visit(visitor, marker=f"sentinel{n}x")
    house.now = at("2025-03-11T12:00")
    house.visit(visitor, marker="neighbour")
    house.run("2025-03-12T12:00")
    assert b"sentinel0x" in house.bytes()
    house.run(OVER)
    left = house.bytes("data", "keys")
    assert b"sentinel" not in left
    assert b"neighbour" in left
    assert house.markers() == {"neighbour"}
    house.run("2026-03-12T00:00")
    assert b"neighbour" not in house.bytes("data", "keys")
    nothing_is_wrong(house)


@pytest.mark.parametrize(
    ("recorded", "last"),
    [
        ("2024-02-28", "2025-02-28"),
        ("2024-02-29", "2025-02-28"),
        ("2023-02-28", "2024-02-29"),
        ("2023-12-31", "2024-12-31"),
    ],
)
def test_month_ends_and_leap_days(new_house: Callable[..., House], recorded: str, last: str) -> None:
    house = new_house(start=f"{recorded}T10:00")
    house.add_site(policy(effective=date(2023, 1, 1)))
    house.approve_routine()
    house.visit(house.arrive())
    assert house.run(f"{last}T23:59:59").destroyed == 0
    next_day = date.fromisoformat(last).toordinal() + 1
    assert house.run(f"{date.fromordinal(next_day)}T00:00:00").destroyed == 1


def test_another_class_ends_earlier_row_by_row(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    both, only_ads = house.arrive(*ALL), house.arrive("marketing")
    house.visit(both, marker="both")
    house.visit(only_ads, marker="only")
    outcome = house.run("2025-09-11T00:00")
    assert [plain(c)["what"]["kind"] for c in outcome.certificates] == ["bases"]
    assert (outcome.certificates[0].rows_destroyed, outcome.certificates[0].rows_reduced) == (1, 1)
    (row,) = house.rows()
    assert row.ads is None
    assert row.url is not None
    assert set(house.core.registry.notice(row.notice_ref).names(row.purposes)) == {"personalisation", "statistics"}
    nothing_is_wrong(house)
    assert house.run("2025-09-11T00:05").selected == 0, "what is done is not selected again"
    house.reopen()
    assert house.run("2025-09-11T00:06").selected == 0, "nor after a restart"
    assert house.run(OVER).destroyed == 1
    assert house.rows() == []


def test_rows_stay_under_the_period_of_their_own_notice(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor, marker="old")
    shorter = policy("v2", date(2025, 3, 11)).replace('keep = "P1Y"', 'keep = "P3M"', 1)
    assert shorter != policy("v2", date(2025, 3, 11))
    perform(house.core, "policy.publish", {"text": shorter})
    house.approve_routine()
    house.now = at("2025-03-11T12:00")
    assert house.visit(visitor, marker="new") == {}
    house.run("2025-06-12T00:00")
    assert house.markers() == {"old"}
    house.run(OVER)
    assert house.markers() == set()
    nothing_is_wrong(house)


def test_late_rows_of_a_destroyed_day_do_not_bring_it_back(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.now = at("2026-03-10T23:00")
    visitor = house.choose(ALL, visitor=visitor) or ""
    assert house.visit(visitor, when="2025-03-10T13:00", marker="late") == {}
    house.run(OVER)
    assert house.visit(visitor, when="2025-03-10T13:00", marker="later") == {"expired": 1}
    assert house.core.storage.events.days() == []
    assert b"later" not in house.bytes()


def test_not_even_under_a_longer_period_or_without_a_sealed_item(house: House) -> None:
    """A new notice keeps two years; what the old one's year has destroyed does not begin again."""
    house.visit(house.arrive())
    longer = policy("v2", date(2025, 6, 1)).replace('keep = "P1Y"', 'keep = "P2Y"')
    perform(house.core, "policy.publish", {"text": longer})
    house.run(OVER)
    assert house.core.storage.events.days() == []
    visitor = house.arrive("personalisation")
    assert house.visit(visitor, when="2025-03-10T13:00", marker="late") == {"expired": 1}
    assert house.visit(visitor, when="2025-03-11T13:00", marker="next") == {}
    assert house.core.storage.events.days() == [date(2025, 3, 11)]
    nothing_is_wrong(house)


# --- the three steps -------------------------------------------------------------------------------------------------


def test_without_a_standing_approval_everything_waits_for_the_officer(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    outcome = house.run(OVER)
    assert (outcome.selected, outcome.destroyed, outcome.waiting) == (1, 0, 1)
    assert len(house.rows(DAY)) == 1
    (waiting,) = house.core.storage.admin.destructions(("selected",))
    with pytest.raises(Unknown):
        house.core.retention.approvals.approve([99], "officer")
    house.core.retention.approvals.approve([waiting.id], "김 책임자")
    assert house.run().destroyed == 1
    done = house.core.storage.admin.destruction(waiting.id)
    assert done is not None
    assert done.certificate is not None
    assert (done.state, done.approved_by, done.certificate.approved_by) == ("done", "김 책임자", "김 책임자")
    with pytest.raises(NotAllowed):
        house.core.retention.approvals.approve([waiting.id], "officer")
    nothing_is_wrong(house)


def test_a_standing_approval_given_later_covers_what_waits(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    house.run(OVER)
    house.core.retention.standing.grant("officer")
    assert house.run().destroyed == 1
    house.core.retention.standing.revoke("officer")
    with pytest.raises(NotAllowed):
        house.core.retention.standing.revoke("officer")


def test_every_step_is_on_the_ledger(house: House) -> None:
    """S5.3."""
    house.visit(house.arrive())
    house.run(OVER)
    (done,) = house.core.storage.admin.destructions()
    kinds = [(r.kind, r.body) for r in house.core.storage.ledger.records() if r.body and r.kind != "consent"]
    steps = [
        kind for kind, body in kinds if body.get("destruction") == done.id or done.id in body.get("destructions", [])
    ]
    assert steps == ["approval", "destruction", "certificate"]
    (selection,) = [body for kind, body in kinds if kind == "selection"]
    assert selection["selected"] == [{"destruction": done.id, "what": done.what, "reason": "the period has ended"}]
    certificate = next(body for kind, body in kinds if kind == "certificate")
    assert certificate["what"] == {"kind": "day", "day": "2025-03-10"}
    assert certificate["rows"] == 1
    assert certificate["bytes"] > 0
    assert "standing approval of 2025-03-10 by officer" in certificate["approved_by"]


def test_a_certificate_names_nobody(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    key = house.core.ledger.key_of(visitor)
    hold(house, visitor=key)
    house.run(OVER)
    for destruction in house.core.storage.admin.destructions():
        text = f"{destruction.what} {destruction.certificate}"
        assert key.hex() not in text
        assert visitor not in text
    assert key.hex().encode() not in house.bytes("keys")
    assert key not in house.bytes("keys")


# --- errors ----------------------------------------------------------------------------------------------------------


def test_an_error_stops_neither_the_others_nor_the_next_try(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = house.arrive()
    for day in (10, 11, 12):
        house.now = at(f"2025-03-{day}T12:00")
        house.visit(visitor)
    real = SqliteDays.destroy

    def broken(store: SqliteDays, day: date) -> int:
        if day == date(2025, 3, 11):
            raise OSError(5, "input/output error")
        return real(store, day)

    monkeypatch.setattr(SqliteDays, "destroy", broken)
    house.now = at("2026-03-13T00:00")
    before = house.core.retention.last_success()
    with pytest.raises(DestructionFailed):
        house.core.retention.tick()
    assert house.core.storage.events.days() == [date(2025, 3, 11)]
    assert house.core.retention.last_success() == before, "a round with a failure is no success"
    monkeypatch.setattr(SqliteDays, "destroy", real)
    house.core.retention.tick()
    assert house.core.storage.events.days() == []
    assert house.core.retention.last_success() == house.now
    nothing_is_wrong(house)


def test_a_damaged_file_stops_nothing_and_ages_out_itself(house: House) -> None:
    visitor = house.arrive()
    for day in (10, 11):
        house.now = at(f"2025-03-{day}T12:00")
        house.visit(visitor)
    house.close()
    path = house.folder / "data" / "events" / "2025-03-10.db"
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"no database at all" * 500)
    house.open()
    house.now = at("2026-03-12T00:00")
    house.core.retention.tick()
    assert house.core.storage.events.days() == []
    assert b"no database" not in house.bytes()


def test_a_damaged_file_is_kept_while_a_hold_may_cover_it(house: House) -> None:
    (house.folder / "data" / "events" / "2025-03-01.db").write_bytes(b"no database at all" * 500)
    held = hold(house, class_id="access_log")
    house.run("2026-03-12T00:00")
    assert house.core.storage.events.days() == [date(2025, 3, 1)]
    house.core.retention.approvals.release_hold(held.id, "officer")
    house.run()
    assert house.core.storage.events.days() == []


def test_the_last_success_is_known_after_a_restart(house: House) -> None:
    house.visit(house.arrive())
    house.run(OVER)
    house.reopen()
    assert house.core.retention.last_success() == at(OVER)


# --- holds -----------------------------------------------------------------------------------------------------------


def test_a_hold_on_one_visitor_keeps_their_rows_and_nobody_elses(house: House) -> None:
    kept, gone = house.arrive(), house.arrive()
    house.visit(kept, marker="kept")
    house.visit(gone, marker="gone-for-good")
    held = hold(house, visitor=house.core.ledger.key_of(kept))
    house.run(OVER)
    assert house.markers() == {"kept"}
    assert b"gone-for-good" not in house.bytes()
    nothing_is_wrong(house)
    assert house.run("2026-03-12T00:00").selected == 0
    house.core.retention.approvals.release_hold(held.id, "officer")
    assert house.run().destroyed == 1
    assert house.core.storage.events.days() == []
    nothing_is_wrong(house)


def test_a_hold_that_comes_after_the_approval_still_counts(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.standing.revoke("officer")
    house.run(OVER)
    house.core.retention.approvals.approve(None, "officer")
    held = hold(house, class_id="access_log")
    assert house.run().destroyed == 0
    assert [d.state for d in house.core.storage.admin.destructions()] == ["lapsed"]
    house.core.retention.approvals.release_hold(held.id, "officer")
    house.core.retention.standing.grant("officer")
    assert house.run().destroyed == 1


def test_two_holds_released_one_after_the_other(house: House) -> None:
    names = ("first", "second", "third")
    visitors = {name: house.arrive() for name in names}
    for name, visitor in visitors.items():
        house.visit(visitor, marker=name)
    holds = [hold(house, visitor=house.core.ledger.key_of(visitors[name])) for name in names[:2]]
    house.run(OVER)
    assert house.markers() == {"first", "second"}
    house.core.retention.approvals.release_hold(holds[0].id, "officer")
    house.run()
    assert house.markers() == {"second"}
    house.core.retention.approvals.release_hold(holds[1].id, "officer")
    house.run()
    assert house.core.storage.events.days() == []
    nothing_is_wrong(house)


def test_a_hold_with_an_end_ends_by_itself(house: House) -> None:
    house.visit(house.arrive())
    hold(house, until=date(2026, 4, 1))
    assert house.run("2026-04-01T23:59").destroyed == 0
    assert house.run("2026-04-02T00:00").destroyed == 1


@pytest.mark.parametrize("how", ["withdraw", "erase"])
def test_a_hold_suspends_withdrawal_and_erasure_too_but_nobody_sees_the_rows(house: House, how: str) -> None:
    kept, other = house.arrive(), house.arrive()
    for visitor, marker in ((kept, "kept-by-a-hold"), (other, "other")):
        house.visit(visitor, marker=marker)
    held = hold(house, visitor=house.core.ledger.key_of(kept))
    for visitor in (kept, other):
        if how == "erase":
            ended = house.erase(visitor)
        else:
            house.choose((), ALL, visitor)
            assert house.ended is not None
            ended = house.ended
        assert ended.held is (visitor == kept)
    assert house.markers() == {"kept-by-a-hold"}
    masks = house.core.masks()
    assert all(house.core.reader.readable(row, DAY, masks) is None for row in house.rows())
    nothing_is_wrong(house)
    house.core.retention.approvals.release_hold(held.id, "officer")
    house.core.retention.endings.resume()
    assert house.markers() == set()
    assert b"kept-by-a-hold" not in house.bytes()
    assert house.core.storage.ledger.intents() == []
    nothing_is_wrong(house)


def test_what_a_hold_keeps_outlives_the_record_of_its_consent(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor, marker="kept")
    hold(house, class_id="access_log")
    house.run("2028-09-07T00:00")
    assert house.core.storage.ledger.records_of(house.core.ledger.key_of(visitor)) == []
    assert house.markers() == {"kept"}
    nothing_is_wrong(house)


def test_an_erased_visitor_is_named_by_no_request(house: House) -> None:
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    entry = StoredRequest(1, "erase", visitor=key.hex(), text="please", at=house.now)
    with house.core.storage.ledger.writing():
        house.core.storage.admin.add_request(entry)
    house.erase(visitor)
    assert [r.text for r in house.core.storage.admin.requests()] == ["please"]
    assert key.hex().encode() not in house.bytes()


def test_a_hold_on_a_class_suspends_only_its_purposes_at_withdrawal(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    visitor = house.arrive()
    house.visit(visitor, marker="seen")
    hold(house, class_id="ads_log")
    house.choose((), ALL, visitor)
    (row,) = house.rows()
    assert (row.url, row.ip) == (None, None)
    assert row.ads is not None
    nothing_is_wrong(house)


# --- the ledger's own contents ---------------------------------------------------------------------------------------


def test_a_consent_record_is_kept_from_the_consents_end_and_then_erased(house: House) -> None:
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    house.now = at("2025-05-01T12:00")
    house.choose((), ALL, visitor)
    # Three years from the withdrawal of 2025-05-01 end with 2028-05-01.
    house.run("2028-05-01T23:59")
    assert [r.kind for r in house.core.storage.ledger.records_of(key)] == ["consent", "consent"]
    outcome = house.run("2028-05-02T00:00")
    assert [plain(c)["what"]["kind"] for c in outcome.certificates] == ["consents"]
    assert house.core.storage.ledger.records_of(key) == []
    assert house.core.storage.ledger.visitor(key) is None
    assert key not in house.bytes()
    nothing_is_wrong(house)


def test_a_consent_that_nobody_ends_ends_with_its_lifetime(house: House) -> None:
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    # P180D from 2025-03-10 end with 2025-09-06; three years from there with 2028-09-06.
    house.run("2028-09-06T23:59")
    assert house.core.storage.ledger.records_of(key)
    house.run("2028-09-07T00:00")
    assert house.core.storage.ledger.records_of(key) == []
    assert house.core.storage.ledger.visitor(key) is None


def test_an_old_consent_record_goes_while_the_visitor_stays(house: House) -> None:
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    first = house.core.storage.ledger.records_of(key)[0].seq
    for year in (2025, 2026, 2027, 2028):
        for month in (6, 11):
            house.now = at(f"{year}-{month:02}-20T12:00")
            house.choose(ALL, visitor=visitor)
    house.run("2028-12-01T00:00")
    left = house.core.storage.ledger.records_of(key)
    assert first not in [r.seq for r in left]
    assert len(left) == 7, "all but the first and the one that replaced it in June 2025 and ended in November"
    house.visit(visitor, marker="alive")
    assert house.markers() == {"alive"}
    nothing_is_wrong(house)


def test_a_consent_record_outlives_the_rows_that_stand_on_it(new_house: Callable[..., House]) -> None:
    house = new_house()
    text = policy()
    head, rest = text.split("[records.consent_record]", 1)
    house.add_site(head + "[records.consent_record]" + rest.replace('keep = "P3Y"', 'keep = "P1M"', 1))
    house.approve_routine()
    visitor = house.arrive()
    house.now = at("2025-09-06T23:00")
    house.visit(visitor)
    house.run("2026-09-06T23:59")
    assert len(house.rows()) == 1
    nothing_is_wrong(house)
    house.run("2026-09-07T00:00")
    assert house.rows() == []
    assert house.core.storage.ledger.records_of(house.core.ledger.key_of(visitor)) == []


def test_a_hold_keeps_a_consent_record(house: House) -> None:
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    held = hold(house, visitor=key)
    house.run("2028-09-07T00:00")
    assert house.core.storage.ledger.records_of(key)
    house.core.retention.approvals.release_hold(held.id, "officer")
    house.run()
    assert house.core.storage.ledger.records_of(key) == []


def test_audit_entries_and_closed_requests_age_out(house: House) -> None:
    office, ledger = house.core.storage.admin, house.core.storage.ledger
    with ledger.writing():
        ledger.append("audit", house.now, {"action": "export", "by": "auditor-sentinel"}, site_ref=1)
        closed = StoredRequest(1, "access", at=house.now, closed_at=house.now, text="request-sentinel")
        office.add_request(closed)
        office.add_request(StoredRequest(1, "access", at=house.now, text="still open"))
    house.run("2027-03-10T23:59")
    assert b"auditor-sentinel" in house.bytes()
    house.run("2027-03-11T00:00")
    assert b"auditor-sentinel" not in house.bytes()
    house.run("2028-03-11T00:00")
    assert b"request-sentinel" not in house.bytes()
    assert [r.text for r in office.requests()] == ["still open"]
    nothing_is_wrong(house)
