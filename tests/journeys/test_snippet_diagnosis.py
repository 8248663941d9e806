"""What a developer reads in the browser's console while the snippet cannot work (docs/troubleshooting.md)."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

PART = "/v1/diagnostics.js"


@pytest.fixture
def said(page: Page) -> list[str]:
    messages: list[str] = []
    page.on("console", lambda m: messages.append(m.text) if m.text.startswith("dongui:") else None)
    return messages


def looks_again(page: Page) -> None:
    """What makes a page look at the world again."""
    page.evaluate("for (let n = 0; n < 3; n++) dispatchEvent(new Event('online'))")
    page.wait_for_load_state("networkidle")


def problem(slug: str, status: int) -> Answer:
    body = json.dumps({"type": f"urn:dongui:problem:{slug}", "title": slug, "status": status}).encode()
    return status, {"Content-Type": "application/problem+json"}, body


REFUSED = {
    "wrong site id": (problem("unknown-site", 404), "the collector knows no such site"),
    "draft": (problem("not-published", 404), "dongui policy publish"),
    "mount without a collector": (problem("unavailable", 503), "the site's own server cannot reach the collector"),
    "the console's port": ((404, {"Content-Type": "text/html"}, b"<h1>Not found"), "is no collector"),
    "another program": ((200, {"Content-Type": "application/json"}, b"[]"), "(port 8787 unless set)"),
}


@pytest.mark.parametrize(("answer", "text"), REFUSED.values(), ids=REFUSED)
def test_a_mistake_is_named_once(
    page: Page, site: Stub, collector: Stub, said: list[str], answer: Answer, text: str
) -> None:
    asked = ("/v1/notice", "/v1/policy")
    collector.intercept = lambda request: answer if request.path in asked else None
    page.goto(site.origin)
    eventually(lambda: said, page)
    looks_again(page)
    assert len(said) == 1
    assert text in said[0]


def test_a_tag_without_a_site_is_named(page: Page, site: Stub, collector: Stub, said: list[str]) -> None:
    collector.intercept = lambda request: problem("unknown-site", 404) if request.path == "/v1/notice" else None
    site.pages["/"] = page_of(collector).replace('data-site="S"', "")
    page.goto(site.origin)
    eventually(lambda: said, page)
    assert "has no data-site" in said[0]
    assert not collector.asked("/v1/policy")


def test_a_collector_that_is_away_is_named(page: Page, site: Stub, collector: Stub, said: list[str]) -> None:
    for path in ("**/v1/notice*", "**/v1/policy*", "**/healthz"):
        page.route(path, lambda route: route.abort())
    page.goto(site.origin)
    eventually(lambda: said, page)
    assert said == [
        f"dongui: no collector answers at {collector.origin}. Start it (`dongui serve`); the tag's src has to name its "
        "public address."
    ]


@pytest.mark.parametrize(
    ("status", "kind", "body"),
    [(404, "text/html", b"<p>gone"), (200, "text/html", b"<p>sign in"), (200, "text/javascript", b"import 'x'")],
)
def test_an_interface_that_does_not_run_is_named(
    page: Page, site: Stub, collector: Stub, said: list[str], status: int, kind: str, body: bytes
) -> None:
    broken = (status, {"Content-Type": kind}, body)
    collector.intercept = lambda request: broken if request.path == "/v1/ui.js" else None
    page.goto(site.origin)
    eventually(lambda: said, page)
    assert [text.partition(",")[0] for text in said] == [f"dongui: ui.js does not come from {collector.origin}"]


def test_a_policy_that_refuses_the_collector_is_named(page: Page, site: Stub, collector: Stub, said: list[str]) -> None:
    csp = f"script-src {collector.origin}; connect-src 'self'"
    site.pages["/"] = ({"Content-Security-Policy": csp}, page_of(collector))
    page.goto(site.origin)
    eventually(lambda: said, page)
    assert "Content-Security-Policy refuses the collector (connect-src)" in said[0]


def test_an_origin_that_is_not_listed_is_named(page: Page, site: Stub, collector: Stub, said: list[str]) -> None:
    def refuse(request: Request) -> Answer | None:
        return problem("origin-not-listed", 403) if request.method == "POST" else None

    collector.intercept = refuse
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: said, page)
    assert f"dongui sites add NAME --origin {site.origin}" in said[0]
    assert len(said) == 1


def test_blocked_cookies_are_named(context: BrowserContext, page: Page, said: list[str], site: Stub) -> None:
    context.add_init_script(
        "Object.defineProperty(Document.prototype, 'cookie', {get: () => '', set() {}, configurable: true})"
    )
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: said, page)
    assert "the browser keeps no cookie of this page" in said[0]


@pytest.mark.parametrize(
    "words",
    [
        "{title: 1}",
        "title=Cookies",
        "null",
        "7",
        '"title"',
        '["title", "Cookies"]',
        '{"acceptTo": 5}',
        '{"title": null, "acceptTo": ["a"], "refuse": {"ko": "a"}, "choose": true, "again": 1}',
    ],
)
def test_broken_words_are_named_and_the_question_is_asked(
    page: Page, site: Stub, collector: Stub, said: list[str], words: str
) -> None:
    site.pages["/"] = page_of(collector, attributes=f"data-words='{words}'")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    eventually(lambda: said, page)
    looks_again(page)
    assert len(said) == 1
    assert "data-words is no JSON" in said[0]
    expect(page.locator('dongui-root [data-action="accept"]')).to_contain_text("에 동의")
    expect(page.locator('dongui-root [data-action="refuse"]')).to_have_text("동의하지 않음")


def test_where_nothing_is_wrong_nothing_is_said_or_loaded(
    page: Page, site: Stub, collector: Stub, said: list[str]
) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    page.wait_for_load_state("networkidle")
    assert said == []
    assert not collector.asked(PART)


def test_with_debug_it_says_so(page: Page, site: Stub, collector: Stub, said: list[str]) -> None:
    site.pages["/"] = page_of(collector, attributes="data-debug")
    page.goto(site.origin)
    eventually(lambda: said, page)
    assert said[0].startswith(f"dongui: the collector at {collector.origin} answers for this site")
