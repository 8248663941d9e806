"""The retention calendar, over plain values."""

from __future__ import annotations

from datetime import date, timedelta
from typing import ClassVar

import pytest
from dongui.policy import Period, RecordClass
from dongui.rules.periods import last_day
from dongui_collector.ledger.periods import class_last_day
from dongui_collector.retention.schedule import (
    Planned,
    StoredDay,
    endings,
    held_records,
    may_hold,
    plan_day,
    plan_records,
    schedule,
    still_due,
)
from dongui_collector.storage.contract.values import Hold, Record, RowBasis
from hypothesis import given
from hypothesis import strategies as st

DAY = date(2025, 3, 10)
YEAR, HALF = Period.parse("P1Y"), Period.parse("P6M")


class Rules:
    """Notice 1: bits 0 and 1 keep a year, bit 2 half a year in a class of its own. Notice 2: bit 0 keeps two years."""

    KEEP: ClassVar = {
        (1, 0): ("access_log", "P1Y"),
        (1, 1): ("access_log", "P1Y"),
        (1, 2): ("ads_log", "P6M"),
        (2, 0): ("access_log", "P2Y"),
        (2, 1): ("access_log", "P1Y"),
        (2, 2): ("ads_log", "P1M"),
    }

    def class_id(self, notice_ref: int, bit: int) -> str:
        return self.KEEP[notice_ref, bit][0]

    def last_day(self, notice_ref: int, bit: int, day: date) -> date:
        return last_day(day, Period.parse(self.KEEP[notice_ref, bit][1]))


RULES = Rules()


def hold(id: int = 1, **more: object) -> Hold:
    fields: dict[str, object] = dict.fromkeys(("site_ref", "statute", "class_id", "visitor", "first_day", "last_day"))
    return Hold(id=id, reason="investigation", at=0, **(fields | more))  # type: ignore[arg-type]


def plan(bases: list[RowBasis], today: date, *holds: Hold, day: date = DAY) -> list[Planned]:
    return plan_day(day, bases, RULES, holds, today, last_day(day, YEAR))


# --- whole days ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "keep", "first_free"),
    [
        (date(2025, 3, 10), "P1Y", date(2026, 3, 11)),
        (date(2024, 2, 28), "P1Y", date(2025, 3, 1)),
        (date(2024, 2, 29), "P1Y", date(2025, 3, 1)),
        (date(2023, 2, 28), "P1Y", date(2024, 3, 1)),
        (date(2023, 12, 31), "P2M", date(2024, 3, 1)),
        (date(2025, 1, 29), "P1M", date(2025, 3, 1)),
        (date(2025, 1, 30), "P1M", date(2025, 3, 1)),
        (date(2025, 1, 31), "P1M", date(2025, 3, 1)),
        (date(2025, 8, 30), "P6M", date(2026, 3, 1)),
        (date(2025, 8, 31), "P6M", date(2026, 3, 1)),
    ],
    ids=str,
)
def test_a_day_ends_exactly_when_the_civil_act_says(day: date, keep: str, first_free: date) -> None:
    """K17."""

    class One(Rules):
        KEEP: ClassVar = {(1, 0): ("access_log", keep)}

    for today, due in ((first_free - timedelta(days=1), False), (first_free, True)):
        found = plan_day(day, [RowBasis(1, 1, 1)], One(), [], today, day)
        assert bool(found) is due
        assert all(p.what == {"kind": "day", "day": str(day)} and p.due == first_free for p in found)


def test_a_day_goes_as_a_whole_only_after_the_last_of_its_bases() -> None:
    bases = [RowBasis(1, 1, 0b011), RowBasis(1, 2, 0b001)]
    year_over, two_years_over = date(2026, 3, 11), date(2027, 3, 11)
    assert [p.what["kind"] for p in plan(bases, year_over)] == ["bases"]
    assert [p.what["kind"] for p in plan(bases, two_years_over)] == ["day"]


def test_a_whole_day_is_due_the_day_after_the_last_of_its_bases() -> None:
    (found,) = plan([RowBasis(1, 1, 0b111), RowBasis(1, 2, 0b001)], date(2030, 1, 1))
    assert found.due == date(2027, 3, 11)


def test_bases_are_told_in_order_each_once() -> None:
    bases = [RowBasis(2, 2, 0b001), RowBasis(1, 2, 0b101), RowBasis(1, 1, 0b110), RowBasis(1, 2, 0b001)]
    found = [(e.site_ref, e.notice_ref, e.bit) for e in endings(DAY, bases, RULES)]
    assert found == [(1, 1, 1), (1, 1, 2), (1, 2, 0), (1, 2, 2), (2, 2, 0)]


def test_an_empty_day_ends_with_the_longest_period_there_is() -> None:
    assert plan([], date(2026, 3, 10)) == []
    assert [p.what["kind"] for p in plan([], date(2026, 3, 11))] == ["day"]


# --- part of a day ---------------------------------------------------------------------------------------------------


def test_another_class_ends_earlier_and_takes_only_its_purposes() -> None:
    found = plan([RowBasis(1, 1, 0b111)], date(2025, 9, 11))
    assert [p.what for p in found] == [
        {"kind": "bases", "day": "2025-03-10", "site": 1, "notice": 1, "purposes": 0b100, "holds": []}
    ]
    assert found[0].due == date(2025, 9, 11)
    assert plan([RowBasis(1, 1, 0b111)], date(2025, 9, 10)) == []


def test_rows_stay_under_the_keep_of_their_own_notice() -> None:
    found = plan([RowBasis(1, 1, 0b001), RowBasis(1, 2, 0b101)], date(2026, 3, 11))
    assert {(p.what["notice"], p.what["purposes"]) for p in found} == {(1, 0b001), (2, 0b100)}


def test_each_site_is_planned_for_itself() -> None:
    found = plan([RowBasis(1, 1, 0b111), RowBasis(2, 1, 0b111)], date(2025, 9, 11))
    assert [p.what["site"] for p in found] == [1, 2]


# --- holds -----------------------------------------------------------------------------------------------------------

OVER = date(2026, 3, 11)


@pytest.mark.parametrize(
    "one",
    [hold(), hold(site_ref=1), hold(class_id="access_log"), hold(first_day=DAY, last_day=DAY)],
    ids=["everything", "site", "class", "day"],
)
def test_a_hold_suspends_what_it_covers(one: Hold) -> None:
    assert plan([RowBasis(1, 1, 0b001)], OVER, one) == []


@pytest.mark.parametrize(
    "one",
    [
        hold(site_ref=2),
        hold(class_id="payment"),
        hold(first_day=DAY + timedelta(days=1)),
        hold(last_day=DAY - timedelta(days=1)),
    ],
    ids=["other site", "other class", "later days", "earlier days"],
)
def test_and_nothing_else(one: Hold) -> None:
    assert [p.what["kind"] for p in plan([RowBasis(1, 1, 0b001)], OVER, one)] == ["day"]


def test_a_hold_on_one_class_keeps_only_its_purposes() -> None:
    found = plan([RowBasis(1, 1, 0b111)], OVER, hold(class_id="ads_log"))
    assert [(p.what["purposes"], p.what["holds"]) for p in found] == [(0b011, [])]


def test_a_hold_on_one_visitor_keeps_only_their_rows() -> None:
    found = plan([RowBasis(1, 1, 0b011)], OVER, hold(7, visitor=b"v" * 16))
    assert [(p.what["purposes"], p.what["holds"]) for p in found] == [(0b011, [7])]


def test_parts_of_a_day_are_planned_in_order_with_the_holds_on_them_in_order() -> None:
    named = [hold(9, visitor=b"v" * 16), hold(2, visitor=b"w" * 16), hold(5, site_ref=2, class_id="ads_log")]
    bases = [RowBasis(2, 1, 0b101), RowBasis(1, 2, 0b100), RowBasis(1, 1, 0b111)]
    found = [(p.what["site"], p.what["notice"], p.what["purposes"], p.what["holds"]) for p in plan(bases, OVER, *named)]
    assert found == [(1, 1, 0b100, [2, 9]), (1, 1, 0b011, [2, 9]), (1, 2, 0b100, [2, 9]), (2, 1, 0b001, [2, 9])]


def test_a_hold_on_one_site_lets_the_other_site_go() -> None:
    found = plan([RowBasis(1, 1, 0b001), RowBasis(2, 1, 0b001)], OVER, hold(site_ref=1))
    assert [(p.what["kind"], p.what["site"]) for p in found] == [("bases", 2)]


@pytest.mark.parametrize(("today", "stands"), [(OVER, True), (OVER + timedelta(days=1), False)])
def test_a_hold_with_an_end_stands_until_that_day_is_over(today: date, stands: bool) -> None:
    assert hold(until=OVER).stands(today) is stands


def test_a_released_hold_stands_no_more() -> None:
    assert not hold(released_at=1).stands(OVER)


sites, notices, masks = st.integers(1, 2), st.integers(1, 2), st.integers(1, 7)
bases_lists = st.lists(st.builds(RowBasis, sites, notices, masks), min_size=1, max_size=4)
holds_lists = st.lists(
    st.builds(
        hold,
        st.integers(1, 99),
        site_ref=st.none() | sites,
        class_id=st.sampled_from([None, "access_log", "ads_log", "payment"]),
        visitor=st.sampled_from([None, b"a" * 16, b"b" * 16]),
        first_day=st.none() | st.dates(DAY - timedelta(days=2), DAY + timedelta(days=2)),
        last_day=st.none() | st.dates(DAY - timedelta(days=2), DAY + timedelta(days=2)),
    ),
    max_size=3,
    unique_by=lambda h: h.id,
)


@given(bases_lists, holds_lists, st.dates(DAY, DAY + timedelta(days=800)))
def test_exactly_what_has_ended_and_is_not_held_is_planned(
    bases: list[RowBasis], holds: list[Hold], today: date
) -> None:
    """Against an independent reading: every (site, notice, purpose, visitor) on its own."""
    planned = plan(bases, today, *holds)
    by_id = {h.id: h for h in holds}
    whole = [p for p in planned if p.what["kind"] == "day"]
    for b in bases:
        for bit in (n for n in range(3) if b.purposes >> n & 1):
            for visitor in (b"a" * 16, b"b" * 16, b"c" * 16):
                class_id = RULES.class_id(b.notice_ref, bit)
                ended = RULES.last_day(b.notice_ref, bit, DAY) < today
                held = any(h.covers(b.site_ref, class_id, DAY, visitor) for h in holds)
                taken = bool(whole) or any(
                    p.what["site"] == b.site_ref
                    and p.what["notice"] == b.notice_ref
                    and p.what["purposes"] >> bit & 1
                    and visitor not in {by_id[id].visitor for id in p.what["holds"]}
                    for p in planned
                )
                assert taken == (ended and not held), (b, bit, visitor)


@given(bases_lists, st.dates(DAY, DAY + timedelta(days=800)))
def test_without_holds_a_day_that_has_wholly_ended_is_one_destruction(bases: list[RowBasis], today: date) -> None:
    ended = all(RULES.last_day(b.notice_ref, n, DAY) < today for b in bases for n in range(3) if b.purposes >> n & 1)
    assert ([p.what["kind"] for p in plan(bases, today)] == ["day"]) == ended


@given(bases_lists, holds_lists, st.dates(DAY, DAY + timedelta(days=800)))
def test_a_selection_stays_due_until_a_hold_comes(bases: list[RowBasis], holds: list[Hold], today: date) -> None:
    before = plan(bases, today)
    after = plan(bases, today, *holds)
    for planned in before:
        assert still_due(planned.what, before)
        assert not still_due(planned.what, [other for other in before if other is not planned])
    if any(
        h.covers(b.site_ref, RULES.class_id(b.notice_ref, n), DAY, None) and h.visitor is None
        for h in holds
        for b in bases
        for n in range(3)
        if b.purposes >> n & 1
    ):
        assert not any(p.what["kind"] == "day" for p in after)


# --- records ---------------------------------------------------------------------------------------------------------


def record(id: int, day: date = DAY, subject: bytes = b"s" * 16, class_id: str = "payment") -> Record:
    return Record(id.to_bytes(16, "big"), 1, class_id, subject, 0, day, date(2030, 3, 10), "settlement", 1, b"")


def test_a_group_of_records_ends_the_day_after_its_last() -> None:
    group = (1, "payment", date(2030, 3, 10), 3)
    assert plan_records("archive", group, [], date(2030, 3, 10)) == []
    assert [p.what for p in plan_records("archive", group, [], date(2030, 3, 11))] == [
        {"kind": "records", "store": "archive", "site": 1, "class": "payment", "last_day": "2030-03-10", "except": []}
    ]


def test_a_group_of_records_is_due_the_day_after_its_last() -> None:
    assert [p.due for p in plan_records("records", (1, "payment", DAY, 1), [], OVER)] == [DAY + timedelta(days=1)]


@pytest.mark.parametrize(
    ("holds", "looked_at"),
    [
        ([], False),
        ([hold()], True),
        ([hold(site_ref=1)], True),
        ([hold(class_id="payment")], True),
        ([hold(site_ref=1, class_id="payment")], True),
        ([hold(site_ref=2)], False),
        ([hold(class_id="contract")], False),
        ([hold(site_ref=2, class_id="payment")], False),
        ([hold(site_ref=1, class_id="contract")], False),
        ([hold(site_ref=2), hold(site_ref=1)], True),
    ],
)
def test_only_records_that_a_hold_may_reach_are_looked_at_one_by_one(holds: list[Hold], looked_at: bool) -> None:
    assert may_hold(holds, 1, "payment") is looked_at


def test_records_that_any_of_several_holds_covers_are_kept_in_order() -> None:
    records = [record(3), record(1), record(2, subject=b"t" * 16)]
    holds = [hold(visitor=b"s" * 16), hold(class_id="contract")]
    assert held_records(records, holds) == [record(1).id, record(3).id]


def test_held_records_are_left_out_and_a_wholly_held_group_is_not_planned() -> None:
    group = (1, "payment", date(2030, 3, 10), 2)
    kept = record(1).id
    assert plan_records("archive", group, [kept], date(2030, 3, 11))[0].what["except"] == [kept.hex()]
    assert plan_records("archive", group, [kept, record(2).id], date(2030, 3, 11)) == []


@pytest.mark.parametrize(
    ("one", "ids"),
    [
        (hold(), [1, 2, 3]),
        (hold(visitor=b"s" * 16), [1, 3]),
        (hold(last_day=DAY), [1, 2]),
        (hold(class_id="contract"), []),
        (hold(site_ref=2), []),
    ],
    ids=["all", "subject", "day", "other class", "other site"],
)
def test_a_hold_keeps_the_records_it_covers(one: Hold, ids: list[int]) -> None:
    records = [record(1), record(2, subject=b"t" * 16), record(3, DAY + timedelta(days=1))]
    assert held_records(records, [one]) == [id.to_bytes(16, "big") for id in ids]
    assert may_hold([one], 1, "payment") or not ids, "records that a hold keeps must be looked at"


# --- classes ---------------------------------------------------------------------------------------------------------


def test_a_minimum_is_a_floor() -> None:
    label = {"ko": "가", "en": "a"}
    assert class_last_day(RecordClass("a", label, HALF), DAY) == date(2025, 9, 10)
    assert class_last_day(RecordClass("a", label, HALF, min_keep=YEAR), DAY) == date(2026, 3, 10)
    assert class_last_day(RecordClass("a", label, YEAR, min_keep=HALF), DAY) == date(2026, 3, 10)


def test_the_schedule_tells_when_and_what_keeps_it() -> None:
    assert schedule(DAY, [RowBasis(1, 1, 0b101)], RULES, [hold(4, class_id="ads_log")], DAY, 77) == StoredDay(
        DAY, date(2025, 9, 11), date(2026, 3, 11), [4], 77
    )


def test_the_schedule_names_the_holds_that_keep_a_day_in_order_and_no_other() -> None:
    holds = [hold(9), hold(4, class_id="ads_log"), hold(7, class_id="payment"), hold(1, site_ref=2)]
    assert schedule(DAY, [RowBasis(1, 1, 0b101)], RULES, holds, DAY, 0).holds == [4, 9]


def test_the_schedule_of_a_day_on_which_nothing_was_recorded_is_the_longest_period() -> None:
    assert schedule(DAY, [], RULES, [hold(9)], OVER, 5) == StoredDay(
        DAY, OVER + timedelta(days=1), OVER + timedelta(days=1), [], 5
    )
