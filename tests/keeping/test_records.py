"""Records of the other classes: on which basis, where, until when, and who may read them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from dongui_collector.errors import NotAllowed
from dongui_collector.keeping.records import basis_of
from dongui_collector.keeping.verify import verify
from dongui_collector.security.keys import record_name
from dongui_collector.storage.base import Hold

from tests.keeping.house import House, at, policy

DATA = {"order": "order-sentinel", "amount": 12_000}


def add(house: House, class_id: str, subject: str = "member-1", when: str | None = None) -> dict[str, str]:
    moment = house.now if when is None else at(when)
    return house.core.keeper.add_record(house.site, class_id, subject, moment, "settlement", DATA)


@pytest.mark.parametrize(
    ("class_id", "until", "store"),
    [
        ("contract", "2030-03-10", "archive"),
        ("payment", "2030-03-10", "archive"),
        ("complaint", "2028-03-10", "archive"),
        ("abuse", "2030-03-10", "records"),
        ("access_log", "2026-03-10", "records"),
    ],
)
def test_the_classes_of_the_seed(house: House, class_id: str, until: str, store: str) -> None:
    made = add(house, class_id)
    assert made == {"id": made["id"], "class": class_id, "kept_until": until}
    assert uuid.UUID(made["id"]).version == 4, "an id that tells the time would say when it was recorded"
    stores = {"archive": house.core.storage.archive, "records": house.core.storage.records}
    for name, one in stores.items():
        assert [r.class_id for r in one.find(house.site.ref)] == ([class_id] if name == store else [])


def test_what_the_law_keeps_is_in_no_other_file(house: House) -> None:
    add(house, "payment")
    subject = house.core.storage.archive.find(house.site.ref)[0].subject
    holding = [p.name for p in (house.folder / "data").rglob("*.db*") if subject in p.read_bytes()]
    assert {name.removesuffix("-wal") for name in holding} == {"archive.db"}


def test_neither_subject_nor_content_can_be_read_on_disk(house: House) -> None:
    add(house, "payment", "member-sentinel")
    add(house, "abuse", "member-sentinel")
    assert b"sentinel" not in house.bytes("data", "keys")


@pytest.mark.parametrize("class_id", ["nothing", "consent_record", "staff_audit", "request"])
def test_a_class_without_a_basis_is_refused(house: House, class_id: str) -> None:
    with pytest.raises(NotAllowed):
        add(house, class_id)
    assert house.core.storage.records.groups() == house.core.storage.archive.groups() == []


def test_the_basis_is_the_law_or_a_purpose_of_another_basis_than_consent(house: House) -> None:
    rules = house.core.book.in_force(house.site.ref, house.now).policy
    found = {id: basis_of(one, rules) for id, one in rules.records.items()}
    assert (found["payment"], found["abuse"], found["consent_record"]) == ("law", "security", None)
    assert all(b in (None, "law") or rules.purposes[b].basis != "consent" for b in found.values())


def test_a_class_that_only_consent_names_is_refused(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    with pytest.raises(NotAllowed):
        add(house, "ads_log")


@pytest.mark.parametrize(
    ("when", "until"),
    [("2024-02-29T09:00", "2025-02-28"), ("2024-03-10T00:00", "2025-03-10"), ("2025-03-09T23:59", "2026-03-09")],
)
def test_the_period_counts_from_the_records_own_day(house: House, when: str, until: str) -> None:
    if date.fromisoformat(until) < date(2025, 3, 10):
        with pytest.raises(NotAllowed, match="already ended"):
            add(house, "access_log", when=when)
    else:
        assert add(house, "access_log", when=when)["kept_until"] == until


def test_a_future_time_counts_as_now(house: House) -> None:
    made = house.core.keeper.add_record(house.site, "abuse", "m", 10**18, "support", {})
    assert made["kept_until"] == "2030-03-10"


def test_records_age_out_with_their_key(house: House) -> None:
    add(house, "complaint")
    add(house, "payment")
    name = record_name("complaint", date(2028, 3, 10))
    assert house.core.keyring.named(name) is not None
    house.run("2028-03-10T23:59:59")
    assert len(house.core.storage.archive.find(1)) == 2
    assert house.run("2028-03-11T00:00")["destroyed"] == 1
    assert [r.class_id for r in house.core.storage.archive.find(1)] == ["payment"]
    assert house.core.storage.keys.destroyed(name)
    assert [str(f) for f in verify(house.core).findings] == []


def test_two_sites_share_a_key_until_both_are_done(house: House) -> None:
    other = house.add_site(policy(), name="other")
    add(house, "complaint")
    house.core.keeper.add_record(other, "complaint", "m", house.now, "support", DATA)
    hold = Hold(0, other.ref, "claim", None, None, None, None, None, house.now)
    held = house.core.keeper.add_hold(hold)
    house.run("2028-03-11T00:00")
    (left,) = house.core.storage.archive.find(other.ref)
    assert house.core.storage.archive.find(house.site.ref) == []
    assert house.core.keeper.opened(left)["data"] == DATA, "its key must have stayed"
    house.core.keeper.release_hold(held.id, "officer")
    house.run()
    assert house.core.storage.archive.groups() == []
    assert house.core.storage.keys.destroyed(record_name("complaint", date(2028, 3, 10)))


def test_a_hold_on_a_subject_keeps_their_records_only(house: House) -> None:
    for subject in ("held", "free"):
        add(house, "complaint", subject)
    key = house.core.keeper.subject_key(house.site, "held")
    hold = house.core.keeper.add_hold(Hold(0, 1, "claim", None, "complaint", key, None, None, house.now))
    house.run("2028-03-11T00:00")
    assert [r.subject for r in house.core.storage.archive.find(1)] == [key]
    assert house.run("2028-03-12T00:00")["selected"] == 0
    assert [str(f) for f in verify(house.core).findings] == []
    house.core.keeper.release_hold(hold.id, "officer")
    assert house.run()["destroyed"] == 1
    assert house.core.storage.archive.groups() == []


# --- reading ---------------------------------------------------------------------------------------------------------


def test_an_archive_is_read_for_a_reason_and_on_the_ledger(house: House) -> None:
    add(house, "payment", "member-1")
    add(house, "payment", "member-2")
    read = house.core.keeper.read_archive
    for bad in ("", "  ", "why"):
        with pytest.raises(NotAllowed, match="reason"):
            read(house.site, "payment", reason=bad, by="officer")
    with pytest.raises(NotAllowed, match="abuse"):
        read(house.site, "abuse", reason="a payment is disputed", by="officer")
    before = house.core.storage.ledger.head()[0]
    found = read(house.site, "payment", reason="a payment is disputed", by="officer", subject="member-1")
    assert [r["data"] for r in found] == [DATA]
    (entry,) = house.core.storage.ledger.records(before)
    assert entry.kind == "audit"
    assert entry.body is not None
    assert (entry.body["action"], entry.body["by"], entry.body["records"]) == ("archive.read", "officer", 1)
    assert "member-1" not in str(entry.body)


def test_a_person_sees_their_records_and_of_archived_ones_the_facts(house: House) -> None:
    visitor = house.arrive()
    add(house, "abuse", visitor)
    add(house, "payment", visitor)
    add(house, "abuse", "someone else")
    seen = {r["class"]: r for r in house.core.keeper.records_of(house.site, house.core.ledger.key_of(visitor))}
    assert set(seen) == {"abuse", "payment"}
    assert (seen["abuse"]["data"], seen["abuse"]["kept_until"]) == (DATA, "2030-03-10")
    assert (seen["payment"]["data"], seen["payment"]["archived"]) == (None, True)
    assert seen["payment"]["law"]["en"]


def test_erasing_a_visitor_ends_what_no_other_law_names(house: House) -> None:
    visitor, other = house.arrive(), house.arrive()
    for class_id in ("abuse", "payment"):
        add(house, class_id, visitor)
        add(house, class_id, other)
    house.erase(visitor)
    key = house.core.ledger.key_of(visitor)
    assert house.core.storage.records.find(1, subject=key) == []
    assert [r.class_id for r in house.core.storage.archive.find(1, subject=key)] == ["payment"]
    assert len(house.core.storage.records.find(1)) == 1
    assert [str(f) for f in verify(house.core).findings] == []


def test_a_minimum_forbids_even_an_erasure_until_it_is_over(new_house: Callable[..., House]) -> None:
    house = new_house()
    head, rest = policy().split("[records.abuse]", 1)
    house.add_site(head + "[records.abuse]" + rest.replace('keep = "P5Y"', 'keep = "P5Y"\nmin_keep = "P3M"', 1))
    visitor = house.arrive()
    key = house.core.ledger.key_of(visitor)
    add(house, "abuse", visitor, "2025-03-09T12:00")
    house.now = at("2025-06-09T12:00")
    add(house, "abuse", visitor)
    house.now = at("2025-06-10T12:00")
    house.erase(visitor)
    assert [str(r.day) for r in house.core.storage.records.find(1, subject=key)] == ["2025-06-09"]


@pytest.mark.parametrize("class_id", ["payment", "complaint", "abuse"])
def test_an_id_is_the_sites_own_and_its_answer_stays(house: House, class_id: str) -> None:
    """Sent again, a record is the one that is kept, whatever else is said or has changed."""
    other = house.add_site(policy(), name="other")
    add_record, own = house.core.keeper.add_record, uuid.uuid4().bytes
    first = add_record(house.site, class_id, "m", house.now, "support", {"n": 1}, id=own)
    strange = add_record(other, class_id, "m", house.now, "support", {"n": 2}, id=own)
    assert strange["id"] != first["id"]
    house.now += 400 * 86_400_000
    assert add_record(house.site, class_id, "m", house.now, "support", {"n": 3}, id=own) == first
    assert add_record(house.site, "no_such_class", "m", house.now, "support", {}, id=own) == first
    assert [str(f) for f in verify(house.core).findings] == []
