"""The public door: an ASGI application. The two hot paths natively, everything else through :mod:`.pages`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial
from typing import Any, TypeVar

import msgspec

from dongui_collector.access.secrets import token_hash
from dongui_collector.core.arrivals import arrivals_of
from dongui_collector.core.errors import NotPublished, Unknown
from dongui_collector.core.turns import Whose
from dongui_collector.intake.consent_commit import ChoiceCommit
from dongui_collector.intake.credentials import Headers, RateLimit, address_of, may_write, network, proxied_address
from dongui_collector.intake.decisions import decision_answer, decision_of
from dongui_collector.intake.encoding import unpacked
from dongui_collector.intake.gate import RowMaker, Sender
from dongui_collector.intake.group_commit import GroupCommit
from dongui_collector.intake.http import (
    JSON,
    Pairs,
    Receive,
    Scope,
    Send,
    Served,
    drain,
    failure,
    lifespan,
    read_body,
    respond,
)
from dongui_collector.intake.metrics import DoorMetrics
from dongui_collector.intake.origins import Origins
from dongui_collector.intake.places import GeoDatabase
from dongui_collector.intake.problems import Problem
from dongui_collector.intake.schema import MAX_BODY, ConsentIn, EventBatch, check_decision, check_events, decode
from dongui_collector.intake.turns import GroupTurns, ThreadTurns
from dongui_collector.intake.withdrawals import WithdrawalQueue
from dongui_collector.ledger.origins import is_origin
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

T = TypeVar("T")
Answering = Callable[[Scope, Receive, Send], Awaitable[None]]
_NO_ORIGIN: Pairs = [(b"vary", b"Origin")]


@lru_cache(maxsize=256)
def _listed(origin: str) -> Pairs:
    return [
        (b"access-control-allow-origin", origin.encode("latin-1")),
        (b"access-control-expose-headers", b"Retry-After"),
        (b"vary", b"Origin"),
    ]


class PublicApp:
    """Composes the public door over an open installation."""

    def __init__(self, core: Installation, pages: Callable[[PublicApp], Answering], *, dev: bool = False) -> None:
        """``pages`` makes what answers every path but the two hot ones; ``dev`` lets every loopback origin write."""
        settings = core.settings
        self.core = core
        self.origins = Origins(core.registry, dev)
        self.arrivals = arrivals_of(core.cached)
        self.metrics = DoorMetrics()
        self.rows = RowMaker(
            core.registry,
            core.keyring,
            GeoDatabase(settings.folder / settings.geoip_database if settings.geoip_database else None),
        )
        self.events = GroupCommit(core.storage.events, core.registry, self.rows, core.clock, settings)
        self.endings = WithdrawalQueue(core, self.metrics)
        self.endings.forget = self.events.forget
        self.choices = ChoiceCommit(core, self.endings)
        self.limit = RateLimit(settings.rate_limit, settings.rate_burst)
        # What is the same for everybody costs little, and caches ask for many: ten times as much of it.
        self.page_limit = RateLimit(10 * settings.rate_limit, 10 * settings.rate_burst)
        self.served = Served()
        # Threads by what is asked: no reader takes those of whom withdraws or erases, nor of servers' calls.
        self.readers = ThreadTurns(1, "reader")
        self.rights = GroupTurns("rights", core.storage.ledger.writing, self.endings.must_succeed)
        self.outcomes = GroupTurns("outcome", core.storage.ledger.writing)  # what is left after an erasure
        self.requests = ThreadTurns(1, "requests")
        self.servers = ThreadTurns(2, "servers")
        self.committed_at = 0  # when /readyz last proved that a commit succeeds
        self._pages = pages(self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        peer, served = scope["client"], self.served
        served.busy.add(peer)
        try:
            await self._http(scope, receive, send)
        finally:
            served.busy.discard(peer)
            served.answered.add(peer)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"], scope["method"]
        if method == "POST" and path in ("/v1/events", "/v1/consents"):
            headers = Headers.of(scope["headers"])
            answer = self._post_events if path == "/v1/events" else self._post_consents
            try:
                status, body, extra = await answer(scope, receive, headers)
            except Problem as problem:
                if problem.slug == "too-large":
                    await drain(receive)
                status, body, extra = problem.status, problem.body, problem.headers
            except Exception as error:
                ours = Problem("not-found") if isinstance(error, Unknown) else failure(error)
                status, body, extra = ours.status, ours.body, ours.headers
            self.metrics.answered(path, status)
            await respond(send, status, body, extra + self.cors(headers.origin))
        elif path in ("/v1/events", "/v1/consents") and method != "OPTIONS":
            wrong = Problem("method-not-allowed")
            self.metrics.answered(path, wrong.status)
            await respond(send, wrong.status, wrong.body, [*wrong.headers, (b"allow", b"POST, OPTIONS")])
        elif not path.isprintable():  # to a router "/metrics\n" is "/metrics", and to the proxy that hides it it is not
            nowhere = Problem("not-found")
            await respond(send, nowhere.status, nowhere.body, nowhere.headers)
        elif method == "OPTIONS" and path.startswith("/v1/"):
            await respond(send, 204, b"", self._preflight(Headers.of(scope["headers"]).origin))
        else:
            await self._pages(scope, receive, send)

    # -- the hot paths

    async def _post_events(self, scope: Scope, receive: Receive, headers: Headers) -> tuple[int, bytes, Pairs]:
        address = self.admit(scope, headers)
        body = await read_body(receive, headers.length)
        if headers.encoding:
            body = unpacked(body, headers.encoding, zipped=self.is_server(headers))
        batch = decode(body, EventBatch)
        site = self.site(batch.site)
        secret = self.may_write(site, headers)
        check_events(batch.events, addresses=secret)
        sender = self._sender(site, headers, address, secret)
        visitor = self.core.ledger.key_of(batch.visitor) if batch.visitor else None
        done = await self.events.add(site.ref, visitor, batch.events, sender)
        self.metrics.events(done.recorded, done.refused)
        if not done.refused:
            return 202, b'{"recorded":%d,"refused":{}}' % done.recorded, JSON
        return 202, msgspec.json.encode({"recorded": done.recorded, "refused": done.refused}), JSON

    async def _post_consents(self, scope: Scope, receive: Receive, headers: Headers) -> tuple[int, bytes, Pairs]:
        address = self.caller(scope, headers)
        body = await read_body(receive, headers.length)
        if headers.encoding:
            body = unpacked(body, headers.encoding, zipped=False)
        sent = decode(body, ConsentIn)
        site = self.site(sent.site)
        check_decision(sent, secret=self.may_write(site, headers))
        if sent.granted:  # what only takes away is never refused by rate
            self.take_turn(headers, address)
        current = self.core.registry.in_force(site.ref, self.core.clock.now())
        decision = decision_of(sent, headers, current, self.core.registry)
        source = network(self._vouched(headers) or address or "")
        outcome = await self.choices.add(current, sent.visitor, decision, source=source)
        return decision_answer(sent, outcome, current)

    # -- what every call asks

    def admit(self, scope: Scope, headers: Headers) -> str | None:
        """The limits before parsing. Returns the caller's address; raises ``too-large`` or ``rate-limited``."""
        address = self.caller(scope, headers)
        self.take_turn(headers, address)
        return address

    def caller(self, scope: Scope, headers: Headers) -> str | None:
        """The caller's address. Raises ``too-large`` for a body that says so of itself."""
        if headers.length is not None and headers.length > MAX_BODY:
            raise Problem("too-large")
        client = scope.get("client")
        return address_of(client[0] if client else None, headers.forwarded, self.core.settings.trusted_proxies)

    def take_turn(self, headers: Headers, address: str | None, limit: RateLimit | None = None) -> None:
        """Take one of the requests that an address may make. Raises ``rate-limited``; servers have no such limit."""
        if not self.is_server(headers):
            # Only what is listed or vouched for counts: a made-up Origin or header must not open a bucket of its own.
            origin = headers.origin if headers.origin in self.core.registry.origins else ""
            if not (limit or self.limit).allow(origin or "", self._vouched(headers) or address):
                raise Problem("rate-limited")

    def is_server(self, headers: Headers) -> bool:
        """Whether some site's secret key was sent; a digest's comparison tells nothing about the key."""
        return headers.bearer is not None and token_hash(headers.bearer) in self.core.registry.secret_hashes

    def _vouched(self, headers: Headers) -> str | None:
        """The visitor's address as a site's own middleware vouches for it, of whichever site."""
        if headers.proxied is None:
            return None
        return next((a for s in self.core.registry.sites() if (a := proxied_address(s, headers.proxied))), None)

    def may_write(self, site: Site, headers: Headers) -> bool:
        """As :func:`~dongui_collector.intake.credentials.may_write`, and note who got through and who did not."""
        now = self.core.clock.now()
        try:
            secret = may_write(site, headers, self.origins)
        except Problem as problem:
            if headers.bearer is not None:
                self.arrivals.key_used(site.ref, now, taken=False)
            elif problem.slug == "origin-not-listed" and headers.origin and is_origin(headers.origin):
                self.arrivals.origin_refused(site.ref, headers.origin, now)
            raise
        if secret:
            self.arrivals.key_used(site.ref, now, taken=True)
        else:
            self.arrivals.written(site.ref, now)
        return secret

    def site(self, id: str) -> Site:
        found = self.core.registry.site(id)
        if found is None:
            raise Problem("unknown-site")
        if not self.core.registry.notices(found.ref):
            raise Problem("not-published", NotPublished.REMEDY)
        return found

    def _sender(self, site: Site, headers: Headers, address: str | None, secret: bool) -> Sender:
        if secret:
            address = None
        elif headers.proxied is not None:
            # Through the site's own origin the socket is the site's server: its address is nobody's.
            address = proxied_address(site, headers.proxied)
        return Sender(
            address, headers.user_agent, headers.language, secret, headers.gpc, "service_use" if secret else "homepage"
        )

    async def in_thread(self, site: Site, work: Callable[..., T], *arguments: Any) -> T:
        """Run what a server asked for, and is slower than a commit, beside the loop, in the turn of its site."""
        return await self.servers.run(Whose(site.ref), partial(work, *arguments))

    def retention_age(self) -> float | None:
        """Seconds since the last ageing-out that succeeded; None before the first."""
        last = self.core.retention.last_success()
        return None if last is None else max(0.0, (self.core.clock.now() - last) / 1000)

    def refresh_metrics(self) -> None:
        """Set the gauges that are read rather than counted."""
        age = self.retention_age()
        self.metrics.retention_age.set(-1 if age is None else age)
        self.metrics.open_endings.set(len(self.core.storage.ledger.intents()))
        self.metrics.places_built.set(self.rows.places.built_at)
        self.metrics.days.set(len(self.core.storage.events.days()))
        self.metrics.disk_reserve.set(int(self.endings.reserve.held))

    def cors(self, origin: str | None) -> Pairs:
        """Answer exactly the listed origin, never with credentials."""
        if origin is None or not self.origins.may_read(origin):
            return _NO_ORIGIN
        return _listed(origin)

    def _preflight(self, origin: str | None) -> Pairs:
        listed = self.cors(origin)
        if listed is _NO_ORIGIN:
            return listed
        return [
            *listed,
            (b"access-control-allow-methods", b"GET, POST, DELETE"),
            (b"access-control-allow-headers", b"Content-Type, Authorization, X-Dongui"),
            (b"access-control-max-age", b"7200"),
        ]
