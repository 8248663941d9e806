"""Markup that a site lets strangers write cannot stand in for what the browser made (issue: DOM clobbering).

Sanitised HTML keeps ``name`` and ``id``; ``<img name=cookie>`` then shadows ``document.cookie``, ``<form id=dongui>``
is ``window.dongui``. The snippet reads prototypes, which markup does not reach.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.conftest import collector, context, page, site
from tests.journeys.snippet_steps import BANNER, cookies, eventually, granted, press, ready
from tests.journeys.stub_collector import Stub

__all__ = ["collector", "context", "page", "site"]  # the journeys' fixtures

pytestmark = pytest.mark.browser

#: What the snippet reads of a document, each under the name of an element that may carry one.
NAMES = [
    "currentScript",
    "cookie",
    "body",
    "documentElement",
    "querySelector",
    "querySelectorAll",
    "createElement",
    "addEventListener",
    "dispatchEvent",
    "activeElement",
    "visibilityState",
    "referrer",
    "prerendering",
]


def stranger(tag: str, name: str, evil: str) -> str:
    """An element with that name, as a sanitiser leaves it; a ``base`` of the attacker's in its address."""
    source = f'src="{evil}/v1/dongui.js" data-site="S"'
    return {
        "img": f"<img name='{name}' {source}>",
        "form": f"<form name='{name}'><input name=dataset></form>",
        "two forms": f"<form name='{name}'></form><form name='{name}'></form>",
        "embed": f"<embed name='{name}' hidden>",
        "object": f"<object id='{name}' name='{name}'></object>",
    }[tag]


def before_the_tag(collector: Stub, markup: str) -> str:
    """The page with the stranger's markup above the snippet, and a tag that waits."""
    tag = f'<script src="{collector.origin}/v1/dongui.js" data-site="S"></script>'
    waiting = '<script type="text/plain" data-purpose="statistics">window.ran = 1</script>'
    return f"<!doctype html><html lang=ko><title>Shop</title><body>{markup}<h1>Shop</h1>{waiting}{tag}</body></html>"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tag", ["img", "form"])
def test_a_name_shadows_nothing_that_the_snippet_reads(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, tag: str, name: str
) -> None:
    site.pages["/"] = before_the_tag(collector, stranger(tag, name, f"http://evil.test:{site.port}"))
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "accept")
    page.wait_for_function("window.ran === 1")
    eventually(lambda: collector.events, page)
    assert "statistics" in granted(page)
    page.evaluate("dongui.withdraw()")
    eventually(lambda: any("statistics" in c["refused"] for c in collector.consents), page)
    eventually(lambda: list(cookies(context)) == ["dongui"], page)
    assert not [r for r in site.requests if "evil" in r.host and r.path != "/v1/dongui.js"]


@pytest.mark.parametrize("tag", ["embed", "object", "two forms"])
def test_other_elements_that_carry_a_name(
    context: BrowserContext, page: Page, site: Stub, collector: Stub, tag: str
) -> None:
    markup = "".join(stranger(tag, name, f"http://evil.test:{site.port}") for name in NAMES)
    site.pages["/"] = before_the_tag(collector, markup)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "refuse")
    expect(page.locator(BANNER)).to_have_count(0)
    eventually(lambda: collector.consents, page)
    eventually(lambda: "dongui" in cookies(context), page)


@pytest.mark.parametrize(
    "markup",
    [
        "<form id=dongui></form>",
        "<img name=dongui>",
        "<form id=dongui><input name=q><input name=_core value=1><input name=push></form>",
        "<a id=dongui></a><a id=dongui name=_core></a>",
        "<iframe name=dongui></iframe>",
    ],
)
def test_an_element_is_not_the_snippet(page: Page, site: Stub, collector: Stub, markup: str) -> None:
    site.pages["/"] = before_the_tag(collector, markup)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    ready(page)
    page.evaluate("dongui.consent.set({statistics: true})")
    page.wait_for_function("window.ran === 1")
