"""In a real Chromium: where the stub is put in it runs, before the page's own tags; elsewhere it could not have."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dongui import ConsentMiddleware
from playwright.sync_api import Browser, Page

from tests.sdk.test_sdk_consent_mode import CASES, STUB, client_with

pytestmark = pytest.mark.browser


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """``/put/<n>``: a page as applications write them. ``/forced/<n>``: with the stub in it, under every nonce."""
    how, number = environ["PATH_INFO"].strip("/").split("/")
    policies, _ = list(CASES.values())[int(number)]
    headers = [("Content-Security-Policy", policy) for policy in policies]
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), *headers])
    nonces = ["", *re.findall("(?i)'nonce-([^']+)'", " ".join(policies))]
    scripts = [b"<script>(window.dataLayer ||= []).push('the first tag')</script>"]
    if how == "forced":
        attributes = [f' nonce="{nonce}"'.encode() if nonce else b"" for nonce in nonces]
        scripts = [b"<!-- /v1/dongui.js -->", *(STUB.replace(b">", a + b">", 1) for a in attributes)]
    elif nonces[-1]:
        scripts[0] = scripts[0].replace(b">", f' nonce="{nonces[-1]}">'.encode(), 1)
    return [b"<!doctype html><html><head>", *scripts, b"<title>x</title></head><body></body></html>"]


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    client = client_with()
    server = make_server("127.0.0.1", 0, ConsentMiddleware(application, client=client), handler_class=Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    client.close()


@pytest.fixture(scope="module")
def page(chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page()
    yield page
    page.context.close()


def layer(page: Page, url: str) -> list[str]:
    """What the data layer holds, in order: commands by their name."""
    page.goto(url)
    told: list[str] = page.evaluate("(window.dataLayer || []).map(e => typeof e == 'string' ? e : e[1] || e.event)")
    return told


@pytest.mark.parametrize("number", range(len(CASES)), ids=list(CASES))
def test_the_browser_agrees(base: str, page: Page, number: int) -> None:
    _, nonce = list(CASES.values())[number]
    told = layer(page, f"{base}/put/{number}")
    if nonce is None:
        assert "default" not in told
        assert layer(page, f"{base}/forced/{number}") == [], "it could not have run"
    else:
        assert told[0] == "default", "before the first tag of the page"
        assert all(first != second for first, second in pairwise(told)), "once"
