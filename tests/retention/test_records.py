"""Records of the other classes: on which basis, where, until when, and who may read them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import date

import pytest
from dongui.policy import parse
from dongui.policy.model import RecordClass
from dongui.policy.period import Period
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import perform
from dongui_collector.core.sealing import SealBroken, unseal
from dongui_collector.evidence.verify.verify import verify
from dongui_collector.keys.keyring import archive_name, record_name
from dongui_collector.retention.archive import bound_to, named_by_law
from dongui_collector.retention.records import basis_of
from dongui_collector.storage.contract.values import Hold
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import ALL, House, at, policy

DATA = {"order": "order-sentinel", "amount": 12_000}


def add(house: House, class_id: str, subject: str = "member-1", when: str | None = None) -> dict[str, str]:
    moment = house.now if when is None else at(when)
    return house.core.retention.records.add(house.site, class_id, subject, moment, "settlement", DATA)


@pytest.mark.parametrize(
    ("class_id", "until", "store"),
    [
        ("contract", "2030-03-10", "records"),
        ("payment", "2030-03-10", "records"),
        ("complaint", "2028-03-10", "records"),
        ("abuse", "2030-03-10", "records"),
        ("access_log", "2026-03-10", "records"),
    ],
)
def test_the_classes_of_the_seed(house: House, class_id: str, until: str, store: str) -> None:
    """S3.1a to S3.1e, K14: S3.1a, S3.1b, S3.1c, S3.1d and S3.1e, each for its period."""
    made = add(house, class_id)
    assert made == {"id": made["id"], "class": class_id, "kept_until": until}
    assert uuid.UUID(made["id"]).version == 4, "an id that tells the time would say when it was recorded"
    stores = {"archive": house.core.storage.archive, "records": house.core.storage.records}
    for name, one in stores.items():
        assert [r.class_id for r in one.of_site(house.site.ref)] == ([class_id] if name == store else [])


def close_member(house: House, member: str, reason: str = "closed") -> None:
    ending = house.core.ledger.end_member(house.site.ref, house.core.ledger.member_key(house.site.ref, member), reason)
    house.core.retention.endings.finish(ending)


def files_with(house: House, value: bytes) -> set[str]:
    found = [p.name for p in (house.folder / "data").rglob("*") if p.is_file() and value in p.read_bytes()]
    return {name.removesuffix("-wal") for name in found}


def law_alone(class_id: str = "payment") -> str:
    """The default policy with a class behind which no purpose of the site's own stands: it is archived at once."""
    head, rest = policy().split(f"[records.{class_id}]", 1)
    return head + f"[records.{class_id}]" + rest.replace('on_withdrawal = "archive"', 'on_withdrawal = "destroy"', 1)


def test_s5_2_what_the_law_alone_keeps_is_in_no_other_file(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(law_alone())
    add(house, "payment")
    (record,) = house.core.storage.archive.of_site(house.site.ref)
    assert files_with(house, record.subject) == files_with(house, record.sealed) == {"archive.db"}
    assert house.core.retention.records.opened(record)["reason"] == "law_alone"


ITEMS = {"transaction": "t-1", "email": "a@example.com", "password": "secret", "visit_time": 1, "note": {"phone": "1"}}


def test_s5_2_s3_1_closing_moves_exactly_what_the_law_names(house: House) -> None:
    """The live file holds no trace; source, law, reason and end date stand with the archived record."""
    house.core.retention.records.add(house.site, "payment", "member-1", house.now, "settlement", ITEMS)
    house.core.retention.records.add(house.site, "payment", "member-2", house.now, "settlement", ITEMS)
    house.core.retention.records.add(house.site, "abuse", "member-1", house.now, "service_use", ITEMS)
    key = house.core.retention.records.subject_key(house.site, "member-1")
    before = house.core.storage.records.of_subject(house.site.ref, key)
    assert len(before) == 2
    close_member(house, "member-1")
    (kept,) = house.core.storage.archive.of_site(house.site.ref)
    assert files_with(house, key) == files_with(house, kept.id) == {"archive.db"}
    assert all(files_with(house, r.sealed) == set() for r in before)
    opened = house.core.retention.records.opened(kept)
    assert opened["data"] == {"transaction": "t-1", "email": "a@example.com", "note": {"phone": "1"}}
    assert (opened["basis"], opened["reason"], opened["subject"]) == ("law", "membership_closed", "member-1")
    assert (kept.source, kept.last_day, kept.class_id) == ("settlement", date(2030, 3, 10), "payment")
    assert "Article 6" in opened["law"]["en"]
    assert [r.subject != key for r in house.core.storage.records.of_site(house.site.ref)] == [True]
    certificate = [r.body or {} for r in house.core.storage.ledger.records() if r.kind == "certificate"][-1]
    assert (certificate["records_archived"], certificate["records_destroyed"]) == (1, 1)
    assert (certificate["reason"], certificate["kind"]) == ("closed", "erasure")
    assert [str(f) for f in verify(house.core).findings] == []


def test_s5_2_the_archive_has_a_key_of_its_own(house: House) -> None:
    add(house, "payment")
    close_member(house, "member-1")
    (kept,) = house.core.storage.archive.of_site(house.site.ref)
    live, own = (house.core.keyring.named(name("payment", date(2030, 3, 10))) for name in (record_name, archive_name))
    assert live is not None
    assert own is not None
    assert live != own
    with pytest.raises(SealBroken):
        unseal(live, kept.sealed, bound_to(kept.site_ref, kept.class_id, kept.id))


@pytest.mark.parametrize("how", ["erasure", "withdrawal"])
def test_s5_2_a_visitors_records_move_when_the_visitor_ends(house: House, how: str) -> None:
    visitor, other = house.arrive(), house.arrive()
    for whom in (visitor, other):
        for class_id in ("payment", "abuse"):
            add(house, class_id, whom)
    key = house.core.ledger.key_of(visitor)
    house.choose((), ["marketing"], visitor)
    assert house.core.storage.archive.groups() == [], "a purpose that goes on ends nothing"
    if how == "erasure":
        house.erase(visitor)
    else:
        house.choose((), ALL, visitor)
    (kept,) = house.core.storage.archive.of_site(house.site.ref)
    assert (kept.subject, kept.class_id) == (key, "payment")
    opened = house.core.retention.records.opened(kept)
    assert (opened["reason"], opened["subject"]) == (how, None), "a visitor's id is a credential, not an item"
    # Abuse stands on the site's legitimate interest: an erasure ends it, a withdrawal of consents does not.
    left = house.core.storage.records.of_subject(house.site.ref, key)
    assert [r.class_id for r in left] == ([] if how == "erasure" else ["abuse"])
    assert len(house.core.storage.records.of_subject(house.site.ref, house.core.ledger.key_of(other))) == 2
    assert [str(f) for f in verify(house.core).findings] == []


def test_a_purpose_of_no_class_leaves_what_the_notice_of_then_kept(house: House) -> None:
    """What a record's own notice does not archive is destroyed, whatever a later notice says."""
    add(house, "abuse")
    head, rest = policy("v2", date(2025, 3, 11)).split("[records.abuse]", 1)
    law = 'law.ko = "법"\nlaw.en = "Act"\narchive = true\non_withdrawal = "archive"'
    rest = rest.replace('archive = false\non_withdrawal = "destroy"', law, 1)
    perform(house.core, "policy.publish", {"text": head + "[records.abuse]" + rest})
    house.now = at("2025-03-12T12:00")
    add(house, "abuse")
    close_member(house, "member-1")
    (kept,) = house.core.storage.archive.of_site(house.site.ref)
    assert kept.day == date(2025, 3, 12)
    assert house.core.storage.records.groups() == []


JSON = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=3),
)


@given(JSON, st.sets(st.sampled_from("abc")), st.sets(st.sampled_from("abc")))
def test_s3_1_no_item_that_the_law_does_not_name_is_left(data: object, items: set[str], law: set[str]) -> None:
    one = RecordClass("x", {}, Period(years=1), archive=True, items=tuple(law))
    left = named_by_law(data, one, items)

    def keys(value: object) -> set[str]:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        return set(value if isinstance(value, dict) else ()) | {k for v in inner for k in keys(v)}

    assert not keys(left) & (items - law)
    if not keys(data) & (items - law):
        assert left == data


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
    rules = house.core.registry.in_force(house.site.ref, house.now).policy
    found = {id: basis_of(one, rules) for id, one in rules.records.items()}
    assert (found["payment"], found["abuse"], found["consent_record"]) == ("service", "security", None)
    alone = parse(law_alone())
    assert basis_of(alone.records["payment"], alone) == "law"
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
    made = house.core.retention.records.add(house.site, "abuse", "m", 10**18, "support", {})
    assert made["kept_until"] == "2030-03-10"


def test_records_age_out_with_their_key(house: House) -> None:
    add(house, "complaint")
    add(house, "payment")
    close_member(house, "member-1")
    name = archive_name("complaint", date(2028, 3, 10))
    assert house.core.keyring.named(name) is not None
    house.run("2028-03-10T23:59:59")
    assert len(house.core.storage.archive.of_site(1)) == 2
    assert house.run("2028-03-11T00:00").destroyed == 1
    assert [r.class_id for r in house.core.storage.archive.of_site(1)] == ["payment"]
    assert house.core.storage.keys.destroyed(name)
    assert house.core.storage.keys.destroyed(record_name("complaint", date(2028, 3, 10)))
    assert [str(f) for f in verify(house.core).findings] == []


def test_s5_1_the_key_of_what_ended_one_by_one_goes_with_its_last_day(house: House) -> None:
    add(house, "access_log", "member-1")
    add(house, "access_log", "member-2", "2025-03-09T12:00")
    close_member(house, "member-1")
    name = record_name("access_log", date(2026, 3, 10))
    house.run("2026-03-10T23:59")
    assert not house.core.storage.keys.destroyed(name), "records of that class and day may still come"
    house.run("2026-03-11T00:00")
    assert house.core.storage.keys.destroyed(name)
    assert [str(f) for f in verify(house.core).findings] == []


def test_two_sites_share_a_key_until_both_are_done(house: House) -> None:
    other = house.add_site(policy(), name="other")
    add(house, "complaint")
    house.core.retention.records.add(other, "complaint", "m", house.now, "support", DATA)
    hold = Hold(0, other.ref, "claim", None, None, None, None, None, house.now)
    held = house.core.retention.holds.add(hold)
    house.run("2028-03-11T00:00")
    (left,) = house.core.storage.records.of_site(other.ref)
    assert house.core.storage.records.of_site(house.site.ref) == []
    assert house.core.retention.records.opened(left)["data"] == DATA, "its key must have stayed"
    house.core.retention.approvals.release_hold(held.id, "officer")
    house.run()
    assert house.core.storage.records.groups() == []
    assert house.core.storage.keys.destroyed(record_name("complaint", date(2028, 3, 10)))


def test_a_hold_on_a_subject_keeps_their_records_only(house: House) -> None:
    for subject in ("held", "free"):
        add(house, "complaint", subject)
    key = house.core.retention.records.subject_key(house.site, "held")
    hold = house.core.retention.holds.add(Hold(0, 1, "claim", None, "complaint", key, None, None, house.now))
    house.run("2028-03-11T00:00")
    assert [r.subject for r in house.core.storage.records.of_site(1)] == [key]
    assert house.run("2028-03-12T00:00").selected == 0
    assert [str(f) for f in verify(house.core).findings] == []
    house.core.retention.approvals.release_hold(hold.id, "officer")
    assert house.run().destroyed == 1
    assert house.core.storage.records.groups() == []


def test_an_ending_stays_open_while_a_hold_keeps_nothing_but_a_record(house: House) -> None:
    add(house, "abuse", "member-1")
    key = house.core.retention.records.subject_key(house.site, "member-1")
    hold = house.core.retention.holds.add(Hold(0, 1, "claim", None, "abuse", key, None, None, house.now))
    close_member(house, "member-1")
    assert [intent.visitor for intent in house.core.storage.ledger.intents()] == [key]
    assert [r.subject for r in house.core.storage.records.of_site(1)] == [key]
    perform(house.core, "holds.release", {"id": hold.id, "by": "officer"})
    assert house.core.storage.ledger.intents() == []
    assert house.core.storage.records.of_site(1) == []


# --- reading ---------------------------------------------------------------------------------------------------------


def read(house: House, class_id: str, reading_for: str, reason: str, **more: str) -> list[dict[str, object]]:
    arguments = {"record_class": class_id, "reading_for": reading_for, "reason": reason, "by": "officer", **more}
    found: list[dict[str, object]] = perform(house.core, "archive.read", arguments)
    return found


def test_s3_1_an_archive_is_read_for_its_obligation_and_in_the_access_log(house: House) -> None:
    for member in ("member-1", "member-2"):
        add(house, "payment", member)
        close_member(house, member)
    before = house.core.storage.ledger.head()[0]
    for bad in ("", "  ", "why"):
        with pytest.raises(NotAllowed, match="reason"):
            read(house, "payment", "dispute", bad)
    for other in ("marketing", "proof", ""):
        with pytest.raises(NotAllowed, match="dispute, inspection, request"):
            read(house, "payment", other, "we should like to know")
    with pytest.raises(NotAllowed, match="abuse"):
        read(house, "abuse", "dispute", "a payment is disputed")
    assert house.core.storage.ledger.head()[0] == before, "nothing was shown"
    (found,) = read(house, "payment", "dispute", "a payment is disputed", subject="member-1")
    assert (found["data"], found["reason"], found["kept_until"]) == (DATA, "membership_closed", "2030-03-10")
    entry, whose = house.core.storage.ledger.records(before)
    assert entry.kind == whose.kind == "audit"
    assert entry.body is not None
    assert (entry.body["action"], entry.body["by"], entry.body["what"]) == (
        "archive.read",
        "officer",
        {"class": "payment", "for": "dispute"},
    )
    assert whose.visitor == house.core.retention.records.subject_key(house.site, "member-1")
    assert "member-1" not in str(entry.body)


def test_what_may_be_read_for_is_the_policys_choice(new_house: Callable[..., House]) -> None:
    house = new_house()
    head, rest = policy().split("[records.payment]", 1)
    house.add_site(head + '[records.payment]\nread_for = ["proof"]' + rest)
    add(house, "payment")
    close_member(house, "member-1")
    with pytest.raises(NotAllowed, match="proof"):
        read(house, "payment", "dispute", "a payment is disputed")
    assert len(read(house, "payment", "proof", "a court asks for it")) == 1


def test_a_person_sees_their_records_and_of_archived_ones_the_facts(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(law_alone())
    visitor = house.arrive()
    add(house, "abuse", visitor)
    add(house, "payment", visitor)
    add(house, "abuse", "someone else")
    seen = {r.record_class: r for r in house.core.retention.records.of(house.site, house.core.ledger.key_of(visitor))}
    assert set(seen) == {"abuse", "payment"}
    assert (seen["abuse"].data, seen["abuse"].kept_until) == (DATA, date(2030, 3, 10))
    assert (seen["payment"].data, seen["payment"].archived) == (None, True)
    assert (seen["payment"].law or {})["en"]


def test_erasing_a_visitor_ends_what_no_other_law_names(house: House) -> None:
    visitor, other = house.arrive(), house.arrive()
    for class_id in ("abuse", "payment"):
        add(house, class_id, visitor)
        add(house, class_id, other)
    house.erase(visitor)
    key = house.core.ledger.key_of(visitor)
    assert house.core.storage.records.of_subject(1, key) == []
    assert [r.class_id for r in house.core.storage.archive.of_subject(1, key)] == ["payment"]
    assert len(house.core.storage.records.of_site(1)) == 2
    assert [str(f) for f in verify(house.core).findings] == []


def test_a_minimum_forbids_even_an_erasure_until_it_is_over(new_house: Callable[..., House]) -> None:
    """K15."""
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
    assert [str(r.day) for r in house.core.storage.records.of_subject(1, key)] == ["2025-06-09"]


@pytest.mark.parametrize("class_id", ["payment", "complaint", "abuse"])
def test_an_id_is_the_sites_own_and_its_answer_stays(house: House, class_id: str) -> None:
    """Sent again, a record is the one that is kept, whatever else is said or has changed."""
    other = house.add_site(policy(), name="other")
    add_record, own = house.core.retention.records.add, uuid.uuid4().bytes
    first = add_record(house.site, class_id, "m", house.now, "support", {"n": 1}, id=own)
    strange = add_record(other, class_id, "m", house.now, "support", {"n": 2}, id=own)
    assert strange["id"] != first["id"]
    house.now += 400 * 86_400_000
    assert add_record(house.site, class_id, "m", house.now, "support", {"n": 3}, id=own) == first
    assert add_record(house.site, "no_such_class", "m", house.now, "support", {}, id=own) == first
    assert [str(f) for f in verify(house.core).findings] == []
