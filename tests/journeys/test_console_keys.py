"""Keys, landing and narrow screens of the console in a real browser (issue 12, lines 34 to 36)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.console_stage import console
from tests.journeys.visits_stage import Stage

pytestmark = [
    pytest.mark.browser,
    # Werkzeug's own server leaves a file open when a browser, on to the next page, takes no more of it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

# Pages with tables, as the menu and the links lead to them.
TABLES = ["", "visits?whole=1", "visits/list/events", "consent", "requests", "destructions", "holds", "archive"]
TABLES += ["disclosures", "ledger", "audit", "cookies", "access", "health", "policy"]
LISTS = ("requests", "access", "policy", "health", "cookies", "archive", "disclosures")  # without one, or only at times
# The cells of tables that no scrolling brings into sight.
HIDDEN = """tables => {
  const missing = [];
  for (const table of tables) {
    if (!table.checkVisibility()) continue;
    let box = table.parentElement;
    while (box !== document.body && getComputedStyle(box).overflowX === "visible") box = box.parentElement;
    const scrolls = ["auto", "scroll"].includes(getComputedStyle(box).overflowX);
    const edge = scrolls ? Infinity : Math.min(box.getBoundingClientRect().right, innerWidth);
    for (const cell of table.querySelectorAll("th, td")) {
      const { width, height, right } = cell.getBoundingClientRect();
      if (!width || !height || right > edge + 1) missing.push(`${table.className}: ${cell.textContent.trim()}`);
    }
  }
  return missing;
}"""


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with console(tmp_path_factory.mktemp("keys") / "d") as (stage, _):
        stage.ask("accounts.put", name="analyst", password="a long enough password", role="analyst")
        yield stage


@pytest.fixture(scope="module")
def context(desk: Stage, chromium: Browser) -> Iterator[BrowserContext]:
    context = desk.signed_in(chromium, locale="en-US", viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield page
    page.close()


def whole(page: Page) -> None:
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".graph canvas")).to_be_visible()


def test_escape_closes_what_is_open_and_leaves_the_filters(page: Page, desk: Stage) -> None:
    address = f"{desk.origin}/console/visits?lang=en&keys=on&filter=!page:/nowhere&filter=!country:DE"
    page.goto(address)
    whole(page)
    chips = page.locator(".chips a")
    expect(chips).to_have_count(3)  # two filters, and what clears them
    here = page.url
    shortcuts = page.locator("#shortcuts")
    expect(shortcuts).not_to_be_visible()
    for _ in range(2):  # nothing is open
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(shortcuts).to_be_visible()
    expect(shortcuts).to_contain_text("Last 7 days")
    page.keyboard.press("Escape")
    expect(shortcuts).not_to_be_visible()
    page.keyboard.press("c")
    period = page.locator(".drop[data-key=C]")
    expect(period).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(period).not_to_have_attribute("open", "")
    expect(period.locator("> summary")).to_be_focused()
    page.keyboard.press("f")
    field = page.locator(".filter-form input:visible").last
    field.fill("typed")
    field.press("?")  # somebody is typing: no list of shortcuts
    expect(shortcuts).not_to_be_visible()
    field.press("Escape")
    expect(page.locator(".filter-form")).not_to_be_visible()
    expect(chips).to_have_count(3)  # two filters, and what clears them
    assert page.url == here


def test_the_shortcuts_are_listed_on_every_page_unless_they_are_off(page: Page, desk: Stage) -> None:
    for path in ("", "holds", "visits?whole=1"):
        page.goto(f"{desk.origin}/console/{path}")
        expect(page.locator("#shortcuts")).not_to_be_visible()
        page.keyboard.press("?")
        expect(page.locator("#shortcuts")).to_be_visible()
    page.goto(f"{desk.origin}/console/holds?keys=off")
    expect(page.locator("#shortcuts")).to_have_count(0)
    page.goto(f"{desk.origin}/console/holds?keys=on")


def test_the_root_leads_to_the_console_and_an_analyst_to_visits(desk: Stage, chromium: Browser, page: Page) -> None:
    page.goto(f"{desk.origin}/")
    page.wait_for_url("**/console/due")
    stranger = chromium.new_context(locale="en-US")
    stranger.set_default_timeout(60_000)
    analyst = stranger.new_page()
    analyst.goto(f"{desk.origin}/")
    analyst.wait_for_url("**/console/login**")
    analyst.fill("[name=name]", "analyst")
    analyst.fill("[name=password]", "a long enough password")
    analyst.click("button.primary")
    analyst.wait_for_url("**/console/visits")
    whole(analyst)
    analyst.goto(f"{desk.origin}/")
    analyst.wait_for_url("**/console/visits")
    stranger.close()


@pytest.mark.parametrize("path", TABLES, ids=[path.partition("?")[0] or "overview" for path in TABLES])
def test_every_table_shows_its_figures_on_a_narrow_screen(page: Page, desk: Stage, path: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{desk.origin}/console/{path}")
    page.locator("main details:not(.drop)").evaluate_all("all => all.forEach(one => { one.open = true; })")
    assert page.locator("main table").count() > 0 or path in LISTS
    assert page.locator("main table").evaluate_all(HIDDEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_the_day_that_goes_on_is_drawn_apart(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?period=7d&lang=en")
    whole(page)
    expect(page.locator(".graph-head .unfinished")).to_have_text("not over yet")
    box = page.locator(".graph .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 40)
    expect(page.locator(".hint")).to_contain_text("not over yet")
