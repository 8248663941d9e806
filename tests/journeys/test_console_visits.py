"""The Visits screen in a real browser: with and without scripts, narrow and wide, light and dark, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.journeys.axe import WCAG, violations
from tests.journeys.visits_stage import HOSTILE, Stage, stage

pytestmark = [
    pytest.mark.browser,
    # Werkzeug's own server leaves a file open when a browser, on to the next page, takes no more of it.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

RULES = (*WCAG, "best-practice")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("visits") / "d"
    with stage(folder, name="Slow Kettle", days=20, visitors=60, hostile=True) as found:
        found.ask("visits.keep", kind="goals", fields={"name": "Bought", "what": "event:purchase", "value": "amount"})
        steps = ["page:/goods/*", "event:add_to_cart", "event:purchase"]
        found.ask("visits.keep", kind="funnels", fields={"name": HOSTILE[:80], "steps": steps})
        found.ask("sites.add", name="Blog", origins=["https://blog.example.com"])
        yield found


@pytest.fixture(scope="module")
def context(desk: Stage, chromium: Browser) -> Iterator[BrowserContext]:
    """Signed in once; whatever the pages say against the policy of contents, or throw, fails the journey."""
    context = desk.signed_in(chromium, locale="en-US", viewport={"width": 1280, "height": 900})
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    page = context.new_page()
    yield from watched(page)
    page.close()


def watched(page: Page) -> Iterator[Page]:
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    yield page
    assert said == []
    assert page.evaluate("window.hit") is None  # nothing that a visitor sent has run


def whole(page: Page) -> None:
    """Everything that the screen fetches has come."""
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".graph canvas")).to_be_visible()


def test_the_screen_comes_in_parts_and_every_row_filters(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en")
    whole(page)
    visits = page.locator(".headlines a").nth(1)
    visits.click()
    expect(visits).to_have_attribute("aria-current", "true")
    whole(page)
    every = page.locator(".headlines .figure").nth(1).inner_text()
    page.locator("#panel-locations").get_by_role("link", name="South Korea").click()
    expect(page.locator(".chips")).to_contain_text("Country = South Korea")
    whole(page)
    assert int(page.locator(".headlines .figure").nth(1).inner_text().replace(",", "")) < int(every.replace(",", ""))
    assert page.url.endswith(
        "/console/visits?metric=visits&filter=country%3AKR".replace("?", f"?site={site_of(page)}&")
    )
    page.locator("#panel-sources").get_by_role("link", name="Campaigns").click()
    expect(page.locator("#panel-sources [aria-current]")).to_have_text("Campaigns")
    assert "tab_sources=campaigns" in page.url
    page.locator(".chips a").click()
    expect(page.locator(".chips")).to_have_count(0)
    page.go_back()
    expect(page.locator(".chips")).to_contain_text("South Korea")


def site_of(page: Page) -> str:
    found = re.search(r"site=(s_[0-9a-f]+)", page.url)
    return found[1] if found else ""


def test_keys_choose_the_period_unless_they_are_turned_off(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?keys=on")
    whole(page)
    page.keyboard.press("w")
    expect(page.locator(".drop[data-key=C] > summary")).to_contain_text("Last 7 days")
    whole(page)
    page.keyboard.press("x")
    expect(page.locator(".graph-head .then")).to_have_count(0)
    page.keyboard.press("f")
    page.locator(".filter-form select").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator(".filter-form")).not_to_be_visible()
    page.goto(f"{desk.origin}/console/visits?keys=off")
    whole(page)
    page.keyboard.press("w")
    page.wait_for_timeout(200)
    assert "period" not in page.url
    page.goto(f"{desk.origin}/console/visits?keys=on")


def test_the_graph_tells_what_the_pointer_is_over(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?period=7d")
    whole(page)
    box = page.locator(".graph .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + 40)
    expect(page.locator(".hint")).to_be_visible()
    assert re.search(r"\d", page.locator(".hint b").first.inner_text())
    page.locator(".as-table summary").click()
    expect(page.locator(".as-table tbody tr")).to_have_count(7)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("width", "lang"), [(360, "ko"), (1920, "en")])
def test_nothing_for_axe_to_find_and_nothing_too_wide(
    page: Page, desk: Stage, theme: str, width: int, lang: str
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"{desk.origin}/console/visits?theme={theme}&lang={lang}&filter=!page:/nowhere&filter=!country:DE")
    whole(page)
    assert violations(page, RULES) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    if width == 360:
        page.locator(".menu-button").click()
        expect(page.locator(".menu nav")).to_be_visible()
        assert violations(page, RULES) == []
    token = desk.ask("shares.create", name="Board", site="Slow Kettle")["token"]
    pages = (
        "/console/visits/sites",
        "/console/visits/list/pages",
        "/console/visits/live?still=1",
        "/console/visits/kept?query=period%3D7d",
    )
    for other in (*pages, f"/share/{token}"):
        page.goto(desk.origin + other)
        assert violations(page, RULES) == [], other
        assert page.evaluate("document.documentElement.scrollWidth") == width, other
    page.goto(f"{desk.origin}/console/visits?theme=auto&lang=en")


def test_the_live_page_renews_itself_until_it_is_told_to_stand_still(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en")
    whole(page)
    with page.expect_response("**/console/visits/live/part**", timeout=60_000) as renewed:
        page.locator(".now-pill a").click()
    assert renewed.value.status == 200
    with page.expect_response("**/console/visits/live/part**", timeout=60_000) as again:  # also what came renews itself
        pass
    assert again.value.status == 200
    expect(page.locator("#live .minutes rect")).to_have_count(30)
    page.get_by_role("link", name="Pause").click()
    expect(page.get_by_role("link", name="Go on")).to_be_visible()
    expect(page.locator("#live[hx-get]")).to_have_count(0)
    page.goto(f"{desk.origin}/console/visits?theme=auto&lang=en")


def test_it_reads_without_scripts(context: BrowserContext, chromium: Browser, desk: Stage) -> None:
    state: Any = context.storage_state()
    bare = chromium.new_context(java_script_enabled=False, storage_state=state, locale="en-US")
    page = bare.new_page()
    page.goto(f"{desk.origin}/console/visits?period=7d&lang=en")
    page.wait_for_url("**whole=1")
    expect(page.locator(".waiting")).to_have_count(0)
    expect(page.locator(".graph svg path.now")).to_be_visible()
    page.locator("#panel-devices").get_by_role("link", name="Browsers").click()
    page.locator("#panel-devices .bars a").first.click()
    expect(page.locator(".chips")).to_contain_text("Browser =")
    page.locator(".drop[data-key=C] > summary").click()
    page.fill("[name=from]", "2026-01-01")
    page.locator(".days button").click()
    assert "from=2026-01-01" in page.url
    page.set_viewport_size({"width": 360, "height": 700})
    page.locator(".menu-button").click()
    expect(page.locator(".menu nav")).to_be_visible()
    bare.close()


def test_what_visitors_sent_is_text(page: Page, desk: Stage) -> None:
    for query in ("?period=today&tab_sources=campaigns&tab_devices=screens", "?period=today&tab_sources=referrers"):
        page.goto(f"{desk.origin}/console/visits{query}")
        whole(page)
        expect(page.locator("#panel-searches")).to_contain_text("<img src=x onerror")
    page.locator("#panel-events").get_by_role("link", name="<img").click()
    expect(page.locator(".chips")).to_contain_text("<script>window.hit='yes'</script>")
    whole(page)
    expect(page.locator("#panel-funnels")).to_contain_text("<img src=x")


def test_every_list_tells_what_its_rows_brought_of_a_goal(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    page.locator(".drop > summary", has_text="Goal").click()
    page.locator(".choices").get_by_role("link", name="Bought", exact=True).click()
    expect(page.locator(".drop > summary", has_text="Goal: Bought")).to_be_visible()
    whole(page)
    for panel in ("sources", "devices", "locations"):
        expect(page.locator(f"#panel-{panel} thead")).to_contain_text(re.compile(r"Conversion rate\s*Revenue \(KRW\)"))
    expect(page.locator("#panel-pages thead")).to_contain_text("Conversion rate")
    expect(page.locator("#panel-pages thead")).not_to_contain_text("Revenue")
    page.locator("#panel-sources").get_by_role("link", name="Campaigns").click()
    expect(page.locator("#panel-sources [aria-current]")).to_have_text("Campaigns")
    expect(page.locator("#panel-sources thead")).to_contain_text("Revenue (KRW)")
    assert violations(page, RULES) == []
    page.locator("#panel-sources footer").get_by_role("link", name="Show all").click()
    page.get_by_role("link", name="Revenue (KRW)").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Revenue (KRW)")
    row = page.locator("tbody tr").first.locator("td.n")
    assert int(re.sub(r"\D", "", row.nth(9).inner_text())) > 0
    assert violations(page, RULES) == []


def test_from_an_event_to_its_properties_their_values_and_the_visits(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    page.locator("#panel-events").get_by_role("link", name="Properties").click()
    expect(page.locator("#panel-events [aria-current]")).to_have_text("Properties")
    page.locator("#panel-events tr", has_text="purchase").get_by_role("link", name="currency").click()
    expect(page.locator("main .title")).to_contain_text("purchase · currency")
    assert violations(page, RULES) == []
    page.locator("tbody").get_by_role("link", name="KRW").click()
    expect(page.locator(".chips")).to_contain_text("currency=KRW")
    whole(page)
    expect(page.locator("#panel-goals")).to_contain_text("Bought")


def test_the_shop_funnel_is_one_press_away(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits/kept?lang=en")
    page.get_by_role("button", name="Add the funnel of a shop").click()
    expect(page.locator("#funnels td code", has_text="event:begin_checkout")).to_be_visible()
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    funnel = page.locator("#panel-funnels details", has_text="event:begin_checkout")
    funnel.locator("summary").click()
    expect(funnel.locator("li")).to_have_count(4)
    expect(funnel.locator("li").nth(1)).to_contain_text("event:add_to_cart")
    assert violations(page, RULES) == []


def test_a_value_is_offered_as_it_is_typed_and_filters_are_kept_as_a_segment(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    page.locator(".drop > summary", has_text="Filter").click()
    page.locator(".filter-form [name=dimension]").select_option("event_page")
    page.locator(".filter-form [name=value]").press_sequentially("purchase=/ca")
    expect(page.locator("#suggestions option[value='purchase=/cart']")).to_have_count(1)
    assert violations(page, RULES) == []
    page.locator(".filter-form [name=how]").select_option("has")
    page.locator(".filter-form button").click()
    expect(page.locator(".chips")).to_contain_text("purchase=*/ca*")
    whole(page)
    page.locator(".drop > summary", has_text="Saved views").click()
    page.get_by_role("link", name="Save these filters as a segment").click()
    page.locator("#segments [name=name]").fill("Buyers")
    page.get_by_role("button", name="Save these filters as a segment").click()
    expect(page.locator("#segments td", has_text="Buyers")).to_contain_text("version 1")
    assert violations(page, RULES) == []
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    page.locator(".drop > summary", has_text="Saved views").click()
    page.get_by_role("link", name="Segment: Buyers").click()
    expect(page.locator(".chips")).to_contain_text("purchase=*/ca*")
    whole(page)


def test_what_comes_before_and_after_a_page_and_when_visits_begin(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en&period=30d")
    whole(page)
    expect(page.locator("#panel-weekdays tbody tr")).to_have_count(7)
    expect(page.locator("#panel-flow")).to_contain_text("Filter by a page")
    page.locator("#panel-pages tbody a").first.click()
    expect(page.locator(".chips")).to_contain_text("Page =")
    whole(page)
    expect(page.locator("#panel-flow caption")).to_have_count(2)
    page.locator("#panel-flow tbody a").first.click()
    whole(page)
    expect(page.locator(".chips li")).to_have_count(1)
    assert violations(page, RULES) == []
    page.locator("#panel-sources footer").get_by_role("link", name="Show all").click()
    expect(page.locator("thead")).to_contain_text("Change")
    assert violations(page, RULES) == []


def test_from_all_sites_to_one_of_them(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en")
    whole(page)
    page.get_by_role("link", name="All sites").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    expect(page.locator("tbody tr").first.locator(".spark path")).to_have_attribute("d", re.compile("^M.*L"))
    page.get_by_role("link", name="Blog").click()
    expect(page.locator("main .title")).to_contain_text("Blog")
    page.goto(f"{desk.origin}/console/visits/sites")
    page.locator("tbody a", has_text="Slow Kettle").click()
    expect(page.locator("main .title")).to_contain_text("Slow Kettle")


def test_a_click_on_a_day_leads_to_that_day(page: Page, desk: Stage) -> None:
    page.goto(f"{desk.origin}/console/visits?lang=en&period=7d&filter=country:KR")
    whole(page)
    box = page.locator(".graph .u-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + 2, box["y"] + 40)
    expect(page.locator(".hint")).to_be_visible()
    page.mouse.click(box["x"] + 2, box["y"] + 40)
    page.wait_for_url("**period=custom**")
    whole(page)
    assert re.search(r"from=([0-9-]{10})&to=\1", page.url)
    expect(page.locator(".chips")).to_contain_text("South Korea")
    page.goto(f"{desk.origin}/console/visits?lang=en&period=7d")
    whole(page)
    page.locator(".as-table summary").click()
    page.locator(".as-table tbody a").last.click()
    page.wait_for_url("**period=custom**")
