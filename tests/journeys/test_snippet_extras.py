"""What a site may ask for besides: trackers of links, forms, reading and vitals, and placeholders."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press, ready
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser


def tracked(page: Page, site: Stub, collector: Stub, body: str, extras: str) -> None:
    """A page with extras, to a visitor who accepted."""
    site.pages["/"] = page_of(collector, body, attributes=f'data-track="{extras}"')
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert not collector.asked("/v1/extras.js")
    press(page, "accept")
    eventually(lambda: collector.asked("/v1/extras.js"), page)
    # The same address is the same module: it answers once the one that was asked for has run.
    version = collector.asked("/v1/extras.js")[0].query["v"]
    page.evaluate("url => import(url).then(() => 0)", f"{collector.origin}/v1/extras.js?v={version}")
    eventually(lambda: collector.events, page)


def named(collector: Stub, name: str) -> list[object]:
    return [e.get("props") for e in collector.events if e["name"] == name]


def test_links_out_and_downloads(page: Page, site: Stub, collector: Stub) -> None:
    body = f"""<a id=out href="http://other.example.test:{site.port}/x/kim@example.com?token=SENTINEL">out</a>
    <a id=file href="/price-list.pdf?key=SENTINEL" target=_blank>file</a><a id=in href="#here">in</a>"""
    site.pages["/x/kim@example.com"] = "there"
    tracked(page, site, collector, body, "links")
    page.locator("#in").click()
    page.locator("#file").click()
    eventually(lambda: named(collector, "download"), page)
    page.locator("#out").click()
    page.wait_for_url("**/x/**")
    eventually(lambda: named(collector, "outbound"), page)
    assert named(collector, "download") == [{"file": "/price-list.pdf"}]
    assert named(collector, "outbound") == [{"to": f"http://other.example.test:{site.port}/x/[email]"}]


def test_forms_are_counted_never_read(page: Page, site: Stub, collector: Stub) -> None:
    """S2.1a: nothing of what is typed at sign-up is recorded from the page."""
    body = """<form id=join action="/join?step=SENTINEL" onsubmit="event.preventDefault()">
    <input name=action value=SENTINEL><input name=id value=SENTINEL><button>go</button></form>"""
    tracked(page, site, collector, body, "forms")
    page.get_by_role("button", name="go").click()
    eventually(lambda: named(collector, "form"), page)
    assert named(collector, "form") == [{"form": "join", "to": "/join"}]


def scrolled(page: Page, to: str) -> None:
    """Scrolls, and waits until whoever listens has heard of it."""
    heard = "addEventListener('scroll', () => setTimeout(done), {once: true})"
    page.evaluate(f"new Promise(done => {{ {heard}; scrollTo(0, {to}) }})")


def test_reading_is_measured_until_the_page_ends(page: Page, site: Stub, collector: Stub) -> None:
    tracked(page, site, collector, "<p>text</p>" * 300, "scroll time")
    page.mouse.move(10, 10)
    scrolled(page, "document.body.scrollHeight / 2")
    page.wait_for_timeout(2500)
    page.goto("about:blank")
    eventually(lambda: named(collector, "scroll") and named(collector, "engagement"), page)
    assert named(collector, "scroll") == [{"percent": 50}]
    [engaged] = named(collector, "engagement")
    assert isinstance(engaged, dict)
    assert engaged["seconds"] >= 1


def test_reading_ends_with_the_address(page: Page, site: Stub, collector: Stub) -> None:
    tracked(page, site, collector, "<p>text</p>" * 300, "scroll")
    scrolled(page, "document.body.scrollHeight")
    page.evaluate("history.pushState(0, '', '/next')")
    eventually(lambda: len(collector.events) >= 3, page)
    [end] = [e for e in collector.events if e["name"] == "scroll"]
    assert end["props"] == {"percent": 100}
    assert end["url"] == f"{site.origin}/"


def test_pages_that_were_not_there(page: Page, site: Stub, collector: Stub) -> None:
    html = page_of(collector, attributes='data-track="missing"').encode()
    site.pages["/gone"] = lambda _: (404, {"Content-Type": "text/html"}, html)
    page.goto(f"{site.origin}/gone")
    press(page, "accept")
    eventually(lambda: named(collector, "missing"), page)
    assert named(collector, "missing") == [{"status": 404}]


def test_vitals(page: Page, site: Stub, collector: Stub) -> None:
    tracked(page, site, collector, "<h1>Shop</h1>", "vitals")
    page.mouse.click(5, 5)
    page.wait_for_timeout(1200)
    page.goto("about:blank")
    eventually(lambda: named(collector, "vital"), page)
    assert {v["name"] for v in named(collector, "vital") if isinstance(v, dict)} <= {"CLS", "FCP", "INP", "LCP", "TTFB"}


EMBEDS = """<style>iframe { display: block }</style>
<iframe width=480 height=270 data-purpose="marketing" data-src="/film" title="film"></iframe><p id=below>below</p>"""


def test_a_placeholder_explains_and_grants(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, EMBEDS, attributes="data-placeholders")
    site.pages["/film"] = "<p>film</p>"
    page.goto(site.origin)
    press(page, "refuse")
    place = page.locator("dongui-blocked")
    expect(place).to_be_visible()
    expect(place).to_contain_text("맞춤형 광고(행태정보)")
    # What the consent means is readable right there (K1).
    for fact in ("광고 ID", "1년", "Example Cloud", "서비스 이용에는 영향이 없습니다."):
        expect(place).to_contain_text(fact)
    expect(page.locator("iframe")).to_be_hidden()
    top = page.locator("#below").evaluate("e => e.offsetTop")
    page.locator('dongui-blocked [data-action="allow"]').click()
    expect(page.frame_locator("iframe").locator("p")).to_have_text("film")
    expect(place).to_have_count(0)
    assert abs(page.locator("#below").evaluate("e => e.offsetTop") - top) <= 8
    eventually(lambda: len(collector.consents) == 2, page)
    assert collector.consents[1]["granted"] == ["marketing"]
    assert collector.consents[1]["refused"] == []


def test_a_placeholder_comes_back_with_the_withdrawal(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, EMBEDS, attributes="data-placeholders")
    site.pages["/film"] = "<p>film</p>"
    page.goto(site.origin)
    press(page, "refuse")
    ready(page)
    page.evaluate("dongui.consent.set({marketing: true})")
    expect(page.frame_locator("iframe").locator("p")).to_have_text("film")
    page.evaluate("dongui.withdraw()")
    expect(page.locator("dongui-blocked")).to_be_visible()
    page.evaluate("""() => { const f = document.createElement("iframe"); f.dataset.purpose = "statistics";
      f.dataset.src = "/film"; document.body.append(f) }""")
    expect(page.locator("dongui-blocked")).to_have_count(2)


def test_a_placeholder_takes_a_persons_own_click_alone(page: Page, site: Stub, collector: Stub) -> None:
    """A script that clicks gives no consent, nor does a click that was meant for what stood there before."""
    seen = """<script>new MutationObserver(() => {
      const place = document.querySelector("dongui-blocked");
      window.first ??= place?.shadowRoot.querySelector("button").disabled;
    }).observe(document, {childList: true, subtree: true})</script>"""
    site.pages["/"] = page_of(collector, EMBEDS + seen, attributes="data-placeholders")
    page.goto(site.origin)
    press(page, "refuse")
    allow = page.locator('dongui-blocked [data-action="allow"]')
    expect(allow).to_be_enabled()
    assert page.evaluate("window.first") is True
    allow.evaluate("button => button.click()")
    allow.dispatch_event("click")
    page.evaluate("dongui.consent.ready")
    assert len(collector.consents) == 1
    expect(allow).to_be_visible()
    allow.click()
    eventually(lambda: len(collector.consents) == 2, page)
    assert collector.consents[1]["granted"] == ["marketing"]


@pytest.mark.parametrize("name", ["constructor", "__proto__", "toString"])
def test_a_purpose_of_the_prototypes_is_none(page: Page, site: Stub, collector: Stub, name: str) -> None:
    embed = f'<iframe data-purpose="{name}" data-src="/film" title="film"></iframe>'
    site.pages["/"] = page_of(collector, EMBEDS + embed, attributes="data-placeholders")
    page.goto(site.origin)
    press(page, "refuse")
    expect(page.locator("dongui-blocked")).to_have_count(1)
    page.evaluate("name => dongui.consent.set({[name]: true})", name)
    assert all(name not in body["granted"] for body in collector.consents)
    assert not site.asked("/film")
