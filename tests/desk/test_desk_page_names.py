"""A page bears its readable name wherever people read it, however it was recorded (issue 12, line 26)."""

from __future__ import annotations

import json
import uuid
from datetime import date
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner
from desk_world import ORIGIN, World
from dongui_collector.analytics.public_numbers import FEWEST, finished
from dongui_collector.cli import cli
from dongui_collector.desk.visits import lists
from dongui_collector.desk.visits.weekly import mail, week_before

FORMS = ["/%EA%B0%80%EB%B0%A9", "/%ea%b0%80%eb%b0%a9", "/가방"]
READABLE = "/가방"


def visits(world: World, days_ago: int, path: str, people: int = 2 * FEWEST) -> None:
    """Views of a page whose address the middleware, a server or a browser wrote in its own way."""
    at = world.core.clock.now() - days_ago * 86_400_000
    for _ in range(people):
        line = {"visitor": world.choose(None, ("statistics",)), "id": str(uuid.uuid4()), "name": "pageview", "at": at}
        assert world.ask("events.import", lines=[json.dumps(line | {"url": ORIGIN + path})])["recorded"] == 1


def the_mail(world: World, week: tuple[date, date]) -> EmailMessage:
    with Path(world.installed.config).open("a", encoding="utf-8") as text:
        text.write('smtp_host = "127.0.0.1"\nmail_to = "chief@shop.example"\nmail_language = "en"\n')
    with World(world.installed) as sending:
        return mail(sending.desk, sending.core, week)


@pytest.mark.parametrize("path", FORMS, ids=["capitals", "small letters", "readable"])
def test_a_page_is_shown_readable_in_the_console_the_mail_and_on_the_command_line(world: World, path: str) -> None:
    today = world.core.clock.today(world.settings.zone)
    week = week_before(today)
    visits(world, (today - week[1]).days, path, people=5)
    officer = world.signed_in()
    for page in ("panel/pages", "panel/pages?tab_pages=entry_pages", "panel/pages?tab_pages=exit_pages", "list/pages"):
        shown = officer.get(f"/console/visits/{page}").text
        assert f">{READABLE}</a>" in shown, page
        assert "%EA%B0%80" not in shown.upper().replace("%3A%2F%EA%B0%80", ""), page  # but in the links' own filters
    chip = officer.get("/console/visits", query_string={"filter": f"page:{path}", "whole": "1"}).text
    assert READABLE in chip
    message = the_mail(world, week)
    for kind in ("plain", "html"):
        body = message.get_body((kind,))
        assert body
        assert READABLE in body.get_content()
        assert "%EA%B0%80" not in body.get_content().upper()
    arguments = ["reports", "pages", "--from", str(week[0]), "--to", str(today), "--purpose", "statistics"]
    run = CliRunner(env={"DONGUI_CONFIG": world.installed.config}).invoke(cli, [*arguments, "--filter", f"page:{path}"])
    assert run.exit_code == 0, run.output
    assert READABLE in run.stdout
    assert "%EA%B0%80" not in run.stdout.upper()


def test_a_page_is_shown_readable_on_a_shared_link(world: World) -> None:
    today = world.core.clock.today(world.settings.zone)
    visits(world, (today - finished("month", today)[0][0]).days, FORMS[0])
    made = world.ask("shares.create", name="All")
    shown = world.browser().get(f"/share/{made['token']}").text
    assert f"<span>{READABLE}</span>" in shown
    assert "%EA%B0%80" not in shown.upper()


def test_lists_of_a_link_and_of_a_mail_say_when_they_lack_rows(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Line 29: what a list no longer holds is not taken for what was not there."""
    today = world.core.clock.today(world.settings.zone)
    began = finished("month", today)[0][0]
    week = week_before(today)
    visits(world, (today - week[1]).days, "/a", people=5)
    ask = lists.ScreenReader.ask

    def shortened(self: lists.ScreenReader, *args: object, **more: object) -> object:
        return ask(self, *args, **more) | {"shortened": 3}  # type: ignore[arg-type]

    monkeypatch.setattr(lists.ScreenReader, "ask", shortened)
    link = world.ask("shares.create", name="All")["token"]
    said = "Of 3 days the list lacks"
    assert said in world.browser().get(f"/share/{link}?lang=en&from={began}").text
    message = the_mail(world, week)
    assert all(said in part.get_content() for kind in ("plain", "html") if (part := message.get_body((kind,))))
    officer = world.signed_in()
    for page in ("panel/pages", "list/pages"):
        assert said in officer.get(f"/console/visits/{page}?lang=en").text, page
