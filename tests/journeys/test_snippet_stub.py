"""The inline stub: Google's Consent Mode (W2) in its order, and unmarked scripts that wait all the same."""

from __future__ import annotations

from typing import Any

import pytest
from dongui.policy import inline_stub
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser

#: What Google's loader does, with an address of the site in the place of Google's.
GTM = """<script>window.dataLayer = window.dataLayer || []; function gtag() { dataLayer.push(arguments) }
  gtag("js", new Date()); gtag("config", "G-1");
  (d => { const j = d.createElement("script"), f = d.getElementsByTagName("script")[0]; j.async = true;
    j.src = "/gtm.js?id=GTM-1"; f.parentNode.insertBefore(j, f) })(document)</script>"""
DENIED = {"analytics_storage": "denied", "personalization_storage": "denied", "ad_storage": "denied"}


def layer(page: Page) -> list[list[Any]]:
    """The data layer's entries; commands as lists, the time of `js` left out."""
    return page.evaluate(
        "() => dataLayer.map(e => e[0] === 'js' ? ['js'] : e.length === undefined ? e : [...e])",
    )


def with_stub(site: Stub, collector: Stub, **options: Any) -> None:
    collector.policy["purposes"]["statistics"]["urls"] = [f"{site.origin}/gtm.js*", f"{site.origin}/pixel*"]
    site.pages["/gtm.js"] = "window.gtm = (window.gtm || 0) + 1; dataLayer.push({event: 'tag'})"
    site.pages["/"] = page_of(collector, head=inline_stub(collector.policy, **options) + GTM)


def test_default_first_then_one_update_then_the_tag(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert layer(page) == [["consent", "default", DENIED], ["js"], ["config", "G-1"]]
    assert not site.asked("/gtm.js")
    press(page, "accept")
    page.wait_for_function("window.gtm")
    granted = DENIED | {"analytics_storage": "granted", "personalization_storage": "granted"}
    assert layer(page)[3:] == [
        ["consent", "update", granted],
        {"event": "dongui_consent", "dongui_granted": ["statistics", "personalisation"]},
        {"event": "tag"},
    ]
    page.evaluate("dongui.consent.set({marketing: true})")
    assert layer(page)[6:] == [
        ["consent", "update", granted | {"ad_storage": "granted"}],
        {"event": "dongui_consent", "dongui_granted": ["statistics", "personalisation", "marketing"]},
    ]
    assert page.evaluate("gtm") == 1


def test_a_standing_choice_updates_before_anything_else(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector)
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.reload()
    ready(page)
    page.wait_for_function("window.gtm")
    entries = layer(page)
    assert [e[:2] if isinstance(e, list) else e["event"] for e in entries] == [
        ["consent", "default"],
        ["consent", "update"],
        "dongui_consent",
        ["js"],
        ["config", "G-1"],
        "tag",
    ]
    assert page.evaluate("gtm") == 1


def test_a_withdrawal_is_told_and_the_tag_stays_away(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector)
    page.goto(site.origin)
    press(page, "accept")
    page.wait_for_function("window.gtm")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.withdraw()")
    assert layer(page)[-2] == ["consent", "update", DENIED]
    # What has run cannot be stopped: nobody reloads the page, which is offered.
    with page.expect_navigation():
        press(page, "reload")
    ready(page)
    page.wait_for_timeout(300)
    assert layer(page) == [["consent", "default", DENIED], ["js"], ["config", "G-1"]]
    assert not page.evaluate("window.gtm")


def test_purposes_of_another_basis_start_granted(page: Page, site: Stub, collector: Stub) -> None:
    collector.policy["purposes"]["service"]["google_consent"] = ["functionality_storage", "security_storage"]
    with_stub(site, collector)
    page.goto(site.origin)
    [default, *_] = layer(page)
    assert default[2] == DENIED | {"functionality_storage": "granted", "security_storage": "granted"}


def test_googles_options_are_explicit(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector, wait_for_update=500, region=["KR"], url_passthrough=True, ads_data_redaction=True)
    page.goto(site.origin)
    assert layer(page)[:3] == [
        ["consent", "default", DENIED | {"wait_for_update": 500, "region": ["KR"]}],
        ["set", "ads_data_redaction", True],
        ["set", "url_passthrough", True],
    ]


def test_advanced_lets_googles_tags_load(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector, advanced=True)
    page.goto(site.origin)
    page.wait_for_function("window.gtm")
    assert layer(page)[0] == ["consent", "default", DENIED]


def test_unmarked_addresses_wait(page: Page, site: Stub, collector: Stub) -> None:
    with_stub(site, collector)
    site.pages["/pixel.js"] = "window.ran = (window.ran || 0) + 1"
    site.pages["/pixel-made.js"] = site.pages["/pixel.js"]
    site.pages["/pixel.html"] = "<p>frame</p>"
    site.pages["/"] = page_of(collector, '<script src="/pixel.js"></script>', head=inline_stub(collector.policy))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("""() => {
      const frame = document.createElement("iframe"); frame.src = "/pixel.html"; document.body.append(frame);
      new Image().src = "/pixel.gif";
      const script = document.createElement("script"); script.src = "/pixel-made.js"; document.body.append(script) }""")
    page.wait_for_timeout(400)
    # What stands in the markup a browser may fetch ahead of any script, but does not run; the rest is not asked for.
    assert not page.evaluate("window.ran")
    assert [r.path for r in site.requests if "pixel" in r.path and r.path != "/pixel.js"] == []
    press(page, "accept")
    page.wait_for_function("window.ran === 2")
    eventually(lambda: len(site.asked("/pixel.html")) == 1, page)
    page.wait_for_timeout(300)
    assert page.evaluate("ran") == 2


def test_what_stands_in_the_markup_neither_runs_nor_shows(page: Page, site: Stub, collector: Stub) -> None:
    """The browser reads ahead and asks for it, as the documentation says; that is all that comes of it."""
    with_stub(site, collector)
    site.pages["/pixel.js"] = "window.ran = true"
    site.pages["/pixel.html"] = "<p>frame</p>"
    body = '<iframe src="/pixel.html"></iframe><img src="/pixel.gif"><script src="/pixel.js"></script>'
    site.pages["/"] = page_of(collector, body, head=inline_stub(collector.policy))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert not page.evaluate("window.ran")
    assert page.evaluate("document.querySelector('iframe').contentDocument.body.innerHTML") == ""
    assert page.evaluate("document.querySelector('img').getAttribute('src')") is None
    press(page, "accept")
    page.wait_for_function("window.ran")
    expect(page.frame_locator("iframe").locator("p")).to_have_text("frame")


def test_calls_before_the_snippet_are_made_good(page: Page, site: Stub, collector: Stub) -> None:
    calls = """<script>dongui.consent.set({statistics: true}); dongui.track("early", {n: 1});
      window.before = dongui.consent.granted("statistics")</script>"""
    site.pages["/"] = page_of(collector, head=inline_stub(collector.policy) + calls)
    page.goto(site.origin)
    eventually(lambda: len(collector.events) == 2, page)
    assert {e["name"] for e in collector.events} == {"pageview", "early"}
    assert page.evaluate("before") is False


def test_it_needs_nothing_but_its_nonce(page: Page, site: Stub, collector: Stub) -> None:
    csp = (
        f"default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src {collector.origin}; "
        "require-trusted-types-for 'script'"
    )
    blocked = '<script type="text/plain" data-purpose="statistics" nonce="abc">document.title = "ran"</script>'
    html = page_of(collector, blocked, head=inline_stub(collector.policy, nonce="abc"), attributes='nonce="abc"')
    site.pages["/"] = ({"Content-Security-Policy": csp}, html)
    page.goto(site.origin)
    press(page, "accept")
    expect(page).to_have_title("ran")


def test_a_policys_text_cannot_end_the_script(collector: Stub) -> None:
    collector.policy["purposes"]["statistics"]["urls"] = ["https://x.example/</script><script>alert(1)//"]
    text = inline_stub(collector.policy)
    assert text.count("</script>") == 1
    assert text.endswith("</script>")


def test_under_a_nonce_what_a_trusted_script_made_needs_none(page: Page, site: Stub, collector: Stub) -> None:
    """A tag manager's loader has the nonce and is trusted, and what it inserts as well ('strict-dynamic')."""
    collector.policy["purposes"]["statistics"]["urls"] = [f"{site.origin}/gtm.js*"]
    site.pages["/gtm.js"] = "document.title = 'ran'"
    csp = f"default-src 'none'; script-src 'nonce-abc' 'strict-dynamic'; connect-src {collector.origin}"
    head = inline_stub(collector.policy, nonce="abc") + GTM.replace("<script>", '<script nonce="abc">')
    site.pages["/"] = ({"Content-Security-Policy": csp}, page_of(collector, head=head, attributes='nonce="abc"'))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert not site.asked("/gtm.js")
    press(page, "accept")
    expect(page).to_have_title("ran")
