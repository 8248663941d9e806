"""The demo shop in a real Chromium, beside a real collector: what the README promises, seen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from dongui_collector.core.settings import load_settings
from dongui_collector.demo.holdings import find_bytes, holdings
from dongui_collector.demo.journey import DemoVisitor, journey
from dongui_collector.demo.stage import Stage
from dongui_collector.runtime.composition import open_core
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage

pytestmark = pytest.mark.browser


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(testing=True) as stage:
        yield stage


@pytest.fixture
def visitor(stage: Stage, context: BrowserContext) -> DemoVisitor:
    context.set_default_timeout(60_000)
    return DemoVisitor(stage, context)


def totals(stage: Stage, prefix: str) -> dict[str, int]:
    core = open_core(load_settings(stage.config), writable=False)
    try:
        return {
            name.removeprefix(prefix): n
            for (_, _, name), n in core.storage.ledger.totals().items()
            if name.startswith(prefix)
        }
    finally:
        core.close()


def test_the_whole_journey(stage: Stage, chromium: Browser) -> None:
    """Everything that ``dongui demo --check`` looks at."""
    seen = list(journey(stage, chromium))
    assert [found.line() for found in seen if not found.ok] == []
    assert {found.step for found in seen} == {
        "before a choice",
        "statistics granted",
        "looking around",
        "marketing granted",
        "live page",
        "withdrawn",
        "ageing out",
    }


def test_refusing_takes_one_click_and_leaves_no_identifier(stage: Stage, visitor: DemoVisitor) -> None:
    visitor.open(click=True)
    with visitor.page.expect_response(lambda answer: answer.url.endswith("/v1/consents")):
        visitor.press("refuse")
    visitor.open("goods/teapot", click=True)
    visitor.page.locator("h1").wait_for()
    visitor.page.wait_for_timeout(1500)
    assert visitor.page.locator("dongui-root").count() == 0
    assert visitor.cookies() == {"dongui"}
    held = holdings(stage.config)
    assert (held.rows, held.consents) == (0, 0)
    assert totals(stage, "consent.refused.") == {"statistics": 1, "personalisation": 1, "marketing": 1, "analysis": 1}
    assert visitor.sentinel_in_data(visitor.campaign) == []
    assert visitor.sentinel_in_data(visitor.click_id) == []


def test_accepting_grants_no_advertising_that_was_not_ticked(stage: Stage, visitor: DemoVisitor) -> None:
    visitor.open(click=True)
    with visitor.page.expect_response(lambda answer: answer.url.endswith("/v1/consents")):
        visitor.press("accept")
    visitor.open(click=True)
    assert visitor.until(lambda: visitor.mine())
    assert "_ga" in visitor.cookies()
    assert "_fbp" not in visitor.cookies()
    assert visitor.sentinel_in_data(visitor.click_id) == []


def test_erasing_on_the_live_page_destroys_everything_at_once(stage: Stage, visitor: DemoVisitor) -> None:
    visitor.open(click=True)
    visitor.press("choose")
    visitor.choose(statistics=True)
    visitor.open("live")
    count = visitor.page.locator("#count")
    assert visitor.until(lambda: count.inner_text() not in ("", "–", "0"))
    visitor.page.locator("#erase").click()
    assert visitor.until(lambda: count.inner_text() == "0")
    assert holdings(stage.config).rows == 0
    assert visitor.sentinel_in_data(visitor.campaign) == []


def test_the_shop_works_whatever_was_chosen(stage: Stage, visitor: DemoVisitor) -> None:
    """Invariant 6: what is necessary passes; the cart and the login need no consent."""
    visitor.open()
    visitor.press("refuse")
    page = visitor.page
    page.locator("ul.goods a").first.click()
    page.locator("button.primary").click()
    page.wait_for_url("**/cart")
    assert "68,000" in page.locator(".sum").inner_text()
    page.locator("button.primary").click()
    page.wait_for_url("**/order")
    visitor.open("login")
    page.fill("input[name=nickname]", "Sunny")
    page.fill("input[name=password]", "anything")
    page.locator("main button").click()
    page.wait_for_url("**/ko/")
    assert "Sunny" in page.locator(".hello").inner_text()
    assert visitor.cookies() == {"dongui", "shop_session"}
    assert holdings(stage.config).rows == 0


def test_a_purchase_of_a_consenting_visitor_is_recorded_by_the_server(stage: Stage, visitor: DemoVisitor) -> None:
    visitor.open()
    visitor.press("choose")
    visitor.choose(statistics=True)
    visitor.open("goods/teacup")
    visitor.page.locator("button.primary").click()
    visitor.page.wait_for_url("**/cart")
    visitor.page.locator("button.primary").click()
    names = ["add_to_cart", "purchase"]
    assert visitor.until(lambda: set(names) <= {row["name"] for row in visitor.mine()})
    rows = {row["name"]: row for row in visitor.mine()}
    assert rows["add_to_cart"]["props"] == {"good": "teacup"}
    assert rows["purchase"]["props"] == {"goods": 1}


@pytest.mark.parametrize("locale", ["ko-KR", "en-GB"])
def test_shop_banner_and_policy_speak_the_visitors_language(stage: Stage, chromium: Browser, locale: str) -> None:
    context = chromium.new_context(locale=locale)
    try:
        visitor = DemoVisitor(stage, context)
        visitor.page.goto(f"{stage.shop}/")
        words = visitor.page.locator("dongui-root [data-action=refuse]").inner_text()
        assert bool(re.search("[가-힣]", words)) == (locale == "ko-KR")
        visitor.press("refuse")
        visitor.page.locator("footer nav a").click()
        assert visitor.page.locator("html").get_attribute("lang") == locale[:2]
        assert visitor.page.locator("h1").count() == 1
    finally:
        context.close()


def test_a_strict_content_security_policy_is_never_in_the_way(stage: Stage, visitor: DemoVisitor) -> None:
    said: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 40" not in message.text:
            said.append(message.text)

    visitor.page.on("console", hear)
    visitor.page.on("pageerror", lambda error: said.append(str(error)))
    visitor.open(click=True)
    visitor.press("choose")
    visitor.choose(statistics=True, marketing=True)
    for path in ("", "shelf/tea", "goods/tin", "search?q=", "cart", "login", "live"):
        visitor.open(path)
        visitor.page.wait_for_timeout(300)
    visitor.page.locator('footer [data-dongui="preferences"]').click()
    visitor.page.locator("dongui-root [data-action=save]").wait_for()
    assert said == []


def test_demo_prints_its_addresses_and_leaves_nothing_behind(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "dongui_collector", "demo", "--json"]
    environment = {**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)
    try:
        assert process.stdout
        text = ""
        while not text.endswith("}\n"):
            line = process.stdout.readline()
            assert line, "demo ended early"
            text += line
        told = json.loads(text)
        with urllib.request.urlopen(told["live"], timeout=60) as answer:
            assert answer.status == 200
        with urllib.request.urlopen(told["desk"], timeout=60) as answer:
            assert "dongui" in answer.read().decode()
        assert find_bytes(tmp_path, b"schema = 1")
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        process.stdout.close()  # type: ignore[union-attr]
    assert list(tmp_path.iterdir()) == []
