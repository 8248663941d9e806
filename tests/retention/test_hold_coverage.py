"""What a hold covers, in numbers; whom its journal line names; and that its release leaves no byte of whom it named."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dongui_collector.core.errors import NotAllowed
from dongui_collector.retention.holds import HoldCoverage, check_ground
from dongui_collector.storage.contract.values import Hold, Site
from msgspec.structs import replace

from tests.retention.house import ALL, House, at, policy

PAYMENT_OVER = "2030-03-11T00:00"


def unplaced(**more: Any) -> Hold:
    names = ("site_ref", "statute", "class_id", "visitor", "first_day", "last_day")
    return Hold(id=0, reason="a claim", at=0, **(dict.fromkeys(names) | {"ground": "claim"} | more))


def placed(house: House, **more: Any) -> Hold:
    return house.core.retention.holds.add(replace(unplaced(**more), at=house.now))


def coverage(house: House, hold: Hold) -> HoldCoverage:
    return house.core.retention.holds.holds_now(hold, house.core.retention.today())


def member(house: House, name: str, site: Site | None = None) -> bytes:
    return house.core.ledger.member_key((site or house.site).ref, name)


def recorded(house: House, class_id: str, whose: str, site: Site | None = None) -> str:
    return house.core.retention.records.add(site or house.site, class_id, whose, house.now, "support", {})["id"]


DAY, NEXT = date(2025, 3, 10), date(2025, 3, 11)


@pytest.mark.parametrize(
    "more",
    [
        {"first_day": DAY},
        {"last_day": DAY},
        {"first_day": DAY, "last_day": DAY},
        {"first_day": DAY, "last_day": NEXT},
        {"ground": "provision", "statute": "Act, Article 1", "until": DAY},
    ],
    ids=lambda more: "-".join(more),
)
def test_a_hold_with_its_ground_and_days_in_order_may_be_placed(more: dict[str, Any]) -> None:
    check_ground(unplaced(**more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"ground": "provision", "until": DAY}, "--statute"),
        ({"ground": "provision", "statute": "Act, Article 1"}, "--until"),
        ({"ground": "because"}, "investigation, claim, provision"),
        ({"first_day": NEXT, "last_day": DAY}, "last day"),
    ],
    ids=lambda more: "-".join(more) if isinstance(more, dict) else "",
)
def test_any_other_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(NotAllowed, match=said):
        check_ground(unplaced(**more))


# --- rows ------------------------------------------------------------------------------------------------------------


def test_rows_are_counted_by_day_and_only_of_whom_it_names(house: House) -> None:
    named, other = house.arrive(), house.arrive()
    for visitor, day in ((named, "03-07"), (named, "03-09"), (named, "03-09"), (other, "03-10"), (other, "03-06")):
        house.visit(visitor, f"2025-{day}T10:00")
    found = coverage(house, placed(house, visitor=house.core.ledger.key_of(named)))
    assert (found.rows, found.days, found.first_day, found.last_day) == (3, 2, "2025-03-07", "2025-03-09")
    everyone = coverage(house, placed(house))
    assert (everyone.rows, everyone.days, everyone.first_day, everyone.last_day) == (5, 4, "2025-03-06", "2025-03-10")
    later = coverage(house, placed(house, first_day=date(2025, 3, 8)))
    assert (later.rows, later.days, later.first_day, later.last_day) == (3, 2, "2025-03-09", "2025-03-10")
    assert later.ended == 0
    nothing = coverage(house, placed(house, visitor=b"nobody" + bytes(10)))
    assert nothing == HoldCoverage(0, 0, None, None, 0, 0, 0)


def test_a_row_is_covered_if_one_of_its_purposes_is_of_the_class(new_house: Callable[..., House]) -> None:
    """Marketing's rows are of a class of half a year: under a hold on it, statistics alone covers nothing."""
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    for granted in (("statistics",), ("marketing",), ("statistics", "marketing")):
        house.visit(house.arrive(*granted))
    hold = placed(house, class_id="ads_log")
    assert (coverage(house, hold).rows, coverage(house, hold).ended) == (2, 0)
    assert [coverage(house, placed(house, **more)).rows for more in ({}, {"class_id": "access_log"})] == [3, 2]
    house.run("2025-09-10T23:59")
    assert coverage(house, hold).ended == 0
    house.run("2025-09-11T00:00")
    assert (coverage(house, hold).rows, coverage(house, hold).ended) == (2, 2)


def test_rows_of_one_day_that_stand_on_different_purposes_are_all_covered(house: House) -> None:
    for granted in ("statistics", "personalisation", "marketing"):
        house.visit(house.arrive(granted))
    assert coverage(house, placed(house)).rows == 3


def test_each_site_and_notice_is_read_for_itself(house: House) -> None:
    second = house.add_site(policy("second"), name="second")
    house.visit(house.arrive())
    house.visit(house.arrive(site=second), site=second)
    house.visit(house.arrive(site=second), site=second)
    assert [coverage(house, placed(house, site_ref=ref)).rows for ref in (house.site.ref, second.ref)] == [1, 2]


# --- what has ended --------------------------------------------------------------------------------------------------


def test_what_an_ending_waits_for_has_ended_though_its_period_goes_on(house: House) -> None:
    erased, stays = house.arrive(), house.arrive()
    for visitor, day in ((erased, "03-08"), (erased, "03-09"), (stays, "03-10"), (erased, "03-08")):
        house.visit(visitor, f"2025-{day}T10:00")
    hold = placed(house)
    assert coverage(house, hold).ended == 0
    house.erase(erased)
    assert (coverage(house, hold).rows, coverage(house, hold).ended) == (4, 3)


def test_a_purpose_that_was_withdrawn_and_given_anew_ends_what_was_before_alone(house: House) -> None:
    visitor = house.arrive(*ALL)
    house.visit(visitor)
    hold = placed(house)
    house.choose((), ("marketing",), visitor)
    house.choose(("marketing",), (), visitor)
    house.visit(visitor)
    assert (coverage(house, hold).rows, coverage(house, hold).ended) == (2, 1)


def test_a_withdrawal_of_what_the_hold_does_not_cover_ends_nothing_of_it(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    visitor = house.arrive("statistics", "marketing")
    house.visit(visitor)
    placed(house)  # nothing is destroyed meanwhile
    logs, ads = placed(house, class_id="access_log"), placed(house, class_id="ads_log")
    house.choose((), ("marketing",), visitor)
    assert [coverage(house, hold).ended for hold in (logs, ads)] == [0, 1]


# --- records and consent records -------------------------------------------------------------------------------------


def test_a_record_has_ended_once_its_last_day_is_over(house: House) -> None:
    recorded(house, "payment", "member-1")
    hold = placed(house, class_id="payment")
    house.now = at(PAYMENT_OVER) - 1
    assert (coverage(house, hold).records, coverage(house, hold).ended) == (1, 0)
    house.now = at(PAYMENT_OVER)
    assert (coverage(house, hold).records, coverage(house, hold).ended) == (1, 1)


def test_records_are_counted_in_both_stores_of_whom_and_what_it_names(house: House) -> None:
    for class_id, whose in (("payment", "member-1"), ("abuse", "member-1"), ("payment", "member-2")):
        recorded(house, class_id, whose)
    ending = house.core.ledger.end_member(house.site.ref, member(house, "member-1"), "closed")
    house.core.retention.endings.finish(ending)
    archived = house.core.storage.archive.of_site(house.site.ref)
    assert {r.class_id for r in archived} >= {"payment"}
    recorded(house, "complaint", "member-1")
    named = placed(house, visitor=member(house, "member-1"))
    live = house.core.storage.records.of_site(house.site.ref)
    whose = [r for r in (*archived, *live) if r.subject == member(house, "member-1")]
    assert coverage(house, named).records == len(whose) >= 2
    assert coverage(house, placed(house)).records == len(whose) + 1
    assert coverage(house, placed(house, class_id="payment")).records == 2
    assert coverage(house, placed(house, class_id="contract")).records == 0


@pytest.mark.parametrize(("class_id", "counted"), [(None, 2), ("consent_record", 2), ("access_log", 0)])
def test_consent_records_are_covered_by_a_hold_on_all_classes_or_on_theirs(
    house: House, class_id: str | None, counted: int
) -> None:
    visitor = house.arrive("statistics")
    house.choose(("marketing",), (), visitor)
    house.arrive("statistics")
    hold = placed(house, class_id=class_id, visitor=house.core.ledger.key_of(visitor))
    assert coverage(house, hold).consent_records == counted


# --- the journal: a restored backup knows whom a hold names without being told ----------------------------------------


def journalled(house: House, hold: Hold) -> dict[str, Any]:
    lines = [line for line in house.core.journal.entries() if line.get("kind") == "hold" and "hold" in line]
    (line,) = [line for line in lines if line["hold"]["id"] == hold.id]
    return line


def test_the_journal_names_records_of_both_stores_and_of_the_ledger_by_number(house: House) -> None:
    paid = recorded(house, "payment", "member-1")
    ending = house.core.ledger.end_member(house.site.ref, member(house, "member-1"), "closed")
    house.core.retention.endings.finish(ending)
    assert [r.id.hex() for r in house.core.storage.archive.of_site(house.site.ref)] == [paid.replace("-", "")]
    abused = recorded(house, "abuse", "member-1")
    recorded(house, "abuse", "member-2")
    ledger = house.core.storage.ledger
    keys = frozenset(house.core.ledger.key_of(house.arrive()) for _ in range(8))
    hold = placed(house, site_ref=house.site.ref, visitor=member(house, "member-1"), joined=keys)
    line = journalled(house, hold)
    assert sorted(line["ids"]) == sorted(id.replace("-", "") for id in (paid, abused))
    assert line["records"] == sorted(r.seq for key in keys for r in ledger.records_of(key))
    last = ledger.last_of("hold")
    assert last is not None
    assert last.site_ref == house.site.ref
    assert member(house, "member-1").hex() not in str(line)
    assert journalled(house, placed(house))["ids"] == journalled(house, placed(house))["records"] == []


def test_a_hold_on_one_site_names_no_record_of_another(house: House) -> None:
    """Even if both knew somebody by one key."""
    second = house.add_site(policy("second"), name="second")
    own = recorded(house, "abuse", "member-1")
    recorded(house, "abuse", "member-1", second)
    (foreign,) = house.core.storage.records.of_site(second.ref)
    house.core.storage.records.destroy_ids([foreign.id])
    house.core.storage.records.add([dataclasses.replace(foreign, subject=member(house, "member-1"))])
    named = placed(house, site_ref=house.site.ref, visitor=member(house, "member-1"))
    assert journalled(house, named)["ids"] == [own.replace("-", "")]
    assert coverage(house, named).records == 1
    both = placed(house, visitor=member(house, "member-1"))
    assert len(journalled(house, both)["ids"]) == coverage(house, both).records == 2


# --- release ---------------------------------------------------------------------------------------------------------


def test_with_its_release_no_byte_of_whom_it_named_is_left(house: House) -> None:
    """Also while nothing else is destroyed, whose scrubbing would take it along."""
    key = member(house, "member-9")
    hold = placed(house, visitor=key)
    assert key in house.bytes()
    house.core.retention.holds.release(hold.id, "officer")
    assert key not in house.bytes()
    assert house.core.retention.holds.standing() == []
    last = house.core.storage.ledger.last_of("hold")
    assert last is not None
    assert last.body == {"released": hold.id, "by": "officer"}
    assert {"kind": "hold", "released": hold.id}.items() <= list(house.core.journal.entries())[-1].items()
