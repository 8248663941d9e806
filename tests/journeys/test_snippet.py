"""The snippet's main journey: ask, record what was granted, forget what is withdrawn."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.snippet_steps import BANNER, cookies, decide, eventually, press
from tests.journeys.stub_collector import VISITOR, Stub, page_of

pytestmark = pytest.mark.browser


def test_nothing_is_sent_or_stored_before_a_choice(
    page: Page, site: Stub, collector: Stub, context: BrowserContext
) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("dongui.track('early', {a: 1})")
    page.wait_for_timeout(1500)
    assert {r.path for r in collector.requests} == {"/v1/dongui.js", "/v1/ui.js", "/v1/notice"}
    assert context.cookies() == []
    assert page.evaluate("[localStorage.length, sessionStorage.length]") == [0, 0]


def test_accepting_records_but_advertising_stays_off(
    page: Page, site: Stub, collector: Stub, context: BrowserContext
) -> None:
    """S1.3: marketing and advertising are off until they are granted."""
    page.goto(f"{site.origin}/?utm_source=mail&secret=1&gclid=SENTINEL")
    press(page, "accept")
    expect(page.locator(BANNER)).to_have_count(0)
    eventually(lambda: collector.events, page)
    [consent] = collector.consents
    assert consent["granted"] == ["statistics", "personalisation"]
    assert consent["refused"] == ["marketing"]
    assert (consent["method"], consent["notice"], consent["lang"]) == ("banner", "v1", "ko")
    [event] = collector.events
    assert event["name"] == "pageview"
    assert event["url"] == f"{site.origin}/?utm_source=mail"
    assert "ad_ids" not in event
    assert collector.asked("/v1/events")[0].body["visitor"] == VISITOR
    jar = cookies(context)
    assert jar["dongui"].startswith("1~v1~statistics.personalisation~")
    assert jar["dongui_id"] == VISITOR


def test_refusing_leaves_no_identifier(page: Page, site: Stub, collector: Stub, context: BrowserContext) -> None:
    """S6.2: refusing works, and leaves no identifier."""
    page.goto(site.origin)
    press(page, "refuse")
    eventually(lambda: collector.consents, page)
    page.reload()
    page.wait_for_function("window.dongui")
    page.evaluate("dongui.consent.ready")
    page.evaluate("dongui.track('after')")
    page.wait_for_timeout(1500)
    assert collector.events == []
    assert page.locator(BANNER).count() == 0
    assert list(cookies(context)) == ["dongui"]
    assert collector.consents[0]["refused"] == ["statistics", "personalisation", "marketing"]


def test_choosing_grants_only_what_is_ticked(page: Page, site: Stub, collector: Stub, context: BrowserContext) -> None:
    page.goto(f"{site.origin}/?gclid=CLICK")
    press(page, "choose")
    boxes = page.locator("dongui-root [data-purpose-switch]")
    expect(boxes).to_have_count(3)
    assert [box.is_checked() for box in boxes.all()] == [False, False, False]
    page.locator('dongui-root [data-purpose-switch="marketing"]').check()
    press(page, "save")
    eventually(lambda: collector.events, page)
    [event] = collector.events
    assert event["ad_ids"] == {"gclid": "CLICK"}
    assert event["name"] == "-"
    assert set(event) == {"id", "name", "at", "ad_ids"}
    assert cookies(context)["dongui"].startswith("1~v1~marketing~")


def test_refusing_weighs_the_same_as_accepting(page: Page, site: Stub) -> None:
    """W4, K2: refusing is on the same layer and as easy."""
    page.goto(site.origin)
    accept, refuse = (page.locator(f'dongui-root [data-action="{a}"]') for a in ("accept", "refuse"))
    look = """e => { const s = getComputedStyle(e);
      return [s.backgroundColor, s.color, s.fontSize, s.fontWeight, s.borderColor, e.offsetHeight] }"""
    assert accept.evaluate(look) == refuse.evaluate(look)
    assert abs(accept.evaluate("e => e.offsetWidth") - refuse.evaluate("e => e.offsetWidth")) < 2


def test_withdrawal_clears_at_once(page: Page, site: Stub, collector: Stub, context: BrowserContext) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate(
        "document.cookie = '_ga=GA1.1.1; path=/'; document.cookie = 'basket=7; path=/'; localStorage._ga_x = 1"
    )
    page.evaluate("dongui.withdraw()")
    assert set(cookies(context)) == {"dongui", "basket"}
    assert page.evaluate("localStorage._ga_x") is None
    eventually(lambda: len(collector.consents) == 2, page)
    assert collector.consents[1]["refused"] == ["statistics", "personalisation", "marketing"]
    assert collector.consents[1]["visitor"] == VISITOR
    before = len(collector.events)
    page.evaluate("dongui.track('late')")
    page.wait_for_timeout(1500)
    assert len(collector.events) == before


def test_blocked_scripts_run_once_and_in_order(page: Page, site: Stub, collector: Stub) -> None:
    body = """<script>window.ran = []</script>
    <script type="text/plain" data-purpose="statistics" src="/slow.js"></script>
    <script type="text/plain" data-purpose="statistics">ran.push("inline")</script>
    <script type="text/plain" data-purpose="marketing">ran.push("marketing")</script>
    <template data-purpose="statistics"><p id="from-template">x</p><script>ran.push("template")</script></template>"""
    site.pages["/"] = page_of(collector, body)
    site.pages["/slow.js"] = "ran.push('external')"
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.evaluate("ran") == []
    press(page, "accept")
    page.wait_for_function("ran.length == 3")
    page.evaluate("""() => { const s = document.createElement("script"); s.text = "ran.push('later')";
      s.type = "text/plain"; s.dataset.purpose = "statistics"; document.body.append(s) }""")
    page.wait_for_function("ran.length == 4")
    assert page.evaluate("ran") == ["external", "inline", "template", "later"]
    expect(page.locator("#from-template")).to_be_visible()


def test_single_page_navigation_counts_views(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    decide(page, "accept", collector)
    page.evaluate(
        "history.pushState({}, '', '/a'); history.replaceState({}, '', '/a'); history.pushState({}, '', '/b?x=1')"
    )
    page.go_back()
    eventually(lambda: len(collector.events) == 4, page)
    assert [e["url"].removeprefix(site.origin) for e in collector.events] == ["/", "/a", "/b", "/a"]
    assert collector.events[1]["referrer"] == f"{site.origin}/"


def test_interface_follows_the_page_language(page: Page, site: Stub, collector: Stub) -> None:
    for lang, word in (("ko", "동의하지 않음"), ("en", "Do not agree")):
        site.pages["/"] = page_of(collector, lang=lang)
        page.goto(site.origin)
        expect(page.locator('dongui-root [data-action="refuse"]')).to_have_text(word)


def test_strict_content_security_policy(page: Page, site: Stub, collector: Stub) -> None:
    csp = (
        f"default-src 'none'; script-src 'nonce-abc'; connect-src {collector.origin}; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    )
    blocked = """<script type="text/plain" data-purpose="statistics" nonce="abc">document.title = "ran"</script>"""
    site.pages["/"] = ({"Content-Security-Policy": csp}, page_of(collector, blocked, attributes='nonce="abc"'))
    page.goto(site.origin)
    banner = page.locator(BANNER)
    expect(banner).to_be_visible()
    assert banner.evaluate("e => getComputedStyle(e).position") == "fixed"
    press(page, "accept")
    expect(page).to_have_title("ran")


def test_on_the_sites_own_origin_the_id_stays_out_of_reach(
    page: Page, context: BrowserContext, collector: Stub
) -> None:
    """W6: set by the server, HttpOnly."""
    collector.mounted = True
    collector.pages["/"] = page_of(collector, base="/_dongui")
    page.goto(collector.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert collector.asked("/v1/events")[0].body["visitor"] is None
    assert "dongui_id" not in page.evaluate("document.cookie")
    assert cookies(context)["dongui_id"] == VISITOR


def test_calls_made_before_the_script_are_made_good(page: Page, site: Stub, collector: Stub) -> None:
    head = """<script>window.dongui = []; dongui.push(["consent.set", {statistics: true}]);
      dongui.push(["track", "queued", {n: 1}])</script>"""
    site.pages["/"] = page_of(collector, head=head)
    page.goto(site.origin)
    eventually(lambda: len(collector.events) == 2, page)
    assert {e["name"] for e in collector.events} == {"pageview", "queued"}
    assert collector.consents[0]["method"] == "api"


def test_a_page_with_the_tag_twice_has_one_snippet(page: Page, site: Stub, collector: Stub) -> None:
    tag = f'<script async src="{collector.origin}/v1/dongui.js?again" data-site="S"></script>'
    site.pages["/"] = page_of(collector, head=tag)
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.reload()
    eventually(lambda: len(collector.events) == 2, page)
    page.wait_for_timeout(1200)
    assert len(collector.events) == 2
    assert len(collector.asked("/v1/notice")) == 2
    assert len(collector.asked("/v1/dongui.js")) == 4
