"""The default policy and the presets: what ``dongui init`` writes passes every check, with any tools."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from dongui.policy import Period, all_presets, check, default_policy_text, diff, parse
from hypothesis import given
from hypothesis import strategies as st
from policies import somoon

TOOLS = ["ga4", "google_ads", "meta", "kakao", "naver", "clarity", "channel_talk"]


def test_the_presets_that_there_are() -> None:
    assert sorted(all_presets()) == sorted(TOOLS)


@pytest.mark.parametrize("id", TOOLS)
def test_a_preset_tells_cookies_lifetimes_country_and_addresses(id: str) -> None:
    preset = all_presets()[id]
    assert len(preset.country) == 2
    assert all(url.startswith("https://") for url in preset.urls)
    for cookie in preset.cookies:
        assert cookie.lifetime == "session" or Period.parse(cookie.lifetime).seconds <= 400 * 86_400
    assert preset.purpose in somoon().purposes
    assert set(preset.items) <= set(somoon().purposes[preset.purpose].items)


def test_the_default_policy_is_without_findings() -> None:
    policy = parse(default_policy_text(version="2026-11-23", effective=date(2026, 11, 23)))
    assert check(policy) == []
    assert policy.controller.name == "Example Shop"
    assert policy.notice.effective == date(2026, 11, 23)
    assert [(cookie.name, cookie.purpose) for cookie in policy.cookies] == [
        ("_ga*", "statistics"),
        ("_fbp", "marketing"),
        ("_fbc", "marketing"),
    ]


def test_the_default_policy_has_the_ids_of_the_example() -> None:
    policy, example = parse(default_policy_text(version="v1", effective="2026-01-01")), somoon()
    assert list(policy.purposes) == list(example.purposes)
    for id in ("statistics", "marketing", "personalisation", "analysis"):
        assert policy.purposes[id].items == example.purposes[id].items
    assert policy.records.keys() == example.records.keys()
    assert policy.notice.languages == ("ko", "en")
    assert policy.notice.timezone == "Asia/Seoul"
    assert policy.purposes["marketing"].opt_out_signals == ("gpc",)
    assert "security" in policy.records["access_log"].purposes
    assert "security" in policy.records["abuse"].purposes


@given(st.lists(st.sampled_from(TOOLS)))
def test_any_tools_in_any_order_pass_the_check(ids: list[str]) -> None:
    policy = parse(default_policy_text(version="v1", effective="2026-01-01", presets=ids))
    assert check(policy) == []
    for preset in (all_presets()[id] for id in ids):
        declared = {cookie.name for cookie in policy.cookies}
        assert {cookie.name for cookie in preset.cookies if not cookie.third_party} <= declared
        assert set(preset.urls) <= set(policy.purposes[preset.purpose].urls)
        assert preset.provider in {party.name for _, party in policy.parties(preset.purpose)}


def test_tools_in_it_already_change_nothing() -> None:
    plain = default_policy_text(version="v1", effective="2026-01-01")
    assert (
        diff(
            parse(plain), parse(default_policy_text(version="v1", effective="2026-01-01", presets=["ga4", "meta"]))
        ).changes
        == ()
    )


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_name_is_written_so_that_it_is_read_back(name: str) -> None:
    raw = tomllib.loads(default_policy_text(version="v1", effective="2026-01-01", name=name))
    assert raw["controller"]["name"] == raw["notice"]["service"] == name


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match=r"no preset 'hotjar'; there are .*ga4"):
        default_policy_text(version="v1", effective="2026-01-01", presets=["hotjar"])
