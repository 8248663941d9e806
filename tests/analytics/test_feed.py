"""The erasure feed tells each consumer, under its own names, which copies must go."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dongui_collector.core.operations import perform
from dongui_collector.exports.erasure_feed import erasures
from dongui_collector.exports.export import Entitlement, export_events

from tests.retention.house import ALL, House, at, policy


def exported(house: House, consumer: str, *purposes: str) -> list[dict[str, Any]]:
    day = "2025-03-10"
    asked = {"consumer": consumer, "site": house.site.id, "purposes": list(purposes), "format": "csv", "by": "x"}
    perform(house.core, "export.note", asked | {"first": day, "last": day})
    reader = Entitlement(consumer, house.site, purposes)
    return list(export_events(house.core, reader, date.fromisoformat(day), date.fromisoformat(day)))


def entries(house: House, consumer: str, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    return list(erasures(house.core, consumer, after, limit)["entries"])


@pytest.mark.parametrize("how", ["withdraw", "erase"])
def test_a_consumer_learns_whose_copies_must_go(house: House, how: str) -> None:
    visitor, other = house.arrive(), house.arrive()
    house.visit(visitor)
    house.visit(other)
    a = exported(house, "a", "statistics", "marketing")
    b = exported(house, "b", "personalisation")
    if how == "erase":
        house.erase(visitor)
    else:
        house.choose((), ("marketing",), visitor)
    (told,) = entries(house, "a")
    assert told["kind"] == {"erase": "erasure", "withdraw": "withdrawal"}[how]
    assert told["visitor"] == a[0]["visitor"]
    assert told["purposes"] == (["marketing", "statistics"] if how == "erase" else ["marketing"])
    assert [e["visitor"] for e in entries(house, "b")] == ([b[0]["visitor"]] if how == "erase" else [])
    assert entries(house, "stranger") == []


def test_ageing_out_is_told_to_everyone_by_day(house: House) -> None:
    house.visit(house.arrive())
    exported(house, "a", "statistics")
    house.run("2026-03-11T00:00")
    (told,) = entries(house, "a")
    assert (told["kind"], told["day"]) == ("aged_out", "2025-03-10")
    assert "visitor" not in told


def test_the_cursor_goes_on_where_it_stopped(house: House) -> None:
    visitors = [house.arrive() for _ in range(5)]
    house.visit(visitors[0])
    exported(house, "a", *ALL)
    for visitor in visitors:
        house.erase(visitor)
    seen, after = [], 0
    while True:
        page = erasures(house.core, "a", after, 2)
        if not page["entries"]:
            break
        assert len(page["entries"]) <= 2
        seen += [e["visitor"] for e in page["entries"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert erasures(house.core, "a", after)["next"] == after


def test_it_is_told_once_though_the_ending_was_tried_twice(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    exported(house, "a", *ALL)
    intent = house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    house.core.retention.endings.finish(intent)
    house.core.retention.endings.resume()
    assert len(entries(house, "a")) == 1


def test_names_in_the_feed_age_out_too(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    name = exported(house, "a", *ALL)[0]["visitor"]
    house.erase(visitor)
    house.run("2025-06-08T11:00")
    assert name.encode() in house.bytes()
    house.run("2025-06-09T12:00")
    assert entries(house, "a") == []
    house.core.storage.ledger.scrub()
    assert name.encode() not in house.bytes()


def test_an_erasure_is_told_to_those_whose_purpose_the_notice_has_dropped(house: House) -> None:
    visitor = house.arrive("marketing")
    house.visit(visitor)
    exported(house, "a", "marketing")
    text = policy("v2", date(2025, 3, 11)).replace('"marketing"', '"advertising"')
    perform(house.core, "policy.publish", {"text": text.replace("purposes.marketing", "purposes.advertising")})
    house.now = at("2025-03-11T12:00")
    house.erase(visitor)
    assert [entry["purposes"] for entry in entries(house, "a")] == [["marketing"]]


def test_of_a_part_that_ages_out_the_sites_own_consumers_learn_what_concerns_their_purposes(
    new_house: Callable[..., House],
) -> None:
    house = new_house()
    house.add_site(policy(short_marketing=True))
    house.add_site(policy(), name="other")
    house.approve_routine()
    house.visit(house.arrive())
    exported(house, "a", "statistics", "marketing")
    exported(house, "b", "statistics")
    elsewhere = {"consumer": "c", "site": "other", "purposes": ["marketing"], "by": "x", "format": "csv"}
    perform(house.core, "export.note", {**elsewhere, "first": "2025-03-10", "last": "2025-03-10"})
    house.run("2025-09-11T00:00")  # half a year: marketing's part of the rows has ended
    told = [(entry["kind"], entry["day"], entry["purposes"]) for entry in entries(house, "a")]
    assert told == [("aged_out", "2025-03-10", ["marketing"])]
    assert entries(house, "b") == entries(house, "c") == []
    house.run("2026-03-11T00:00")
    for consumer in ("a", "b", "c"):  # the day itself is everybody's; what was told half a year ago is forgotten
        assert [(e["kind"], e.get("purposes")) for e in entries(house, consumer)] == [("aged_out", None)]


def test_a_suspension_and_its_end_are_told_to_those_who_were_given_data(house: House) -> None:
    visitor, other = house.arrive(), house.arrive()
    house.visit(visitor)
    house.visit(other)
    a = exported(house, "a", "statistics", "marketing")
    b = exported(house, "b", "personalisation")
    key = house.core.ledger.key_of(visitor)
    house.core.ledger.suspend(key, True)
    house.core.ledger.suspend(key, True)  # asked once more: nothing new to tell
    house.core.ledger.suspend(key, False)
    for consumer, rows, purposes in (("a", a, ["marketing", "statistics"]), ("b", b, ["personalisation"])):
        told = entries(house, consumer)
        assert [e["kind"] for e in told] == ["suspension", "resumption"]
        assert {e["visitor"] for e in told} == {rows[0]["visitor"]}, "under the consumer's own name"
        assert [e["purposes"] for e in told] == [purposes] * 2
    assert entries(house, "stranger") == []


def test_another_sites_consumer_is_not_told_of_a_suspension(house: House) -> None:
    house.add_site(name="other")
    visitor = house.arrive()
    house.visit(visitor)
    exported(house, "ours", *ALL)
    day = {"first": "2025-03-10", "last": "2025-03-10"}
    other = next(s for s in house.core.registry.sites() if s.name == "other")
    asked = {"consumer": "theirs", "site": other.id, "purposes": list(ALL), "format": "csv", "by": "x", **day}
    perform(house.core, "export.note", asked)
    house.core.ledger.suspend(house.core.ledger.key_of(visitor), True)
    assert [e["kind"] for e in entries(house, "ours")] == ["suspension"]
    assert entries(house, "theirs") == []
