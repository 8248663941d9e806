"""The page in a real browser: one stylesheet under a strict policy, no sideways scrolling, everything by keyboard."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from threading import Thread
from typing import Any

import pytest
from dongui.policy import render
from playwright.sync_api import sync_playwright
from policies import somoon

POLICY = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
STYLES = {"/v1/policy.css", "/_dongui/v1/policy.css"}


class Door(BaseHTTPRequestHandler):
    """Serves page and stylesheet as the collector does, also behind the middleware's prefix."""

    def do_GET(self) -> None:
        css = self.path in STYLES
        body = (files("dongui.policy") / "policy.css").read_bytes() if css else render(somoon(), "ko").encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/css" if css else "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", POLICY)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def door() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def visit(door: str) -> dict[str, dict[str, Any]]:
    """What the page looks like under each of its addresses, on a screen 320 pixels wide."""
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    seen = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=args)
        for path in ("/policy", "/_dongui/policy"):
            page = browser.new_page(viewport={"width": 320, "height": 640})
            complaints: list[str] = []
            page.on("console", lambda message, said=complaints: said.append(message.text))
            page.goto(door + path)
            seen[path] = {
                "title": page.title(),
                "styled": page.evaluate("getComputedStyle(document.body).maxWidth"),
                "width": page.evaluate("document.documentElement.scrollWidth"),
                "complaints": [text for text in complaints if "favicon" not in text],
            }
            page.keyboard.press("Tab")
            seen[path]["first"] = page.evaluate("document.activeElement.className")
            seen[path]["left"] = page.evaluate("document.activeElement.getBoundingClientRect().left")
            page.keyboard.press("Enter")
            seen[path]["fragment"] = page.url.partition("#")[2]
        browser.close()
    return seen


@pytest.fixture(scope="module")
def pages(door: str) -> dict[str, dict[str, Any]]:
    """In a thread of its own: another suite's Playwright may be at work in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(visit, door).result()


@pytest.mark.browser
@pytest.mark.parametrize("path", ["/policy", "/_dongui/policy"])
def test_the_page_is_styled_and_fits_a_small_screen(pages: dict[str, dict[str, Any]], path: str) -> None:
    """WCAG 1.4.10 at 320 pixels; the stylesheet is found behind any prefix, and nothing breaks the policy."""
    seen = pages[path]
    assert seen["title"] == "개인정보 처리방침"
    assert (seen["styled"], seen["width"], seen["complaints"]) == ("960px", 320, [])


@pytest.mark.browser
def test_the_first_key_leads_past_the_contents(pages: dict[str, dict[str, Any]]) -> None:
    seen = pages["/policy"]
    assert (seen["first"], seen["fragment"]) == ("dongui-policy-skip", "content")
    assert seen["left"] >= 0
