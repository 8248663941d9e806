"""Pictures of the Visits screen for docs/images/console/: `python -m tests.journeys.visits_shots [NAME …]`."""

from __future__ import annotations

import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import FLAGS
from tests.journeys.visits_stage import Stage, stage

OUT = Path(__file__).parents[2] / "docs" / "images" / "console"
SIZES = {"desktop": {"width": 1280, "height": 1180}, "phone": {"width": 390, "height": 844}}
# Name → (path, size, scheme, language).
SHOTS = {
    "visits-desktop-light-ko": ("/console/visits", "desktop", "light", "ko"),
    "visits-desktop-dark-en": ("/console/visits?period=91d&interval=week&metric=page_views", "desktop", "dark", "en"),
    "visits-filtered-desktop-light-en": (
        "/console/visits?filter=country:KR&tab_sources=sources",
        "desktop",
        "light",
        "en",
    ),
    "visits-phone-light-ko": ("/console/visits?period=7d", "phone", "light", "ko"),
    "visits-phone-dark-ko": ("/console/visits?period=7d", "phone", "dark", "ko"),
    "visits-below-desktop-light-en": ("/console/visits#panel-goals", "desktop", "light", "en"),
    "visits-list-desktop-dark-ko": ("/console/visits/list/pages", "desktop", "dark", "ko"),
    "visits-kept-desktop-light-ko": ("/console/visits/kept?query=period%3D7d", "desktop", "light", "ko"),
}


def keep(found: Stage) -> None:
    """Goals and the like, as somebody would have made them."""
    steps = ["page:/goods/*", "event:add_to_cart", "event:purchase"]
    day = found.today() - timedelta(days=9)
    for kind, said in (
        ("goals", {"name": "구매 · Bought", "what": "event:purchase"}),
        ("goals", {"name": "장바구니 · Cart", "what": "event:add_to_cart"}),
        ("goals", {"name": "주전자 · Kettles", "what": "page:/goods/*kettle"}),
        ("funnels", {"name": "구매까지 · To the till", "steps": steps}),
        ("notes", {"day": day.isoformat(), "text": "가을 주전자 광고 시작 · Autumn kettles advertised"}),
        ("views", {"name": "한국의 휴대전화 · Phones in Korea", "query": "filter=country%3AKR&filter=device%3APhone"}),
    ):
        found.ask("visits.keep", kind=kind, fields=said)


def shoot(browser: Browser, found: Stage, name: str, state: Any) -> None:
    path, size, scheme, lang = SHOTS[name]
    context = browser.new_context(
        viewport=SIZES[size],  # type: ignore[arg-type]
        color_scheme=scheme,  # type: ignore[arg-type]
        locale="ko-KR" if lang == "ko" else "en-US",
        storage_state=state,
    )
    page = context.new_page()
    page.goto(f"{found.origin}{path.partition('#')[0]}{'&' if '?' in path else '?'}lang={lang}")
    page.locator(".waiting").first.wait_for(state="detached")
    page.wait_for_timeout(600)
    if "#" in path:
        page.locator(f"#{path.partition('#')[2]}").scroll_into_view_if_needed()
        page.evaluate("id => document.getElementById(id).scrollIntoView()", path.partition("#")[2])
        page.wait_for_timeout(300)
    page.screenshot(path=OUT / f"{name}.png")
    context.close()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(SHOTS)
    folder = Path(tempfile.mkdtemp()) / "d"
    with stage(folder, name="느린 주전자", days=70, visitors=420) as found, sync_playwright() as playwright:
        keep(found)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        context = found.signed_in(browser)
        state = context.storage_state()
        context.close()
        for name in wanted:
            shoot(browser, found, name, state)
        browser.close()


if __name__ == "__main__":
    main()
