"""The weekly mail: what it says, to whom, when, and only once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from desk_world import World
from dongui_collector.core.errors import CollectorError
from dongui_collector.desk import mailing
from dongui_collector.desk.mailing import is_due, send_if_due, send_week
from dongui_collector.desk.visits.weekly import receivers, week_before
from smtp_stub import Mails, mail_server

from tests.clock import SEOUL


@pytest.fixture
def mails() -> Iterator[Mails]:
    with mail_server() as found:
        yield found


def told(world: World, mails: Mails, *lines: str) -> World:
    """The same installation with a mail server in its settings."""
    with Path(world.installed.config).open("a", encoding="utf-8") as text:
        text.write(f'smtp_host = "127.0.0.1"\nsmtp_port = {mails.port}\n')
        text.write('mail_to = "chief@shop.example, desk@shop.example"\n' + "\n".join(lines) + "\n")
    return World(world.installed)


PLAIN = 'smtp_security = "none"'


@pytest.mark.parametrize(
    ("today", "monday"),
    [
        ("2026-11-23", "2026-11-16"),
        ("2026-11-26", "2026-11-16"),
        ("2026-11-29", "2026-11-16"),
        ("2026-11-30", "2026-11-23"),
    ],
)
def test_the_week_before(today: str, monday: str) -> None:
    first, last = week_before(date.fromisoformat(today))
    assert first.isoformat() == monday
    assert last == first + timedelta(days=6)


def test_it_is_due_on_mondays_from_eight() -> None:
    assert not is_due(datetime(2026, 11, 23, 7, 59, tzinfo=SEOUL))
    assert is_due(datetime(2026, 11, 23, 8, 0, tzinfo=SEOUL))
    assert not is_due(datetime(2026, 11, 24, 8, 0, tzinfo=SEOUL))
    assert receivers(" a@x.example,, b@x.example ") == ["a@x.example", "b@x.example"]


def test_the_mail_says_the_weeks_figures_and_nothing_rare(world: World, mails: Mails) -> None:
    today = world.core.clock.today(world.settings.zone)
    ago = (today - week_before(today)[1]).days
    for n in range(6):
        world.visitor_with_events("statistics", events=1 + n, days_ago=ago)
    with told(world, mails, PLAIN, 'mail_language = "en"') as sending:
        assert send_week(sending.desk, sending.core) == 2
    [message], [to] = mails.messages, mails.receivers
    assert to == ["chief@shop.example", "desk@shop.example"]
    assert message["From"] == "chief@shop.example"
    assert "The week's visits" in message["Subject"]
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text
    assert html
    for body in (text.get_content(), html.get_content()):
        assert "Shop" in body
        assert "Direct" in body
        assert "unknown" in body
    assert "Visitors: 6" in text.get_content()
    assert "203.0.113" not in message.as_string()


def test_without_encryption_nothing_is_sent_unless_it_is_asked_for(world: World, mails: Mails) -> None:
    with told(world, mails) as sending, pytest.raises(CollectorError, match="smtp_"):
        send_week(sending.desk, sending.core)
    assert mails.messages == []


def test_it_is_off_by_default(world: World) -> None:
    with pytest.raises(CollectorError, match="smtp_host"):
        send_week(world.desk, world.core)
    assert not send_if_due(world.desk, world.core)


def test_serve_sends_it_once_and_again_after_a_failure(
    world: World, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = world.core.clock.today(world.settings.zone)
    monday = today + timedelta(days=7 - today.weekday())
    monkeypatch.setenv("DONGUI_CLOCK", f"{monday}T12:00:00+09:00")
    with told(world, mails, PLAIN) as sending:
        mails.refusing = True
        with pytest.raises(CollectorError):
            send_if_due(sending.desk, sending.core)
        mails.refusing = False
        assert send_if_due(sending.desk, sending.core)
        assert not send_if_due(sending.desk, sending.core)
    assert len(mails.messages) == 1


def test_no_error_ends_the_looking(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ended, looks = Event(), []

    def fail(*_: object) -> bool:
        looks.append(1)
        if len(looks) == 2:
            ended.set()
        raise RuntimeError("of a kind that nobody thought of")

    monkeypatch.setattr(mailing, "send_if_due", fail)
    mailing.watch(world.desk, world.core, ended, every=0.001)
    assert len(looks) == 2


def test_the_command_sends_it_now(world: World, mails: Mails) -> None:
    with told(world, mails, PLAIN) as sending:
        config = sending.installed.config
    command = [sys.executable, "-m", "dongui_collector", "reports", "mail", "--config", config]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=False)
    assert (done.returncode, done.stderr) == (0, "sent to 2\n")
    assert len(mails.messages) == 1
