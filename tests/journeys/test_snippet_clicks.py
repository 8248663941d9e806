"""Which clicks answer the question, and in which frames it is put at all."""

from __future__ import annotations

import threading

import pytest
from playwright.sync_api import Page, Route, expect

from tests.clock import now_s
from tests.journeys.snippet_steps import BANNER, eventually, granted, press
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

ACCEPT = 'dongui-root [data-action="accept"]'


def stand_still(page: Page) -> None:
    """Stops the page's clock, by which its timers and the times of its events go."""
    page.clock.install(time=now_s())
    page.clock.pause_at(now_s() + 60)


def middle(page: Page, selector: str) -> tuple[float, float]:
    box = page.locator(selector).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def half_a_second_on_it_counts(page: Page, collector: Stub) -> None:
    expect(page.locator(BANNER)).to_be_visible()
    assert collector.consents == []
    page.clock.run_for(600)
    press(page, "accept")
    expect(page.locator(BANNER)).to_have_count(0)
    eventually(lambda: len(collector.consents) == 1, page)


@pytest.mark.parametrize(
    ("host", "attributes", "asks"),
    [
        ("outer.example.test", "", False),
        ("outer.example.test", "data-embedded", True),
        ("127.0.0.1", "", True),
    ],
    ids=["another site's", "another site's, allowed", "its own"],
)
def test_a_frame_asks_in_another_sites_page_only_where_allowed(
    page: Page, site: Stub, collector: Stub, host: str, attributes: str, asks: bool
) -> None:
    site.pages["/"] = page_of(collector, attributes=attributes)
    site.pages["/outer"] = f'<!doctype html><iframe src="{site.origin}/" width=900 height=600></iframe>'
    page.goto(f"http://{host}:{site.port}/outer")
    [inner] = page.frames[1:]
    inner.wait_for_function("window.dongui && dongui.consent")
    if asks:
        expect(inner.locator(BANNER)).to_be_visible()
        return
    # Called after the page's own question, and through when this is: neither is shown.
    inner.evaluate("dongui.consent.ready.then(() => dongui.show())")
    inner.evaluate("dongui.show()")
    assert collector.asked("/v1/ui.js")
    assert inner.locator("dongui-root").count() == 0
    assert collector.consents == []


def test_a_double_click_that_begins_before_the_question_answers_nothing(
    page: Page, site: Stub, collector: Stub
) -> None:
    stand_still(page)
    page.goto(site.origin)
    at = middle(page, ACCEPT)
    known = threading.Event()

    def late(request: Request) -> Answer | None:
        if request.path == "/v1/notice":
            known.wait(60)
        return None

    collector.intercept = late
    page.reload()
    page.wait_for_function("window.dongui && dongui.consent")
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.up()
    known.set()
    expect(page.locator(BANNER)).to_be_visible()
    page.clock.run_for(400)
    page.mouse.down(click_count=2)
    page.mouse.up(click_count=2)
    half_a_second_on_it_counts(page, collector)


def test_a_press_right_after_the_window_got_the_focus_answers_nothing(page: Page, site: Stub, collector: Stub) -> None:
    stand_still(page)
    site.pages["/"] = page_of(collector, '<iframe srcdoc="<button>theirs</button>"></iframe>')
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.clock.run_for(600)
    expect(page.locator(ACCEPT)).to_be_enabled()
    page.frame_locator("iframe").locator("button").click()
    page.wait_for_function("document.activeElement.localName == 'iframe'")
    page.clock.run_for(5000)
    page.mouse.click(*middle(page, ACCEPT))
    page.wait_for_function("document.activeElement.localName != 'iframe'")
    half_a_second_on_it_counts(page, collector)


#: Whether what keeps events when a page is left has run: the same module is imported once.
RECORDS = """() => {
  const part = performance.getEntriesByType("resource").find(({ name }) => name.includes("/v1/record.js"))
  return part && import(part.name).then(() => true)
}"""


@pytest.mark.parametrize("how", ["the banner's button", "the page's own"])
@pytest.mark.parametrize("stays", [True, False], ids=["the page stays", "the click leaves the page"])
def test_a_press_that_is_faster_than_the_queue_is_not_lost(
    page: Page, site: Stub, collector: Stub, how: str, stays: bool
) -> None:
    """What makes requests of a decision is on its way: the question goes at once, and what happens meanwhile waits."""
    held: list[Route] = []
    page.route("**/v1/queue.js*", lambda route: route.continue_() if held else held.append(route))
    site.pages["/next"] = site.pages["/"]
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    expect(page.locator(ACCEPT)).to_be_enabled()
    if how == "the page's own":
        page.evaluate("void dongui.consent.set({statistics: true, marketing: false})")
    else:
        press(page, "accept")
    expect(page.locator(BANNER)).to_have_count(0)
    page.evaluate("dongui.track('bought')")
    eventually(lambda: held and page.evaluate(RECORDS), page)
    assert (granted(page), collector.consents, collector.events) == ([], [], [])
    if stays:
        held[0].continue_()
    else:
        page.goto(f"{site.origin}/next")
    eventually(lambda: any(event["name"] == "bought" for event in collector.events), page)
    [decision] = collector.consents
    assert "statistics" in decision["granted"]
    assert "marketing" in decision["refused"]
    assert decision["method"] == ("api" if how == "the page's own" else "banner")
    assert (decision.get("layout") == "compact") is (stays and how == "the banner's button")
    assert [event["name"] for event in collector.events].count("bought") == 1
    eventually(lambda: "statistics" in granted(page), page)
