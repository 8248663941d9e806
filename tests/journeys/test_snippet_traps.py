"""What every peer falls into, each a journey of ours."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.clock import now_s
from tests.journeys.snippet_steps import BANNER, cookies, eventually, granted, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

TAG = """<script type="text/plain" data-purpose="statistics">document.title = "ran"</script>"""


def test_back_forward_cache_falls_silent_and_runs_the_tags(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, TAG + '<a href="/b">b</a>')
    site.pages["/b"] = page_of(collector, "b")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("window.addEventListener('pageshow', e => { window.cameBack = e.persisted })")
    page.goto(f"{site.origin}/b")
    press(page, "accept")
    eventually(lambda: len(collector.events) == 1, page)
    page.go_back(wait_until="commit")
    page.wait_for_function("window.cameBack")
    expect(page.locator(BANNER)).to_have_count(0)
    expect(page).to_have_title("ran")
    eventually(lambda: len(collector.events) == 2, page)
    assert collector.events[1]["url"] == f"{site.origin}/"


def test_another_tab_stops_at_once(context: BrowserContext, page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    other = context.new_page()
    other.goto(site.origin)
    ready(other)
    assert granted(other) == ["statistics", "personalisation"]
    page.evaluate("dongui.withdraw()")
    other.wait_for_function("!dongui.consent.granted('statistics')")
    before = len(collector.events)
    other.evaluate("dongui.track('stale')")
    other.wait_for_timeout(1500)
    assert [e["name"] for e in collector.events[before:]] == []


def test_a_grant_in_one_tab_runs_the_tags_of_the_other(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    site.pages["/"] = page_of(collector, TAG)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    other = context.new_page()
    other.goto(site.origin)
    press(other, "accept")
    expect(page.locator(BANNER)).to_have_count(0)
    expect(page).to_have_title("ran")


@pytest.mark.parametrize("host", ["www.shop.example.test", "a.example.co.uk", "example.co.kr"])
def test_cookies_go_from_every_level(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, host: str
) -> None:
    labels = host.split(".")
    origin = f"http://{host}:{site.port}"
    site.pages["/a/b"] = page_of(collector)
    page.goto(f"{origin}/a/b")
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    # Every level down to the registrable domain; the browser itself refuses the public suffix.
    for domain in ["", *(f";domain=.{'.'.join(labels[i:])}" for i in range(len(labels) - 1))]:
        for path in ("/", "/a", "/a/", "/a/b"):
            page.evaluate("c => { document.cookie = c }", f"_ga=x;path={path}{domain}")
            page.evaluate("c => { document.cookie = c }", f"_ga_AB=x;path={path}{domain}")
    assert len([c for c in context.cookies() if c["name"] == "_ga"]) >= 8
    assert not [c for c in context.cookies() if c["domain"] in (".co.uk", ".co.kr", ".test")]
    page.evaluate("localStorage._ga_1 = localStorage._ga_2 = localStorage._ga_3 = localStorage.basket = 1")
    page.evaluate("dongui.withdraw()")
    assert [c["name"] for c in context.cookies() if c["name"].startswith("_ga")] == []
    assert page.evaluate("Object.keys(localStorage).filter(k => !k.startsWith('dongui'))") == ["basket"]


def test_what_cannot_be_reached_is_reported(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: granted(page), page)  # a grant that is not on record yet would only be dropped
    # A cookie that comes back at once, as a script that still runs would set it.
    page.evaluate("""() => {
      const proto = Document.prototype, real = Object.getOwnPropertyDescriptor(proto, "cookie");
      real.set.call(document, "_ga=1;path=/");
      Object.defineProperty(document, "cookie", {get: () => real.get.call(document),
        set: v => real.set.call(document, v.startsWith("_ga=") ? "_ga=1;path=/" : v)});
      addEventListener("dongui:unreached", e => { window.left = e.detail }, true);
    }""")
    page.evaluate("dongui.withdraw()")
    assert page.evaluate("window.left") == ["_ga"]


def test_of_two_choice_cookies_the_newest_wins(context: BrowserContext, page: Page, site: Stub) -> None:
    now = now_s()
    base36 = page.evaluate("n => [(n - 60).toString(36), n.toString(36)]", now)
    origin = f"http://www.example.test:{site.port}"
    context.add_cookies(
        [
            {"name": "dongui", "value": f"1~v1~statistics~{base36[0]}", "domain": "www.example.test", "path": "/"},
            {"name": "dongui", "value": f"1~v1~~{base36[1]}", "domain": ".example.test", "path": "/"},
        ]
    )
    page.goto(origin)
    ready(page)
    assert granted(page) == []
    assert page.locator(BANNER).count() == 0


@pytest.mark.parametrize(
    "value", ["%7Bbad%E0%A4%A", "1~v1~statistics", "1~v1~__proto__~t68n40", "1~v1~constructor~zzzzzzzzzz", "~~~"]
)
def test_a_malformed_cookie_asks_and_runs_nothing(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, value: str
) -> None:
    site.pages["/"] = page_of(collector, TAG)
    context.add_cookies([{"name": "dongui", "value": value, "url": site.origin}])
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert granted(page) == []
    expect(page).to_have_title("Shop")


def test_storage_and_cookies_that_throw(page: Page, site: Stub, collector: Stub) -> None:
    head = """<script>
      for (const name of ["localStorage", "sessionStorage"])
        Object.defineProperty(window, name, {get() { throw new DOMException("no", "SecurityError") }});
      Object.defineProperty(document, "cookie", {get() { throw new DOMException("no", "SecurityError") },
                                                 set() { throw new DOMException("no", "SecurityError") }});
    </script>"""
    site.pages["/"] = page_of(collector, TAG, head=head)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    expect(page).to_have_title("Shop")
    press(page, "accept")
    # A grant whose id nothing keeps is none.
    expect(page.locator(BANNER)).to_have_count(0)
    page.wait_for_timeout(300)
    expect(page).to_have_title("Shop")
    assert collector.consents == []
    page.reload()
    expect(page.locator(BANNER)).to_be_visible()


def test_a_failed_notice_grants_nothing(context: BrowserContext, page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, TAG)
    page.goto(site.origin)
    press(page, "accept")
    expect(page).to_have_title("ran")
    for answer in [(500, {}, b""), (200, {"Content-Type": "application/json"}, b"{}"), (200, {}, b"<html>")]:
        collector.intercept = lambda r, answer=answer: answer if r.path == "/v1/notice" else None
        page.reload()
        page.wait_for_function("window.dongui")
        page.evaluate("dongui.track('x')")
        page.wait_for_timeout(300)
        expect(page).to_have_title("Shop")
        assert not page.evaluate("dongui.consent.granted('statistics')")


def test_a_decision_of_the_page_before_waits_for_the_notice(page: Page, site: Stub, collector: Stub) -> None:
    """It says how long the id may live that the answer brings."""
    collector.intercept = lambda r: (503, {}, b"") if r.method == "POST" else None
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    collector.intercept = lambda r: (503, {}, b"") if r.path == "/v1/notice" else None
    page.reload()
    eventually(lambda: collector.asked("/v1/ui.js"), page)
    page.wait_for_timeout(500)
    assert cookies(page.context) == {}
    collector.intercept = None
    page.reload()
    eventually(lambda: collector.events, page)
    [kept] = [c for c in page.context.cookies() if c["name"] == "dongui_id"]
    assert 15552000 - 120 < kept["expires"] - now_s() <= 15552000


def test_withdrawal_clears_while_the_collector_hangs(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events and collector.asked("/v1/panel.js"), page)
    page.evaluate("document.cookie = '_ga=1;path=/'")
    collector.dead = True
    collector.flowing.clear()
    page.evaluate("dongui.track('in flight')")
    page.wait_for_timeout(1200)
    page.evaluate("dongui.withdraw()")
    assert list(cookies(context)) == ["dongui"]
    assert not page.evaluate("dongui.consent.granted('statistics')")
    # Gone from here before it was answered, the withdrawal is told by the next page.
    page.goto("about:blank")
    collector.flowing.set()
    page.goto(site.origin)
    eventually(lambda: any(c["refused"] for c in collector.consents[1:]), page)
    eventually(lambda: page.evaluate("localStorage.length") == 0, page)


def test_an_address_cannot_speak_for_the_browser(page: Page, site: Stub) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    page.goto(f"{site.origin}/?globalPrivacyControl=false")
    box = page.locator('dongui-root [data-purpose-switch="marketing"]')
    expect(box).to_be_disabled()
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    page.evaluate("dongui.consent.set({marketing: true})")
    assert "marketing" not in granted(page)


def test_small_screen_reads_everything_and_leaves_the_page_usable(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    site.pages["/"] = page_of(collector, "<button onclick='document.title = 1'>page</button>" + "<p>text</p>" * 200)
    page.set_viewport_size({"width": 320, "height": 480})
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    for part in page.locator("dongui-root :is(h2, h3, dd, button, a, input)").all():
        part.scroll_into_view_if_needed()
        box = part.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["y"] + box["height"] <= 480
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.get_by_role("button", name="page").click()
    expect(page).to_have_title("1")
    page.mouse.wheel(0, 2000)
    for action in ("accept", "refuse", "choose"):
        expect(page.locator(f'dongui-root [data-action="{action}"]')).to_be_in_viewport(ratio=1)


def test_nothing_moves_when_the_banner_comes(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, "<h1>Shop</h1>" + "<p>text</p>" * 50)
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(l => l.getEntries().forEach(e => shift += e.value))"
        ".observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "refuse")
    expect(page.locator(BANNER)).to_have_count(0)
    assert page.evaluate("shift") == 0


def test_the_interface_that_fails_to_load_grants_nothing(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, TAG)

    def fail(route: Route) -> None:
        route.abort()

    page.route("**/v1/ui.js*", fail)
    page.route("**/v1/queue.js*", fail)
    page.goto(site.origin)
    ready(page)
    page.evaluate("dongui.consent.set({statistics: true})")
    page.evaluate("dongui.show(); dongui.track('x')")
    assert granted(page) == []
    expect(page).to_have_title("Shop")


def test_the_panel_that_fails_to_load_leaves_the_question(page: Page, site: Stub) -> None:
    page.route("**/v1/panel.js*", lambda route: route.abort())
    page.goto(site.origin)
    press(page, "choose")
    page.wait_for_timeout(300)
    expect(page.locator('dongui-root [data-action="refuse"]')).to_be_visible()
    press(page, "refuse")
    expect(page.locator(BANNER)).to_have_count(0)
