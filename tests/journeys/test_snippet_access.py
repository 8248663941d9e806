"""The interface for everybody (W5): axe-core's rules in both themes and languages, and by keyboard alone."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.axe import violations
from tests.journeys.snippet_steps import BANNER, eventually, granted, press
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

PANEL = "dongui-root .panel"


@pytest.mark.parametrize("lang", ["ko", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 320])
def test_nothing_for_axe_to_find(
    chromium: Browser, site: Stub, collector: Stub, lang: str, scheme: str, width: int
) -> None:
    """W5."""
    context = chromium.new_context(color_scheme=scheme, viewport={"width": width, "height": 720})  # type: ignore[arg-type]
    page = context.new_page()
    site.pages["/"] = page_of(collector, lang=lang)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert violations(page, within="dongui-root") == []
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    page.evaluate("dongui.myData()")
    expect(page.locator('dongui-root [data-action="erase"]')).to_be_visible()
    assert violations(page, within="dongui-root") == []
    context.close()


def test_the_theme_can_be_set(page: Page, site: Stub, collector: Stub) -> None:
    colours = {}
    for theme in ("light", "dark"):
        site.pages["/"] = page_of(collector, attributes=f'data-theme="{theme}"')
        page.goto(site.origin)
        colours[theme] = page.locator(BANNER).evaluate("e => getComputedStyle(e).backgroundColor")
    assert colours["light"] == "rgb(255, 255, 255)"
    assert colours["dark"] != colours["light"]


@pytest.mark.parametrize(("scheme", "light"), [("light", True), ("dark", False)])
def test_the_theme_is_the_visitors_own(
    chromium: Browser, site: Stub, collector: Stub, scheme: Literal["light", "dark"], light: bool
) -> None:
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    page.goto(site.origin)
    background = page.locator(BANNER).evaluate("e => getComputedStyle(e).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is light
    context.close()


def test_custom_properties_reach_in(page: Page, site: Stub, collector: Stub) -> None:
    style = "<style>dongui-root{--dongui-accent:rgb(1, 2, 3)} dongui-root::part(accept){letter-spacing:7px}</style>"
    site.pages["/"] = page_of(collector, head=style)
    page.goto(site.origin)
    look = page.locator('dongui-root [data-action="accept"]').evaluate(
        "e => [getComputedStyle(e).backgroundColor, getComputedStyle(e).letterSpacing]"
    )
    assert look == ["rgb(1, 2, 3)", "7px"]


def test_all_that_a_general_consent_covers_is_readable(page: Page, site: Stub) -> None:
    """K1: items, period, recipients and consequence of every purpose asked for, and of no other."""
    page.goto(site.origin)
    entries = page.locator("dongui-root li")
    expect(entries).to_have_count(3)
    for entry, items in zip(
        entries.all(), ("쿠키, 방문 일시, 서비스 이용 기록", "쿠키, 서비스", "쿠키, 방문 일시, 광고 ID"), strict=True
    ):
        for fact in (items, "1년", "Example Cloud (KR)", "서비스 이용에는 영향이 없습니다."):
            expect(entry).to_contain_text(fact)
    banner = page.locator(BANNER)
    expect(banner).not_to_contain_text("서비스 제공")
    # The words that the guidance warns of.
    for word in ("필수 동의", "나중에"):
        expect(banner).not_to_contain_text(word)


def test_it_stands_where_the_page_wants_it(page: Page, site: Stub, collector: Stub) -> None:
    page.emulate_media(reduced_motion="reduce")  # it stands at once
    style = "<style>dongui-root{--dongui-inset:1rem auto auto 1rem}</style>"
    site.pages["/"] = page_of(collector, head=style)
    page.goto(site.origin)
    box = page.locator(BANNER).bounding_box()
    assert box
    assert (box["x"], box["y"]) == (16, 16)


def test_nothing_moves_for_who_asked_for_less_motion(page: Page, site: Stub) -> None:
    moving = "e => [getComputedStyle(e).transitionDuration, getComputedStyle(e, '::before').transitionDuration]"
    still = []
    for motion in ("no-preference", "reduce"):
        page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
        page.goto(site.origin)
        press(page, "choose")
        still.append(page.locator('dongui-root [data-purpose-switch="statistics"]').evaluate(moving))
    assert still == [["0.15s", "0.15s"], ["0s", "0s"]]


def test_the_banner_does_not_take_the_focus_and_comes_first(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, "<input id=field autofocus><a href=/>x</a>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "field"
    site.pages["/"] = page_of(collector, "<input><a href=/>x</a>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.localName") == "dongui-root"


def test_an_answer_given_elsewhere_leaves_the_focus_alone(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    site.pages["/"] = page_of(collector, "<input id=first autofocus><input id=second>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.locator("#second").focus()
    other = context.new_page()
    other.goto(site.origin)
    press(other, "refuse")
    expect(page.locator(BANNER)).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "second"
    # Given here, it goes back to where it was.
    page.reload()
    page.locator("#first").focus()
    page.evaluate("dongui.show()")
    press(page, "close")
    expect(page.locator(BANNER)).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "first"


def test_keyboard_alone_can_refuse(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    expect(page.locator('dongui-root [data-action="refuse"]')).to_be_enabled()  # after half a second in sight
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.shadowRoot?.activeElement?.dataset.action") == "refuse":
            break
    page.keyboard.press("Enter")
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["granted"] == []


@pytest.mark.parametrize("attributes", ["", "data-modal"])
def test_escape_never_grants(page: Page, site: Stub, collector: Stub, attributes: str) -> None:
    """W5."""
    site.pages["/"] = page_of(collector, attributes=attributes)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    for _ in range(3):
        page.keyboard.press("Escape")
    page.wait_for_timeout(200)
    # The question stays, and the page can be used.
    expect(page.locator('dongui-root [data-action="refuse"]')).to_be_visible()
    assert not page.locator(BANNER).evaluate("e => e.matches(':modal')")
    assert collector.consents == []
    assert not page.evaluate("dongui.consent.granted('statistics')")
    assert "dongui=" not in page.evaluate("document.cookie")


def test_the_panel_holds_the_focus_and_gives_it_back(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(
        collector, '<a href="#" data-dongui="preferences" id="way-back">settings</a><button>b</button>'
    )
    page.goto(site.origin)
    press(page, "refuse")
    page.locator("#way-back").focus()
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_be_visible()
    seen = set()
    for _ in range(20):
        page.keyboard.press("Tab")
        seen.add(page.evaluate("document.activeElement.localName"))
    assert seen <= {"dongui-root", "body"}
    page.keyboard.press("Escape")
    expect(page.locator(PANEL)).to_have_count(0)
    assert page.evaluate("document.activeElement.id") == "way-back"
    assert len(collector.consents) == 1


def test_forced_zoom_leaves_it_readable(page: Page, site: Stub, collector: Stub) -> None:
    # 1280 px at 400 %: the whole dialog scrolls, so that what is fixed does not eat the little room there is.
    page.set_viewport_size({"width": 320, "height": 256})
    page.goto(site.origin)
    for action in ("accept", "refuse", "choose"):
        button = page.locator(f'dongui-root [data-action="{action}"]')
        button.scroll_into_view_if_needed()
        expect(button).to_be_in_viewport()


def test_states_are_said(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: "statistics" in granted(page), page)
    page.evaluate("dongui.show()")
    box = page.get_by_role("checkbox", name="방문 통계")
    expect(box).to_be_checked()
    expect(page.get_by_role("dialog", name="개인정보 설정")).to_be_visible()
    expect(page.get_by_role("button", name="닫기")).to_be_visible()


def test_right_to_left(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, attributes="""data-words='{"dir": "rtl"}'""")
    page.goto(site.origin)
    assert violations(page, within="dongui-root") == []
    press(page, "choose")
    expect(page.locator("dongui-root dt").first).to_be_visible()
    box, label = (page.locator(f"dongui-root {e}").first.bounding_box() for e in ("dd", "dt"))
    assert box
    assert label
    assert label["x"] > box["x"]
    assert violations(page, within="dongui-root") == []
