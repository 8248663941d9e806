"""Exports hold what the visitors agreed to for the reader's purposes, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from dongui_collector.core.errors import NotAllowed, Unknown
from dongui_collector.core.operations import perform
from dongui_collector.exports.export import FIELDS_OF, Entitlement, entitle, export_events
from dongui_collector.storage.contract.values import Hold, Selection

from tests.retention.house import ALL, House, at, policy

DAY = date(2025, 3, 10)
FIELDS = [
    "id",
    "day",
    "at",
    "name",
    "url",
    "referrer",
    "props",
    "search",
    "secure",
    "source",
    "visitor",
    "ip_address",
    "country",
    "city",
    "advertising_ids",
    "cookies",
    "environment",
    "purposes",
    "notice",
    "received_at",
]
ITEMS = {
    "statistics": {"cookie", "visit_time", "service_usage", "access_environment", "ip_address"},
    "marketing": {"cookie", "visit_time", "advertising_id"},
    "personalisation": {"cookie", "service_usage"},
}


def export(house: House, *purposes: str, consumer: str = "me", **more: Any) -> list[dict[str, Any]]:
    days = (more.pop("first", DAY), more.pop("last", date(2027, 1, 1)))
    return list(export_events(house.core, Entitlement(consumer, house.site, purposes, **more), *days))


def shown(row: dict[str, Any]) -> set[str]:
    """The items of which a row shows anything."""
    return {item for item, fields in FIELDS_OF.items() if any(row[f] is not None for f in fields)}


# --- purposes --------------------------------------------------------------------------------------------------------


def test_the_shape_is_the_outside_contracts(house: House) -> None:
    house.visit(house.arrive())
    (row,) = export(house, *ALL)
    assert list(row) == [*FIELDS, "page"]  # the readable name of the page, beside what was recorded
    assert (row["day"], row["at"], row["ip_address"]) == ("2025-03-10", house.now, "203.0.113.7")
    assert row["advertising_ids"] == {"gclid": "G-sentinel"}
    assert row["props"] == {"m": "sentinel"}
    assert row["environment"]["browser"]
    assert (row["secure"], row["notice"], sorted(row["purposes"])) == (True, "v1", sorted(ALL))


SUBSETS = [set(some) for n in (1, 2, 3) for some in combinations(ALL, n)]


def test_each_item_only_where_a_purpose_common_to_row_and_reader_covers_it(house: House) -> None:
    """Exhaustive: every choice a visitor can make, read for every choice of purposes."""
    for granted in SUBSETS:
        house.visit(house.arrive(*granted), name=".".join(sorted(granted)))
    for asked in SUBSETS:
        expected = [granted & asked for granted in SUBSETS if granted & asked]
        rows = export(house, *asked)
        assert [set(row["purposes"]) for row in rows] == expected
        for row, common in zip(rows, expected, strict=True):
            covered = set().union(*(ITEMS[p] for p in common))
            assert shown(row) == covered
            assert (row["at"] is None) == (row["day"] is None) == ("visit_time" not in covered)


def test_the_rows_own_notice_says_what_a_purpose_covers(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    old = 'items = ["cookie", "visit_time", "service_usage", "access_environment", "ip_address"]'
    text = policy("v2", date(2025, 3, 11))
    assert old in text
    perform(house.core, "policy.publish", {"text": text.replace(old, 'items = ["cookie", "visit_time"]')})
    house.now = at("2025-03-11T12:00")
    house.visit(visitor)
    before, after = export(house, "statistics")
    assert (before["notice"], after["notice"]) == ("v1", "v2")
    assert before["ip_address"]
    assert shown(after) == {"cookie", "visit_time"}


def test_recorded_cookies_follow_the_purpose_that_declared_them(new_house: Callable[..., House]) -> None:
    house = new_house()
    text = policy()
    cookies = ""
    for name, purpose in (("seen_s", "statistics"), ("seen_m", "marketing")):
        cookies += (
            f'\n[[cookies]]\nname = "{name}"\npurpose = "{purpose}"\nlifetime = "P1D"\nprovider = "x"\nrecord = true\n'
        )
    house.add_site(text + cookies)
    house.visit(house.arrive(), cookies={"seen_s": "1", "seen_m": "2", "other": "3"})
    assert [r["cookies"] for r in export(house, "statistics")] == [{"seen_s": "1"}]
    assert [r["cookies"] for r in export(house, "marketing", "statistics")] == [{"seen_s": "1", "seen_m": "2"}]
    assert [r["cookies"] for r in export(house, "personalisation")] == [None]


# --- pseudonyms ------------------------------------------------------------------------------------------------------


def test_every_consumer_knows_a_visitor_by_another_name_and_always_the_same(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.visit(visitor)
    a, b = export(house, "statistics", consumer="a"), export(house, "statistics", consumer="b")
    again = export(house, "statistics", consumer="a")
    assert a == again
    assert a[0]["visitor"] == a[1]["visitor"] != b[0]["visitor"]
    assert len({row["id"] for row in (*a, *b)}) == 4
    key = house.core.ledger.key_of(visitor)
    assert not {a[0]["visitor"], b[0]["visitor"]} & {visitor, key.hex()}


# --- what has ended --------------------------------------------------------------------------------------------------


def test_an_open_ending_masks_at_once(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    assert len(house.rows()) == 1
    assert export(house, *ALL) == []


def test_an_ending_between_two_pages_masks_the_second(house: House) -> None:
    visitor = house.arrive()
    for _ in range(501):
        house.visit(visitor)
    rows = export_events(house.core, Entitlement("me", house.site, ("statistics",)), DAY, DAY)
    next(rows)
    house.core.ledger.erase(house.core.ledger.key_of(visitor), "request")
    assert len(list(rows)) == 499


def test_an_ending_decided_and_finished_while_a_page_is_read(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows were read before it, the endings are asked after it: it is in neither, and still must not be shown."""
    visitor = house.arrive()
    house.visit(visitor)
    events, real, done = house.core.storage.events, house.core.storage.events.rows, []

    def rows(day: date, selection: Selection | None = None, **more: int) -> object:
        page = real(day, selection, **more)
        if not done:
            done.append(1)
            house.erase(visitor)
        return page

    monkeypatch.setattr(events, "rows", rows)
    assert export(house, *ALL) == []


def test_what_is_past_its_period_is_not_shown_though_it_is_still_there(house: House) -> None:
    house.core.retention.standing.revoke("officer")
    house.visit(house.arrive())
    house.now = at("2026-03-10T23:59:59")
    assert len(export(house, *ALL)) == 1
    house.run("2026-03-11T00:00")
    assert len(house.rows()) == 1
    assert export(house, *ALL) == []


def test_nor_what_only_a_hold_keeps(house: House) -> None:
    house.visit(house.arrive())
    house.core.retention.holds.add(Hold(0, None, "investigation", None, None, None, None, None, house.now))
    house.run("2026-03-11T00:00")
    assert len(house.rows()) == 1
    assert export(house, *ALL) == []


def test_days_are_inclusive_and_any_range(house: House) -> None:
    visitor = house.arrive()
    for day in (10, 11, 12):
        house.now = at(f"2025-03-{day}T12:00")
        house.visit(visitor)
    days = [r["day"] for r in export(house, "statistics", first=date(2025, 3, 11), last=date(2025, 3, 12))]
    assert days == ["2025-03-11", "2025-03-12"]
    assert len(export(house, "statistics", first=date.min, last=date.max)) == 3
    assert export(house, "statistics", first=date(2025, 3, 13), last=date(2025, 3, 9)) == []


def test_another_sites_rows_are_not_in_it(house: House) -> None:
    other = house.add_site(policy(), name="other")
    house.visit(house.arrive(site=other), site=other)
    assert export(house, *ALL) == []


# --- who may ---------------------------------------------------------------------------------------------------------


def test_own_use_is_never_refused_and_a_false_purpose_is(house: House) -> None:
    assert entitle(house.core, house.site, ALL) == Entitlement("controller", house.site, ALL)
    for wrong in (("nothing",), ("service",)):
        with pytest.raises(Unknown):
            entitle(house.core, house.site, wrong)
    with pytest.raises(NotAllowed):
        entitle(house.core, house.site, ())


PARTY = """
[[recipients]]
name = "Example Ads"
task.ko = "광고"
task.en = "Advertising"
country = "KR"
items = ["advertising_id", "visit_time"]
purposes = ["marketing"]
"""


@pytest.fixture
def with_recipient(new_house: Callable[..., House]) -> House:
    house = new_house()
    house.add_site(policy() + PARTY)
    house.visit(house.arrive())
    return house


def test_a_recipient_must_be_named_for_every_purpose(with_recipient: House) -> None:
    core, site = with_recipient.core, with_recipient.site
    for purposes, recipient in ((("marketing",), "Somebody"), (("marketing", "statistics"), "Example Ads")):
        with pytest.raises(NotAllowed):
            entitle(core, site, purposes, recipient=recipient)


def test_a_recipient_gets_its_items_alone(with_recipient: House) -> None:
    reader = entitle(with_recipient.core, with_recipient.site, ("marketing",), recipient="Example Ads")
    (row,) = export_events(with_recipient.core, reader, DAY, DAY)
    assert shown(row) == {"advertising_id", "visit_time"}
    assert row["visitor"] is None
    assert row["purposes"] == ["marketing"]


def test_rows_from_before_the_recipient_was_named_stay(new_house: Callable[..., House]) -> None:
    """Nobody who agreed to the old notice agreed to this recipient (K1, S4.0)."""
    house = new_house()
    house.add_site(policy())
    visitor = house.arrive()
    house.visit(visitor, marker="before")
    perform(house.core, "policy.publish", {"text": policy("v2", date(2025, 3, 11)) + PARTY})
    house.now = at("2025-03-11T12:00")
    visitor = house.choose(ALL, visitor=visitor) or ""
    house.visit(visitor, marker="after")
    reader = entitle(house.core, house.site, ("marketing",), recipient="Example Ads")
    rows = list(export_events(house.core, reader, DAY, date(2025, 3, 12)))
    assert [row["notice"] for row in rows] == ["v2"]


def test_each_item_goes_out_only_for_the_purpose_it_is_named_for(new_house: Callable[..., House]) -> None:
    house = new_house()
    second = PARTY.replace('items = ["advertising_id", "visit_time"]', 'items = ["ip_address"]')
    house.add_site(policy() + PARTY + second.replace('["marketing"]', '["statistics"]'))
    house.visit(house.arrive("marketing"))
    house.visit(house.arrive("statistics"))
    house.visit(house.arrive("statistics", "marketing"))
    reader = entitle(house.core, house.site, ("marketing", "statistics"), recipient="Example Ads")
    rows = [shown(row) for row in export_events(house.core, reader, DAY, DAY)]
    ads = {"advertising_id", "visit_time"}
    assert rows == [ads, {"ip_address"}, ads | {"ip_address"}]


def audits(house: House) -> Sequence[dict[str, Any]]:
    return [r.body for r in house.core.storage.ledger.records() if r.kind == "audit" and r.body]


def test_an_export_is_on_the_ledger_before_it_is_read(with_recipient: House) -> None:
    days = {"first": "2025-03-10", "last": "2025-03-11"}
    asked = {"purposes": ["marketing"], "format": "csv", "by": "kim", **days}
    perform(with_recipient.core, "export.audit", asked | {"recipient": "Example Ads"})
    with pytest.raises(NotAllowed):
        perform(with_recipient.core, "export.audit", asked | {"recipient": "Somebody"})
    assert audits(with_recipient) == [
        {
            "action": "export",
            "consumer": "recipient:Example Ads",
            "recipient": "Example Ads",
            "purposes": ["marketing"],
            "from": "2025-03-10",
            "to": "2025-03-11",
            "format": "csv",
            "by": "kim",
        }
    ]
