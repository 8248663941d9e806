"""What the consent record says of the question: the layout, the language, and a digest of the words (W3, W4)."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import urlsplit

import pytest
from dongui_collector.intake.schema import ConsentIn, decode
from dongui_collector.ledger.decisions import LAYOUTS
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, press
from tests.journeys.stub_collector import Stub, page_of

pytestmark = pytest.mark.browser


def said(
    page: Page, site: Stub, collector: Stub, *actions: str, attributes: str = "", lang: str = "ko"
) -> dict[str, Any]:
    """What is sent when somebody who was not asked before presses these."""
    page.context.clear_cookies()
    collector.requests.clear()
    site.pages["/"] = page_of(collector, attributes=attributes, lang=lang)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    for action in actions:
        press(page, action)
    eventually(lambda: collector.consents, page)
    [body] = collector.consents
    eventually(lambda: page.evaluate("!Object.keys(localStorage).some(k => k.startsWith('dongui.queue'))"), page)
    return body


@pytest.mark.parametrize(
    ("attributes", "actions", "layout"),
    [
        ("", ["accept"], "compact"),
        ("", ["refuse"], "compact"),
        ('data-layout="full"', ["accept"], "full"),
        ('data-layout="nonsense"', ["accept"], "compact"),
        ("", ["choose", "save"], "panel"),
        ('data-layout="full"', ["choose", "refuse"], "panel"),
    ],
)
def test_the_layout(page: Page, site: Stub, collector: Stub, attributes: str, actions: list[str], layout: str) -> None:
    body = said(page, site, collector, *actions, attributes=attributes)
    assert (body["layout"], body["lang"]) == (layout, "ko")
    assert layout in LAYOUTS
    assert re.fullmatch("[0-9a-f]{16}", body["catalog"])


def test_the_collector_takes_what_the_snippet_sends(page: Page, site: Stub, collector: Stub) -> None:
    said(page, site, collector, "accept")
    [request] = collector.asked("/v1/consents", "POST")
    body = dict(request.body, site="s_0123456789ab")
    sent = decode(json.dumps(body).encode(), ConsentIn)
    assert (sent.layout, sent.catalog) == ("compact", request.body["catalog"])


def test_the_digest_is_that_of_the_words(page: Page, site: Stub, collector: Stub) -> None:
    """The same words have the same digest, whatever else is different; one other word has another."""
    once = said(page, site, collector, "accept")["catalog"]
    assert said(page, site, collector, "refuse", attributes='data-layout="full"')["catalog"] == once
    others = [
        said(page, site, collector, "accept", lang="en"),
        said(page, site, collector, "accept", attributes="""data-words='{"intro": "예?"}'"""),
        said(page, site, collector, "choose", "save"),
        said(page, site, collector, "choose", "save", attributes="""data-words='{"save": "예"}'"""),
    ]
    assert len({once, *(body["catalog"] for body in others)}) == 5


def test_who_presses_at_once_has_the_words_on_record(page: Page, site: Stub, collector: Stub) -> None:
    """What makes decisions is not there yet: no pointer has moved, and nothing had the focus before."""
    site.pages["/"] = page_of(collector)
    page.goto(site.origin)
    button = page.locator('dongui-root [data-action="accept"]')
    expect(button).to_be_enabled()
    assert not collector.asked("/v1/queue.js")
    button.evaluate("e => e.focus()")
    page.keyboard.press("Enter")
    eventually(lambda: collector.consents, page)
    assert re.fullmatch("[0-9a-f]{16}", collector.consents[0]["catalog"])


def test_without_a_secure_context_it_goes_without_the_digest(
    context: BrowserContext, page: Page, site: Stub, collector: Stub
) -> None:
    site.pages["/"] = page_of(collector)
    page.goto(f"http://shop.test:{urlsplit(site.origin).port}/")
    assert not page.evaluate("isSecureContext")
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    assert collector.consents[0]["layout"] == "compact"
    assert "catalog" not in collector.consents[0]


def test_what_the_page_asks_in_its_own_words_says_nothing_of_ours(page: Page, site: Stub, collector: Stub) -> None:
    site.pages["/"] = page_of(collector)
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("dongui.consent.set({statistics: true})")
    eventually(lambda: collector.consents, page)
    assert not {"layout", "catalog"} & set(collector.consents[0])
