"""The browser of ``browser.mjs`` beside a real collector, with a network between them that does what it is told."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
from dongui_collector.core.operations import perform
from dongui_collector.runtime.public import public_app

from tests.retention.house import CHROME, SEOUL, House, policy

ORIGIN = "https://shop.example.com"
PURPOSES = ("statistics", "personalisation", "marketing")
DAY = 86_400_000
Answer = dict[str, Any]

_HTML = {"Content-Type": "text/html"}
#: What a network answers in the collector's place.
FOREIGN: dict[str, Answer | None] = {
    "captive portal": {"status": 200, "headers": _HTML, "text": "<p>Sign in"},
    "created by nobody": {"status": 201, "headers": _HTML, "text": "{}"},
    "nothing": {"status": 204},
    "redirect": {"status": 0},
    "firewall 400": {"status": 400, "headers": _HTML, "text": "<p>Blocked"},
    "firewall 401": {"status": 401, "headers": _HTML},
    "firewall 403": {"status": 403, "headers": _HTML, "text": "<p>Blocked"},
    "deploy 404": {"status": 404, "headers": _HTML},
    "firewall 409": {"status": 409, "headers": {"Content-Type": "application/json"}, "text": "{}"},
    "proxy 413": {"status": 413, "headers": _HTML},
    "early 425": {"status": 425},
    "busy 429": {"status": 429, "headers": {"Retry-After": "2"}},
    "broken 500": {"status": 500},
    "away 503": {"status": 503, "headers": {"Retry-After": "1"}},
    "lost": None,
}


class Browser:
    """The process of ``browser.mjs``: one command in, the state after it out."""

    def __init__(self) -> None:
        file = Path(__file__).with_name("browser.mjs")
        command = ["node", "--experimental-vm-modules", "--no-warnings", str(file)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def do(self, what: str, **given: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"do": what, **given}) + "\n")
        self.process.stdin.flush()
        state: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert "error" not in state, state["error"]
        return state

    def close(self) -> None:
        assert self.process.stdin
        self.process.stdin.close()
        self.process.wait(60)


class World:
    """One installation for all runs, a site of its own for each."""

    def __init__(self, house: House, browser: Browser) -> None:
        self.house, self.browser = house, browser
        door = httpx.ASGITransport(public_app(house.core))
        self.http = httpx.AsyncClient(transport=door, base_url="https://collect.example")
        self.sites = 0
        #: What all runs together have met, by its name.
        self.met: Counter[str] = Counter()

    def begin(self, seed: int, *, locks: bool) -> None:
        self.sites += 1
        self.versions = 1
        self.more = False
        self.visitors: set[str] = set()
        text = policy(self.notice)
        given = {"name": f"shop{self.sites}", "origins": [ORIGIN], "text": text}
        self.site: str = perform(self.house.core, "sites.add", given)["site"]
        self.online = True
        self.see("begin", seed=seed, at=self.house.now, locks=locks, site=self.site, purposes=PURPOSES)

    def see(self, what: str, **given: Any) -> dict[str, Any]:
        """Does one thing in the browser; notices are answered on the way."""
        self.state = self.browser.do(what, **given)
        self.house.now = max(self.house.now, int(self.state["now"]))
        while asked := [r for r in self.state["requests"] if "/v1/notice" in r["url"]]:
            answer = self.collector(asked[0]) if self.online else None
            self.state = self.browser.do("answer", request=asked[0]["id"], answer=answer)
        return self.state

    @property
    def notice(self) -> str:
        """The version in force."""
        return f"s{self.sites}-v{self.versions}"

    def posts(self) -> list[dict[str, Any]]:
        return [r for r in self.state["requests"] if "/v1/notice" not in r["url"]]

    def queue(self) -> list[dict[str, Any]]:
        return [json.loads(v) for k, v in sorted(self.state["stored"].items()) if k.startswith("dongui.queue.")]

    def collector(self, request: dict[str, Any]) -> Answer:
        """The real collector's answer."""
        return self.house.loop.run_until_complete(self._asked(request))

    async def _asked(self, request: dict[str, Any]) -> Answer:
        headers = {"origin": ORIGIN, "user-agent": CHROME, **request["headers"]}
        answer = await self.http.request(request["method"], request["url"], content=request["body"], headers=headers)
        if answer.status_code == 201 and (visitor := answer.json()["visitor"]):
            self.visitors.add(visitor)
        return {"status": answer.status_code, "headers": dict(answer.headers), "text": answer.text}

    def ledger(self) -> dict[str, set[str]]:
        """What each visitor that there ever was has given, as the collector says."""
        given = {}
        for visitor in self.visitors:
            request = {"method": "GET", "url": f"/v1/me?site={self.site}", "body": None}
            answer = self.collector(request | {"headers": {"authorization": f"Bearer {visitor}"}})
            state = json.loads(answer["text"])["state"] if answer["status"] == 200 else {}
            given[visitor] = {purpose for purpose, what in state.items() if what == "given"}
        return given

    def publish(self, *, asks: bool) -> None:
        self.versions += 1
        self.more = self.more != asks
        today = self.house.core.clock.today(SEOUL)
        text = policy(self.notice, today)
        if self.more:  # a purpose that lists another item needs a new consent
            old = 'items = ["cookie", "visit_time", "advertising_id"]'
            text = text.replace(old, old[:-1] + ', "access_environment"]')
            assert 'advertising_id", "access' in text
        perform(self.house.core, "policy.publish", {"text": text, "site": self.site})
