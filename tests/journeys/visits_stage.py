"""A desk with some weeks of visits, served on loopback: for the journeys over the Visits screen and its pictures."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from dongui_collector.core import operations
from dongui_collector.core.clock import Clock
from dongui_collector.core.settings import load_settings
from dongui_collector.demo.history import seed
from dongui_collector.demo.places import write_places
from dongui_collector.desk.app import create_desk
from dongui_collector.ledger.service import Decision
from dongui_collector.retention.installation import Installation
from dongui_collector.runtime.composition import control, open_core
from dongui_collector.runtime.install import ACCOUNT, Installed, install
from playwright.sync_api import Browser, BrowserContext
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.collector import starting_text

ORIGIN = "https://kettle.example.com"
# In a name, a path, a referrer, a search and a user agent: none of it may ever run.
HOSTILE = "<img src=x onerror=\"window.hit='yes'\"><script>window.hit='yes'</script>'\"&"

# Ahead of it: an agent that begins with a bracket is a program's, and programs are in no report.
BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"


class _Quiet(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


@dataclass(frozen=True)
class Stage:
    """Where the desk answers, and whose it is."""

    origin: str
    installed: Installed

    def ask(self, operation: str, **arguments: Any) -> Any:
        return control(load_settings(Path(self.installed.config))).ask(operation, **arguments)

    def today(self) -> date:
        settings = load_settings(Path(self.installed.config))
        return Clock().today(settings.zone)

    def signed_in(self, browser: Browser, **options: Any) -> BrowserContext:
        context = browser.new_context(**options)
        context.set_default_timeout(60_000)
        page = context.new_page()
        page.goto(f"{self.origin}/console/login")
        page.fill("[name=name]", ACCOUNT)
        page.fill("[name=password]", self.installed.console_password)
        page.click("button.primary")
        page.wait_for_url(lambda url: "/login" not in url)
        page.close()
        return context


@contextmanager
def stage(folder: Path, *, name: str, days: int, visitors: int, hostile: bool = False) -> Iterator[Stage]:
    """A new installation in ``folder`` with ``days`` of visits, and its desk."""
    installed = install(folder, starting_text(name), name=name, origins=[ORIGIN])
    write_places(folder / "places.mmdb")
    with Path(installed.config).open("a", encoding="utf-8") as text:
        text.write('geoip_database = "places.mmdb"\ncurrency = "KRW"\n')
    settings = load_settings(Path(installed.config))
    core = open_core(settings, writable=True)
    try:
        seed(core, days, visitors)
        if hostile:
            _hostile(core)
    finally:
        core.close()
    with serving(installed) as found:
        yield found


@contextmanager
def serving(installed: Installed) -> Iterator[Stage]:
    """The desk of an installation, on a free port of loopback."""
    core = open_core(load_settings(Path(installed.config)), writable=False)
    server = make_server("127.0.0.1", 0, create_desk(core), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield Stage(f"http://127.0.0.1:{server.server_port}", installed)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        core.close()


def _hostile(core: Installation) -> None:
    site = core.registry.sites()[0]
    notice = core.registry.in_force(site.ref, core.clock.now())
    with core.storage.ledger.writing():
        visitor = core.ledger.choose(notice, None, Decision(("statistics",), (), "api", "ko", {})).answer["visitor"]
    event = {
        "visitor": visitor,
        "id": str(uuid.uuid4()),
        "at": core.clock.now(),
        "search": HOSTILE,
        "user_agent": f"{BROWSER} {HOSTILE}",
    }
    event |= {"url": f"{ORIGIN}/{HOSTILE}?utm_campaign={HOSTILE}", "referrer": f"https://evil.example/{HOSTILE}"}
    event |= {"environment": {"screen": HOSTILE[:32], "language": HOSTILE[:32]}}
    lines = [json.dumps(event | {"name": name, "id": str(uuid.uuid4())}) for name in ("pageview", HOSTILE)]
    operations.perform(core, "events.import", {"lines": lines})
