"""What docs/api.md defines: visits, bounces, durations, where a visit came from (S6.1: usage patterns, searches)."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from dongui.policy.builtin import AD_KEYS
from dongui_collector.analytics.attribution import _CLICKS, CHANNELS, Origin, origin_of
from dongui_collector.analytics.columns.choosing import choose
from dongui_collector.analytics.columns.making import Day, table_of
from dongui_collector.analytics.columns.measures import all_parts, measure_of, rows_of
from dongui_collector.analytics.columns.table import TablePart
from dongui_collector.analytics.columns.words import Glossary, Visitors
from dongui_collector.analytics.filters import DIMENSIONS, Filter, ReportError, check_covered, parse_filter
from dongui_collector.analytics.intervals import label, labels
from dongui_collector.analytics.patterns import fits
from dongui_collector.analytics.reports import PAGE_REPORTS
from dongui_collector.analytics.sessions import GAP_MS, family, term
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.clock import start_of
from dongui_collector.core.errors import NotAllowed
from dongui_collector.storage.contract.values import Fact
from hypothesis import given
from hypothesis import strategies as st

OWN = SiteRules(frozenset({"shop.example.com"}))
SHOP = "https://shop.example.com"
SEOUL = ZoneInfo("Asia/Seoul")
MINUTE = 60_000


A, B, C = (who * 16 for who in (b"a", b"b", b"c"))
DAY = date(2025, 3, 10)
EVERY = frozenset(DIMENSIONS.values())


def view(at: int, path: str = "/", who: bytes = A, **more: Any) -> Fact:
    return event(at, "pageview", who, url=SHOP + path, **more)


def event(at: int, name: str, who: bytes = A, **more: Any) -> Fact:
    return Fact(0, b"", who, 0, 0, 0, start_of(DAY, SEOUL) + at, name, **more)


class Visits:
    """The visits of some events of one day, in the order of their visitors and times."""

    def __init__(self, *events: Fact) -> None:
        self.words = Glossary()
        site = Day(DAY.toordinal(), start_of(DAY, SEOUL), OWN, clicks=lambda _fact: ())
        self.table = table_of([(one, EVERY) for one in events], site, self.words, Visitors())
        self.part = TablePart(self.table, slice(0, len(self.table)))

    def rows(self, name: str) -> list[dict[str, Any]]:
        """A report of them."""
        measure = measure_of(name, "day", DAY, DAY, (), SEOUL)
        return rows_of(measure, all_parts(measure, [self.part], self.words), len(self.table))

    def ends(self) -> list[tuple[int, str, str]]:
        """(visitor, entry page, exit page) of each."""
        pages = self.words.pages.values
        columns = (self.table.visitor, self.table.entry, self.table.exit)
        return [(who, pages[entry], pages[last]) for who, entry, last in zip(*map(list, columns), strict=True)]


# --- visits ----------------------------------------------------------------------------------------------------------


def test_a_silence_of_more_than_thirty_minutes_ends_a_visit_and_thirty_do_not() -> None:
    assert len(Visits(view(0), view(GAP_MS), view(2 * GAP_MS)).table) == 1
    assert len(Visits(view(0), view(GAP_MS + 1)).table) == 2


def test_visits_are_one_visitors_and_events_may_come_in_any_order() -> None:
    assert Visits(view(5, "/b"), view(3, "/x", B), view(0, "/a")).ends() == [(0, "/a", "/b"), (1, "/x", "/x")]


def test_events_of_one_instant_keep_the_order_in_which_they_were_stored() -> None:
    assert Visits(view(0, "/first"), view(0, "/second")).ends() == [(0, "/first", "/second")]


@pytest.mark.parametrize(
    ("names", "bounced"),
    [
        pytest.param(["pageview"], True, id="one page"),
        pytest.param(["page_view"], True, id="one page, by the other name"),
        pytest.param(["pageview", "pageview"], False, id="two pages"),
        pytest.param(["pageview", "engagement", "scroll", "vital", "missing"], True, id="what a page says by itself"),
        pytest.param(["pageview", "outbound"], False, id="a link followed"),
        pytest.param(["pageview", "purchase"], False, id="a named event"),
        pytest.param(["purchase"], False, id="no page at all"),
    ],
)
def test_a_bounce_is_one_page_view_and_nothing_done(names: list[str], bounced: bool) -> None:
    assert Visits(*(event(at, name) for at, name in enumerate(names))).table.bounced.tolist() == [bounced]


def test_headline_figures() -> None:
    told = event(10, "engagement", B, url=SHOP + "/", props='{"seconds": 12.0}')
    seen = [view(0), view(MINUTE), view(0, who=B), told]
    assert Visits(*seen, view(3 * GAP_MS, who=B), event(0, "purchase", C)).rows("overview") == [
        {
            "visitors": 3,
            "visits": 4,
            "page_views": 4,
            "views_per_visit": 1.0,
            "bounce_rate": 0.6667,  # two of the three visits that saw a page
            "visit_duration": 15.0,  # 60.01 s in four visits
            "engaged_time": 12.0,  # of the one visit that told
        }
    ]


def test_where_there_is_nothing_rates_are_unknown_not_nought() -> None:
    (row,) = Visits().rows("overview")
    assert (row["visits"], row["bounce_rate"], row["visit_duration"], row["engaged_time"]) == (0, None, None, None)


def test_pages_entries_and_exits() -> None:
    found = Visits(view(0, "/a"), view(1, "/b?utm_source=x"), view(2, "/a"), view(0, "/b", B))
    rows = {name: {row["page"]: row for row in found.rows(name)} for name in PAGE_REPORTS}
    assert {p: (r["visitors"], r["visits"], r["page_views"]) for p, r in rows["pages"].items()} == {
        "/a": (1, 1, 2),
        "/b": (2, 2, 2),
    }
    assert {p: r["visits"] for p, r in rows["entry_pages"].items()} == {"/a": 1, "/b": 1}
    assert {p: (r["visits"], r["exit_rate"]) for p, r in rows["exit_pages"].items()} == {"/a": (1, 0.5), "/b": (1, 0.5)}


def test_goals_are_named_events_with_their_share_of_visits() -> None:
    found = Visits(view(0), event(1, "purchase"), event(2, "purchase"), view(0, who=B, search="  Blue  SHOES "))
    assert found.rows("events") == [{"event": "purchase", "visitors": 1, "visits": 1, "events": 2, "rate": 0.5}]
    assert found.rows("searches") == [{"search": "blue shoes", "visitors": 1, "visits": 1, "searches": 1}]


def test_versions_and_blanks_make_no_difference() -> None:
    assert (family("Chrome 131"), family("Mobile Safari 18.1"), family("Linux"), family(None)) == (
        "Chrome",
        "Mobile Safari",
        "Linux",
        None,
    )
    assert (term(" \t"), term(None), term("신발")) == (None, None, "신발")


# --- where from ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "referrer", "clicks", "channel", "source"),
    [
        pytest.param("", None, (), "direct", None, id="direct"),
        pytest.param("", SHOP + "/before", (), "direct", None, id="the site itself"),
        pytest.param("", "https://www.shop.example.com/", (), "direct", None, id="the site itself under www"),
        pytest.param("", "https://m.search.naver.com/search.naver", (), "organic_search", "Naver", id="Naver search"),
        pytest.param("", "https://www.naver.com/", (), "referral", "Naver", id="Naver's front page"),
        pytest.param("", "https://m.blog.naver.com/someone", (), "social", "Naver Blog", id="Naver blog"),
        pytest.param("?n_media=27758&n_rank=1", "https://search.naver.com/", (), "paid_search", "Naver", id="Naver ad"),
        pytest.param("", "https://search.daum.net/search", (), "organic_search", "Daum", id="Daum search"),
        pytest.param("", "https://cafe.daum.net/x", (), "social", "Daum Cafe", id="Daum cafe"),
        pytest.param("", "https://pf.kakao.com/_x", (), "messenger", "KakaoTalk", id="KakaoTalk channel"),
        pytest.param("", "android-app://com.kakao.talk/", (), "messenger", "KakaoTalk", id="KakaoTalk app"),
        pytest.param("?utm_source=kakao&utm_medium=alimtalk", None, (), "messenger", "KakaoTalk", id="Alimtalk"),
        pytest.param("", "https://www.google.co.kr/", (), "organic_search", "Google", id="Google in Korea"),
        pytest.param("", "https://google.com.evil.example/", (), "referral", "google.com.evil.example", id="no Google"),
        pytest.param("", "https://notfacebook.com/", (), "referral", "notfacebook.com", id="no Facebook"),
        pytest.param("", "https://l.facebook.com/", ("fbclid",), "social", "Facebook", id="fbclid is no payment"),
        pytest.param("", "https://www.google.com/", ("gclid",), "paid_search", "Google", id="gclid"),
        pytest.param("", None, ("adid",), "direct", None, id="a device's advertising id is no click"),
        pytest.param("?utm_source=letter&utm_medium=email", None, (), "email", "letter", id="newsletter"),
        pytest.param("?utm_source=ig&utm_medium=paid_social", None, (), "paid_social", "Instagram", id="paid social"),
        pytest.param("?utm_source=x.example&utm_medium=cpc", None, (), "paid_other", "x.example", id="paid elsewhere"),
        pytest.param("?utm_medium=banner", None, (), "display", None, id="display"),
        pytest.param("?utm_source=poster", None, (), "campaign", "poster", id="anything tagged"),
        pytest.param("?utm_campaign=spring", None, (), "campaign", None, id="only a campaign"),
        pytest.param("?utm_source=naver", "https://search.daum.net/", (), "organic_search", "Naver", id="tag first"),
        pytest.param("", "https://youtu.be/x", (), "video", "YouTube", id="video"),
        pytest.param("", "https://chatgpt.com/", (), "assistant", "ChatGPT", id="assistant"),
        pytest.param("", "https://blog.example.org/a", (), "referral", "blog.example.org", id="referral"),
        pytest.param("", "http://[bad", (), "direct", None, id="no address"),
    ],
)
def test_attribution(
    query: str, referrer: str | None, clicks: tuple[str, ...], channel: str, source: str | None
) -> None:
    origin = origin_of(SHOP + "/" + query, referrer, clicks, OWN)
    assert (origin.channel, origin.source) == (channel, source)
    assert origin.channel in CHANNELS


def test_the_first_page_view_decides_and_only_it() -> None:
    bought = event(0, "purchase", url=SHOP + "/?utm_source=no")
    (row,) = Visits(bought, view(1, "/?utm_source=yes"), view(2, "/?utm_source=late")).rows("sources")
    assert row["source"] == "yes"


def test_every_click_id_that_is_recorded_is_known() -> None:
    assert set(_CLICKS) == AD_KEYS


@given(st.text(max_size=40), st.text(max_size=40), st.lists(st.sampled_from(sorted(AD_KEYS)), max_size=3))
def test_any_text_has_an_origin(url: str, referrer: str, clicks: list[str]) -> None:
    origin = origin_of(SHOP + "/?" + url, referrer, clicks, OWN)
    assert isinstance(origin, Origin)
    assert origin.channel in CHANNELS


# --- filters ---------------------------------------------------------------------------------------------------------


def test_filters_of_one_dimension_are_alternatives_of_several_conditions() -> None:
    found = Visits(view(0, "/a", country="KR"), view(1, "/b"))
    for texts, expected in [
        (["page:/b"], True),
        (["page:/c"], False),
        (["page:/c", "page:/a"], True),
        (["page:/a", "country:US"], False),
        (["page:/a", "country:KR", "browser:"], True),
        (["!page:/a"], False),
        (["!page:/c", "!page:/d"], True),
        (["page:/*", "!country:K*"], False),
    ]:
        assert len(choose(found.part, found.words, [parse_filter(text) for text in texts])) == expected, texts


@given(st.text("ab*", max_size=8), st.text("ab", max_size=8))
def test_a_star_stands_for_any_characters(pattern: str, text: str) -> None:
    def slow(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return any(slow(p[1:], t[n:]) for n in range(len(t) + 1))
        return bool(t) and t[0] == p[0] and slow(p[1:], t[1:])

    if "*" in pattern:
        assert fits(pattern, text) is slow(pattern, text)


@pytest.mark.parametrize("text", ["page", "nothing:/a", "", "!", ":x", "page:" + "x" * 2049])
def test_what_is_no_filter_is_refused_without_an_echo(text: str) -> None:
    with pytest.raises(ReportError) as caught:
        parse_filter(text)
    assert "nothing:" not in str(caught.value)
    assert parse_filter("source:") == Filter("source", None)


def test_every_dimension_names_the_item_that_it_rests_on() -> None:
    for name, item in DIMENSIONS.items():
        with pytest.raises(NotAllowed, match=item):
            check_covered([name], frozenset({"cookie", "visit_time", "service_usage"}) - {item}, ["statistics"])


# --- intervals -------------------------------------------------------------------------------------------------------


def test_intervals_cover_the_range_once_also_where_clocks_are_put_back() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    hours = labels("hour", date(2026, 10, 25), date(2026, 10, 25), berlin)
    assert (len(hours), len(set(hours))) == (25, 25)
    assert labels("week", date(2026, 11, 22), date(2026, 11, 23), SEOUL) == ["2026-11-16", "2026-11-23"]
    assert labels("month", date(2026, 1, 31), date(2026, 3, 1), SEOUL) == ["2026-01", "2026-02", "2026-03"]
    assert label("day", SEOUL)(1795435200000) == "2026-11-23"
    with pytest.raises(ReportError):
        labels("hour", date(2025, 1, 1), date(2026, 1, 1), SEOUL)
