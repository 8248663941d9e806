"""In a real Chromium, beside a real collector: each page is counted once, whoever counts it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import make_server

import pytest
from dongui import Client, ConsentMiddleware
from playwright.sync_api import Browser, Page

from tests.collector import Installation
from tests.sdk.conftest import QUICK
from tests.sdk.test_sdk_consent_mode_browser import Quiet

pytestmark = pytest.mark.browser


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    return [b"<!doctype html><html lang=en><head><title>x</title></head><body>page</body></html>"]


@contextmanager
def shop(installation: Installation, **options: Any) -> Iterator[tuple[str, Client]]:
    """A site of its own, served until the end of the block: (its origin, its client)."""
    server = make_server("127.0.0.1", 0, application, handler_class=Quiet)
    origin = f"http://127.0.0.1:{server.server_port}"
    added = installation.run("sites", "add", f"shop-{server.server_port}", "--origin", origin, "--json")
    made = json.loads(added.stdout)
    given = {"site": made["site"], "secret_key": made["secret_key"], "collector": installation.base, "inject": True}
    client = Client(delivery=QUICK, learn_timeout=60, **{**given, **options})
    server.set_app(ConsentMiddleware(application, client=client))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield origin, client
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        client.close()


def held(page: Page) -> list[tuple[str, str]]:
    """(name, path) of what is held about this browser, oldest first."""
    asked = "fetch('/_dongui/v1/me', {headers: {'X-Dongui': '1'}}).then(a => a.ok ? a.json() : {events: []})"
    found = [(event["name"], "/" + event["url"].split("/", 3)[3]) for event in page.evaluate(asked)["events"]]
    return sorted(found)


def track(page: Page, name: str) -> None:
    """Has the page say something, and waits until it is held: what the page had to say before is held by then."""
    page.evaluate("name => dongui.track(name)", name)
    end = time.monotonic() + 60
    while name not in [event for event, _ in held(page)]:
        assert time.monotonic() < end, held(page)
        page.wait_for_timeout(50)


@pytest.mark.parametrize("page_views", [True, False], ids=["server", "snippet"])
def test_each_page_is_counted_once(installation: Installation, chromium: Browser, page_views: bool) -> None:
    context = chromium.new_context(locale="en-GB")
    with shop(installation, page_views=page_views) as (origin, client):
        page = context.new_page()
        page.goto(f"{origin}/agreed")
        page.locator('dongui-root [data-action="refuse"]').wait_for()
        page.evaluate("dongui.consent.set({statistics: true})")
        track(page, "first")
        page.goto(f"{origin}/second")
        track(page, "second")
        page.evaluate("history.pushState(null, '', '/within')")
        track(page, "third")
        page.reload()
        track(page, "fourth")
        assert client.flush(60)
        views = [path for name, path in held(page) if name == "pageview"]
        assert views == ["/agreed", "/second", "/within", "/within"]
        assert client.stats()["recorded"] == (2 if page_views else 0), "the server's share"
    context.close()


def test_the_policy_says_so_to_the_browser(installation: Installation, chromium: Browser, tmp_path: Path) -> None:
    context = chromium.new_context()
    with shop(installation) as (origin, client):
        page = context.new_page()
        page.goto(origin)
        ask = f"fetch('/_dongui/v1/notice?site={client.options.site}').then(a => a.json()).then(n => n.page_views)"
        assert [page.evaluate(ask), page.evaluate(ask)] == ["server", "server"], "also from the browser's cache"
    context.close()
