"""The default policy and the presets: what ``dongui init`` writes passes every check, with any tools."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest
from dongui.policy import Period, all_presets, check, default_policy_text, diff, parse
from hypothesis import given
from hypothesis import strategies as st
from policies import somoon

# What each tool adds to the minimal policy: cookies, receiver, purpose whose addresses it extends, consent mode.
ADDS = {
    "ga4": (["_ga*"], "processors.Google LLC", "statistics", ["service", "statistics", "personalisation", "security"]),
    "google_ads": (["_gac_*", "_gcl_*"], "recipients.Google LLC", "marketing", ["marketing"]),
    "meta": (["_fbc", "_fbp"], "recipients.Meta Platforms, Inc.", "marketing", []),
    "kakao": ([], "recipients.Kakao Corp.", "marketing", []),
    "naver": (["NA_*", "wcs_bt"], "recipients.NAVER Corp.", "marketing", []),
    "clarity": (["_clck", "_clsk"], "processors.Microsoft Corporation", "statistics", []),
    "channel_talk": (["ch-session-*", "ch-veil-id"], "processors.Channel Corp.", "personalisation", []),
    "matomo": (["_pk_id*", "_pk_ref*", "_pk_ses*"], "processors.InnoCraft Ltd.", "statistics", []),
    "plausible": ([], "processors.Plausible Insights OÜ", "statistics", []),
}
TOOLS = list(ADDS)


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


def test_the_minimal_policy_names_no_third_party() -> None:
    policy = parse(default_policy_text(version="v1", effective="2026-01-01"))
    assert (policy.cookies, policy.processors, policy.recipients) == ((), (), ())
    assert [purpose.id for purpose in policy.purposes.values() if purpose.urls or purpose.google_consent] == []


@pytest.mark.parametrize("id", TOOLS)
def test_a_preset_differs_from_the_minimal_policy_by_its_tool_and_nothing_else(id: str) -> None:
    minimal = parse(default_policy_text(version="v1", effective="2026-01-01"))
    with_tool = parse(default_policy_text(version="v1", effective="2026-01-01", presets=[id]))
    cookies, receiver, purpose, signals = ADDS[id]
    expected = {("added", f"cookies.{name}") for name in cookies} | {("added", receiver)}
    expected |= {("changed", f"purposes.{purpose}.urls")}
    expected |= {("changed", f"purposes.{name}.google_consent") for name in signals}
    assert {(change.kind, change.key) for change in diff(minimal, with_tool).changes} == expected


@pytest.mark.parametrize("languages", [["ko"], ["en"], ["en", "ko"]], ids="-".join)
def test_any_languages(languages: list[str]) -> None:
    text = default_policy_text(version="v1", effective="2026-01-01", languages=languages, presets=TOOLS)
    policy = parse(text)
    assert policy.notice.languages == tuple(languages)
    assert [finding.key for finding in check(policy)] == ([] if "ko" in languages else ["notice.languages"])


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(ValueError, match=r"no language 'fr'; there are ko, en"):
        default_policy_text(version="v1", effective="2026-01-01", languages=["fr"])


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


def test_a_tool_named_twice_is_there_once() -> None:
    once = default_policy_text(version="v1", effective="2026-01-01", presets=["ga4", "meta"])
    assert default_policy_text(version="v1", effective="2026-01-01", presets=["ga4", "meta", "ga4"]) == once


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip))
def test_any_name_is_written_so_that_it_is_read_back(name: str) -> None:
    raw = tomllib.loads(default_policy_text(version="v1", effective="2026-01-01", name=name))
    assert raw["controller"]["name"] == raw["notice"]["service"] == name


def test_an_unknown_preset_is_named() -> None:
    with pytest.raises(ValueError, match=r"no preset 'hotjar'; there are .*ga4"):
        default_policy_text(version="v1", effective="2026-01-01", presets=["hotjar"])
