"""The live page: what it shows of the last half hour, renewed by itself unless it stands still."""

from __future__ import annotations

import json
import re
import uuid
from html import unescape

import pytest
from desk_world import ORIGIN, World
from flask.testing import FlaskClient

LIVE = "/console/visits/live"
SCRIPT = "<script>hit()</script>"


def text_of(browser: FlaskClient, page: str) -> str:
    answer = browser.get(page)
    assert answer.status_code == 200, answer.text
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())


@pytest.fixture
def visitor(world: World) -> str:
    """Who has just looked at a page, from a letter, and bought something."""
    found: str = world.choose(None, ("statistics",))
    one = {"visitor": found, "at": world.core.clock.now()}
    pages = [("pageview", "/lamps?utm_source=kakao"), ("purchase", "/lamps"), (SCRIPT, "/lamps")]
    lines = [json.dumps(one | {"id": str(uuid.uuid4()), "name": n, "url": ORIGIN + url}) for n, url in pages]
    assert world.ask("events.import", lines=lines)["recorded"] == 3
    return found


@pytest.mark.usefixtures("visitor")
def test_who_is_there_on_which_page_from_where_and_what_happens(officer: FlaskClient) -> None:
    for page in (f"{LIVE}?lang=en", f"{LIVE}/part?lang=en"):
        said = text_of(officer, page)
        for wanted in ("Visitors 1 Page views 1", "/lamps 1 1", "KakaoTalk", "purchase"):
            assert wanted in said, (page, wanted)
    assert SCRIPT not in officer.get(f"{LIVE}/part").text


def test_no_visitor_and_no_address_of_theirs_is_in_it(officer: FlaskClient, visitor: str) -> None:
    said = officer.get(f"{LIVE}/part").text
    assert visitor not in said
    assert "utm_source" not in said


def test_what_was_withdrawn_is_in_it_no_more(world: World, officer: FlaskClient, visitor: str) -> None:
    world.choose(visitor, refused=("statistics",))
    assert "Visitors 0 Page views 0" in text_of(officer, f"{LIVE}/part?lang=en")
    assert "/lamps" not in officer.get(f"{LIVE}/part").text


@pytest.mark.usefixtures("visitor")
def test_it_renews_itself_by_script_unless_it_is_told_to_stand_still(officer: FlaskClient) -> None:
    moving, still = (
        officer.get(f"{LIVE}?purpose=statistics").text,
        officer.get(f"{LIVE}?purpose=statistics&still=1").text,
    )
    asked = re.findall(r'hx-get="([^"]+)" hx-trigger="every 5s"', moving)
    assert [unescape(one) for one in asked] == [f"{LIVE}/part?purpose=statistics"]
    assert "hx-trigger" in officer.get(f"{LIVE}/part").text  # what comes goes on
    assert "every 5s" not in still
    assert f'href="{LIVE}?purpose=statistics&amp;still=1"' in moving
    assert f'href="{LIVE}?purpose=statistics"' in still


@pytest.mark.usefixtures("visitor")
def test_purposes_that_do_not_cover_it_say_so_and_filters_do_not_narrow_it(officer: FlaskClient) -> None:
    assert "/lamps" not in officer.get(f"{LIVE}?purpose=marketing").text
    assert "Visitors 1" in text_of(officer, f"{LIVE}?lang=en&filter=page:/nowhere")


@pytest.mark.usefixtures("visitor")
def test_the_screen_leads_to_it(officer: FlaskClient) -> None:
    assert re.search(rf'<a href="{LIVE}[^"]*" hx-boost="false">', officer.get("/console/visits/now").text)
