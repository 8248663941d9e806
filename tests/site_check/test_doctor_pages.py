"""``dongui doctor --pages`` gives the answers of ``check-site`` where a page answers, else it names the command."""

from __future__ import annotations

import json
from pathlib import Path

from tests.collector import Installation
from tests.site_check.pages import serving


def told(shop: Installation, *options: str) -> dict[str, str]:
    """What is wrong with its remedy."""
    done = shop.run("doctor", "--json", *options, code=None)
    return {one["what"]: one["remedy"] for one in json.loads(done.stdout)}


def test_doctor_says_what_check_site_finds_and_only_when_asked_to(tmp_path: Path) -> None:
    with serving() as pages:
        shop = Installation(tmp_path / "shop", origin=pages.origin)
        try:
            pages.put("/", "<!doctype html><title>shop</title>", set_cookie="_ga=1")
            assert "the page has no tag of the snippet" not in told(shop)
            assert pages.asked == []
            found = told(shop, "--pages")
            assert "dongui snippet" in found["the page has no tag of the snippet"]
            assert "the page sets cookies before any consent: _ga" in found
            pages.answers.clear()
            away = told(shop, "--pages")[f"the page of {pages.origin} could not be looked at"]
            assert away == f"dongui check-site {pages.origin}/ says which step is missing"
        finally:
            shop.close()
