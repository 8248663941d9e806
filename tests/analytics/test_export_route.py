"""What a consumer is given: resumable, without days that it may not see, and coarse where it leaves the house."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice
from typing import Any

import pytest
from dongui_collector.exports.cursors import CursorError, Cursors
from dongui_collector.exports.day_order import ExportPosition, exact, veiled
from dongui_collector.exports.export import Entitlement, consumer_events, entitle
from dongui_collector.exports.generalise import HOUR_MS, coarsened, network_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics.test_export import PARTY
from tests.retention.house import ALL, House, at, days, policy

FIRST, LAST = date(2025, 3, 10), date(2025, 3, 12)
MIXED = ("statistics", "personalisation")  # personalisation does not cover visit_time


@pytest.fixture
def three_days(house: House) -> House:
    """On each of three days two visitors: one whose time is covered, one whose time is not."""
    seen, unseen = house.arrive("statistics"), house.arrive("personalisation")
    for day in days(FIRST, 3):
        house.now = at(f"{day}T12:00")
        house.visit(seen, marker=f"seen-{day.day}")
        house.visit(unseen, marker=f"unseen-{day.day}")
    return house


def rows(house: House, *purposes: str, first: date = FIRST, last: date = LAST, **more: Any) -> list[dict[str, Any]]:
    reader = Entitlement(more.pop("consumer", "me"), house.site, purposes)
    return [row for _, row in consumer_events(house.core, reader, first, last, **more)]


def names(found: list[dict[str, Any]]) -> list[str]:
    return [row["search"] for row in found]


# --- a day that may not be seen --------------------------------------------------------------------------------------


def test_asking_for_single_days_tells_no_day_that_is_not_covered(three_days: House) -> None:
    answers = [rows(three_days, *MIXED, first=day, last=day) for day in days(FIRST, 3)]
    for day, found in zip(days(FIRST, 3), answers, strict=True):
        assert [n for n in names(found) if n.startswith("seen")] == [f"seen-{day.day}"]
        undated = [row for row in found if row["day"] is None]
        assert {row["at"] for row in undated} == {None}
        assert sorted(names(undated)) == ["unseen-10", "unseen-11", "unseen-12"]
    assert len({json.dumps([r for r in found if r["day"] is None]) for found in answers}) == 1


def test_nor_does_the_place_of_a_row_among_others(three_days: House) -> None:
    orders = set()
    for consumer in map(str, range(12)):
        found = names(rows(three_days, *MIXED, consumer=consumer))
        assert found[:3] == ["seen-10", "seen-11", "seen-12"]
        orders.add(tuple(found[3:]))
        assert names(rows(three_days, *MIXED, consumer=consumer)) == found
    assert len(orders) > 1, "each consumer has an order of its own"


def test_other_months_rows_are_not_in_it(three_days: House) -> None:
    assert rows(three_days, *MIXED, first=date(2025, 4, 1), last=date(2025, 4, 30)) == []
    assert rows(three_days, *MIXED, first=date(2025, 3, 9), last=date(2025, 3, 8)) == []
    assert len(rows(three_days, *MIXED, first=date.min, last=date.max)) == 6


# --- going on --------------------------------------------------------------------------------------------------------


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(limits=st.lists(st.integers(1, 4), min_size=1), purposes=st.sampled_from([("statistics",), MIXED, ALL]))
def test_pages_make_up_the_whole(three_days: House, limits: list[int], purposes: tuple[str, ...]) -> None:
    whole = rows(three_days, *purposes)
    reader = Entitlement("me", three_days.site, purposes)
    cursors = Cursors(three_days.core.keyring, reader, FIRST, LAST)
    found: list[dict[str, Any]] = []
    after: ExportPosition | None = None
    turn = 0
    while True:
        limit = limits[turn % len(limits)]
        page = consumer_events(three_days.core, reader, FIRST, LAST, after=after, limit=limit)
        taken = list(islice(page, limit))
        found += [row for _, row in taken]
        if len(taken) < limit:
            break
        after = cursors.place(cursors.of(taken[-1][0]))
        turn += 1
    assert found == whole


def test_an_export_goes_on_where_rows_and_whole_days_were_destroyed_meanwhile(house: House) -> None:
    stays, goes = house.arrive(), house.arrive()
    for day in days(FIRST, 4):
        house.now = at(f"{day}T12:00")
        for visitor, who in ((goes, "goes"), (stays, "stays")):
            house.visit(visitor, marker=f"{who}-{day.day}")
    reader = Entitlement("me", house.site, ("statistics",))
    given = consumer_events(house.core, reader, FIRST, date(2025, 3, 13))
    taken = list(islice(given, 3))
    given.close()  # type: ignore[attr-defined]
    assert names([row for _, row in taken]) == ["goes-10", "stays-10", "goes-11"]
    house.erase(goes)
    house.run("2026-03-12T00:00")  # the tenth and the eleventh have aged out, with the row that the cursor stands on
    rest = consumer_events(house.core, reader, FIRST, date(2025, 3, 13), after=taken[-1][0])
    assert names([row for _, row in rest]) == ["stays-12", "stays-13"]


def test_a_cursor_is_good_for_its_consumer_and_its_question_alone(house: House) -> None:
    reader = Entitlement("me", house.site, MIXED)
    cursors = Cursors(house.core.keyring, reader, FIRST, LAST)
    cursor = cursors.of(ExportPosition(True, FIRST, 7))
    assert cursors.place(cursor) == ExportPosition(True, FIRST, 7)
    assert cursors.of(ExportPosition(True, FIRST, 7)) != cursor, "sealed anew each time: equal places cannot be told"
    others = [
        Cursors(house.core.keyring, Entitlement("other", house.site, MIXED), FIRST, LAST),
        Cursors(house.core.keyring, Entitlement("me", house.site, ALL), FIRST, LAST),
        Cursors(house.core.keyring, reader, FIRST, FIRST),
    ]
    for other in others:
        with pytest.raises(CursorError):
            other.place(cursor)
    for wrong in (
        "",
        "x",
        "가",
        cursor[:-2],
        cursor[:10] + ("A" if cursor[10] != "A" else "B") + cursor[11:],
        "=" * 40,
    ):
        with pytest.raises(CursorError):
            cursors.place(wrong)


@given(
    st.sets(st.dates(date(2024, 1, 1), date(2024, 6, 30))),
    st.dates(date(2024, 1, 1), date(2024, 6, 30)),
    st.integers(0, 90),
    st.binary(min_size=1, max_size=4),
)
def test_a_veiled_route_gives_every_wanted_day_once(stored: set[date], first: date, length: int, secret: bytes) -> None:
    last = first + timedelta(days=length)
    legs = list(veiled(stored, first, last, secret))
    months = {(first + timedelta(days=n)).replace(day=1) for n in range(length + 1)}
    assert [leg.day for leg in legs if leg.part == "dated"] == [leg.day for leg in exact(stored, first, last)]
    undated = [leg.day for leg in legs if leg.part == "undated"]
    assert sorted(undated) == sorted(d for d in stored if d.replace(day=1) in months)
    for number, leg in enumerate(legs):
        rest = list(veiled(stored, first, last, secret, leg.place(5)))
        assert [(r.day, r.part) for r in rest] == [(r.day, r.part) for r in legs[number:]]
        assert rest[0].after == 5
        assert {r.after for r in rest[1:]} <= {0}
        assert list(veiled(stored - {leg.day}, first, last, secret, leg.place(5))) == rest[1:] or leg.part == "dated"


# --- coarse ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.7", "203.0.113.0"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1::"),
        ("::ffff:203.0.113.7", "203.0.113.0"),
        ("0.0.0.1", "0.0.0.0"),
        ("::1", "::"),
        ("no address", None),
    ],
)
def test_an_address_is_cut_to_its_network(address: str, network: str | None) -> None:
    assert network_of(address) == network


def test_every_time_is_cut_to_the_hour() -> None:
    times = {"at": 3 * HOUR_MS + 7, "received_at": 4 * HOUR_MS + 9, "ip_address": None}
    assert coarsened(times) == {"at": 3 * HOUR_MS, "received_at": 4 * HOUR_MS, "ip_address": None}


def test_what_is_not_there_stays_away() -> None:
    assert coarsened({"at": None, "ip_address": None, "name": "x"}) == {"at": None, "ip_address": None, "name": "x"}


def test_what_goes_to_a_recipient_is_coarse_unless_the_controller_says_otherwise(
    new_house: Callable[..., House],
) -> None:
    house = new_house()
    house.add_site(
        policy()
        + PARTY.replace('["advertising_id", "visit_time"]', '["visit_time", "ip_address"]').replace(
            '["marketing"]', '["statistics"]'
        )
    )
    house.now = at("2025-03-10T12:34:56")
    house.visit(house.arrive())

    def read(**more: Any) -> dict[str, Any]:
        reader = entitle(house.core, house.site, ("statistics",), **more)
        ((_, row),) = consumer_events(house.core, reader, FIRST, FIRST)
        return row

    coarse, precise = read(recipient="Example Ads"), read(recipient="Example Ads", precise=True)
    assert (coarse["at"], coarse["ip_address"]) == (at("2025-03-10T12:00"), "203.0.113.0")
    assert (precise["at"], precise["ip_address"]) == (house.now, "203.0.113.7")
    assert read()["at"] == house.now
    assert at("2025-03-10T12:00") % HOUR_MS == 0
