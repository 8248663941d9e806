"""For the tests of an application: any consent at will, everything that would have been recorded, and no collector.

    dongui = FakeClient()
    app.wsgi_app = ConsentMiddleware(app.wsgi_app, client=dongui)      # or dongui.asgi's
    browser.get("/", headers={"Cookie": dongui.cookie("statistics")})      # Flask: browser.set_cookie, from .cookies()
    assert dongui.events[0].name == "pageview"

Django: ``DONGUI = {"client": FakeClient()}`` in the settings of the tests.
"""

from __future__ import annotations

import datetime
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from dongui.client import Client
from dongui.http.batches import EVENTS, Job
from dongui.http.breaker import Breaker, Breakers
from dongui.http.delivery import Delivery, DeliveryQueue
from dongui.policy import compiled, default_policy_text, parse
from dongui.result import Response
from dongui.rules.consent import Choice, encode_choice
from dongui.web.consent import Consent
from dongui.web.options import OptionValues, resolve
from dongui.web.own_cookies import CookieNaming

__all__ = ["FakeClient", "Recorded", "consent"]


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event as it would have been sent: only what the visitor granted."""

    visitor: str
    name: str
    fields: dict[str, Any]


class FakeClient(Client):
    """A client whose collector is in memory: it knows every visitor that it was asked for, and answers at once.

    ``policy``: the site's own policy file, loaded ``Policy`` or compiled mapping; otherwise the one that ``dongui
    init`` writes with the presets ``ga4``, ``google_ads`` and ``meta``, whose consent purposes are ``statistics``,
    ``personalisation``, ``marketing`` and ``analysis``.
    Further options as in :class:`dongui.web.options.Options`; the environment is not looked at.
    """

    def __init__(self, **options: Unpack[OptionValues]) -> None:
        #: Every event, in its order.
        self.events: list[Recorded] = []
        #: Every other call, as (path, body).
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._granted: dict[str, set[str]] = {}
        given = {"site": "test-site", "collector": "http://collector.invalid", "secret_key": "test", **options}
        super().__init__(options=resolve({**given, "policy": options.get("policy") or _default()}, {}))

    def visitor(self, *purposes: str) -> str:
        """The id of a new visitor who granted these purposes."""
        identifier = secrets.token_urlsafe(16)
        self._granted[identifier] = set(purposes)
        return identifier

    def cookies(self, *purposes: str, visitor: str | None = None) -> dict[str, str]:
        """The cookies of a browser whose visitor granted these purposes, refusing all others."""
        terms = self.knowledge.terms
        choice = Choice(terms.version, purposes, int(time.time()))
        naming = CookieNaming(self.options.https == "always", self.options.domain)
        found = {naming.choice: encode_choice(choice)}
        if "cookie" in terms.items(frozenset(purposes)):
            found[naming.visitor] = visitor or self.visitor(*purposes)
        return found

    def cookie(self, *purposes: str, visitor: str | None = None) -> str:
        """As :meth:`cookies`, as one ``Cookie`` header."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies(*purposes, visitor=visitor).items())

    def consent_of(self, *purposes: str, gpc: bool = False) -> Consent:
        """The :class:`Consent` of a visitor who granted these purposes, for functions that take one."""
        return Consent(self.knowledge.terms, self.cookie(*purposes), "1" if gpc else "")

    # What a client asks of its collector.

    def make_transport(self, delivery: Delivery | None) -> DeliveryQueue:
        """Into :attr:`events` and :attr:`calls`."""
        return _Memory(self)

    def make_breakers(self) -> Breakers:
        """There is no collector to proxy to."""
        return Breakers(lambda: False, _NeverTry)

    def withdraw_earlier(self, visitor: str, refused: list[str], given_before: int) -> Mapping[str, str] | None:
        """As the collector would answer, to whom everything was given long ago; no call where nothing is withdrawn."""
        given = self._granted.get(visitor, set())
        if given.isdisjoint(refused):
            return self._state(given)
        return super().withdraw_earlier(visitor, refused, given_before)

    def exchange(self, method: str, path: str, data: bytes, timeout: float, bearer: str) -> Response:
        """As the collector would answer."""
        body = json.loads(data) if data else {}
        if path == "/v1/consents":
            self.calls.append((path, body))
            return _reply(201, self._decide(body))
        if bearer not in self._granted:
            return _reply(404, {"type": "urn:dongui:problem:unknown-visitor"})
        if method == "GET":
            return _reply(200, {"state": self._state(self._granted[bearer]), "events": self._events_of(bearer)})
        self.calls.append((path, body))
        if method == "DELETE":
            del self._granted[bearer]
            self.events = [event for event in self.events if event.visitor != bearer]
        return _reply(200, {"id": "request-1"} if method == "POST" else {"erased": {}, "certificate": {}})

    def _events_of(self, visitor: str) -> list[dict[str, Any]]:
        return [{"name": event.name, **event.fields} for event in self.events if event.visitor == visitor]

    def _decide(self, body: dict[str, Any]) -> dict[str, Any]:
        visitor = body.get("visitor") or ""
        live = (self._granted.get(visitor, set()) | set(body["granted"])) - set(body["refused"])
        if visitor in self._granted:
            self._granted[visitor] = live
        elif live:
            visitor = self.visitor(*live)
        at = time.time_ns() // 1_000_000
        known = visitor if live else None
        return {"id": body["id"], "visitor": known, "state": self._state(live), "at": at, "receipt": None}

    def _state(self, live: set[str]) -> dict[str, str]:
        return {name: "given" if name in live else "refused" for name in sorted(self.knowledge.terms.asked)}


def consent(*purposes: str, gpc: bool = False) -> Consent:
    """A :class:`Consent` that grants these purposes under the default policy, for functions that take one."""
    client = FakeClient()
    try:
        return client.consent_of(*purposes, gpc=gpc)
    finally:
        client.close()


class _Memory(DeliveryQueue):
    """Keeps what it is given."""

    def __init__(self, client: FakeClient) -> None:
        super().__init__("test-site", "http://collector.invalid", "test")
        self._client = client

    def wake(self) -> None:
        """Nothing is delivered, so no thread is needed."""

    def deliver(self) -> None:
        """Nothing ever waits."""

    def send(self, job: Job) -> bool:
        body = json.loads(job.encoded())
        if job.path != EVENTS:
            self._client.calls.append((job.path, body))
            return True
        name = body.pop("name")
        self._client.events.append(Recorded(str(job.key), name, body))
        return True


class _NeverTry(Breaker):
    """There is no collector to proxy to: the mount answers 503 at once."""

    def allow(self) -> bool:
        return False


def _default() -> dict[str, Any]:
    policy = parse(
        default_policy_text(
            version="test", effective=datetime.date(2020, 1, 1), name="Test", presets=("ga4", "google_ads", "meta")
        )
    )
    return compiled(policy, site="test-site", accepts=["test"])


def _reply(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())
