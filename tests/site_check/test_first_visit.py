"""A refused origin, from the page that was refused to the console that lists it; and what ticks the steps live."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.runtime import composition

from tests.collector import ORIGIN, Installation
from tests.site_check.pages import serving

STRANGER = "https://xn--9n2bp8q.example:8443"
PAGE = "/console/first-visit"
PATIENCE_S = 120.0


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Installation]:
    made = Installation(tmp_path / "shop")
    try:
        yield made.start()
    finally:
        made.close()


def csrf(browser: httpx.Client, page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)
    assert found
    return found[1]


@contextmanager
def console(shop: Installation) -> Iterator[httpx.Client]:
    """Signed in as the administrator, who stands in for the officer."""
    with httpx.Client(base_url=f"http://127.0.0.1:{shop.desk_port}", timeout=60) as browser:
        sign_in(browser, shop.console_password)
        yield browser


def sign_in(browser: httpx.Client, password: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            browser.get("/healthz")
            break
        except httpx.TransportError:  # the desk starts beside the door
            time.sleep(0.1)
    fields = {"name": "admin", "password": password, "csrf_token": csrf(browser, "/console/login")}
    assert browser.post("/console/login?lang=en", data=fields).status_code == 303


def choose(shop: Installation, origin: str) -> httpx.Response:
    body = {"site": shop.site, "notice": shop.notice(), "granted": [], "refused": ["statistics"]}
    return shop.http.post("/v1/consents", json={**body, "method": "banner", "lang": "en"}, headers={"origin": origin})


def test_a_refused_origin_is_listed_by_whoever_types_its_host(shop: Installation) -> None:
    assert choose(shop, STRANGER).status_code == 403
    assert choose(shop, "https://Odd.example/<b>").status_code == 403  # no browser sends that, so it is not shown
    with console(shop) as browser:
        text = browser.get(f"{PAGE}?lang=en").text
        assert STRANGER in text
        assert "Odd.example" not in text
        token = csrf(browser, PAGE)
        wrong = {"origin": STRANGER, "host": "shop.example.com", "csrf_token": token}
        assert browser.post(f"{PAGE}/origins", data=wrong).status_code >= 400
        assert choose(shop, STRANGER).status_code == 403
        right = {"origin": STRANGER, "host": "xn--9n2bp8q.example", "csrf_token": token}
        assert browser.post(f"{PAGE}/origins", data=right).status_code == 303
        assert choose(shop, STRANGER).status_code == 201
        assert STRANGER not in browser.get(f"{PAGE}/steps").text
    listed = json.loads(shop.run("sites", "list", "--json").stdout)[0]["origins"]
    assert listed == [ORIGIN, STRANGER]


def test_the_key_and_a_page_that_gets_through_tick_their_steps(shop: Installation) -> None:
    control = composition.control(load_settings(Path(shop.config)))
    inventory = {"site": shop.site, "cookies": []}
    wrong = {"authorization": "Bearer sk_wrong"}
    assert shop.http.post("/v1/inventory", json=inventory, headers=wrong).status_code == 401
    known = control.ask("sites.arrivals", site=shop.site)
    assert (known["key_taken_at"], known["key_refused_at"] is None) == (None, False)
    assert choose(shop, ORIGIN).status_code == 201
    assert shop.http.post("/v1/inventory", json=inventory, headers=shop.bearer).status_code == 204
    known = control.ask("sites.arrivals", site=shop.site)
    assert [known[name] is None for name in ("asked_at", "written_at", "key_taken_at")] == [False] * 3
    assert known["refused"] == []


@pytest.mark.browser
def test_check_now_looks_at_the_listed_origins_and_shows_what_it_found(tmp_path: Path) -> None:
    with serving() as pages:
        made = Installation(tmp_path / "shop", origin=pages.origin)
        try:
            made.start()
            tag = f'<script async src="{made.base}/v1/dongui.js" data-site="{made.site}"></script>'
            pages.put("/", f"<!doctype html><title>shop</title>{tag}", content_security_policy="connect-src 'none'")
            with console(made) as browser:
                answer = browser.post(f"{PAGE}/check", data={"csrf_token": csrf(browser, PAGE)})
                assert answer.status_code == 303
                text, deadline = "", time.monotonic() + PATIENCE_S
                while "Last checked" not in text:
                    assert time.monotonic() < deadline
                    text = browser.get(f"{PAGE}/steps").text
                    time.sleep(0.2)
            assert "refuses the snippet: connect-src" in text
            assert "the snippet runs" in text
        finally:
            made.close()
