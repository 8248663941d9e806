"""The panel while a decision waits for its record: it shows what was decided last, and saving it takes nothing back."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.journeys.snippet_steps import decide, eventually, granted, press, ready
from tests.journeys.stub_collector import Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

SAVING = "dongui-root [part=saving]"
GIVEN = {"statistics": True, "personalisation": True, "marketing": False}


def switch(page: Page, purpose: str) -> Locator:
    return page.locator(f'dongui-root [data-purpose-switch="{purpose}"]')


def shows(page: Page, wanted: dict[str, bool]) -> None:
    for purpose, on in wanted.items():
        expect(switch(page, purpose)).to_be_checked(checked=on)


@pytest.fixture
def waiting(page: Page, site: Stub, collector: Stub) -> Page:
    """The panel, opened while the grant that the banner gave is on its way."""
    collector.flowing.clear()
    page.goto(site.origin)
    decide(page, "accept", collector)
    page.evaluate("dongui.show()")
    expect(page.locator(SAVING)).not_to_be_empty()
    assert granted(page) == []
    return page


def refusing(collector: Stub) -> None:
    """The collector refuses for good what it is asked to record."""

    def answer(request: Request) -> Answer | None:
        problem = json.dumps({"type": "urn:dongui:problem:origin-not-listed", "title": "x"}).encode()
        return (403, {"Content-Type": "application/problem+json"}, problem) if request.method == "POST" else None

    collector.intercept = answer


def test_saving_beside_a_grant_that_waits_takes_nothing_back(waiting: Page, collector: Stub) -> None:
    shows(waiting, GIVEN)
    press(waiting, "save")
    collector.flowing.set()
    eventually(lambda: granted(waiting) == ["statistics", "personalisation"], waiting)
    eventually(lambda: len(collector.consents) == 2, waiting)
    assert [body["refused"] for body in collector.consents] == [["marketing"], ["marketing"]]


def test_the_panel_learns_of_the_record(waiting: Page, collector: Stub) -> None:
    record = waiting.locator("dongui-root [part=record]")
    expect(record).to_have_count(0)
    collector.flowing.set()
    expect(waiting.locator(SAVING)).to_be_empty()
    shows(waiting, GIVEN)
    expect(record).to_contain_text("방문 통계")


def test_what_the_visitor_moved_stays_moved(waiting: Page, collector: Stub) -> None:
    switch(waiting, "personalisation").uncheck()
    switch(waiting, "marketing").check()
    collector.flowing.set()
    expect(waiting.locator(SAVING)).to_be_empty()
    shows(waiting, {"statistics": True, "personalisation": False, "marketing": True})
    press(waiting, "save")
    eventually(lambda: granted(waiting) == ["statistics", "marketing"], waiting)


def test_a_grant_that_is_refused_for_good_leaves_the_switches_off(waiting: Page, collector: Stub) -> None:
    refusing(collector)
    collector.flowing.set()
    expect(waiting.locator(SAVING)).to_be_empty()
    shows(waiting, dict.fromkeys(GIVEN, False))


def test_a_withdrawal_that_waits_turns_them_off(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: "statistics" in granted(page), page)
    page.evaluate("dongui.show()")
    shows(page, GIVEN)
    collector.flowing.clear()
    page.evaluate("void dongui.withdraw('statistics')")
    shows(page, GIVEN | {"statistics": False})
    expect(page.locator(SAVING)).not_to_be_empty()
    collector.flowing.set()
    expect(page.locator(SAVING)).to_be_empty()
    shows(page, GIVEN | {"statistics": False})


@pytest.mark.parametrize("refused", [False, True], ids=["recorded", "refused for good"])
def test_the_panel_of_another_tab_follows(
    page: Page, context: BrowserContext, site: Stub, collector: Stub, *, refused: bool
) -> None:
    """Also the button that leads back: in the tab that did not decide both said "being saved" for good."""
    site.pages["/other"] = page_of(collector, attributes="data-floating")
    other = context.new_page()
    other.goto(f"{site.origin}/other")
    ready(other)
    press(other, "choose")
    shows(other, dict.fromkeys(GIVEN, False))
    # From here on it listens to the storage, which it does not do while the page loads.
    other.wait_for_timeout(1000)
    collector.flowing.clear()
    page.goto(site.origin)
    decide(page, "accept", collector)
    expect(other.locator(SAVING)).not_to_be_empty()
    shows(other, GIVEN)
    if refused:
        refusing(collector)
    collector.flowing.set()
    expect(other.locator(SAVING)).to_be_empty()
    shows(other, dict.fromkeys(GIVEN, False) if refused else GIVEN)


def test_a_placeholder_offers_nothing_that_the_browser_has_refused(page: Page, site: Stub, collector: Stub) -> None:
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})")
    names = ("marketing", "statistics")
    frames = "".join(f'<iframe data-purpose="{name}" data-src="/film"></iframe>' for name in names)
    site.pages["/"] = page_of(collector, frames, attributes="data-placeholders")
    page.goto(site.origin)
    press(page, "refuse")
    places = page.locator("dongui-blocked")
    expect(places).to_have_count(2)
    expect(places.nth(0)).to_contain_text("거부 신호")
    expect(places.nth(0).locator("button")).to_have_count(0)
    expect(places.nth(1).locator("button")).to_be_enabled()
