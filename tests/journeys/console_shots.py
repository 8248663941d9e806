"""Pictures of the console for the documentation: `python -m tests.journeys.console_shots` makes them."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.conftest import FLAGS
from tests.journeys.console_stage import console
from tests.journeys.visits_stage import Stage

OUT = Path(__file__).parents[2] / "docs" / "images" / "console"
SIZES = {"desktop": {"width": 1360, "height": 860}, "phone": {"width": 390, "height": 780}}
# Name → address, size, theme, language.
PICTURES = {
    "due": ("due", "desktop", "light", "ko"),
    "held": ("", "desktop", "dark", "en"),
    "consent": ("consent", "desktop", "light", "en"),
    "consent-phone": ("consent", "phone", "dark", "ko"),
    "policy": ("policy/edit", "desktop", "light", "ko"),
    "cookies": ("cookies", "phone", "light", "en"),
    "destruction": ("destructions", "desktop", "dark", "ko"),
    "health": ("health", "phone", "dark", "en"),
}


def shoot(browser: Browser, desk: Stage, name: str) -> None:
    path, size, scheme, lang = PICTURES[name]
    context = desk.signed_in(browser, locale=lang, color_scheme=scheme, viewport=SIZES[size])
    page = context.new_page()
    page.goto(f"{desk.origin}/console/{path}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(300)
    page.screenshot(path=OUT / f"{name}.png")
    context.close()


def main() -> None:
    OUT.mkdir(exist_ok=True)
    wanted = sys.argv[1:] or list(PICTURES)
    with (
        tempfile.TemporaryDirectory() as folder,
        console(Path(folder) / "d") as (desk, _),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name in wanted:
            shoot(browser, desk, name)
        browser.close()


if __name__ == "__main__":
    main()
