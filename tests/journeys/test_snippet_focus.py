"""What has the focus is never hidden behind the question (WCAG 2.4.11), wherever that stands."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.shots import collector_answer
from tests.journeys.snippet_steps import BANNER, press
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

SIZES = [(1280, 800), (360, 740), (320, 256), (320, 200)]
#: Everything that takes the focus; `x-deep` has a button in its shadow root.
KINDS = """<a href="#a">link</a><button type="button">press</button><details><summary>more</summary>x</details>
<div tabindex="0">custom</div><iframe srcdoc="<a href=#>inside</a>" style="height:60px;width:200px"></iframe>
<input type="checkbox"><x-deep></x-deep><a href="#b">last</a>"""
DEEP = """<script>customElements.define("x-deep", class extends HTMLElement { connectedCallback() {
this.attachShadow({ mode: "open" }).innerHTML = "<button>deep</button>" } })</script>"""
LONG = f'{KINDS}<div style="height:500px"></div>{KINDS}'
SCROLLS = {
    "the page": LONG,
    "the page, smoothly": f"<style>html{{scroll-behavior:smooth}}</style>{LONG}",
    "a part of it": f'<div style="position:fixed;inset:0;overflow:auto">{LONG}</div>',
}
BELOW = f'<div style="position:fixed;inset:auto 0 0">{KINDS}</div>'
#: Which share of what has the focus the question hides, once nothing moves any more.
HIDDEN = """async () => {
  const look = () => {
    let at = document.activeElement
    while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement
    const banner = document.querySelector("dongui-root").shadowRoot.querySelector("dialog").getBoundingClientRect()
    const box = at.getBoundingClientRect()
    const common = (from, to) => Math.max(0, Math.min(box[to], banner[to]) - Math.max(box[from], banner[from]))
    const seen = box.bottom > 0 && box.top < innerHeight
    const hidden = (common("left", "right") * common("top", "bottom")) / (box.width * box.height)
    return [seen ? hidden : 1, at.localName, box.top, banner.top]
  }
  let before
  for (let same = 0; same < 4; same++) {
    await new Promise(requestAnimationFrame)
    const now = String(look())
    if (now != before) same = 0
    before = now
  }
  return look()
}"""
FOCUS = """kind => {
  const found = document.querySelector(kind);
  (found.shadowRoot?.firstChild ?? found).focus({ preventScroll: true })
}"""
AWAY = "document.activeElement == document.body || document.activeElement.localName == 'dongui-root'"
START = (
    "(document.activeElement.blur(), scrollTo({ top: 0, behavior: 'instant' }), document.querySelector('a').focus())"
)


@pytest.fixture(autouse=True)
def still(page: Page, collector: Stub) -> None:
    page.emulate_media(reduced_motion="reduce")
    collector.intercept = collector_answer


def asked(page: Page, site: Stub, collector: Stub, body: str, attributes: str = "") -> None:
    site.pages["/"] = page_of(collector, DEEP + body, attributes=attributes)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()


@pytest.mark.parametrize(
    ("position", "scrolls"),
    [
        *((position, "the page") for position in ("bottom", "corner", "bar", "top")),
        *(("bottom", scrolls) for scrolls in SCROLLS if scrolls != "the page"),
    ],
)
def test_the_keyboard_meets_nothing_behind_it(
    page: Page, site: Stub, collector: Stub, position: str, scrolls: str
) -> None:
    """At 400 % it takes nearly all of the window: a part of a frame may be behind it, and nothing as a whole."""
    asked(page, site, collector, SCROLLS[scrolls], f'data-position="{position}"')
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(START)
        for n in range(16):
            hidden, *where = page.evaluate(HIDDEN)
            assert hidden == 0 if height > 256 else hidden < 1, (hidden, n, where, (width, height))
            page.keyboard.press("Tab")
        assert page.evaluate(AWAY), "the page has more to focus"


@pytest.mark.parametrize("size", [(1280, 800), (360, 740)], ids=str)
def test_it_gives_way_to_a_focus_that_a_script_sets(
    page: Page, site: Stub, collector: Stub, size: tuple[int, int]
) -> None:
    """Where nothing scrolls, and without the scrolling that goes with a focus."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    asked(page, site, collector, BELOW)
    for kind in ("a", "button", "summary", "[tabindex]", "iframe", "input", "x-deep", "a:last-of-type"):
        page.evaluate(FOCUS, kind)
        page.wait_for_function(f"({HIDDEN})().then(([hidden]) => hidden == 0)")


def test_it_comes_beside_a_focus_that_was_there_before(page: Page, site: Stub, collector: Stub) -> None:
    asked(page, site, collector, BELOW + "<script>document.querySelector('summary').focus()</script>")
    hidden, *where = page.evaluate(HIDDEN)
    assert hidden == 0, where


def test_what_fills_the_window_moves_nothing(page: Page, site: Stub, collector: Stub) -> None:
    """Routers focus a page's main part; the browser's own scrolling stays as the page has it once nobody is asked."""
    asked(page, site, collector, '<main tabindex="-1" style="height:1500px">text</main>')
    before = page.locator(BANNER).bounding_box()
    page.evaluate("document.querySelector('main').focus({ preventScroll: true })")
    padding = "getComputedStyle(document.documentElement).scrollPaddingBottom"
    page.wait_for_function(f"{padding} != 'auto'")
    assert page.locator(BANNER).bounding_box() == before
    press(page, "refuse")
    page.wait_for_function(f"{padding} == 'auto'")
