"""The documentation's site is searched in the reader's language, and nothing of it is asked of another host."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.documentation.test_site import build

pytestmark = pytest.mark.browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("docs")
    build(folder)
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_a_word_of_either_language_leads_to_its_page(page: Page, docs: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for start, word, title in (
        ("/", "withdrawal", "withdraw"),
        ("/ko/", "보호책임자", "개인정보 보호책임자의 10분"),
        ("/ko/", "동의", "dongui"),
    ):
        page.goto(docs + start)
        page.locator(".md-search__input").click()
        page.keyboard.type(word)
        first = page.locator(".md-search-result__item").filter(has_text=title).first
        expect(first).to_be_visible()
        first.locator("a").first.click()
        expect(page.locator("mark").filter(has_text=word).first).to_be_visible()
    assert {url for url in asked if not url.startswith((docs, "data:", "blob:"))} == set()
