"""What a visitor does, and what a journey waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import BrowserContext, Page

from tests.journeys.stub_collector import Stub

BANNER = "dongui-root dialog"


def eventually(condition: Callable[[], object], page: Page) -> None:
    """Waits until the condition holds; a generous bound, not a timing assertion."""
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "it never came to pass"
        page.wait_for_timeout(25)


def quiet(page: Page, stub: Stub) -> None:
    """Waits until nothing arrives any more: what a page had sent before it went is here by then."""
    for _ in range(20):
        before = len(stub.requests)
        page.wait_for_timeout(500)
        if len(stub.requests) == before:
            return


def press(page: Page, action: str) -> None:
    page.locator(f'dongui-root [data-action="{action}"]').click()


def decide(page: Page, action: str, stub: Stub) -> None:
    """Presses it and waits until the decision is on its way: until then nothing on the page happens under it."""
    before = len(stub.consents)
    press(page, action)
    eventually(lambda: len(stub.consents) > before, page)


def cookies(context: BrowserContext) -> dict[str, str]:
    return {c["name"]: c["value"] for c in context.cookies()}


def granted(page: Page) -> list[str]:
    """What the page holds to be granted, once the choice is known."""
    return page.evaluate(
        "dongui.consent.ready.then(s => Object.keys(s).filter(dongui.consent.granted))",
    )


def ready(page: Page) -> None:
    """Waits until the snippet has judged the choice."""
    page.wait_for_function("window.dongui && dongui.consent")
    page.evaluate("dongui.consent.ready")
