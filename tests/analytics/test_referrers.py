"""Where visits come from: searches by a list, paid tags, names, and rules of one's own (issue 12, line 28)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.analytics.attribution import CHANNELS, origin_of
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.referrers import known_host, known_tag
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.errors import SettingsError
from dongui_collector.core.settings import load_settings
from dongui_collector.intake.enrich import agent_of

from tests.retention.house import House

SHOP = "https://shop.example.com"
SITE = SiteRules(frozenset({"shop.example.com"}))
DAY = date(2025, 3, 10)


def came_from(host: str) -> tuple[str, str | None]:
    origin = origin_of(f"{SHOP}/", f"https://{host}/", (), SITE)
    return origin.channel, origin.source


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("www.google.com", "Google"),
        ("www.google.co.kr", "Google"),
        ("google.com.tw", "Google"),
        ("search.naver.com", "Naver"),
        ("m.search.naver.com", "Naver"),
        ("m.search.daum.net", "Daum"),
        ("search.zum.com", "Zum"),
        ("search.nate.com", "Nate"),
        ("www.bing.com", "Bing"),
        ("kr.search.yahoo.com", "Yahoo"),
        ("duckduckgo.com", "DuckDuckGo"),
        ("yandex.com.tr", "Yandex"),
        ("m.baidu.com", "Baidu"),
    ],
)
def test_a_search_host_is_a_search(host: str, source: str) -> None:
    assert came_from(host) == ("organic_search", source)


@pytest.mark.parametrize(
    "host",
    [
        "docs.google.com",
        "classroom.google.com",
        "accounts.google.com",
        "sites.google.com",
        "news.google.com",
        "google.github.io",
        "google.attacker.net",
        "google.co.evil",
        "yandex.attacker.net",
        "search.naver.com.evil.example",
        "mysearch.naver.com.example",
        "mail.yandex.ru",
        "tieba.baidu.com",
        "ads.bing.com",
        "notgoogle.com",
        "support.startpage.com.evil.example",
    ],
)
def test_another_host_of_that_name_is_none(host: str) -> None:
    channel, source = came_from(host)
    assert channel == "referral"
    assert source == host or source in ("Naver", "Baidu")


@pytest.mark.parametrize(
    ("referrer", "clicks", "channel", "source"),
    [
        pytest.param("https://www.google.com/", ("fbclid",), "organic_search", "Google", id="a copied fbclid"),
        pytest.param("https://cafe.naver.com/x", ("fbclid",), "social", "Naver Cafe", id="a copied fbclid in a cafe"),
        pytest.param("https://talk.kakao.com/", ("gclid",), "paid_other", "KakaoTalk", id="a copied gclid in a chat"),
        pytest.param("https://search.naver.com/", ("gclid",), "paid_search", "Naver", id="gclid and another search"),
        pytest.param("https://news.example.org/", ("fbclid",), "referral", "news.example.org", id="an unknown host"),
        pytest.param("https://news.example.org/", ("dclid",), "display", "news.example.org", id="a display network"),
        pytest.param(None, ("fbclid",), "social", "Facebook", id="fbclid alone"),
        pytest.param(None, ("gclid",), "paid_search", "Google", id="gclid alone"),
        pytest.param("https://shop.example.com/a", ("gclid",), "paid_search", "Google", id="the site itself"),
    ],
)
def test_the_referring_host_outweighs_a_click_id(
    referrer: str | None, clicks: tuple[str, ...], channel: str, source: str
) -> None:
    origin = origin_of(f"{SHOP}/", referrer, clicks, SITE)
    assert (origin.channel, origin.source) == (channel, source)


@pytest.mark.parametrize(
    ("query", "channel", "source"),
    [
        ("utm_source=naver&utm_medium=brandsearch", "paid_search", "Naver"),
        ("utm_source=naver&utm_medium=brand_search", "paid_search", "Naver"),
        ("utm_source=NAVER&utm_medium=Powerlink", "paid_search", "Naver"),
        ("utm_source=naver&utm_medium=파워링크", "paid_search", "Naver"),
        ("utm_source=naver&utm_medium=%EB%B8%8C%EB%9E%9C%EB%93%9C%EA%B2%80%EC%83%89", "paid_search", "Naver"),
        ("utm_source=naver_powerlink", "paid_search", "Naver"),
        ("utm_source=google&utm_medium=pmax", "paid_search", "Google"),
        ("utm_source=google&utm_medium=performance-max", "paid_search", "Google"),
        ("utm_source=kakao&utm_medium=bizboard", "paid_other", "KakaoTalk"),
        ("utm_source=카카오&utm_medium=비즈보드", "paid_other", "KakaoTalk"),
        ("utm_source=naver&utm_medium=gfa", "display", "Naver"),
        ("utm_source=naver&utm_medium=organic", "organic_search", "Naver"),
        ("utm_source=salon&utm_medium=visa", "campaign", "salon"),
    ],
)
def test_korean_paid_tags_are_paid(query: str, channel: str, source: str) -> None:
    origin = origin_of(f"{SHOP}/?{query}", None, (), SITE)
    assert (origin.channel, origin.source) == (channel, source)


@pytest.mark.parametrize("host", ["ad.search.naver.com", "m.ad.search.naver.com", "adcr.naver.com"])
def test_a_host_that_only_advertisements_lead_through_is_paid(host: str) -> None:
    assert came_from(host) == ("paid_search", "Naver")


@pytest.mark.parametrize(
    ("host", "channel", "source"),
    [
        ("gall.dcinside.com", "social", "DC Inside"),
        ("m.fmkorea.com", "social", "FM Korea"),
        ("theqoo.net", "social", "theqoo"),
        ("m.ppomppu.co.kr", "social", "Ppomppu"),
        ("www.clien.net", "social", "Clien"),
        ("kin.naver.com", "social", "Naver Knowledge iN"),
        ("link.coupang.com", "shopping", "Coupang"),
        ("www.11st.co.kr", "shopping", "11st"),
        ("search.shopping.naver.com", "shopping", "Naver Shopping"),
        ("www.daangn.com", "shopping", "Daangn"),
        ("chat.openai.com", "assistant", "ChatGPT"),
        ("gemini.google.com", "assistant", "Gemini"),
        ("wrtn.ai", "assistant", "Wrtn"),
        ("cue.search.naver.com", "assistant", "Naver Cue:"),
        ("chat.deepseek.com", "assistant", "DeepSeek"),
    ],
)
def test_communities_shops_and_assistants_have_names(host: str, channel: str, source: str) -> None:
    assert came_from(host) == (channel, source)


def test_the_list_is_sound() -> None:
    """Every host is lower case and without what is cut off before it is looked up; every kind leads to a channel."""
    from dongui_collector.analytics import referrers

    for host, found in {**referrers._SEARCHES, **referrers._HOSTS}.items():
        assert host == host.lower().removeprefix("www.").strip(".")
        assert known_host(host) == found
        assert came_from(host)[0] in CHANNELS
    assert known_tag("www.naver.com") == known_host("naver.com")


# --- rules of one's own ----------------------------------------------------------------------------------------------

RULES = ("referrer:*.partner.example -> affiliate", "source:naver & medium:blog* -> our_blogs")


@pytest.mark.parametrize(
    ("query", "referrer", "channel"),
    [
        ("", "https://deals.partner.example/", "affiliate"),
        ("", "https://partner.example/", "referral"),
        ("utm_source=Naver&utm_medium=Blogger", None, "our_blogs"),
        ("utm_source=naver&utm_medium=cpc", None, "paid_search"),
        ("", None, "direct"),
    ],
)
def test_rules_of_ones_own_go_first(query: str, referrer: str | None, channel: str) -> None:
    site = SiteRules.of((), trailing_slash="keep", channel_rules=RULES)
    assert origin_of(f"{SHOP}/?{query}", referrer, (), site).channel == channel


def test_reports_follow_the_rules_of_the_settings(new_house: Callable[..., House]) -> None:
    house = new_house(channel_rules=RULES)
    house.add_site()
    house.visit(house.arrive(), name="pageview", url=SHOP, referrer="https://deals.partner.example/")
    found = report(house.core, house.site, ("statistics",), Query("channels", DAY, DAY))["rows"]
    assert [(row["channel"], row["visits"]) for row in found] == [("affiliate", 1)]


def test_rules_are_read_from_file_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "dongui.toml"
    file.write_text('channel_rules = ["medium:brand* -> paid_search"]\n', encoding="utf-8")
    assert load_settings(file).channel_rules == ("medium:brand* -> paid_search",)
    monkeypatch.setenv("DONGUI_CHANNEL_RULES", "; ".join(RULES))
    assert load_settings(file).channel_rules == RULES


@pytest.mark.parametrize(
    "rule",
    [
        "",
        "medium:x",
        "medium -> social",
        "medium: -> social",
        "page:/a -> social",
        "medium:x -> Our blogs",
        "a:b & -> c",
    ],
)
def test_a_rule_that_is_none_is_refused_with_the_form_and_without_an_echo(tmp_path: Path, rule: str) -> None:
    file = tmp_path / "dongui.toml"
    file.write_text(f"channel_rules = ['{rule}']\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"channel_rules: a rule is FIELD:PATTERN") as caught:
        load_settings(file)
    assert not rule or rule not in str(caught.value)


# --- browsers within apps --------------------------------------------------------------------------------------------

ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; SM-S911N; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/131.0 "
    "Mobile Safari/537.36"
)
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"


@pytest.mark.parametrize(
    ("agent", "browser"),
    [
        pytest.param(f"{ANDROID} NAVER(inapp; search; 1000; 12.8.1)", "Naver 12", id="Naver, Android"),
        pytest.param(f"{IPHONE} NAVER(inapp; search; 2000; 12.8.1; 15PRO)", "Naver 12", id="Naver, iPhone"),
        pytest.param(f"{IPHONE} KAKAOTALK 10.9.5", "KakaoTalk 10", id="KakaoTalk, iPhone"),
        pytest.param(f"{ANDROID};KAKAOTALK 2410500", "KakaoTalk", id="KakaoTalk, Android, by its build"),
        pytest.param(f"{ANDROID} DaumApps/8.4.0 DaumDevice/mobile", "Daum 8", id="Daum"),
        pytest.param(f"{IPHONE} Instagram 340.0.3 (iPhone; iOS 17_5)", "Instagram 340", id="Instagram, iPhone"),
        pytest.param(f"{ANDROID} Instagram 340.0.0.22.109 Android", "Instagram 340", id="Instagram, Android"),
        pytest.param(f"{ANDROID} BAND/10.1.2 (Android 14)", "Band 10", id="Band"),
        pytest.param(ANDROID, "Chrome 131", id="no app that is known"),
        pytest.param(f"{ANDROID} HUSBAND/1.0", "Chrome 131", id="no Band"),
    ],
)
def test_browsers_within_apps_have_names(agent: str, browser: str) -> None:
    assert agent_of(agent).browser == browser
