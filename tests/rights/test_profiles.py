"""Corporate members (S4.2b): a profile is seen only while its owner allows it, at that instant, and by who is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import perform, plain
from dongui_collector.rights.disclosures import disclosures_of, listed
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.house import House, at, policy
from tests.rights.test_disclosures import party
from tests.rights.test_suspension import a_house

PROFILES = """
[records.profile]
label.ko = "프로필"
label.en = "Profiles"
keep = "P1Y"
profile = true
purposes = ["member"]
"""
FIRM = "Example Firm"
TEXT = (
    policy()
    + PROFILES
    + party(FIRM, ["nickname", "email"], ["member"])
    + party("Example Ads", ["cookie"], ["marketing"])
)


@pytest.fixture
def jobs(new_house: Callable[..., House]) -> House:
    house = new_house()
    site = house.add_site(TEXT)
    house.approve_routine()
    for name in ("one", "two"):
        data = {"nickname": name, "email": f"{name}@example.com", "phone": "010-0000-0000"}
        house.core.retention.records.add(site, "profile", name, house.now, "homepage", data)
    return house


def seen(house: House, recipient: str = FIRM, consumer: str = "t_1") -> list[dict[str, Any]]:
    asked = {"site": house.site.id, "recipient": recipient, "consumer": consumer}
    return list(perform(house.core, "profiles.read", asked)["profiles"])


def switch(house: House, how: str, member: str) -> bool:
    return bool(perform(house.core, f"profiles.{how}", {"member": member})["changed"])


def test_s4_2b_nobody_is_seen_who_has_not_allowed_it_and_only_what_is_named(jobs: House) -> None:
    assert seen(jobs) == []
    assert switch(jobs, "allow", "one")
    assert not switch(jobs, "allow", "one")
    (profile,) = seen(jobs)
    assert profile["data"] == {"nickname": "one", "email": "one@example.com"}
    assert seen(jobs, consumer="t_2")[0]["profile"] != profile["profile"]
    assert switch(jobs, "deny", "one")
    assert not switch(jobs, "deny", "one")
    assert seen(jobs) == []


def test_s4_2b_the_newest_record_is_the_profile(jobs: House) -> None:
    switch(jobs, "allow", "one")
    jobs.now += 1000
    jobs.core.retention.records.add(jobs.site, "profile", "one", jobs.now, "homepage", {"nickname": "uno"})
    assert [p["data"] for p in seen(jobs)] == [{"nickname": "uno"}]


def test_s4_2b_who_is_not_named_for_profiles_sees_none(jobs: House, new_house: Callable[..., House]) -> None:
    switch(jobs, "allow", "one")
    for recipient in ("Somebody", "Example Ads"):
        with pytest.raises(NotAllowed):
            seen(jobs, recipient)
    assert plain(listed(jobs.core)) == []
    other = new_house("other")
    other.add_site(policy() + party(FIRM, ["nickname"], ["member"]))
    with pytest.raises(NotAllowed, match="profile = true"):
        seen(other)


def test_every_look_is_a_disclosure_of_whom_it_showed(jobs: House) -> None:
    switch(jobs, "allow", "one")
    seen(jobs)
    (entry,) = plain(listed(jobs.core))
    assert (entry["way"], entry["recipient"], entry["people"], entry["items"]) == (
        "profile",
        FIRM,
        1,
        ["email", "nickname"],
    )
    keys = [jobs.core.ledger.member_key(jobs.site.ref, name) for name in ("one", "two")]
    assert [len(disclosures_of(jobs.core, jobs.site.ref, [key])) for key in keys] == [1, 0]


def test_an_erasure_and_the_end_of_its_period_hide_it(jobs: House) -> None:
    for name in ("one", "two"):
        switch(jobs, "allow", name)
    key = jobs.core.ledger.member_key(jobs.site.ref, "one")
    intent = jobs.core.ledger.end_member(jobs.site.ref, key, "request")
    assert [p["data"]["nickname"] for p in seen(jobs)] == ["two"], "from the decision on, before it is carried out"
    jobs.core.retention.endings.finish(intent)
    assert jobs.core.storage.disclosures.profiles(jobs.site.ref).keys() == {
        jobs.core.ledger.member_key(jobs.site.ref, "two")
    }
    jobs.now = at("2026-03-11T00:00")
    assert seen(jobs) == []


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["allow", "deny"]), st.integers(0, 2)), max_size=12))
def test_s4_2b_after_any_steps_exactly_those_who_allow_it(steps: list[tuple[str, int]]) -> None:
    with a_house() as house:
        perform(house.core, "sites.add", {"name": "jobs", "origins": [], "text": TEXT})
        site = house.core.registry.sites()[-1]
        for n in range(3):
            house.core.retention.records.add(site, "profile", f"m{n}", house.now, "homepage", {"nickname": f"m{n}"})
        allowed: set[str] = set()
        for how, n in steps:
            perform(house.core, f"profiles.{how}", {"member": f"m{n}", "site": site.id})
            (allowed.add if how == "allow" else allowed.discard)(f"m{n}")
            asked = {"site": site.id, "recipient": FIRM, "consumer": "t"}
            shown = perform(house.core, "profiles.read", asked)["profiles"]
            assert {p["data"]["nickname"] for p in shown} == allowed


def test_s8_the_profile_of_a_member_under_age_cannot_be_allowed(jobs: House) -> None:
    key = jobs.core.ledger.member_key(jobs.site.ref, "one")
    with jobs.core.storage.ledger.writing():
        jobs.core.storage.ledger.append("minor", jobs.now, {}, site_ref=jobs.site.ref, visitor=key)
    with pytest.raises(NotAllowed, match="under age"):
        switch(jobs, "allow", "one")
