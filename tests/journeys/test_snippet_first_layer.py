"""The question's first layer: what it holds (K1, K19), how much room it takes, that it is usable when small."""

from __future__ import annotations

import pytest
from dongui.policy import load, notice
from playwright.sync_api import Browser, Page, expect

from tests.conftest import FLAGS
from tests.journeys.axe import violations
from tests.journeys.shots import ROOT, collector_answer
from tests.journeys.snippet_steps import BANNER, eventually, press, quiet, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

BUTTONS = ("accept", "refuse", "choose")
SEED = load(ROOT / "examples" / "somoon" / "policy.toml")
ASKED = [p for p in notice(SEED, lang="ko", site="S", accepts=[])["purposes"] if p["basis"] == "consent"]


@pytest.fixture(autouse=True)
def still(page: Page) -> None:
    """What is measured does not move."""
    page.emulate_media(reduced_motion="reduce")


@pytest.fixture
def seed(collector: Stub) -> Stub:
    """The collector serves the seed policy: four purposes in Korean, with processors and a recipient."""
    collector.intercept = collector_answer
    return collector


def asked(page: Page, site: Stub, collector: Stub, attributes: str = "", body: str = "", lang: str = "ko") -> None:
    """Somebody comes to a page that asks."""
    site.pages["/"] = page_of(collector, body, attributes=attributes, lang=lang)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()


def boxes(page: Page) -> list[dict[str, float]]:
    found = [page.locator(f'dongui-root [data-action="{action}"]').bounding_box() for action in BUTTONS]
    return [dict(box) for box in found if box]


@pytest.mark.parametrize(
    ("width", "height", "share", "position"),
    [
        *((1280, 800, 0.25, position) for position in ("bottom", "corner", "bar", "top")),
        *((360, 740, 0.5, position) for position in ("bottom", "corner", "bar", "top")),
    ],
)
@pytest.mark.parametrize("layout", ["compact", "full"])
def test_it_leaves_most_of_the_window_to_the_page(
    page: Page, site: Stub, seed: Stub, width: int, height: int, share: float, position: str, layout: str
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    asked(page, site, seed, f'data-position="{position}" data-layout="{layout}"', "<p>text</p>" * 99)
    box = page.locator(BANNER).bounding_box()
    assert box
    assert box["width"] * box["height"] <= share * width * height
    assert len({(round(b["width"]), round(b["height"])) for b in boxes(page)}) == 1
    assert all(b["y"] >= box["y"] and b["y"] + b["height"] <= box["y"] + box["height"] for b in boxes(page))


@pytest.mark.parametrize(("width", "height"), [(320, 256), (320, 200), (740, 360), (640, 400)])
@pytest.mark.parametrize("position", ["bottom", "corner", "bar", "top"])
def test_no_button_is_out_of_sight_when_the_window_is_small(
    page: Page, site: Stub, seed: Stub, width: int, height: int, position: str
) -> None:
    """W5 (1.4.10): a phone on its side; 1280 x 1024 and 1280 x 800 at 400 %, and at 200 %."""
    page.set_viewport_size({"width": width, "height": height})
    asked(page, site, seed, f'data-position="{position}"')
    for action, box in zip(BUTTONS, boxes(page), strict=True):
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= height
        assert box["height"] >= 24  # WCAG 2.5.8
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        script = "([x, y]) => document.querySelector('dongui-root').shadowRoot.elementFromPoint(x, y).dataset.action"
        assert page.evaluate(script, middle) == action
    text = page.locator("dongui-root main")
    assert text.evaluate("e => e.clientHeight") >= 30
    # All of it can be read: the text scrolls in its box, the buttons do not.
    text.evaluate("e => e.scrollTo(0, e.scrollHeight)")
    expect(page.locator("dongui-root li").last).to_be_in_viewport()
    assert violations(page, within="dongui-root") == []


def test_the_first_layer_holds_what_the_law_asks_for_and_nothing_else(page: Page, site: Stub, seed: Stub) -> None:
    """K1, K2, K19: long descriptions and processors' tasks are a tap away, what recipients do is not."""
    asked(page, site, seed)
    lines = page.locator("dongui-root main").inner_text().replace("\xa0", " ").split("\n")
    items = {item.id: item.label["ko"] for item in SEED.items.values()}
    wanted = ["(주)시소 · 개인정보 수집·이용 동의"]
    wanted += [
        "동의하지 않을 수 있으며, 동의한 뒤에도 언제든지 ‘개인정보 설정’에서 철회할 수 있습니다. 개인정보 처리방침"
    ]
    others = {
        "statistics": "수탁자: Amazon Web Services, Inc. (대한민국), Google LLC (미국)",
        "marketing": "수탁자: Amazon Web Services, Inc. (대한민국)"
        " · 제공받는 자: Meta Platforms, Inc. (미국, 맞춤형 광고와 그 효과 측정)",
    }
    for purpose in ASKED:
        strong = "보유기간: 1년 · " + others.get(purpose["id"], "수탁자: Amazon Web Services, Inc. (대한민국)")
        listed = ", ".join(items[item] for item in purpose["items"])
        wanted += [purpose["label"], f"항목: {listed} · {strong}", purpose["refusal"]]
    assert [line for line in lines if line] == wanted
    link = page.get_by_role("link", name="개인정보 처리방침", exact=True)
    assert "/policy?" in str(link.get_attribute("href"))
    assert page.locator("dongui-root").get_by_text("×").count() == 0
    press(page, "choose")
    panel = page.locator("dongui-root .panel")
    expect(panel).to_contain_text("방문 통계 분석 (Google Analytics)")
    for purpose in ASKED:
        expect(panel).to_contain_text(purpose["description"])


def test_the_full_layout_has_the_rest_as_well(page: Page, site: Stub, seed: Stub) -> None:
    asked(page, site, seed, 'data-layout="full"')
    for purpose in ASKED:
        expect(page.locator(BANNER)).to_contain_text(purpose["description"])
    expect(page.locator(BANNER)).to_contain_text("Google LLC (미국, 방문 통계 분석 (Google Analytics))")


@pytest.mark.parametrize("attributes", ["", 'data-layout="full"'])
@pytest.mark.parametrize("size", [(1280, 800), (360, 740), (320, 256)])
@pytest.mark.parametrize("own", ["", "--dongui-size:6px", "--dongui-size:20px"])
def test_period_and_recipients_stand_out(
    page: Page, site: Stub, seed: Stub, attributes: str, size: tuple[int, int], own: str
) -> None:
    """K19: bold, at least 12 px, and never smaller than the rest, whatever the page sets."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    asked(page, site, seed, attributes, f"<style>html{{font-size:50%}}dongui-root{{{own}}}</style>")
    sizes = page.locator(BANNER).evaluate(
        """e => [...e.querySelectorAll("*")].filter(n => n.childNodes[0]?.nodeType == 3)
          .map(n => [n.localName, parseFloat(getComputedStyle(n).fontSize), +getComputedStyle(n).fontWeight])"""
    )
    strong = [(size, weight) for name, size, weight in sizes if name == "strong"]
    assert len(strong) == 4
    assert all(size >= 12 and weight >= 700 for size, weight in strong)
    assert min(size for size, _ in strong) >= max(size for _, size, _ in sizes)
    items = [weight for name, _, weight in sizes if name == "p"]
    assert max(items) < 700


def test_the_buttons_weigh_the_same(page: Page, site: Stub, seed: Stub) -> None:
    """K2, W4: size is measured with the rest; order and contrast are here."""
    asked(page, site, seed)
    order = page.locator("dongui-root footer [data-action]").evaluate_all("all => all.map(e => e.dataset.action)")
    assert order == list(BUTTONS)
    look = """e => { const s = getComputedStyle(e);
      return [s.backgroundColor, s.color, s.borderTopColor, s.borderTopStyle, s.fontSize, s.fontWeight, s.opacity] }"""
    page.wait_for_function("!document.querySelector('dongui-root').shadowRoot.querySelector('button:disabled')")
    looks = {str(page.locator(f'dongui-root [data-action="{a}"]').evaluate(look)) for a in BUTTONS}
    assert len(looks) == 1


def test_agreeing_names_what_it_grants(page: Page, site: Stub, seed: Stub) -> None:
    """K2: marketing and provision to others have a tick of their own beside the buttons, and nothing else has."""
    asked(page, site, seed)
    switches = page.locator("dongui-root footer [data-purpose-switch]")
    assert switches.evaluate_all("all => all.map(e => e.dataset.purposeSwitch)") == ["marketing"]
    assert page.locator("dongui-root main [data-purpose-switch]").count() == 0
    accept = page.locator('dongui-root [data-action="accept"]')
    general = "통계 및 접속 빈도 파악, 맞춤 서비스 제공 및 서비스 고도화를 위한 데이터 분석에 동의"
    expect(accept).to_have_text(general)
    page.get_by_role("checkbox", name="마케팅 및 광고").check()
    expect(accept).to_contain_text("마케팅 및 광고")
    page.get_by_role("checkbox", name="마케팅 및 광고").uncheck()
    expect(accept).to_have_text(general)
    press(page, "accept")
    eventually(lambda: seed.consents, page)
    assert seed.consents[0]["granted"] == ["statistics", "personalisation", "analysis"]
    assert seed.consents[0]["refused"] == ["marketing"]


def test_agreeing_to_what_is_ticked(page: Page, site: Stub, seed: Stub) -> None:
    asked(page, site, seed, lang="en")
    page.get_by_role("checkbox", name="Marketing and advertising").check()
    name = "Agree to Statistics, Personalised service, Marketing and advertising, and Data analysis for better services"
    page.get_by_role("button", name=name).click()
    eventually(lambda: seed.consents, page)
    assert seed.consents[0]["refused"] == []


def only(collector: Stub, *purposes: str, **more: object) -> None:
    """The policy asks for these purposes alone."""
    known = collector.policy["purposes"]
    collector.policy["purposes"] = {name: known[name] | more for name in purposes}


def test_a_purpose_that_is_asked_alone_needs_no_tick(page: Page, site: Stub, collector: Stub) -> None:
    only(collector, "marketing")
    asked(page, site, collector)
    assert page.locator("dongui-root [data-purpose-switch]").count() == 0
    page.get_by_role("button", name="맞춤형 광고(행태정보)에 동의", exact=True).click()
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["granted"] == ["marketing"]


def test_agreeing_to_nothing_is_no_answer(page: Page, site: Stub, collector: Stub) -> None:
    """Where every purpose has a tick, agreeing without one would be recorded as a refusal."""
    only(collector, "statistics", "marketing", signals=["gpc"])
    asked(page, site, collector)
    page.get_by_role("button", name="동의", exact=True).click()
    focus = "document.activeElement.shadowRoot?.activeElement?.dataset.purposeSwitch"
    assert page.evaluate(focus) == "statistics"
    expect(page.locator(BANNER)).to_be_visible()
    page.keyboard.press("Space")
    page.get_by_role("button", name="방문 통계에 동의", exact=True).click()
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["granted"] == ["statistics"]


def test_agreeing_to_nothing_leads_to_what_can_be_ticked(page: Page, site: Stub, collector: Stub) -> None:
    """Not to a tick that the browser's signal bars: it takes no focus, and the button would seem dead."""
    only(collector, "marketing", "statistics")
    collector.policy["purposes"]["statistics"]["items"] = ["cookie", "advertising_id"]
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    asked(page, site, collector)
    expect(page.locator('dongui-root [data-purpose-switch="marketing"]')).to_be_disabled()
    page.get_by_role("button", name="동의", exact=True).click()
    focus = "document.activeElement.shadowRoot?.activeElement?.dataset.purposeSwitch"
    assert page.evaluate(focus) == "statistics"
    expect(page.locator(BANNER)).to_be_visible()
    assert collector.consents == []


@pytest.mark.parametrize("purposes", [("marketing",), ("marketing", "personalisation")], ids=" ".join)
@pytest.mark.parametrize(("signal", "says"), [("globalPrivacyControl", "true"), ("doNotTrack", "'1'")])
def test_where_the_browser_has_said_no_to_everything_nobody_is_asked(
    page: Page, site: Stub, collector: Stub, purposes: tuple[str, ...], signal: str, says: str
) -> None:
    """There is nothing to agree to, so the button would be dead; the preferences say why."""
    for name in purposes:
        collector.policy["purposes"][name] = {**collector.policy["purposes"]["marketing"], "signals": ["gpc"]}
    only(collector, *purposes)
    page.add_init_script(f"Object.defineProperty(Navigator.prototype, '{signal}', {{get: () => {says}}})")
    site.pages["/"] = page_of(collector, attributes="data-dnt")
    page.goto(site.origin)
    ready(page)
    quiet(page, collector)
    expect(page.locator("dongui-root")).to_have_count(0)
    assert page.evaluate("Object.keys(localStorage)") == []
    page.evaluate("dongui.show()")
    boxes = page.locator("dongui-root [data-purpose-switch]")
    expect(boxes).to_have_count(len(purposes))
    for box in boxes.all():
        expect(box).to_be_disabled()
    assert collector.consents == []


def test_the_scroll_is_visible_where_there_is_more(chromium: Browser, site: Stub, seed: Stub) -> None:
    """Playwright's Chromium hides scroll bars; a visitor's does not."""
    browser = chromium.browser_type.launch(
        executable_path="/usr/bin/chromium", args=FLAGS, ignore_default_args=["--hide-scrollbars"]
    )
    page = browser.new_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    asked(page, site, seed)
    room = page.locator("dongui-root main").evaluate(
        "e => [e.scrollHeight - e.clientHeight, e.offsetWidth - e.clientWidth]"
    )
    assert room[0] > 0
    assert room[1] >= 6
    browser.close()


def test_the_page_sets_neither_its_size_nor_its_width(page: Page, site: Stub, seed: Stub) -> None:
    """Nothing is measured in `rem`, which is the page's."""
    sizes = []
    for style in ("", "<style>html{font-size:50%}</style>"):
        asked(page, site, seed, "data-floating", style)
        sizes.append(page.locator(BANNER).bounding_box())
    assert sizes[0] == sizes[1]


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_it_comes_quietly_for_everybody(page: Page, site: Stub, seed: Stub, motion: str) -> None:
    page.emulate_media(reduced_motion=motion)  # type: ignore[arg-type]
    asked(page, site, seed)
    moving = page.locator(BANNER).evaluate("e => getComputedStyle(e).animationName != 'none'")
    assert not moving


def test_a_printed_page_has_no_question_on_it(page: Page, site: Stub, collector: Stub) -> None:
    asked(page, site, collector, "data-floating")
    page.emulate_media(media="print")
    expect(page.locator(BANNER)).to_be_hidden()
    page.emulate_media(media="screen")
    press(page, "refuse")
    floating = page.locator('dongui-floating [data-action="floating"]')
    expect(floating).to_be_visible()
    page.evaluate("dongui.show()")
    expect(page.locator("dongui-root .panel")).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator("dongui-root .panel")).to_be_hidden()
    expect(floating).to_be_hidden()


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)])
def test_right_to_left(page: Page, site: Stub, seed: Stub, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    asked(page, site, seed, """data-position="corner" data-words='{"dir": "rtl"}'""")
    banner, heading = (page.locator(f"dongui-root {e}").bounding_box() for e in ("dialog", "h2"))
    assert banner
    assert heading
    assert banner["x"] < 100
    style = "e => getComputedStyle(e).direction"
    assert page.locator("dongui-root h2").evaluate(style) == "rtl"
    box, label = (page.locator(f"dongui-root footer {e}").first.bounding_box() for e in ("input", "label"))
    assert box
    assert label
    assert box["x"] > label["x"]  # the switch stands before its words
    assert violations(page, within="dongui-root") == []
