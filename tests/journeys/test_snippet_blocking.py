"""Blocking: inert before the grant, run exactly once after it, gone after the withdrawal."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, cookies, eventually, press, quiet, ready
from tests.journeys.stub_collector import Request, Stub, page_of

pytestmark = pytest.mark.browser

INERT = """<script>window.ran = []</script>
<script type="text/plain" data-purpose="statistics" src="/slow.js"></script>
<script type="text/plain" data-purpose="statistics">ran.push("inline")</script>
<script type="text/plain" data-purpose="statistics" data-type="module">ran.push("module")</script>
<script type="text/plain" data-purpose="statistics" src="/next.js"></script>
<script type="text/plain" data-purpose="statistics" src="/missing.js"></script>
<script type="text/plain" data-purpose="statistics" async src="/async.js"></script>
<script type="text/plain" data-purpose="statistics">ran.push("last")</script>
<script type="text/plain" data-purpose="statistics marketing">ran.push("both")</script>
<script type="text/plain" data-purpose="marketing">ran.push("marketing")</script>"""


def _slow(request: Request) -> tuple[int, dict[str, str], bytes]:
    time.sleep(0.3)
    return 200, {"Content-Type": "text/javascript"}, b"ran.push('slow')"


def serve_scripts(site: Stub) -> None:
    site.pages["/slow.js"] = _slow
    site.pages["/next.js"] = "ran.push('next')"
    site.pages["/async.js"] = "window.asyncRan = (window.asyncRan || 0) + 1"


def test_order_is_the_parsers(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, INERT)
    serve_scripts(site)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.evaluate("ran") == []
    assert not [r for r in site.requests if r.path.endswith(".js")]
    press(page, "accept")
    page.wait_for_function("ran.length == 5 && window.asyncRan")
    # A module runs when it is ready, as in any page; the classic ones keep their order.
    assert page.evaluate("ran.filter(name => name != 'module')") == ["slow", "inline", "next", "last"]
    # Once, also after every other occasion to run again.
    page.evaluate("dongui.consent.set({personalisation: false})")
    page.evaluate("document.body.append(...document.querySelectorAll('script[data-purpose]'))")
    page.wait_for_timeout(500)
    assert page.evaluate("[ran.length, asyncRan]") == [5, 1]


def test_a_script_that_the_page_takes_out_keeps_nobody_waiting(page: Page, site: Stub, collector: Stub) -> None:
    body = """<script>window.ran = []</script>
    <script type="text/plain" data-purpose="statistics" src="/first.js"></script>
    <script type="text/plain" data-purpose="statistics" src="/gone.js" id="gone"></script>
    <script type="text/plain" data-purpose="statistics">ran.push("last")</script>"""
    site.pages["/"] = page_of(collector, body)
    site.pages["/first.js"] = "document.getElementById('gone').remove(); ran.push('first')"
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.includes('last')")
    assert page.evaluate("ran") == ["first", "last"]
    assert not site.asked("/gone.js")


def test_a_returning_visitor_is_not_kept_waiting(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, INERT)
    serve_scripts(site)
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("ran.includes('last')")
    collector.requests.clear()
    page.reload()
    page.wait_for_function("ran.includes('last')")
    # Neither interface nor panel is needed on a page where nobody is asked.
    assert {r.path for r in collector.requests} - {"/v1/events"} == {
        "/v1/dongui.js",
        "/v1/notice",
        "/v1/release.js",
        "/v1/record.js",
    }


def test_what_comes_later_before_the_choice_and_after(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, "<script>window.ran = []</script>")
    add = """name => { const box = document.createElement("div");
      box.innerHTML = `<section><p><iframe data-purpose="statistics" data-src="/frame?${name}"></iframe></p></section>`;
      const s = document.createElement("script"); s.type = "text/plain"; s.dataset.purpose = "statistics";
      s.text = `ran.push("${name}")`; box.append(s); document.body.append(box) }"""
    site.pages["/frame"] = "<p>frame</p>"
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate(add, "before")
    page.wait_for_timeout(200)
    assert page.evaluate("ran") == []
    assert not site.asked("/frame")
    press(page, "accept")
    page.wait_for_function("ran.length == 1")
    page.evaluate(add, "after")
    page.wait_for_function("ran.length == 2")
    eventually(lambda: len(site.asked("/frame")) == 2, page)


def test_frames_images_and_markup_come_and_go(page: Page, site: Stub, collector: Stub) -> None:
    body = """<iframe data-purpose="marketing" data-src="/frame" title="ad"></iframe>
    <img data-purpose="marketing" data-src="/pixel.png" data-srcset="/pixel2.png 2x" alt="ad">
    <video data-purpose="marketing" data-src="/film.mp4" data-poster="/poster.png"></video>
    <template data-purpose="marketing"><p id="ad">Advertisement</p></template>"""
    site.pages["/"] = page_of(collector, body)
    site.pages["/frame"] = "<p>frame</p>"
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("dongui.consent.set({marketing: true})")
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")
    expect(page.locator("#ad")).to_be_visible()
    assert page.locator("img").get_attribute("srcset") == "/pixel2.png 2x"
    assert page.locator("video").get_attribute("poster") == "/poster.png"
    page.evaluate("dongui.withdraw('marketing')")
    expect(page.locator("#ad")).to_have_count(0)
    assert len(page.frames) == 1 or page.frames[1].url == "about:blank"
    assert page.locator("img").get_attribute("src") is None
    assert page.locator("iframe").get_attribute("src") is None
    # And again: what was taken back can be let loose anew.
    page.evaluate("dongui.consent.set({marketing: true})")
    expect(page.locator("#ad")).to_have_count(1)
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")


def test_a_withdrawn_script_is_told_and_the_page_starts_anew_once(page: Page, site: Stub, collector: Stub) -> None:
    body = """<script>window.stopped = () => sessionStorage.globals = 1;
      (window.dongui ||= []).push(["onWithdraw", "stopped", () =>
        sessionStorage.stopped = (+sessionStorage.stopped || 0) + 1])
      sessionStorage.loads = (+sessionStorage.loads || 0) + 1</script>
    <script type="text/plain" data-purpose="statistics" data-on-withdraw="stopped">
      setInterval(() => fetch("/third-party"), 50)</script>"""
    site.pages["/"] = page_of(collector, body)
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: site.asked("/third-party"), page)
    eventually(lambda: collector.events, page)
    page.evaluate("void dongui.withdraw()")
    # What has run cannot be stopped: nobody reloads the page, which is offered.
    expect(page.locator('dongui-root [data-action="reload"]')).to_be_visible()
    assert page.evaluate("[sessionStorage.stopped, sessionStorage.loads]") == ["1", "1"]
    assert page.evaluate("sessionStorage.globals") is None
    with page.expect_navigation():
        press(page, "reload")
    ready(page)
    quiet(page, site)
    before = len(site.asked("/third-party"))
    page.wait_for_timeout(600)
    assert len(site.asked("/third-party")) == before
    assert page.evaluate("[sessionStorage.stopped, sessionStorage.loads]") == ["1", "2"]
    # Told until it is heard, it may come twice: from the page that goes and from the one that comes, under one id.
    eventually(lambda: len({c["id"] for c in collector.consents}) == 2, page)
    assert list(cookies(page.context)) == ["dongui"]
    assert page.locator(BANNER).count() == 0
