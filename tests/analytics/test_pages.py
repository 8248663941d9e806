"""One page is one row, however its address was recorded, and shown as people read it (issue 12, line 26)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.addresses import parts_of, readable_path
from dongui_collector.exports.export import entitle, export_events
from hypothesis import example, given
from hypothesis import strategies as st

from tests.retention.house import House

DAY = date(2025, 3, 10)
SHOP = "https://shop.example.com"
SAME = ["/%EA%B0%80", "/%ea%b0%80", "/가", "/%E1%84%80%E1%85%A1", "/%Ea%B0%80"]


@pytest.mark.parametrize("path", SAME)
def test_a_page_has_one_readable_name(path: str) -> None:
    assert readable_path(path) == "/가"
    assert parts_of(f"{SHOP}{path}?q=1")[1] == "/가"


@pytest.mark.parametrize(
    ("path", "readable"),
    [
        pytest.param("/a%20b", "/a%20b", id="a blank"),
        pytest.param("/a b", "/a%20b", id="a blank in the clear"),
        pytest.param("/%41%2dz", "/A-z", id="letters that need no escape"),
        pytest.param("/%40me", "/@me", id="what browsers leave and servers escape"),
        pytest.param("/a%2fb", "/a%2Fb", id="a slash within a segment"),
        pytest.param("/a%3fb%23c", "/a%3Fb%23c", id="question mark and hash"),
        pytest.param("/100%", "/100%25", id="a percent sign alone"),
        pytest.param("/%4%31", "/%2541", id="what would become an escape"),
        pytest.param("/%25EA%25B0%2580", "/%25EA%25B0%2580", id="escaped twice is another page"),
        pytest.param("/%b0%a1", "/%B0%A1", id="no UTF-8"),
        pytest.param("/%EA%B0", "/%EA%B0", id="half a letter"),
        pytest.param("/%E2%80%AEgpj", "/%E2%80%AEgpj", id="text that runs backwards"),
        pytest.param("/\u202egpj", "/%E2%80%AEgpj", id="the same in the clear"),
        pytest.param("/%E3%80%80", "/%E3%80%80", id="a wide blank"),
        pytest.param("/%00%0a", "/%00%0A", id="control characters"),
        pytest.param("/%F0%9F%98%80", "/😀", id="an emoji"),
        pytest.param("/plain/path.html", "/plain/path.html", id="nothing to read"),
    ],
)
def test_what_is_read_and_what_stays_escaped(path: str, readable: str) -> None:
    assert readable_path(path) == readable


@given(st.text(max_size=30) | st.text("%0123456789abcdefABCDEF가/", max_size=30))
@example("/%4%31")
@example("/\ud800")
def test_reading_twice_changes_nothing(path: str) -> None:
    once = readable_path(path)
    assert readable_path(once) == once


@given(st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="%/?#\\"), max_size=20))
def test_the_escaped_form_of_any_path_is_read_like_the_path_itself(text: str) -> None:
    escaped = "".join(f"%{byte:02x}" for byte in text.encode())
    assert readable_path("/" + escaped) == readable_path("/" + text)


def test_a_slash_at_the_end_makes_no_difference_where_the_settings_say_so() -> None:
    one = SiteRules(one_slash=True)
    assert [one.page(f"{SHOP}{path}") for path in ("/shop", "/shop/", "/shop//", "", "/")] == ["/shop"] * 3 + ["/"] * 2
    assert [SiteRules().page(f"{SHOP}{path}") for path in ("/shop", "/shop/", "")] == ["/shop", "/shop/", "/"]
    assert (one.named("/shop/*"), one.named("/shop/"), one.page(None)) == ("/shop/*", "/shop", None)


def rows(house: House, name: str, *filters: str, **more: Any) -> dict[str, tuple[int, int]]:
    asked = Query(name, DAY, DAY, tuple(map(parse_filter, filters)), **more)
    return {
        r["page"]: (r["visitors"], r["visits"]) for r in report(house.core, house.site, ("statistics",), asked)["rows"]
    }


@pytest.mark.parametrize("name", ["pages", "entry_pages", "exit_pages"])
def test_rows_recorded_in_other_forms_are_one(house: House, name: str) -> None:
    for path in SAME:
        house.visit(house.arrive("statistics"), name="pageview", url=SHOP + path)
    house.visit(house.arrive("statistics"), name="pageview", url=f"{SHOP}/other")
    assert rows(house, name) == {"/가": (5, 5), "/other": (1, 1)}


@pytest.mark.parametrize("written", SAME)
@pytest.mark.parametrize("dimension", ["page", "entry_page", "exit_page"])
def test_a_filter_finds_a_page_by_any_of_its_forms(house: House, dimension: str, written: str) -> None:
    house.visit(house.arrive("statistics"), name="pageview", url=f"{SHOP}/%ea%b0%80")
    house.visit(house.arrive("statistics"), name="pageview", url=f"{SHOP}/other")
    assert rows(house, "pages", f"{dimension}:{written}") == {"/가": (1, 1)}
    assert rows(house, "pages", f"!{dimension}:{written}*") == {"/other": (1, 1)}
    funnel = Query("funnel", DAY, DAY, steps=(parse_filter(f"page:{written}"),))
    (step,) = report(house.core, house.site, ("statistics",), funnel)["rows"]
    assert (step["filter"], step["visits"]) == ("page:/가", 1)


def test_pages_with_and_without_a_slash_are_one_row_by_a_setting(new_house: Callable[..., House]) -> None:
    house = new_house(trailing_slash="ignore")
    house.add_site()
    for path in ("/shop", "/shop/", "/shop/?color=red"):
        house.visit(house.arrive("statistics"), name="pageview", url=SHOP + path)
    assert rows(house, "pages") == {"/shop": (3, 3)}
    assert rows(house, "pages", "page:/shop/") == rows(house, "pages", "page:/shop") == {"/shop": (3, 3)}


def test_a_frozen_or_imported_page_joins_its_row(house: House) -> None:
    from dongui_collector.analytics.metrics import Metrics
    from dongui_collector.analytics.snapshot_rules import kept

    old = date(2020, 1, 1)
    parts = {(path,): Metrics(30, 30, 30, 30) for path in SAME[:3]}
    body = {"overview": kept((), {(): Metrics(90, 90, 90, 90)}), "pages": kept(("page",), parts)}
    with house.core.storage.ledger.writing():
        house.core.storage.ledger.freeze(old, house.site.ref, "plausible", {"statistics": body})
    found = report(house.core, house.site, ("statistics",), Query("pages", old, old))
    assert [(row["page"], row["visits"]) for row in found["rows"]] == [("/가", 90)]


def test_an_export_has_the_recorded_form_beside_the_readable_one(house: House) -> None:
    house.visit(house.arrive("statistics"), name="pageview", url=f"{SHOP}/%ea%b0%80?utm_source=naver")
    (row,) = export_events(house.core, entitle(house.core, house.site, ("statistics",)), DAY, DAY)
    recorded = house.rows()[0].url
    assert (row["url"], row["page"]) == (recorded, "/가")
    house.visit(house.arrive("marketing"), name="pageview", url=f"{SHOP}/hidden")
    assert all(
        row["page"] is None
        for row in export_events(house.core, entitle(house.core, house.site, ("marketing",)), DAY, DAY)
    )


# --- languages (line 33) ---------------------------------------------------------------------------------------------


def test_languages_are_compared_without_case(house: House) -> None:
    from dongui_collector.intake.schema import Environment

    for language in ("ko-KR", "KO-KR", "ko-kr", "ko_KR", "zh-hant-tw", "zh-Hant-TW"):
        house.visit(house.arrive("statistics"), environment=Environment(language=language))
    found = report(house.core, house.site, ("statistics",), Query("languages", DAY, DAY))["rows"]
    assert {row["language"]: row["visits"] for row in found} == {"ko-KR": 4, "zh-Hant-TW": 2}
    for written in ("ko-KR", "KO-KR", "ko_kr", "ko-*"):
        asked = Query("overview", DAY, DAY, (parse_filter(f"language:{written}"),))
        assert report(house.core, house.site, ("statistics",), asked)["visits"] == 4, written
