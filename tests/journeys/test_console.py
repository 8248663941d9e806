"""Every page of the console but Visits in a real browser: narrow and wide, light and dark, in both languages."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError, expect

from tests.journeys.axe import WCAG, violations
from tests.journeys.console_stage import console
from tests.journeys.visits_stage import Stage

pytestmark = pytest.mark.browser

RULES = (*WCAG, "best-practice")
VERSION = "2023-04-28"
PAGES = (
    "due",
    "",
    "consent",
    f"consent/texts/{VERSION}/ko",
    "consent/receipts",
    "requests",
    "requests/1",
    "destructions",
    "holds",
    "holds/1",
    "archive",
    "disclosures",
    "ledger",
    "audit",
    "policy",
    f"policy/versions/{VERSION}",
    f"policy/diff?old={VERSION}&new={VERSION}",
    "policy/edit",
    "cookies",
    "sites",
    "access",
    "health",
    "account",
)


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    with console(tmp_path_factory.mktemp("console") / "d") as found:
        yield found


@pytest.fixture(scope="module")
def desk(staged: tuple[Stage, str]) -> Stage:
    return staged[0]


@pytest.fixture(scope="module")
def wide(desk: Stage, chromium: Browser) -> Iterator[BrowserContext]:
    context = desk.signed_in(chromium, locale="ko-KR", viewport={"width": 1280, "height": 900}, color_scheme="light")
    yield context
    context.close()


@pytest.fixture(scope="module")
def phone(desk: Stage, chromium: Browser) -> Iterator[BrowserContext]:
    context = desk.signed_in(chromium, locale="en-US", viewport={"width": 360, "height": 780}, color_scheme="dark")
    yield context
    context.close()


def opened(context: BrowserContext, said: list[str]) -> Page:
    """A page whose complaints about its policy of contents, and whose errors, are collected in ``said``."""
    page = context.new_page()
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    return page


@pytest.mark.parametrize("path", PAGES, ids=[path or "overview" for path in PAGES])
@pytest.mark.parametrize("shape", ["wide", "phone"])
def test_a_page_is_sound(request: pytest.FixtureRequest, desk: Stage, shape: str, path: str) -> None:
    """Nothing for axe to find, nothing thrown or blocked, nothing wider than the screen."""
    said: list[str] = []
    page = opened(request.getfixturevalue(shape), said)
    answer = page.goto(f"{desk.origin}/console/{path}")
    assert answer
    assert answer.status == 200
    expect(page.locator("h1")).to_have_count(1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if shape == "wide":
        page.set_viewport_size({"width": 1920, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.set_viewport_size({"width": 1280, "height": 900})
    assert violations(page, RULES, frames=False) == []
    assert said == []
    page.close()


def test_a_draft_is_checked_and_its_banner_answers_while_one_writes(wide: BrowserContext, desk: Stage) -> None:
    """The real interface, in a frame that reaches nothing."""
    said: list[str] = []
    page = opened(wide, said)
    sent: list[str] = []
    page.goto(f"{desk.origin}/console/policy/edit?lang=ko")
    frame = page.frame_locator("iframe[name=preview]")
    expect(frame.locator("dongui-root dialog")).to_be_visible()
    page.on("request", lambda request: sent.append(request.url))
    text = page.locator("textarea").input_value()
    changed = text.replace(f'version = "{VERSION}"', 'version = "2030-01-01"').replace('"P1Y"', '"P3Y"')
    page.fill("textarea", changed.replace('label.ko = "통계 및 접속 빈도 파악"', 'label.ko = "새 이름"'))
    expect(page.locator("#findings")).to_contain_text("2023-04-28 → 2030-01-01")
    expect(page.locator("#findings")).to_contain_text("동의를 다시 묻습니다")
    expect(frame.locator("dongui-root h3").first).to_have_text("새 이름")
    while frame.locator("dongui-root dialog").count():  # a window that has just got the focus takes no answer yet
        with suppress(TimeoutError):  # answered, and gone meanwhile
            frame.locator('dongui-root [data-action="accept"]').click(timeout=2000)
        page.wait_for_timeout(700)
    page.select_option("select[name=view]", "preferences")
    expect(frame.locator('dongui-root [data-action="save"]')).to_be_visible()
    page.fill("textarea", "schema = 1\n[notice")
    expect(page.locator("#findings .chip.off").first).to_be_visible()
    expect(frame.locator("p.none")).to_be_visible()
    assert [url for url in sent if "/v1/consents" in url or "/v1/notice" in url] == []
    assert said == []
    page.close()


def test_a_versions_banner_can_be_looked_at_by_itself(phone: BrowserContext, desk: Stage) -> None:
    said: list[str] = []
    page = opened(phone, said)
    page.goto(f"{desk.origin}/console/preview/versions/{VERSION}?language=en&view=preferences")
    expect(page.locator('dongui-root [data-action="save"]')).to_be_visible()
    assert page.evaluate("origin") == "null"
    assert said == []
    page.close()


def test_a_receipt_is_looked_up_and_its_id_stands_in_no_address(
    wide: BrowserContext, staged: tuple[Stage, str]
) -> None:
    desk, visitor = staged
    page = wide.new_page()
    urls: list[str] = []
    page.on("request", lambda request: urls.append(request.url))
    page.goto(f"{desk.origin}/console/consent?lang=ko")
    page.get_by_role("link", name="확인서 찾기").click()
    page.fill("input[name=visitor]", visitor)
    page.fill("input[name=reason]", "전화로 요청")
    page.get_by_role("button", name="확인서 찾기").click()
    expect(page.locator("main")).to_contain_text("지금 상태")
    assert visitor not in page.content()
    assert not [url for url in urls if visitor in url]
    page.goto(f"{desk.origin}/console/audit?lang=ko")
    expect(page.locator("main")).to_contain_text("전화로 요청")
    page.close()


def test_everything_reads_and_a_draft_is_checked_without_scripts(desk: Stage, chromium: Browser) -> None:
    context = desk.signed_in(chromium, locale="ko-KR", java_script_enabled=False)
    page = context.new_page()
    for path in PAGES[:3]:
        page.goto(f"{desk.origin}/console/{path}")
        expect(page.locator("h1")).to_be_visible()
    page.goto(f"{desk.origin}/console/cookies")
    page.locator("summary", has_text="선언하는 줄").first.click()
    page.get_by_role("link", name="초안에 넣기").first.click()
    assert "_clck" in page.locator("textarea").input_value()
    page.get_by_role("button", name="점검").click()
    expect(page.locator("#findings")).to_be_visible()
    context.close()
