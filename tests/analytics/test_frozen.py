"""Numbers that outlive a day: frozen before its rows go, equal to what was reported, and silent about the few."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations, count
from pathlib import Path
from typing import Any, NoReturn

import pytest
from dongui_collector.analytics import snapshot_process, snapshots
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.metrics import Metrics
from dongui_collector.analytics.reports import NAMES
from dongui_collector.analytics.snapshot_process import Freezer
from dongui_collector.analytics.snapshot_rules import (
    ENOUGH,
    HOURS,
    KEPT,
    OWN,
    is_whole,
    kept,
    outlives,
    told,
    unsubtractable,
)
from dongui_collector.core.operations import perform
from dongui_collector.core.settings import load_settings
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.contract.values import Hold
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.analytics.reports_model import FIREFOX, Life, steps
from tests.collector import Installation, event
from tests.retention.house import ALL, House, at, days, policy

DAY = date(2025, 3, 10)
GONE = "2026-03-11T00:00"
EVERY = (*ALL, "analysis")
NUMBERS = count()
NONE = dict.fromkeys(("living", "restated", "frozen", "imported", "unknown", "unanswered"), 0)
TOTALS = ("overview", "month")


def ask(house: House, name: str, *purposes: str, first: date = DAY, last: date = DAY, **more: Any) -> dict[str, Any]:
    return report(house.core, house.site, purposes or ("statistics",), Query(name, first, last, limit=1000, **more))


def names_for(*purposes: str) -> list[str]:
    """The kept reports that these purposes cover."""
    return [name for name in KEPT if name != HOURS and (name != "click_ids" or "marketing" in purposes)]


def told_of(house: House, *purposes: str) -> dict[str, Any]:
    """Every report of the day, without what says how it is known."""
    asked = {name: ask(house, name, *purposes) for name in names_for(*purposes)}
    asked["hour"] = ask(house, "timeseries", *purposes, interval="hour")
    asked["month"] = ask(house, "timeseries", *purposes, interval="month")
    for answer in asked.values():
        answer.pop("days")
        for row in answer["rows"]:
            row.pop("state", None)
    return asked


def crowd(house: House, number: int, **fields: Any) -> list[str]:
    visitors = [house.arrive("statistics") for _ in range(number)]
    for visitor in visitors:
        house.visit(visitor, **fields)
    return visitors


# --- what is frozen equals what was reported -------------------------------------------------------------------------


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=steps(), purposes=st.sampled_from([("statistics",), ALL, ("marketing", "statistics")]))
def test_after_ageing_out_every_report_says_what_it_said_before(
    new_house: Callable[..., House], life: list[dict[str, Any]], purposes: tuple[str, ...], monkeypatch: Any
) -> None:
    """With a threshold of one visitor, so that every row is compared; the threshold has its own tests."""
    monkeypatch.setattr("dongui_collector.analytics.snapshot_rules.ENOUGH", 1)
    house = new_house(f"h{next(NUMBERS)}", start="2025-03-10T00:01")
    house.add_site()
    house.approve_routine()
    perform(house.core, "tokens.create", {"purposes": list(purposes)})
    lived = Life(house, house.site)
    for step in life:
        lived.do(step)
    lived.finish()
    stored = house.core.storage.events.days()
    house.now = max(house.now, at("2026-03-10T12:00"))
    span = {"first": DAY, "last": date(2025, 3, 31)}
    before = {name: ask(house, name, *purposes, **span) for name in names_for(*purposes)}
    per_day = {day: ask(house, "overview", *purposes, first=day, last=day) for day in stored}
    house.run("2026-04-20T00:00")
    assert house.core.storage.events.days() == []
    for day, was in per_day.items():
        now = ask(house, "overview", *purposes, first=day, last=day)
        assert now["rows"] == was["rows"]
        assert now["visitors_are"] == "distinct"
        assert now["days"]["frozen"] == 1
    for name, was in before.items():
        now = ask(house, name, *purposes, **span)
        assert strip(now["rows"]) == strip(was["rows"]), name
        assert now["visits"] == was["visits"]
        assert now["visitors"] >= was["visitors"]
        assert (now["visitors"] == was["visitors"]) or now["visitors_are"] == "at_most"


def strip(rows: list[dict[str, Any]]) -> list[str]:
    """Without visitors, which are an upper bound over several days, and so without the order by them."""
    return sorted(json.dumps({k: v for k, v in row.items() if k != "visitors"}, sort_keys=True) for row in rows)


def test_a_day_of_many_visitors_is_the_same_afterwards_in_every_report(house: House) -> None:
    crowd(house, ENOUGH, url="https://shop.example.com/a?utm_source=letter&utm_medium=email", search="shoes")
    crowd(house, ENOUGH, name="purchase", user_agent=FIREFOX)
    before = told_of(house)
    assert house.run(GONE).destroyed == 1
    assert house.core.storage.events.days() == []
    assert told_of(house) == before
    assert {before[name]["rows"] != [] for name in ("pages", "events", "searches", "sources", "browsers")} == {True}


# --- nothing of the few survives -------------------------------------------------------------------------------------


def test_text_of_fewer_than_twenty_visitors_is_in_no_byte(house: House) -> None:
    few, many = "sentinelfew", "sentinelmany"
    crowd(house, ENOUGH - 1, url=f"https://shop.example.com/{few}", search=few, name=few)
    crowd(house, ENOUGH, url=f"https://shop.example.com/{many}", search=many, name=many)
    regular = house.arrive("statistics")  # often, and yet one visitor
    for _ in range(ENOUGH * 2):
        house.visit(regular, url="https://shop.example.com/sentinelone", name="sentinelone", search="sentinelone")
    house.run(GONE)
    house.close()
    held = house.bytes("data", "keys")
    house.open()
    assert few.encode() not in held
    assert b"sentinelone" not in held
    assert many.encode() in held
    assert ask(house, "overview")["rows"][0]["visits"] == 2 * ENOUGH
    assert [row["event"] for row in ask(house, "events")["rows"]] == [many]


@given(
    st.sampled_from([name for name in KEPT if name != HOURS]),
    st.lists(st.tuples(st.text(max_size=4) | st.none(), st.integers(0, 40)), max_size=8),
)
def test_only_totals_and_what_many_had_in_common_outlive(name: str, found: list[tuple[str | None, int]]) -> None:
    names = NAMES[name]
    parts = {(value,) * len(names): Metrics(visitors=n, visits=n) for value, n in found} if names else {(): Metrics(1)}
    body = kept(names, parts)
    shown = told(body)
    many = {key: part for key, part in parts.items() if part.visitors >= ENOUGH or not names}
    cut = [part.visitors for key, part in parts.items() if key not in shown]
    assert shown.items() <= many.items()
    assert is_whole(body) is not any(cut)
    assert not any(cut) or not shown or sum(cut) >= ENOUGH, "a total less its rows is of many"
    assert len(many) - len(shown) <= (len(names) if sum(cut) > 0 else 0), "one row goes along, the smallest"
    assert all(part.visitors >= many[key].visitors for part in shown.values() for key in many.keys() - shown.keys())


def test_the_rest_of_a_country_is_of_many_as_well() -> None:
    cities = {("KR", "Seoul"): 60, ("KR", "Busan"): 30, ("KR", "Jeju"): 1, ("JP", "Osaka"): 25, ("JP", "Kobe"): 24}
    body = kept(
        ("country", "city"), {key: Metrics(n, n) for key, n in cities.items()} | {("FR", "Lyon"): Metrics(19, 19)}
    )
    assert set(told(body)) == {("KR", "Seoul"), ("JP", "Osaka"), ("JP", "Kobe")}


SETS = ("a", "b", "a.b", "c", "a.b.c")


@given(
    st.lists(st.tuples(st.sets(st.sampled_from("abc"), min_size=1), st.integers(0, 45)), max_size=7),
    st.permutations(SETS),
    st.integers(0, len(SETS)),
)
def test_no_list_of_one_set_less_that_of_another_is_of_few(
    groups: list[tuple[set[str], int]], order: list[str], earlier: int
) -> None:
    """Groups of visitors by what they consented to; sets may be frozen at different times, in any order."""
    seen = {name: sum(n for given, n in groups if given & set(name.split("."))) for name in SETS}
    bodies = {name: kept(("page",), {("/clinic",): Metrics(seen[name], seen[name])}) for name in order}
    before = unsubtractable({name: bodies[name] for name in order[:earlier]}, {})
    after = unsubtractable({name: bodies[name] for name in order[earlier:]}, before)
    shown = {name: told(body)[("/clinic",)].visitors for name, body in (before | after).items() if told(body)}
    for one, other in combinations(shown, 2):
        assert not 0 < abs(shown[one] - shown[other]) < ENOUGH
        both = ".".join(sorted({*one.split("."), *other.split(".")}))
        if both in shown:
            assert not 0 < abs(shown[one] + shown[other] - shown[both]) < ENOUGH
    assert not shown or max(shown.values()) >= ENOUGH
    assert all(is_whole(body) is (seen[name] in (0, shown.get(name))) for name, body in (before | after).items())


def test_two_sets_that_differ_by_one_visitor_have_not_both_a_row_of_a_page(house: House) -> None:
    """Frozen at one time or at two: the numbers of one token less those of another named the one who differs."""
    crowd(house, ENOUGH, url="https://shop.example.com/clinic")
    house.visit(house.arrive("marketing"), url="https://shop.example.com/clinic")
    house.run(GONE)
    visitors = {
        one.purposes: [part.visitors for part in told(one.body).values()]
        for one in house.core.storage.ledger.frozen(1, "pages", (), DAY, DAY)
    }
    found = {n for numbers in visitors.values() for n in numbers}
    assert len(found) == 1, f"one less the other: {visitors}"


@pytest.mark.parametrize(
    "names", [("channel",), ("device",), ("country",), ("country", "city"), ("time",), ("page",), ("language",)]
)
def test_no_list_is_closed_enough_for_a_cell_of_few(names: tuple[str, ...]) -> None:
    """The one visitor from a country or of an hour is found as well as the one who saw a page."""
    assert not outlives(names, Metrics(visitors=ENOUGH - 1, visits=99))
    assert outlives(names, Metrics(visitors=ENOUGH, visits=ENOUGH))
    assert outlives((), Metrics(visitors=1, visits=1)), "a day's total is no cell of a list"


def test_cells_of_few_are_in_no_kept_list_of_any_report(house: House) -> None:
    crowd(house, ENOUGH)
    house.now = at("2025-03-10T13:00")
    crowd(house, ENOUGH + 1)
    house.now = at("2025-03-10T15:00")
    crowd(house, 1, user_agent=FIREFOX, referrer="https://search.naver.com/", url="https://shop.example.com/")
    house.run(GONE)
    for name in KEPT:
        for one in house.core.storage.ledger.frozen(1, name, ("statistics",), DAY, DAY):
            cells = told(one.body)
            assert all(part.visitors >= ENOUGH for key, part in cells.items() if key), name
    hours = {row["time"][11:13]: row["visits"] for row in ask(house, "timeseries", interval="hour")["rows"]}
    assert (hours["13"], hours["15"]) == (ENOUGH + 1, None), "an hour of one visitor is not known, and no zero"
    assert hours["12"] is None, "nor is it the day less its other hours"


# --- what is worked out from lists that were shortened ----------------------------------------------------------------


def test_the_rate_of_an_event_is_the_truth_or_not_known(house: House) -> None:
    """On one day many bought; on the other few, and of these nothing was kept."""
    crowd(house, ENOUGH, name="purchase")
    crowd(house, ENOUGH, name="pageview")
    house.now = at("2025-03-11T12:00")
    crowd(house, 5, name="purchase")
    crowd(house, ENOUGH, name="pageview")
    span = {"first": DAY, "last": date(2025, 3, 11)}
    (before,) = ask(house, "events", **span)["rows"]
    assert (before["visits"], before["rate"]) == (ENOUGH + 5, round((ENOUGH + 5) / (3 * ENOUGH + 5), 4))
    house.run("2026-03-12T00:00")
    answer = ask(house, "events", **span)
    (row,) = answer["rows"]
    assert (row["rate"], answer["shortened"]) == (None, 1)
    assert row["visits"] == ENOUGH, "at least so many"
    whole = ask(house, "events")  # of the first day alone everything was kept
    assert (whole["rows"][0]["rate"], whole["shortened"]) == (0.5, 0)


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("pages", {"engaged_time"}),
        ("entry_pages", {"bounce_rate", "visit_duration"}),
        ("exit_pages", {"exit_rate"}),
        ("channels", {"bounce_rate", "visit_duration", "views_per_visit", "engaged_time"}),
    ],
)
def test_no_average_is_worked_out_from_a_part_of_a_row(house: House, name: str, figures: set[str]) -> None:
    crowd(house, ENOUGH, name="pageview")
    house.now = at("2025-03-11T12:00")
    crowd(house, 3, name="pageview")
    house.run("2026-03-12T00:00")
    answer = ask(house, name, last=date(2025, 3, 11))
    (row,) = answer["rows"]
    assert {row[figure] for figure in figures} == {None}
    assert answer["shortened"] == 1
    assert (row["visitors"], row["visits"]) == (ENOUGH, ENOUGH)


def test_numbers_kept_before_lists_said_whether_they_are_whole_are_not_taken_for_whole(house: House) -> None:
    body = {"rows": [[["purchase"], [20, 20, 0, 20, 0, 0, 0, 0]]]}
    overview = {"rows": [[[], [40, 40, 0, 0, 0, 0, 0, 0]]]}
    ledger = house.core.storage.ledger
    with ledger.writing():
        for day, events in ((date(2020, 1, 1), body), (date(2020, 1, 2), {"rows": []})):
            ledger.freeze(day, house.site.ref, OWN, {"statistics": {"overview": overview, "events": events}})
    (row,) = ask(house, "events", first=date(2020, 1, 1), last=date(2020, 1, 2))["rows"]
    assert row["rate"] is None
    assert ask(house, "events", first=date(2020, 1, 1), last=date(2020, 1, 1))["rows"][0]["rate"] == 0.5


# --- when ------------------------------------------------------------------------------------------------------------


def test_withdrawals_count_until_the_day_ages_out(house: House) -> None:
    first, *_ = crowd(house, 3)
    assert ask(house, "overview")["days"] == {**NONE, "living": 1}
    house.choose((), ("statistics",), visitor=first)
    assert ask(house, "overview")["days"]["restated"] == 1
    (row,) = ask(house, "timeseries")["rows"]
    assert (row["visitors"], row["state"]) == (2, "restated")
    house.run(GONE)
    (row,) = ask(house, "timeseries")["rows"]
    assert (row["visitors"], row["state"]) == (2, "frozen")


def test_what_waits_for_an_approval_or_a_hold_is_frozen_all_the_same(house: House) -> None:
    crowd(house, 2)
    house.core.retention.holds.add(Hold(0, None, "investigation", None, None, None, None, None, house.now))
    house.run(GONE)
    assert len(house.rows()) == 2, "the hold keeps them"
    answer = ask(house, "overview")
    assert (answer["visits"], answer["days"]["frozen"]) == (2, 1)
    house.run("2026-03-12T00:00")
    (kept_once,) = house.core.storage.ledger.of_kind(snapshots.FROZEN)
    assert kept_once.body
    assert kept_once.body["day"] == "2025-03-10"


def test_a_set_is_frozen_when_the_first_of_its_purposes_ends(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.approve_routine()
    house.visit(house.arrive(*ALL))
    house.run("2025-09-11T00:00")  # half a year: marketing's part is cleared from the rows
    ledger = house.core.storage.ledger
    assert {k.purposes for k in ledger.frozen(1, "overview", (), DAY, DAY)} == {".".join(sorted(EVERY))}
    assert ask(house, "overview", *EVERY)["days"]["frozen"] == 1
    assert ask(house, "overview", "statistics")["days"]["frozen"] == 0
    clicked = {row["click_id"] for row in ask(house, "click_ids", *EVERY)["rows"]}
    assert clicked <= {None, "gclid"}
    house.run(GONE)
    assert ask(house, "overview", "statistics")["rows"] == ask(house, "overview", *EVERY)["rows"]


def test_a_token_made_for_a_set_has_its_numbers_and_another_is_told_that_there_are_none(house: House) -> None:
    perform(house.core, "tokens.create", {"purposes": ["statistics", "marketing"]})
    crowd(house, 2)
    house.run(GONE)
    assert ask(house, "overview", "marketing", "statistics")["visits"] == 2
    unknown = ask(house, "overview", "personalisation", "statistics")
    assert (unknown["visitors"], unknown["visits"], unknown["days"]) == (None, None, {**NONE, "unknown": 1})
    assert set(unknown["rows"][0].values()) == {None}


def test_what_is_not_known_is_never_a_zero(house: House) -> None:
    """A set for which nothing was frozen, on a day whose rows are gone, beside a day that lives."""
    odd = ("personalisation", "statistics")
    crowd(house, 2)
    house.now = at("2025-03-12T12:00")
    crowd(house, 1)
    house.run(GONE)
    span = {"first": DAY - timedelta(days=1), "last": date(2025, 3, 12)}
    empty, unknown, nothing, living = ask(house, "timeseries", *odd, **span)["rows"]
    assert [(row["state"], row["visits"]) for row in (empty, nothing)] == [(None, 0)] * 2
    assert (living["state"], living["visits"], living["visitors"]) == ("living", 1, 1)
    assert {value for name, value in unknown.items() if name not in ("time", "state")} == {None}
    assert unknown["state"] == "unknown"
    hours = ask(house, "timeseries", *odd, interval="hour")["rows"]
    assert {(row["state"], row["visits"]) for row in hours} == {("unknown", None)}
    (month,) = ask(house, "timeseries", *odd, **span, interval="month")["rows"]
    assert (month["state"], month["visits"]) == ("mixed", 1)
    both = ask(house, "overview", *odd, **span)
    assert (both["visits"], both["days"]) == (1, {**NONE, "living": 1, "unknown": 1})
    compared = ask(house, "overview", *odd, first=date(2025, 3, 12), last=date(2025, 3, 13), compare=True)
    assert compared["rows"][0]["previous"]["visits"] is None
    assert compared["previous"]["days"] == {**NONE, "unknown": 1}
    for name in ("pages", "channels", "vitals"):
        assert (answer := ask(house, name, *odd))["visits"] is None, name
        assert answer["rows"] == []
    assert ask(house, "overview", "statistics", **span)["days"] == {**NONE, "living": 1, "frozen": 1}


def test_rows_that_only_a_hold_keeps_say_nothing_of_an_unfrozen_set(house: House) -> None:
    crowd(house, 2)
    house.core.retention.holds.add(Hold(0, None, "investigation", None, None, None, None, None, house.now))
    house.run(GONE)
    assert len(house.rows()) == 2
    answer = ask(house, "overview", "personalisation", "statistics")
    assert (answer["visits"], answer["days"]) == (None, {**NONE, "unknown": 1})


def test_a_filter_that_sums_cannot_answer_is_no_zero_either(house: House) -> None:
    crowd(house, 2)
    house.run(GONE)
    chosen = (parse_filter("page:/sentinel"),)
    (row,) = ask(house, "timeseries", filters=chosen)["rows"]
    assert (row["visits"], row["state"]) == (None, "unanswered")
    assert ask(house, "overview", filters=chosen)["visits"] is None


def test_who_sees_the_same_is_counted_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day is large, and sets of purposes are many."""
    asked: list[tuple[str, ...]] = []
    real = snapshots.worked_out

    def counting(core: Any, site: Any, day: date, purposes: tuple[str, ...]) -> Any:
        asked.append(purposes)
        return real(core, site, day, purposes)

    monkeypatch.setattr(snapshots, "worked_out", counting)
    for purposes in (["personalisation", "statistics"], ["marketing", "statistics"]):
        perform(house.core, "tokens.create", {"purposes": purposes})
    crowd(house, 2)
    house.run(GONE)
    kept_sets = {k.purposes for k in house.core.storage.ledger.frozen(1, "overview", (), DAY, DAY)}
    assert {"statistics", "personalisation.statistics", "marketing.statistics"} <= kept_sets
    assert len(asked) < len(kept_sets)
    for purposes in (("statistics",), ("personalisation", "statistics"), ("marketing", "statistics")):
        assert ask(house, "overview", *purposes)["visits"] == 2


def test_filters_ask_what_kept_numbers_cannot_answer(house: House) -> None:
    crowd(house, 2)
    house.now = at("2025-03-11T12:00")
    crowd(house, 1)
    house.run(GONE)
    found = ask(house, "overview", last=date(2025, 3, 11), filters=(parse_filter("page:/sentinel"),))
    assert (found["visits"], found["days"]["living"], found["days"]["unanswered"]) == (1, 1, 1)


def test_properties_and_what_goals_brought_are_of_living_days_alone(new_house: Callable[..., House]) -> None:
    """Frozen sums know neither: such days are left out and said to be, never taken for days without a purchase."""
    house = new_house(currency="KRW")
    house.add_site()
    house.approve_routine()
    worth = {"plan": "pro", "amount": 500, "currency": "KRW"}
    crowd(house, ENOUGH, name="purchase", props=worth)
    house.now = at("2025-03-11T12:00")
    one, other = crowd(house, 2, name="purchase", props=worth)
    house.run(GONE)
    goal: dict[str, Any] = {"goal": parse_filter("event:purchase"), "value_name": "amount"}
    both = {"last": date(2025, 3, 11)}
    asked: list[tuple[str, dict[str, Any]]] = [
        ("overview", goal),
        ("devices", goal),
        ("properties", {}),
        ("property_values", {"property_name": "plan"}),
        ("property_numbers", {}),
    ]
    for left, end in ((2, None), (1, one), (0, other)):
        if end:
            house.erase(end)
        for name, more in asked:
            found = ask(house, name, **both, **more)
            assert found["days"]["unanswered"] == 1, name
            assert found["visits"] == (left or None), name
            assert all(row.get("revenue", 500 * left) == (500 * left if left else None) for row in found["rows"]), name
            assert all(row.get("conversions", left) == (left or None) for row in found["rows"]), name
            gone = ask(house, name, **more)
            assert (gone["visits"], gone["days"]["unanswered"]) == (None, 1), name
            assert all(row.get("conversions") is None for row in gone["rows"]), name
    first, second = ask(house, "timeseries", **both, **goal)["rows"]
    assert (first["state"], first["revenue"], first["conversions"]) == ("unanswered", None, None)
    assert second["revenue"] == 0


def test_visitors_of_several_days_are_an_upper_bound_and_say_so(house: House) -> None:
    visitor = house.arrive("statistics")
    for day in days(DAY, 3):
        house.now = at(f"{day}T12:00")
        house.visit(visitor)
    span = {"first": DAY, "last": date(2025, 3, 12)}
    answer = ask(house, "overview", **span)
    assert (answer["visitors"], answer["visitors_are"]) == (1, "distinct")
    house.run("2026-03-12T00:00")  # two of the three are gone
    answer = ask(house, "overview", **span, compare=False)
    assert (answer["visitors"], answer["visits"], answer["visitors_are"]) == (3, 3, "at_most")
    assert answer["days"] == {**NONE, "living": 1, "frozen": 2}
    (month,) = ask(house, "timeseries", **span, interval="month")["rows"]
    assert (month["visits"], month["state"]) == (3, "mixed")
    compared = ask(house, "overview", first=date(2025, 3, 12), last=date(2025, 3, 13), compare=True)
    assert compared["rows"][0]["previous"]["visits"] == 2
    assert compared["previous"]["visitors_are"] == "at_most"


def test_days_of_another_zone_are_whole(new_house: Callable[..., House]) -> None:
    """A day of the installation ends as one, wherever the site's people are."""
    house = new_house(timezone="UTC")
    house.add_site(policy().replace('timezone = "Asia/Seoul"', 'timezone = "UTC"'))
    house.approve_routine()
    for hour in (8, 11):  # in Seoul: 23:00 of the day before, and 02:00, in UTC
        for _ in range(ENOUGH):
            house.visit(house.arrive("statistics"), f"2025-03-10T{hour:02}:00")
    before = ask(house, "timeseries", interval="hour")["rows"]
    assert {row["time"][11:13]: row["visits"] for row in before if row["visits"]} == {"02": ENOUGH}
    for when in ("2026-03-11T08:59", "2026-03-11T09:00", "2026-03-12T09:00"):
        house.run(when)
        now = ask(house, "timeseries", interval="hour")["rows"]
        assert [row | {"state": ""} for row in now] == [row | {"state": ""} for row in before]
    assert house.core.storage.events.days() == []


def test_a_large_day_is_worked_out_by_another_process_to_the_same_end(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = Path(installation.config)
    core = open_core(load_settings(config), writable=True)
    site, now = core.registry.sites()[0], core.clock.now()
    today = core.clock.today(core.settings.zone)
    with core.storage.ledger.writing():
        notice = core.registry.in_force(site.ref, now)
        chosen = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {}))
    lines = [json.dumps({"visitor": chosen.answer["visitor"], "name": "pageview", **event(now)}) for _ in range(3)]
    perform(core, "events.import", {"lines": lines})
    core.close()
    # A clock that stands a year on, for both processes.
    later = (datetime.fromtimestamp(now / 1000, UTC) + timedelta(days=380)).isoformat()
    monkeypatch.setenv("DONGUI_CLOCK", later)
    core = open_core(load_settings(config), writable=True)
    try:
        monkeypatch.setattr(snapshot_process, "_SMALL", 0)
        monkeypatch.setattr(snapshot_process, "AT_MOST_S", 300.0)  # how fast this machine is, is not the question
        monkeypatch.setattr(snapshots, "worked_out", None)  # not in this one
        freezer = Freezer(core, config)
        assert freezer.freeze_day(today) > 0
        assert freezer.freeze_day(today) == 0
        (row,) = report(core, site, ("statistics",), Query("overview", today, today))["rows"]
        assert row["page_views"] == 3
    finally:
        core.close()


# --- in time ---------------------------------------------------------------------------------------------------------

LAST_HOUR = "2026-03-10T23:30"


class Watched(Freezer):
    """A freezer for which every day is large, and whose other process is this one. ``worked`` are days and times."""

    def __init__(self, house: House) -> None:
        super().__init__(house.core, house.folder / "dongui.toml", lost=lambda: self.lost.append(1))
        self.house, self.worked, self.lost = house, list[tuple[date, date]](), list[int]()
        house.core.retention.before_ending = self

    def _is_large(self, stored: date) -> bool:
        return True

    def _work_out(self, stored: date, today: date, seconds: float) -> snapshots.Found:
        self.worked.append((stored, today))
        found: snapshots.Found = json.loads(json.dumps(snapshots.numbers_of(self.house.core, stored, today)))
        return found


def test_a_day_that_ends_soon_is_worked_out_ahead_and_only_written_down_at_its_end(house: House) -> None:
    crowd(house, 3)
    before = told_of(house)
    freezer = Watched(house)
    for when in ("2026-03-09T23:30", "2026-03-10T12:00"):
        house.now = at(when)
        freezer.ahead()
        assert freezer.worked == [], "its last hour has not come"
    house.now = at(LAST_HOUR)
    freezer.ahead()
    freezer.ahead()
    end = date(2026, 3, 11)
    assert freezer.worked == [(DAY, end)]
    assert ask(house, "overview")["days"]["living"] == 1, "nothing is frozen before the end"
    assert house.run(GONE).destroyed == 1
    assert freezer.worked == [(DAY, end)]
    after = told_of(house)
    assert {name: after[name] for name in TOTALS} == {name: before[name] for name in TOTALS}


@pytest.mark.parametrize("change", ["withdrawn", "open", "erased", "suspended", "came"])
def test_what_changed_since_is_worked_out_anew(house: House, change: str) -> None:
    first, *_ = crowd(house, 3)
    freezer = Watched(house)
    house.now = at(LAST_HOUR)
    freezer.ahead()
    ledger = house.core.ledger
    if change == "withdrawn":
        house.choose((), ("statistics",), visitor=first)
    elif change == "open":  # decided, and not carried out in the rows yet
        ledger.erase(ledger.key_of(first), "request")
    elif change == "erased":
        house.erase(first)
    elif change == "suspended":
        with house.core.storage.ledger.writing():
            ledger.suspend(ledger.key_of(first), suspended=True)
    else:
        house.visit(house.arrive("statistics"), "2025-03-10T13:00")
    house.run(GONE)
    assert len(freezer.worked) == 2
    assert ask(house, "overview")["visits"] == (4 if change == "came" else 2)
    assert ask(house, "overview")["days"]["frozen"] == 1


def test_what_concerns_other_days_alone_changes_nothing(house: House) -> None:
    crowd(house, 3)
    freezer = Watched(house)
    house.now = at(LAST_HOUR)
    house.visit(other := house.arrive("statistics"))
    freezer.ahead()
    house.core.ledger.erase(house.core.ledger.key_of(other), "request")
    house.run(GONE)
    assert len(freezer.worked) == 1


def test_a_token_made_since_has_its_numbers_too(house: House) -> None:
    crowd(house, 2)
    freezer = Watched(house)
    house.now = at(LAST_HOUR)
    freezer.ahead()
    perform(house.core, "tokens.create", {"purposes": ["statistics", "marketing"]})
    house.run(GONE)
    assert ask(house, "overview", "marketing", "statistics")["visits"] == 2
    assert ask(house, "overview", "statistics")["visits"] == 2


def test_a_day_is_destroyed_in_time_whatever_freezing_does(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another process that does not end, and less patience. The second day finds no time left at all."""
    crowd(house, 2)
    house.now = at("2025-03-11T12:00")
    crowd(house, 1)
    lost: list[int] = []
    begun: list[date] = []

    def endless(_config: Path, stored: date, _today: date) -> list[str]:
        begun.append(stored)
        return [sys.executable, "-c", "while True: pass"]

    monkeypatch.setattr(snapshot_process, "_command", endless)
    monkeypatch.setattr(snapshot_process, "_SMALL", 0)
    monkeypatch.setattr(snapshot_process, "AT_MOST_S", 0.3)
    house.core.retention.before_ending = Freezer(house.core, house.folder / "dongui.toml", lambda: lost.append(1))
    assert house.run("2026-03-12T00:00").destroyed == 2
    assert house.core.storage.events.days() == []
    assert begun == [DAY]
    assert len(lost) == 2
    answer = ask(house, "overview", last=date(2025, 3, 11))
    assert (answer["visits"], answer["days"]) == (None, {**NONE, "unknown": 2})


def test_a_day_that_a_hold_keeps_is_frozen_later_if_not_in_time(house: House) -> None:
    crowd(house, 2)
    freezer = Watched(house)
    real, freezer._work_out = freezer._work_out, None  # type: ignore[method-assign,assignment]
    house.core.retention.holds.add(Hold(0, None, "investigation", None, None, None, None, None, house.now))
    house.run(GONE)
    house.run("2026-03-11T00:01")
    assert freezer.lost == [1], "said once"
    assert ask(house, "overview")["visits"] is None
    freezer._work_out = real  # type: ignore[method-assign]
    house.run("2026-03-11T00:02")
    assert ask(house, "overview")["visits"] == 2


# --- crashes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "i", testing=True)
    yield made
    made.close()


@pytest.mark.parametrize("place", ["before", "within", "after"])
def test_a_crash_neither_loses_nor_doubles_them(
    house: House, monkeypatch: pytest.MonkeyPatch, place: str, tmp_path: Path
) -> None:
    crowd(house, 3)
    before = told_of(house)

    class Killed(BaseException):
        """What no handler catches, as a kill -9."""

    real, left = snapshots.keep, tmp_path / "left"

    def die() -> NoReturn:
        shutil.copytree(house.folder, left)  # what is on disk at this very instant
        raise Killed

    def dying(*arguments: Any) -> int:
        if place == "before":
            die()
        if place == "within":
            with house.core.storage.ledger.writing():
                real(*arguments)
                die()
        real(*arguments)
        die()

    monkeypatch.setattr(snapshots, "keep", dying)
    with pytest.raises(Killed):
        house.run(GONE)
    monkeypatch.setattr(snapshots, "keep", real)
    house.close()
    house.folder, house.settings = left, replace(house.settings, folder=left)
    house.open()
    assert house.run().destroyed == 1
    after = told_of(house)
    for name, was in before.items():
        if name in TOTALS:
            assert after[name] == was
    assert len(house.core.storage.ledger.of_kind(snapshots.FROZEN)) == 1
    assert {k.source for k in house.core.storage.ledger.frozen(1, "overview", (), DAY, DAY)} == {OWN}


def test_a_day_that_cannot_be_read_is_destroyed_all_the_same(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    crowd(house, 1)

    def broken(*_: Any) -> Any:
        raise OSError("unreadable")

    monkeypatch.setattr(snapshots, "worked_out", broken)
    assert house.run(GONE).destroyed == 1
    assert ask(house, "overview")["days"] == {**NONE, "unknown": 1}
    assert house.core.storage.events.days() == []
