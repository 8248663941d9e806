"""One installation with its desk, and what happens to it: everything real but the network."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from argon2 import PasswordHasher
from dongui_collector.access import secrets
from dongui_collector.core.settings import load_settings
from dongui_collector.desk.app import create_desk
from dongui_collector.ledger.service import Decision
from dongui_collector.runtime.composition import open_core
from dongui_collector.runtime.install import ACCOUNT, Installed, install
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.collector import starting_text

ORIGIN = "https://shop.example.com"


class World:
    """An installation opened by a desk, as ``serve`` has it; writes go past the desk, as the collector's do."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.settings = load_settings(Path(self.installed.config))
        self.core = open_core(self.settings, writable=False)
        self.desk = create_desk(self.core)

    def __enter__(self) -> World:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.core.close()

    @staticmethod
    def template(folder: Path) -> Installed:
        """A fresh installation, to be copied: making one takes longer than most tests.

        A password is checked as its hash says, and most tests sign in: this one's says that it is done soon.
        """
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(secrets, "_PASSWORDS", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
            installed = install(folder, starting_text("Shop"), name="Shop", origins=[ORIGIN])
        with Path(installed.config).open("a", encoding="utf-8") as settings:
            settings.write("testing = true\n")
        return installed

    # -- what the collector does

    def ask(self, operation: str, **arguments: Any) -> Any:
        return self.core.control.ask(operation, **arguments)

    def choose(self, visitor: str | None, granted: tuple[str, ...] = (), refused: tuple[str, ...] = ()) -> str | None:
        """A choice, carried through to its endings. Returns the visitor's id."""
        core = open_core(self.settings, writable=True)
        try:
            notice = core.registry.in_force(core.registry.sites()[0].ref, core.clock.now())
            with core.storage.ledger.writing():
                outcome = core.ledger.choose(notice, visitor, Decision(granted, refused, "api", "ko", {}))
            core.retention.endings.resume()
            answer: str | None = outcome.answer["visitor"]
            return answer
        finally:
            core.close()

    def record(self, class_id: str = "payment", *, ended: bool = False) -> None:
        """A record of a member; ``ended``: who has left, so that it lies in the archive."""
        core = open_core(self.settings, writable=True)
        try:
            site, now = core.registry.sites()[0], core.clock.now()
            data = {"transaction": "transaction-one", "password": "secret"}
            core.retention.records.add(site, class_id, "member-1", now, "settlement", data)
            if ended:
                member = core.ledger.member_key(site.ref, "member-1")
                core.retention.endings.finish(core.ledger.end_member(site.ref, member, "closed"))
        finally:
            core.close()

    def seen(self, *cookies: str) -> None:
        """Names of cookies that the middleware saw."""
        core = open_core(self.settings, writable=True)
        with core.storage.ledger.writing():
            core.storage.admin.seen_cookies(core.registry.sites()[0].ref, cookies, core.clock.now())
        core.close()

    def visitor_with_events(self, *purposes: str, events: int = 5, days_ago: int = 0) -> str:
        visitor = self.choose(None, purposes)
        assert visitor
        at = self.core.clock.now() - days_ago * 86_400_000
        lines = [
            {
                "visitor": visitor,
                "id": str(uuid.uuid4()),
                "name": "visit",
                "at": at,
                "url": f"{ORIGIN}/page{n}?gclid=click-{n}",
                "ip": "203.0.113.9",
                "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0",
            }
            for n in range(events)
        ]
        done = self.ask("events.import", lines=[json.dumps(line) for line in lines])
        assert done["recorded"] == events
        return visitor

    def token(self, *purposes: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.ask("tokens.create", purposes=list(purposes), **more)
        return made

    # -- what people do

    def browser(self) -> FlaskClient:
        return self.desk.test_client()

    def signed_in(self, name: str = ACCOUNT, password: str | None = None) -> FlaskClient:
        browser = self.browser()
        answer = sign_in(browser, name, password or self.installed.console_password)
        assert answer.status_code == 303, answer.text
        return browser

    def get(self, path: str, token: str | None = None) -> TestResponse:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return self.browser().get(path, headers=headers)

    def export(self, token: str, query: str = "") -> TestResponse:
        today = self.core.clock.today(self.settings.zone)
        days = f"from={today - timedelta(days=30)}&to={today}"
        return self.get(f"/v1/export/events?{days}{query}", token)


def csrf(browser: FlaskClient, page: str) -> str:
    """The anti-forgery value of a page's forms."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(page).text)
    assert found
    return found[1]


def sign_in(browser: FlaskClient, name: str, password: str, **query: str) -> TestResponse:
    fields = {"name": name, "password": password, "csrf_token": csrf(browser, "/console/login")}
    return browser.post("/console/login", data=fields, query_string=query)


def send(browser: FlaskClient, page: str, action: str, **fields: Any) -> TestResponse:
    """Send one of a page's forms."""
    return browser.post(action, data={**fields, "csrf_token": csrf(browser, page)})
