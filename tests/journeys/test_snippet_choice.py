"""The choice: asked again when it must be, shared where it may be, and told to whoever listens."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.clock import now_s
from tests.conftest import FLAGS
from tests.journeys.snippet_steps import BANNER, cookies, eventually, granted, press, ready
from tests.journeys.stub_collector import VISITOR, Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser


def choose(context: BrowserContext, site: Stub, version: str, purposes: str, age: int = 60) -> None:
    """A choice that was made `age` seconds ago."""
    number, text = now_s() - age, ""
    while number:
        number, digit = divmod(number, 36)
        text = "0123456789abcdefghijklmnopqrstuvwxyz"[digit] + text
    context.add_cookies([{"name": "dongui", "value": f"1~{version}~{purposes}~{text}", "url": site.origin}])


def test_a_new_notice_that_needs_consent_asks_again(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    choose(context, site, "v1", "statistics")
    collector.policy |= {"version": "v2", "accepts": ["v2"]}
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert granted(page) == []
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["notice"] == "v2"


def test_a_new_notice_that_needs_none_asks_nobody(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    choose(context, site, "v1", "statistics")
    collector.policy |= {"version": "v2", "accepts": ["v2", "v1"]}
    page.goto(site.origin)
    ready(page)
    assert granted(page) == ["statistics"]
    assert page.locator(BANNER).count() == 0


@pytest.mark.parametrize(("age", "asked"), [(15552000 - 3600, False), (15552000 + 60, True), (-2 * 86400, False)])
def test_a_choice_lives_as_long_as_the_policy_says(
    context: BrowserContext, page: Page, site: Stub, age: int, asked: bool
) -> None:
    choose(context, site, "v1", "statistics", age)
    page.goto(site.origin)
    ready(page)
    assert granted(page) == ([] if asked else ["statistics"])
    expect(page.locator(BANNER)).to_have_count(int(asked))


def test_a_grant_that_is_due_is_asked_for_again_and_stands_meanwhile(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    collector.policy["purposes"]["statistics"]["reconfirm_seconds"] = 1000
    choose(context, site, "v1", "statistics", age=2000)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert granted(page) == ["statistics"]


def test_a_superseded_notice_does_not_count(page: Page, site: Stub, collector: Stub, context: BrowserContext) -> None:
    def superseded(request: Request) -> Answer | None:
        if request.path == "/v1/consents" and request.body["notice"] == "v1":
            collector.policy |= {"version": "v2", "accepts": ["v2"]}
            return (
                409,
                {"Content-Type": "application/problem+json"},
                b'{"type": "urn:dongui:problem:superseded-notice"}',
            )
        return None

    collector.intercept = superseded
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: len(collector.asked("/v1/notice")) == 2, page)
    expect(page.locator(BANNER)).to_be_visible()
    assert granted(page) == []
    assert collector.events == []
    press(page, "refuse")
    eventually(lambda: cookies(context).get("dongui", "").startswith("1~v2~~"), page)
    assert len(collector.consents) == 2


def test_listeners_hear_every_change_once(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("window.heard = []; window.stop = dongui.consent.onChange(s => heard.push(s)); 0")
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    page.evaluate("dongui.consent.set({statistics: true})")
    page.evaluate("dongui.withdraw('statistics')")
    page.evaluate("stop(); dongui.withdraw()")
    assert page.evaluate("heard") == [
        {"statistics": True, "personalisation": True, "marketing": False},
        {"statistics": False, "personalisation": True, "marketing": False},
    ]
    assert page.evaluate("dongui.consent.ready") == {"statistics": False, "personalisation": False, "marketing": False}


def test_set_leaves_the_purposes_it_does_not_name(
    page: Page, site: Stub, collector: Stub, context: BrowserContext
) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    page.evaluate("dongui.consent.set({marketing: true})")
    eventually(lambda: len(collector.consents) == 2, page)
    assert (collector.consents[1]["granted"], collector.consents[1]["refused"]) == (["marketing"], [])
    assert cookies(context)["dongui"].split("~")[2] == "statistics.personalisation.marketing"


def test_the_last_word_is_the_last_one_said(page: Page, site: Stub, collector: Stub) -> None:
    """Calls come into force in their order, also while what they need is still loading."""
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("""() => { const made = []; for (let n = 0; n < 8; n++) made.push(
      dongui.consent.set({statistics: true}), dongui.consent.set({marketing: true}), dongui.withdraw("statistics"));
      return Promise.all(made) }""")
    eventually(lambda: page.evaluate("!JSON.stringify(localStorage).includes('dongui.queue')"), page)
    assert collector.state["statistics"] in ("withdrawn", "refused")
    assert collector.state["marketing"] == "given"
    # What was taken back before it was sent never left the browser; what was sent was taken back after it.
    last = [i for i, c in enumerate(collector.consents) if "statistics" in c["granted"] + c["refused"]][-1]
    assert "statistics" in collector.consents[last]["refused"]
    assert granted(page) == ["marketing"]


def test_nobody_decides_on_purposes_that_there_are_not(
    page: Page, site: Stub, collector: Stub, context: BrowserContext
) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("Promise.all([dongui.withdraw('nonsense'), dongui.consent.set({nonsense: true})])")
    assert context.cookies() == []
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "refuse")
    eventually(lambda: collector.consents, page)
    assert [len(c["refused"]) for c in collector.consents] == [3]


def test_headless_asks_nobody_and_works(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector, attributes='data-ui="none"')
    page.goto(site.origin)
    ready(page)
    page.evaluate("dongui.show(); dongui.myData()")
    page.wait_for_timeout(300)
    assert page.locator("dongui-root").count() == 0
    page.evaluate("dongui.consent.set({statistics: true})")
    eventually(lambda: collector.events, page)
    assert collector.consents[0]["method"] == "api"


def test_subdomains_share_the_choice_when_told_to(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    site.pages["/"] = page_of(collector, attributes='data-domain="example.test"')
    page.goto(f"http://www.example.test:{site.port}/")
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.goto(f"http://shop.example.test:{site.port}/")
    ready(page)
    assert granted(page) == ["statistics", "personalisation"]
    assert page.locator(BANNER).count() == 0
    # A copy of the id from before the domain was shared goes as well.
    context.add_cookies([{"name": "dongui_id", "value": VISITOR, "url": f"http://shop.example.test:{site.port}"}])
    page.evaluate("dongui.withdraw()")
    assert [c["name"] for c in context.cookies()] == ["dongui"]


def test_a_prerendered_page_waits_to_be_seen(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(
        collector,
        head="<script>Object.defineProperty(document, 'prerendering', {get: () => !window.seen})</script>",
    )
    page.goto(site.origin)
    # Playwright's own waiting takes such a page for hidden.
    eventually(lambda: page.evaluate("!!window.dongui"), page)
    page.wait_for_timeout(300)
    assert {r.path for r in collector.requests} == {"/v1/dongui.js"}
    page.evaluate("window.seen = true; document.dispatchEvent(new Event('prerenderingchange'))")
    expect(page.locator(BANNER)).to_be_visible()


def test_the_pages_signal_travels_with_the_choice(page: Page, site: Stub, collector: Stub) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["signals"] == {"gpc": True}
    assert "marketing" in collector.consents[0]["refused"]


def test_a_signal_switched_on_later_ends_what_heeds_it(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    choose(context, site, "v1", "statistics.marketing")
    context.add_cookies([{"name": "_fbp", "value": "fb.1", "url": site.origin}])
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    page.goto(site.origin)
    ready(page)
    assert granted(page) == ["statistics"]
    eventually(lambda: "_fbp" not in cookies(context), page)


@pytest.mark.parametrize("heeded", [True, False])
def test_do_not_track_counts_where_the_site_says_so(page: Page, site: Stub, collector: Stub, heeded: bool) -> None:
    """W8: off by default; heeded, it stands for refusing whatever heeds signals."""
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'doNotTrack', {get: () => '1'})")
    site.pages["/"] = page_of(collector, attributes="data-dnt" if heeded else "")
    page.goto(site.origin)
    box = page.locator('dongui-root [data-purpose-switch="marketing"]')
    expect(box).to_be_disabled() if heeded else expect(box).to_be_enabled()
    press(page, "accept")
    eventually(lambda: granted(page), page)  # the grant is on record
    page.evaluate("dongui.consent.set({marketing: true})")
    assert ("marketing" in granted(page)) is not heeded
    eventually(lambda: collector.consents, page)
    # The ledger knows of GPC alone.
    assert collector.consents[0]["signals"] == {"gpc": False}


def test_words_can_be_replaced(page: Page, site: Stub, collector: Stub) -> None:
    """Of the question, of what is loaded later, and of what stands on the page."""
    words = """data-words='{"title": "쿠키 안내", "save": "이대로 저장", "back": "쿠키 설정"}' data-floating"""
    site.pages["/"] = page_of(collector, attributes=words)
    page.goto(site.origin)
    expect(page.get_by_role("dialog", name="쿠키 안내")).to_be_visible()
    press(page, "choose")
    expect(page.locator('dongui-root [data-action="save"]')).to_have_text("이대로 저장")
    press(page, "save")
    expect(page.locator("dongui-floating button")).to_have_text("쿠키 설정")


def test_a_modal_question_waits_for_its_answer(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(
        collector, "<button id=b onclick='document.title = 1'>b</button>", attributes="data-modal"
    )
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert page.locator(BANNER).evaluate("e => e.matches(':modal')")
    press(page, "refuse")
    page.locator("#b").click()
    expect(page).to_have_title("1")


def test_the_language_can_be_set(chromium: Browser, site: Stub, collector: Stub) -> None:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    site.pages["/"] = page_of(collector, lang="fr", attributes='data-lang="ko"')
    page.goto(site.origin)
    expect(page.locator('dongui-root [data-action="refuse"]')).to_have_text("동의하지 않음")
    site.pages["/"] = page_of(collector, lang="fr")
    page.goto(site.origin)
    expect(page.locator('dongui-root [data-action="refuse"]')).to_have_text("Do not agree")
    assert page.locator("dongui-root").get_attribute("lang") == "en"
    context.close()


def test_a_blocked_jar_records_no_grant(page: Page, site: Stub, collector: Stub) -> None:
    """A consent whose id no cookie keeps could not be withdrawn: it is none, and nobody is asked twice on the page."""
    head = "<script>Object.defineProperty(document, 'cookie', {get: () => '', set() {}})</script>"
    site.pages["/"] = page_of(collector, head=head)
    page.goto(site.origin)
    press(page, "accept")
    expect(page.locator(BANNER)).to_have_count(0)
    assert page.evaluate("dongui.consent.set({statistics: true})") == "refused"
    page.evaluate("dispatchEvent(new Event('pageshow'))")
    page.wait_for_timeout(200)
    assert page.locator(BANNER).count() == 0
    assert granted(page) == []
    assert collector.consents == collector.events == []


def test_a_browser_that_blocks_all_cookies(chromium: Browser, site: Stub, collector: Stub, tmp_path: Path) -> None:
    """By the browser's own setting, which makes storage throw: nobody is asked, nothing is granted, nothing kept."""
    settings = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (tmp_path / "Default").mkdir()
    (tmp_path / "Default" / "Preferences").write_text(json.dumps(settings))
    context = chromium.browser_type.launch_persistent_context(
        tmp_path, executable_path="/usr/bin/chromium", args=FLAGS, locale="ko-KR"
    )
    page = context.new_page()
    page.goto(site.origin)
    blocked = "() => { try { return localStorage.length } catch (error) { return error.name } }"
    assert page.evaluate(blocked) == "SecurityError"
    ready(page)
    eventually(lambda: collector.asked("/v1/ui.js"), page)
    assert page.evaluate("dongui.consent.set({statistics: true})") == "refused"
    assert page.evaluate("dongui.withdraw()") == "recorded"
    assert page.locator(BANNER).count() == 0
    assert [c["granted"] for c in collector.consents] == [[]]
    assert collector.events == []
    assert context.cookies() == []
    context.close()


def test_the_module_does_nothing_until_it_is_started(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = f"""<!doctype html><html lang="ko"><title>Shop</title><script type="module">
      import {{ init }} from "{collector.origin}/v1/index.js";
      window.go = () => {{ window.api = init({{site: "S", base: "{collector.origin}"}}); return init({{}}) === api }};
    </script>"""
    page.goto(site.origin)
    page.wait_for_function("() => !!window.go")
    assert {r.path for r in collector.requests} == {"/v1/index.js"}
    assert page.evaluate("typeof window.dongui") == "undefined"
    assert page.evaluate("go()")
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert page.evaluate("api.consent.granted('statistics')")


def test_the_module_takes_a_path_of_the_pages_own_origin(page: Page, collector: Stub) -> None:
    """Where the id is a cookie that no script reads, what is granted is recorded all the same."""
    collector.mounted = True
    collector.pages["/"] = """<!doctype html><html lang="ko"><title>Shop</title><script type="module">
      import { init } from "/_dongui/v1/index.js";
      init({site: "S", base: "/_dongui"});
    </script>"""
    page.goto(collector.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    assert collector.asked("/v1/events")[0].body["visitor"] is None
