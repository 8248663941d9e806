"""What every journey needs: a page, and for the snippet's own a site and a stub of the collector."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.stub_collector import Stub, page_of, serving

expect.set_options(timeout=60_000)  # what is waited for comes: a slow machine fails nobody


@pytest.fixture
def collector() -> Iterator[Stub]:
    """A collector on an origin of its own."""
    with serving(Stub()) as stub:
        yield stub


@pytest.fixture
def site(collector: Stub) -> Iterator[Stub]:
    """The site that uses it; its `pages` are what it serves, `/` with the snippet among them."""
    with serving(Stub()) as stub:
        stub.pages["/"] = page_of(collector)
        yield stub


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    context = chromium.new_context(locale="ko-KR")
    context.set_default_timeout(60_000)  # as above
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that fails the journey when any script on it throws."""
    page = context.new_page()
    thrown: list[str] = []
    page.on("pageerror", lambda error: thrown.append(str(error)))
    yield page
    assert [text for text in thrown if "theirs" not in text] == []
