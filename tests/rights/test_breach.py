"""The breach helper (K9, PIPA 34): whom it concerns, which items, what must be told to whom by when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import perform
from dongui_collector.rights.breach import FILES, duties, plan
from dongui_collector.rights.breach_page import draft, page
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import SEOUL, House, at

DAY = date(2025, 3, 10)
HOUR = 3_600_000


def join(house: House, visitor: str, reference: str) -> None:
    notice = house.core.registry.in_force(house.site.ref, house.now)
    key = house.core.ledger.member_key(house.site.ref, reference)
    assert house.core.ledger.identify(notice, house.core.ledger.key_of(visitor), key)


@pytest.fixture
def busy(new_house: Callable[..., House]) -> House:
    """A member with two browsers, one more visitor, one of the day before, and a member known by a contract alone."""
    house = new_house()
    site = house.add_site()
    for _ in range(2):
        visitor = house.arrive("analysis", "statistics")
        join(house, visitor, "m-1")
        house.visit(visitor)
    house.visit(house.arrive("marketing"))
    house.visit(house.arrive("statistics"), "2025-03-09T12:00")
    house.core.retention.records.add(site, "abuse", "m-2", house.now, "service_use", {"what": "x"})
    return house


def items(told: dict[str, Any]) -> dict[tuple[str, str], tuple[int, bool]]:
    return {(i["file"], i["item"]): (i["people"], i["readable"]) for i in told["items"]}


def test_k9_people_are_counted_once_and_members_apart(busy: House) -> None:
    told = plan(busy.core, DAY, DAY, files=["events"])
    assert told["people"] == {"number": 2, "members": 1, "visitors_without_member": 1}
    assert told["rows"] == {"events": 3}
    assert plan(busy.core, DAY, DAY, files=["events", "records"])["people"]["number"] == 3
    assert plan(busy.core, date(2025, 3, 9), DAY, files=["events"])["people"]["number"] == 3
    assert plan(busy.core, date(2025, 3, 9), date(2025, 3, 9), files=["events"])["people"]["number"] == 1
    assert plan(busy.core, date(2025, 3, 11), DAY.replace(day=12), files=FILES)["people"]["number"] == 0


def test_k9_which_items_of_how_many_and_whether_they_can_be_read(busy: House) -> None:
    told = items(plan(busy.core, DAY, DAY, files=["events", "records"]))
    assert told["events", "service_usage"] == (1, True)
    assert told["events", "ip_address"] == (1, False)
    assert told["events", "advertising_id"] == (1, False)
    assert told["records", "abuse"] == (1, False)
    assert items(plan(busy.core, DAY, DAY, files=["events", "keys"]))["events", "ip_address"] == (1, False)
    lost = plan(busy.core, DAY, DAY, files=["events", "records", "keys", "master_key"])
    assert lost["keys_lost"] is True
    assert all(readable for _, readable in items(lost).values())


def test_k9_the_ledger_alone_concerns_whoever_consented_then(busy: House) -> None:
    told = plan(busy.core, DAY, DAY, files=["ledger"])
    assert told["people"] == {"number": 3, "members": 1, "visitors_without_member": 2}
    assert items(told) == {("ledger", "consent_record"): (3, True)}


def test_k9_what_was_destroyed_of_those_days_is_named(busy: House) -> None:
    busy.approve_routine()
    busy.run("2026-03-11T00:00")
    told = plan(busy.core, DAY, DAY, files=["events"])
    assert told["people"]["number"] == 0
    assert [(d["day"], d["rows"]) for d in told["destroyed_since"]] == [("2025-03-10", 3)]


@given(st.integers(0, 3000), st.integers(0, 10**12), st.integers(-200 * HOUR, 200 * HOUR), st.booleans(), st.booleans())
def test_k9_72_hours_and_when_to_report(people: int, learned: int, later: int, sensitive: bool, outside: bool) -> None:
    told = {d["id"]: d for d in duties(people, learned, learned + later, sensitive=sensitive, outside=outside)}
    assert told["tell_people"]["applies"] == (people > 0)
    assert told["report"]["applies"] == (people >= 1000 or sensitive or outside)
    for id in ("tell_people", "report"):
        assert told[id]["by"] == learned + 72 * HOUR
        assert told[id]["overdue"] == (later > 72 * HOUR)
    assert told["record"]["applies"]


@pytest.mark.parametrize(
    ("days", "files"), [((DAY, date(2025, 3, 9)), FILES), ((DAY, DAY), []), ((DAY, DAY), ["passwords"])]
)
def test_a_question_that_is_none_is_refused(busy: House, days: tuple[date, date], files: list[str]) -> None:
    with pytest.raises(CollectorError):
        plan(busy.core, *days, files=files)


# --- whom to tell ----------------------------------------------------------------------------------------------------


def members(house: House, **said: Any) -> dict[str, Any]:
    asked = {"first": "2025-03-10", "last": "2025-03-10", "files": ["events", "records"], "reason": "to tell them"}
    told: dict[str, Any] = perform(house.core, "breach.members", {**asked, "by": "officer", **said})
    return told


def test_k9_k12_the_list_of_members_is_audited_and_says_whom_of_ours(busy: House) -> None:
    assert members(busy) == {"members": ["m-2"], "unnamed": 1}
    assert members(busy, references=["m-0", "m-1", "m-2", ""]) == {"members": ["m-1", "m-2"], "unnamed": 0}
    looks = [r.body for r in busy.core.storage.ledger.records() if r.kind == "audit" and r.body]
    assert [(b["action"], b["by"], b["reason"]) for b in looks] == [("breach.members", "officer", "to tell them")] * 2
    with pytest.raises(CollectorError, match="--reason"):
        members(busy, reason=" ")


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_says_all_of_it_in_both_languages_and_names_nobody(busy: House) -> None:
    told = plan(busy.core, DAY, DAY, learned_at=at("2025-03-10T09:00"))
    policy = busy.core.registry.in_force(busy.site.ref, busy.now).policy
    written = page(told, policy, SEOUL)
    for words in (
        "2025-03-13 09:00 KST",
        "개인정보 보호법 제34조제1항",
        "Article 34(1)",
        "법률 자문이 아닙니다",
        "not legal advice",
    ):
        assert words in written
    assert "m-1" not in written
    assert "<script" not in written
    for lang, words in (
        ("ko", "개인정보 보호책임자, privacy@shop.example"),
        ("en", "Privacy officer, privacy@shop.example"),
    ):
        assert words in draft(told, policy, lang)
        assert "IP" in draft(told, policy, lang)
