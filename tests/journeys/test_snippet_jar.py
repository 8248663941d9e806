"""Cookies of a sibling host: so many that ours go, or so long that the mount takes no request (docs/security.md)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.snippet_steps import BANNER, eventually, granted, ready
from tests.journeys.stub_collector import Answer, Request, Stub

pytestmark = pytest.mark.browser

#: More than any browser keeps of one site.
FILL = "for (let n = 0; n < 400; n++) document.cookie = `filler${n}=1; path=/`"


def given(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    ready(page)
    assert page.evaluate("dongui.consent.set({statistics: true})") == "recorded"


def test_who_loses_the_choice_to_a_full_jar_is_asked_again_and_grants_nothing(
    page: Page, site: Stub, collector: Stub
) -> None:
    given(page, site)
    page.evaluate(FILL)
    assert "dongui" not in page.evaluate("document.cookie")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert granted(page) == []
    before = len(collector.events)
    page.evaluate("dongui.track('x')")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    assert len(collector.events) == before


def test_a_mount_whose_requests_are_too_long_gives_nothing_and_loses_no_withdrawal(
    page: Page, site: Stub, collector: Stub
) -> None:
    given(page, site)

    def too_long(request: Request) -> Answer | None:
        return (431, {}, b"") if request.path == "/v1/consents" else None

    collector.intercept = too_long
    assert page.evaluate("dongui.consent.set({personalisation: true})") == "pending"
    assert page.evaluate("dongui.withdraw('statistics')") == "pending"
    assert granted(page) == []
    collector.intercept = None
    eventually(lambda: collector.state.get("statistics") == "withdrawn", page)
    eventually(lambda: granted(page) == ["personalisation"], page)
