"""The console while a site's policy is a draft: every page answers, and the first version is published there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_world import ORIGIN, World, send
from dongui_collector.runtime.install import install
from flask.testing import FlaskClient

from tests.collector import starting_text

# What refuses an address without the parameters that say which versions, or what to filter.
BY_DESIGN = {"/console/policy/diff", "/console/visits/filter"}


@pytest.fixture
def draft(tmp_path: Path) -> Iterator[World]:
    """A fresh installation as ``dongui init`` leaves it."""
    installed = install(tmp_path / "d", starting_text("Shop"), name="Shop", origins=[ORIGIN], publish=False)
    with Path(installed.config).open("a", encoding="utf-8") as settings:
        settings.write("testing = true\n")
    with World(installed) as world:
        yield world


@pytest.fixture
def beside(draft: World) -> World:
    """The same with a published site beside the draft."""
    draft.ask("sites.add", name="Blog", origins=["https://blog.example.com"], text=starting_text("Blog"))
    draft.core.registry.reload()
    return draft


def walked(world: World, browser: FlaskClient) -> dict[str, int]:
    """Every page without a part in its address → its status, of every site."""
    rules = [r for r in world.desk.url_map.iter_rules() if "GET" in (r.methods or ()) and not r.arguments]
    pages = [rule.rule for rule in rules if rule.rule.startswith("/console")]
    assert len(pages) > 20
    names = [site.name for site in world.core.registry.sites()]
    return {f"{page}?site={name}": browser.get(f"{page}?site={name}").status_code for page in pages for name in names}


def wrong(found: dict[str, int]) -> dict[str, int]:
    return {page: status for page, status in found.items() if status >= 400 and page.partition("?")[0] not in BY_DESIGN}


def test_every_page_of_a_draft_installation_answers(draft: World) -> None:
    assert wrong(walked(draft, draft.signed_in())) == {}


def test_a_draft_takes_no_page_from_the_sites_beside_it(beside: World) -> None:
    assert wrong(walked(beside, beside.signed_in())) == {}


@pytest.mark.parametrize("lang", ["ko", "en"])
def test_what_needs_a_notice_says_what_it_waits_for(draft: World, lang: str) -> None:
    browser = draft.signed_in()
    for page in ("/console/visits", "/console/cookies", "/console/policy", "/console/"):
        text = browser.get(f"{page}?lang={lang}").text
        assert "dongui policy publish FILE" in text, page
        assert "/console/policy/edit" in text, page


def test_the_calls_answer_without_a_notice(draft: World) -> None:
    browser = draft.signed_in()
    assert browser.get("/v1/admin/retention").status_code == 200
    assert browser.get("/v1/feed/erasures").json == {"entries": [], "next": 0}
    answer = browser.get("/v1/export/events?from=2026-11-01&to=2026-11-02")
    assert answer.status_code == 404
    assert answer.json["type"] == "urn:dongui:problem:not-published"


def test_the_console_publishes_the_first_version(draft: World) -> None:
    browser = draft.signed_in()
    assert "[notice]" in browser.get("/console/policy/edit").text
    text = starting_text("Shop")
    page = send(browser, "/console/policy/edit", "/console/policy/edit", text=text)
    assert page.status_code == 200
    password = draft.installed.console_password
    page = send(browser, "/console/policy/edit", "/console/policy/publish", text=text, password=password)
    assert page.status_code == 303
    draft.core.registry.reload()
    assert len(draft.core.registry.notices(1)) == 1
    assert browser.get("/console/visits").status_code == 200


def test_an_origin_is_added_to_a_draft(draft: World) -> None:
    browser = draft.signed_in()
    send(browser, "/console/sites", "/console/sites", name="Shop", origins="https://www.example.com")
    draft.core.registry.reload()
    assert "https://www.example.com" in draft.core.registry.sites()[0].origins
