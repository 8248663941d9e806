"""Pages that swap their body, filter or transform it, use shadow roots, and spell their language as they like."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

SWAPS = {
    "innerHTML": "document.body.innerHTML = html",
    "Turbo": "const body = document.createElement('body'); body.innerHTML = html; document.body.replaceWith(body)",
    "Turbo, twice": """for (const _ of [1, 2]) { const body = document.createElement('body'); body.innerHTML = html;
        document.documentElement.replaceChild(body, document.body) }""",
    "htmx": """const body = document.createElement('body'); body.innerHTML = html;
        document.body.replaceChildren(...body.childNodes)""",
    "view transition": "document.startViewTransition(() => { document.body.innerHTML = html })",
    "a body that comes later": """document.body.remove(); setTimeout(() => {
        const body = document.createElement('body'); body.innerHTML = html;
        document.documentElement.append(body) }, 60)""",
    "taken out by itself": "document.querySelector('dongui-root, dongui-floating').remove()",
}


def swap(page: Page, way: str, html: str = "<h1>next</h1>") -> None:
    page.evaluate("([way, html]) => new Function('html', way)(html)", [SWAPS[way], html])
    if "by itself" not in way:
        expect(page.locator("h1")).to_have_text("next")


@pytest.mark.parametrize("way", SWAPS)
def test_the_question_comes_back(page: Page, site: Stub, collector: Stub, way: str) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.locator("dongui-root input").first.check()
    swap(page, way)
    expect(page.locator(BANNER)).to_be_visible()
    # With what was ticked already, and once.
    expect(page.locator("dongui-root input").first).to_be_checked()
    assert page.locator("dongui-root").count() == 1
    press(page, "refuse")
    eventually(lambda: collector.consents, page)
    expect(page.locator(BANNER)).to_have_count(0)
    page.evaluate("document.body.innerHTML = '<h1>once more</h1>'")
    page.wait_for_timeout(200)
    expect(page.locator(BANNER)).to_have_count(0)


@pytest.mark.parametrize("way", SWAPS)
def test_the_way_back_comes_back(page: Page, site: Stub, collector: Stub, way: str) -> None:
    site.pages["/"] = page_of(collector, attributes="data-floating")
    page.goto(site.origin)
    press(page, "refuse")
    button = page.locator('dongui-floating [data-action="floating"]')
    expect(button).to_be_visible()
    swap(page, way)
    expect(button).to_be_visible()
    button.click()
    expect(page.locator("dongui-root .panel")).to_be_visible()


@pytest.mark.parametrize("way", [w for w in SWAPS if "itself" not in w])
def test_placeholders_come_back(page: Page, site: Stub, collector: Stub, way: str) -> None:
    frame = '<iframe data-purpose="statistics" data-src="/frame" title="f"></iframe>'
    site.pages["/"] = page_of(collector, frame, attributes="data-placeholders")
    page.goto(site.origin)
    press(page, "refuse")
    expect(page.locator("dongui-blocked")).to_have_count(1)
    swap(page, way, "<h1>next</h1>" + frame)
    expect(page.locator("dongui-blocked")).to_be_visible()
    assert page.locator("dongui-blocked").count() == 1


def test_a_placeholder_that_a_framework_takes_out_comes_back(page: Page, site: Stub, collector: Stub) -> None:
    frame = '<p><iframe data-purpose="statistics" data-src="/frame" title="f"></iframe></p>'
    site.pages["/"] = page_of(collector, frame, attributes="data-placeholders")
    page.goto(site.origin)
    press(page, "refuse")
    expect(page.locator("dongui-blocked")).to_be_visible()
    page.evaluate("document.querySelector('dongui-blocked').remove()")
    expect(page.locator("dongui-blocked")).to_be_visible()


STYLES = [
    "filter: blur(0)",
    "transform: translateY(0)",
    "will-change: transform",
    "contain: paint",
    "backdrop-filter: blur(1px)",
    "perspective: 100px",
    "container-type: inline-size",
    "content-visibility: auto",
    "overflow: hidden; position: relative; z-index: 0",
    "zoom: 1.2",
]


@pytest.mark.parametrize("element", ["body", "html"])
@pytest.mark.parametrize("style", STYLES)
def test_nothing_of_the_body_moves_it_out_of_sight(
    page: Page, site: Stub, collector: Stub, style: str, element: str
) -> None:
    body = "<h1>Shop</h1>" + "<p>text</p>" * 200
    head = f"<style>{element} {{ {style} }}</style>"
    site.pages["/"] = page_of(collector, body, head=head, attributes="data-floating")
    page.goto(site.origin)
    for action in ("accept", "refuse", "choose"):
        expect(page.locator(f'dongui-root [data-action="{action}"]')).to_be_in_viewport(ratio=0.99)
    page.evaluate("scrollTo(0, 1500)")
    expect(page.locator('dongui-root [data-action="refuse"]')).to_be_in_viewport(ratio=0.99)
    press(page, "refuse")
    expect(page.locator('dongui-floating [data-action="floating"]')).to_be_in_viewport(ratio=0.99)


def test_the_page_above_the_question_stays_usable_and_focused(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, "<input id=field><script>field.focus()</script>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.evaluate("document.activeElement.id") == "field"
    page.keyboard.type("typed")
    assert page.locator("#field").input_value() == "typed"


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_a_link_in_a_shadow_root_opens_the_preferences(page: Page, site: Stub, collector: Stub, mode: str) -> None:
    """Of a closed one only the host can be told: the attribute stands there."""
    page.goto(site.origin)
    press(page, "refuse")
    page.evaluate(
        """mode => { const host = document.createElement("div"); document.body.append(host);
        const link = document.createElement("a"); link.href = "/elsewhere"; link.append(document.createElement("b"));
        link.firstChild.append("privacy"); host.attachShadow({mode}).append(link);
        (mode == "open" ? link : host).dataset.dongui = "preferences"; window.inner = link.firstChild }""",
        mode,
    )
    page.evaluate("inner.click()")
    expect(page.locator("dongui-root .panel")).to_be_visible()
    assert page.url == f"{site.origin}/"


def test_a_click_on_a_form_with_any_fields_stops_nothing(page: Page, site: Stub, collector: Stub) -> None:
    """The page fails the journey when a script on it throws."""
    form = "<form id=f><input name=closest><input name=matches><p>text</p></form>"
    site.pages["/"] = page_of(collector, form)
    page.goto(site.origin)
    ready(page)
    page.evaluate("document.querySelector('form').dispatchEvent(new MouseEvent('click', {bubbles: true}))")


@pytest.mark.parametrize(
    ("written", "title"),
    [("en_US", "en"), ("EN", "en"), ("en-GB", "en"), ("KO_kr", "ko"), ("ko", "ko"), ("zh_Hant_TW", None), ("", "ko")],
)
def test_a_language_however_it_is_written(
    page: Page, site: Stub, collector: Stub, written: str, title: str | None
) -> None:
    site.pages["/"] = page_of(collector, lang=written)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    [asked] = {r.query["lang"] for r in collector.asked("/v1/notice")}
    assert "_" not in asked
    if title:
        expect(page.locator("dongui-root")).to_have_attribute("lang", title)
