"""Preferences and my data: withdrawing as easily as giving, seeing, keeping and erasing what is held."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.journeys.snippet_steps import BANNER, cookies, eventually, press, ready
from tests.journeys.stub_collector import VISITOR, Answer, Request, Stub, page_of

pytestmark = pytest.mark.browser

PANEL = "dongui-root .panel"
ROWS = [
    {
        "at": 1_795_400_000_000 + n,
        "name": "pageview",
        "url": f"https://shop.example.com/p/{n}",
        "ip_address": "192.0.2.7",
    }
    for n in range(60)
]


def holding(collector: Stub, events: list[dict[str, object]]) -> None:
    """The collector holds these rows about whoever asks."""

    def answer(request: Request) -> Answer | None:
        if request.path == "/v1/me" and request.method == "GET":
            body = {"site": "S", "suspended": False, "consents": [], "records": [], "events": events}
            return 200, {"Content-Type": "application/json"}, json.dumps(body).encode()
        return None

    collector.intercept = answer


def test_withdrawing_one_purpose(page: Page, site: Stub, collector: Stub, context: BrowserContext) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.show()")
    page.locator('dongui-root [data-purpose-switch="statistics"]').uncheck()
    press(page, "save")
    expect(page.locator(PANEL)).to_have_count(0)
    eventually(lambda: len(collector.consents) == 2, page)
    body = collector.consents[1]
    assert (body["granted"], body["refused"]) == (["personalisation"], ["statistics", "marketing"])
    assert body["method"] == "preferences"
    assert cookies(context)["dongui"].startswith("1~v1~personalisation~")


def test_withdrawing_everything_is_asked_once_and_said(
    page: Page, site: Stub, collector: Stub, context: BrowserContext
) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.show()")
    press(page, "withdraw")
    assert len(collector.consents) == 1
    press(page, "confirm")
    expect(page.locator("dongui-root footer")).to_contain_text("동의를 철회했습니다.")
    assert not any(box.is_checked() for box in page.locator("dongui-root [data-purpose-switch]").all())
    eventually(lambda: len(collector.consents) == 2, page)
    assert list(cookies(context)) == ["dongui"]


def test_closing_changes_nothing(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.consents, page)
    page.evaluate("dongui.show()")
    page.locator('dongui-root [data-purpose-switch="statistics"]').uncheck()
    press(page, "close")
    assert page.evaluate("dongui.consent.granted('statistics')")
    assert len(collector.consents) == 1


def test_closing_before_the_choice_asks_again(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    press(page, "choose")
    expect(page.locator(PANEL)).to_be_visible()
    press(page, "close")
    expect(page.locator(BANNER)).to_be_visible()
    expect(page.locator(PANEL)).to_have_count(0)


def test_what_needs_no_consent_stands_apart(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    press(page, "choose")
    others = page.locator(PANEL).get_by_text("동의 없이 처리하는 개인정보")
    expect(others).to_be_visible()
    assert page.locator('dongui-root [data-purpose-switch="service"]').count() == 0
    expect(page.locator(PANEL).get_by_text("계약", exact=True)).to_be_visible()


def test_my_data_is_shown_downloaded_and_erased(
    page: Page, site: Stub, collector: Stub, context: BrowserContext, tmp_path: Path
) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    holding(collector, ROWS)
    page.evaluate("dongui.myData()")
    expect(page.locator("dongui-root td").filter(has_text="/p/59")).to_be_visible()
    assert page.locator("dongui-root tr").count() == 51
    assert collector.asked("/v1/me")[0].headers["Authorization"] == f"Bearer {VISITOR}"
    with page.expect_download() as download:
        press(page, "download")
    download.value.save_as(tmp_path / "mine.json")
    assert len(json.loads((tmp_path / "mine.json").read_text())["events"]) == 60
    press(page, "erase")
    assert not collector.asked("/v1/me", "DELETE")
    press(page, "confirm")
    expect(page.locator("dongui-root [role=status]")).to_have_text("모두 삭제했습니다.")
    assert len(collector.asked("/v1/me", "DELETE")) == 1
    eventually(lambda: list(cookies(context)) == ["dongui"], page)
    assert not page.evaluate("dongui.consent.granted('statistics')")


def test_my_data_through_the_sites_own_origin(page: Page, collector: Stub) -> None:
    collector.mounted = True
    collector.pages["/"] = page_of(collector, base="/_dongui")
    page.goto(collector.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.myData()")
    expect(page.locator("dongui-root [role=status]")).to_have_text("보관하고 있는 기록이 없습니다.")
    headers = collector.asked("/v1/me")[0].headers
    assert headers["X-Dongui"] == "1"
    assert "Authorization" not in headers


def test_my_data_that_cannot_be_fetched_says_so(page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    collector.intercept = lambda r: (503, {}, b"") if r.path == "/v1/me" else None
    page.evaluate("dongui.myData()")
    expect(page.locator("dongui-root [role=status]")).to_contain_text("지금은 불러올 수 없습니다")


def test_the_record_of_the_choice_can_be_kept(page: Page, site: Stub, collector: Stub, tmp_path: Path) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.show()")
    with page.expect_download() as download:
        press(page, "receipt")
    download.value.save_as(tmp_path / "receipt.json")
    kept = json.loads((tmp_path / "receipt.json").read_text())
    assert kept["granted"] == ["statistics", "personalisation"]
    assert kept["notice"] == "v1"


@pytest.mark.parametrize("reachable", [True, False])
def test_the_record_comes_with_the_collectors_receipts(
    page: Page, site: Stub, collector: Stub, tmp_path: Path, reachable: bool
) -> None:
    """W3; what this browser knows can be kept in any case."""
    receipt = {"@type": "dpv:ConsentReceipt", "record_id": "r1"}
    held = {"site": "S", "suspended": False, "consents": [receipt], "records": [], "events": []}
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    answer = (200, {"Content-Type": "application/json"}, json.dumps(held).encode()) if reachable else (503, {}, b"")
    collector.intercept = lambda r: answer if r.path == "/v1/me" else None
    page.evaluate("dongui.show()")
    expect(page.locator('dongui-root [part="record"]')).to_contain_text("방문 통계, 맞춤 서비스")
    with page.expect_download() as download:
        press(page, "receipt")
    download.value.save_as(tmp_path / "receipt.json")
    kept = json.loads((tmp_path / "receipt.json").read_text())
    assert kept["granted"] == ["statistics", "personalisation"]
    assert kept.get("receipts") == ([receipt] if reachable else None)


def test_policy_text_is_text(page: Page, site: Stub, collector: Stub) -> None:
    collector.policy["purposes"]["statistics"]["items"].append("<img src=x onerror=alert(1)>")
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    press(page, "choose")
    expect(page.locator(PANEL)).to_be_visible()
    assert page.locator("dongui-root img").count() == 0


@pytest.mark.parametrize(
    "markup", ['<a href="/x" data-dongui="preferences">go</a>', '<button data-dongui="preferences"><b>go</b></button>']
)
def test_any_element_can_be_the_way_back(page: Page, site: Stub, collector: Stub, markup: str) -> None:
    site.pages["/"] = page_of(collector, markup)
    page.goto(site.origin)
    press(page, "refuse")
    ready(page)
    page.get_by_text("go").click()
    expect(page.locator(PANEL)).to_be_visible()
    assert page.url == f"{site.origin}/"


def test_what_was_asked_for_stays_open(context: BrowserContext, page: Page, site: Stub, collector: Stub) -> None:
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    page.evaluate("dongui.show()")
    expect(page.locator(PANEL)).to_be_visible()
    other = context.new_page()
    other.goto(site.origin)
    ready(other)
    other.evaluate("dongui.consent.set({personalisation: false})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))")
    page.wait_for_function("!dongui.consent.granted('personalisation')")
    expect(page.locator(PANEL)).to_be_visible()


def test_only_one_question_at_a_time(page: Page, site: Stub) -> None:
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    page.evaluate("""() => { const root = document.querySelector("dongui-root").shadowRoot;
      root.querySelector("[data-action=choose]").click(); dispatchEvent(new Event("pageshow")) }""")
    expect(page.locator(PANEL)).to_be_visible()
    page.wait_for_timeout(300)
    assert page.locator("dongui-root").count() == 1


def test_the_floating_way_back(page: Page, site: Stub, collector: Stub) -> None:
    """Off by default; it stands aside while somebody is asked, and gets the focus back."""
    site.pages["/"] = page_of(collector, attributes="data-floating")
    button = page.locator('dongui-floating [data-action="floating"]')
    page.goto(site.origin)
    expect(page.locator(BANNER)).to_be_visible()
    expect(button).to_be_hidden()
    press(page, "refuse")
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box
    assert box["height"] >= 24  # WCAG 2.5.8
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(PANEL)).to_be_visible()
    expect(button).to_be_hidden()
    page.keyboard.press("Escape")
    expect(button).to_be_visible()
    page.reload()
    expect(button).to_have_text("개인정보 설정")
    expect(page.locator(BANNER)).to_have_count(0)
    site.pages["/"] = page_of(collector)
    page.reload()
    ready(page)
    assert page.locator("dongui-floating").count() == 0


@pytest.mark.parametrize("width", [360, 320])
def test_my_data_is_not_clipped_on_a_phone(page: Page, site: Stub, collector: Stub, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 740})
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    long = {
        "name": "anevent" * 9,
        "url": f"https://shop.example.com/{'path' * 30}?q=1",
        "ip_address": "2001:db8::" + "f" * 4,
    }
    holding(collector, [*ROWS[:3], {"at": 1_795_400_000_000, **long}])
    page.evaluate("dongui.myData()")
    expect(page.locator("dongui-root td").first).to_be_visible()
    for part in (".scroll", "main"):
        assert page.locator(f"dongui-root {part}").evaluate("e => e.scrollWidth <= e.clientWidth"), part


def test_events_are_called_by_names_of_the_visitors_language(page: Page, site: Stub, collector: Stub) -> None:
    """A site names its own; what nobody has named is shown as it is recorded, also by a word of JavaScript's own."""
    page.goto(site.origin)
    press(page, "accept")
    eventually(lambda: collector.events, page)
    holding(collector, [ROWS[0] | {"name": name} for name in ("constructor", "checkout", "purchase", "pageview")])
    site.pages["/"] = page_of(collector, attributes="""data-words='{"event.purchase": "구매"}'""")
    page.goto(site.origin)
    page.evaluate("dongui.myData()")
    expect(page.locator("dongui-root td").first).to_be_visible()
    names = page.locator("dongui-root tr td:nth-child(2)").all_inner_texts()
    assert names == ["페이지 보기", "구매", "checkout", "constructor"]
