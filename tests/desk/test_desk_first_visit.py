"""The console of a site that waits for its first visit: the steps, and checks one at a time that can be ended."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dongui_collector import desk
from dongui_collector.core.control import Control
from dongui_collector.core.errors import CollectorError
from dongui_collector.desk import login
from dongui_collector.desk.pages import is_polled
from dongui_collector.desk.site_checks import PAUSE_S, SiteChecks
from dongui_collector.site_check.check import SiteCheck
from dongui_collector.site_check.results import CHECKS, passed
from flask.testing import FlaskClient

from tests.desk.desk_world import World, send

PAGE = "/console/first-visit"
PATIENCE_S = 60.0


def test_the_steps_are_there_in_both_languages_until_the_first_visit(world: World, officer: FlaskClient) -> None:
    for lang, waiting in (("en", "Waiting for the first visit"), ("ko", "첫 방문을 기다리는 중")):
        text = officer.get(f"{PAGE}?lang={lang}").text
        assert waiting in text
        assert text.count("<li><span class") == len(CHECKS)
        assert 'hx-trigger="every 3s"' in text
        assert '<span lang="en">' not in text
    assert PAGE in officer.get("/console/").text
    world.visitor_with_events("statistics", events=1)
    text = officer.get(f"{PAGE}/steps?lang=en").text
    assert "The first visit is recorded" in text
    assert "hx-trigger" not in text


def test_what_a_page_asks_for_by_itself_keeps_no_session_from_being_idle(
    world: World, officer: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(login, "_SEEN_EVERY_MS", -1)
    monkeypatch.setattr(Control, "__call__", lambda _, request: asked.append(type(request).__name__))
    officer.get(f"{PAGE}/steps")
    assert "SessionSeen" not in asked
    officer.get(PAGE)
    assert "SessionSeen" in asked


def test_every_view_that_is_polled_says_so(world: World) -> None:
    """The kind: a poll that forgets it would keep an abandoned session open for ever."""
    templates = Path(desk.__file__ or "").with_name("templates").rglob("*.html")
    polls = [tag for file in templates for tag in re.findall(r"<[^<>]*hx-trigger=\"every[^<>]*>", _flat(file))]
    endpoints = [re.search(r"url_for\('([\w.]+)'", tag) for tag in polls]
    assert len(endpoints) > 1
    assert [found[1] for found in endpoints if found and not is_polled(found[1])] == []


def _flat(file: Path) -> str:
    """A template without the marks that a tag may hold in its middle."""
    return re.sub(r"\{%.*?%\}", "", file.read_text("utf-8"))


def test_only_an_origin_that_was_refused_is_listed(world: World, officer: FlaskClient) -> None:
    answer = send(officer, PAGE, f"{PAGE}/origins", origin="https://stranger.example", host="stranger.example")
    assert answer.status_code >= 400
    assert [site.origins for site in world.core.registry.sites()] == [("https://shop.example.com",)]


# --- checks ----------------------------------------------------------------------------------------------------------


class Looks:
    """Looks at pages that last until they are let go."""

    def __init__(self) -> None:
        self.go, self.begun, self.asked = threading.Event(), threading.Event(), list[str]()
        self.fails = False

    def __call__(self, _core: object, state: Any, url: str, **_: object) -> SiteCheck:
        self.asked.append(url)
        self.begun.set()
        assert self.go.wait(PATIENCE_S)
        if self.fails:
            raise CollectorError("it was ended")
        return SiteCheck(url, state.site, "chromium", [passed("tag", "")])


def ended(checks: SiteChecks) -> None:
    for thread in threading.enumerate():
        if thread.name == "check-site":
            thread.join(PATIENCE_S)
    assert checks.running is None


def test_one_check_runs_at_a_time_and_the_next_waits_a_while(world: World) -> None:
    now, looks = [0.0], Looks()
    checks, site = SiteChecks(world.core, looks, lambda: now[0]), world.core.registry.sites()[0]
    assert checks.start(site)
    assert looks.begun.wait(PATIENCE_S)
    assert checks.running == site
    assert not checks.start(site)
    looks.go.set()
    ended(checks)
    assert [look.url for look in checks.of(site).looks] == ["https://shop.example.com/"]
    assert checks.of(site).at is not None
    now[0] = PAUSE_S - 0.1
    assert not checks.start(site)
    now[0] = PAUSE_S
    assert checks.start(site)
    ended(checks)
    assert len(looks.asked) == 2


def test_a_check_that_fails_is_no_result_and_keeps_nobody_waiting(world: World) -> None:
    looks = Looks()
    looks.fails = True
    looks.go.set()
    checks, site = SiteChecks(world.core, looks), world.core.registry.sites()[0]
    checks.start(site)
    ended(checks)
    assert (checks.of(site).looks, checks.of(site).at) == ([], None)


def test_a_check_that_runs_can_be_ended(world: World) -> None:
    started = threading.Event()

    def look(_core: object, _state: object, _url: str, *, started: Callable[..., None], **_: object) -> SiteCheck:
        sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
        process = subprocess.Popen(sleeper, start_new_session=True)
        started(process)
        begun.set()
        process.wait(PATIENCE_S)
        raise CollectorError("it was ended")

    begun = started
    checks = SiteChecks(world.core, look)
    checks.start(world.core.registry.sites()[0])
    assert begun.wait(PATIENCE_S)
    checks.end()
    ended(checks)
