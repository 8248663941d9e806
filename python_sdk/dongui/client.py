"""The client: what an application says to the collector. It never raises into the application and never slows it."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Unpack

from dongui.blocking_client import BlockingClient, Visitor, quiet
from dongui.errors import ConfigurationError
from dongui.http.batches import COUNTS, EVENTS, RECORDS, Job, fits
from dongui.http.breaker import Breakers
from dongui.http.delivery import Delivery, DeliveryQueue
from dongui.http.forwarder import Forwarder
from dongui.http.policy_cache import PolicyCache
from dongui.http.probe import Probe
from dongui.rules.body import encode
from dongui.rules.compiled_policy import CompiledPolicy
from dongui.rules.events import plain
from dongui.web.consent import Consent
from dongui.web.options import Options, OptionValues, resolve
from dongui.web.page_view import gated
from dongui.worker import at_fork


class Client(BlockingClient):
    """Records events and passes on what visitors and members decided, for one site.

    ``track``, ``record``, ``identify``, ``closed`` and ``minor`` queue and return at once: True when queued.
    ``consent``, ``withdraw``, ``suspend``, ``resume``, ``erase`` and ``access`` wait for the collector, ``timeout``
    seconds at most, and return a :class:`~dongui.Result`. A visitor is an id, or better the request's ``Consent``: with
    it the event is judged here before it is queued; an id alone is judged by the collector's ledger.
    """

    def __init__(
        self, *, delivery: Delivery | None = None, options: Options | None = None, **given: Unpack[OptionValues]
    ) -> None:
        """Options as in :class:`dongui.web.options.Options`. Raises ``ConfigurationError`` for what cannot be used.

        Waits ``learn_timeout`` seconds at most for the policy; as long as none is known, nothing is recorded.
        """
        super().__init__()
        self.options = resolve(given) if options is None else options
        self.breakers = self.make_breakers()
        self.forwarder = Forwarder(self.options.collector, self.breakers)
        self.knowledge = PolicyCache(
            self.options.site,
            self.options.collector,
            self.options.policy,
            refresh=self.options.refresh,
            on_policy=self._on_policy,
        )
        self._transport = self.make_transport(delivery)
        self._closing: list[Callable[[], object]] = []
        self.knowledge.start(self.options.learn_timeout)

    # Queued.

    @quiet(False)
    def track(
        self,
        visitor: Visitor,
        name: str,
        *,
        props: Mapping[str, Any] | None = None,
        url: str | None = None,
        referrer: str | None = None,
        search: str | None = None,
        at: datetime | int | None = None,
        ip: str | None = None,
        user_agent: str | None = None,
    ) -> bool:
        """Records an event, reduced to what the visitor consented to. ``at``: epoch ms or an aware datetime.

        False when there is nobody to record (no id, nothing granted) or no room.
        """
        terms, purposes, visitor_id = self._judged(visitor)
        if not terms.known:
            self._transport.lose("no_policy")
        if visitor_id is None or not purposes:
            return False
        now = _now()
        event: dict[str, Any] = {"name": str(name), "at": now if at is None else _milliseconds(at)}
        cut = self._transport.shorten
        given = {"url": url, "referrer": referrer, "ip": ip, "user_agent": user_agent}
        given["props"] = None if props is None else plain(props, cut)
        event.update({key: value for key, value in given.items() if value is not None})
        if search is not None:
            event["search"] = str(search)
        data = encode(gated(event, purposes, terms, now, cut))
        if not fits(data):
            self._transport.lose("too_large")
            return False
        return self._transport.send(Job(visitor_id, EVENTS, data))

    @quiet(False)
    def record(
        self,
        class_: str,
        subject: str,
        data: Mapping[str, Any] | None = None,
        *,
        source: str = "service",
        at: datetime | int | None = None,
    ) -> bool:
        """Records something of another record class (``payment``, ``complaint``, …) about a member's reference.

        ``source`` says where it comes from (S2.2): ``homepage``, ``service``, ``settlement``, ``support``.
        """
        body = {
            "site": self.options.site,
            "id": str(uuid.uuid4()),
            "class": class_,
            "subject": subject,
            "at": _now() if at is None else _milliseconds(at),
            "source": source,
            "data": dict(data or {}),
        }
        return self._transport.send(Job(subject, RECORDS, encode(body)))

    @quiet(False)
    def login(
        self,
        subject: str,
        *,
        succeeded: bool,
        ip: str | None = None,
        class_: str = "abuse",
        at: datetime | int | None = None,
    ) -> bool:
        """Records a login, or a refused one, of a member's reference, under the class that the policy keeps them in."""
        data = {"event": "login", "succeeded": succeeded, **({"ip": ip} if ip else {})}
        return self.record(class_, subject, data, source="service", at=at)

    @quiet(False)
    def identify(self, visitor: Visitor, member: str) -> bool:
        """Says which member a visitor is; recorded only under a live purpose that lists ``member_reference`` (K18)."""
        terms, purposes, visitor_id = self._judged(visitor)
        if visitor_id is None or "member_reference" not in terms.items(purposes):
            return False
        return self._member(visitor_id, "identified", member)

    @quiet(False)
    def closed(self, visitor: Visitor, member: str | None = None) -> bool:
        """A member left (회원탈퇴): what was held for the membership ends."""
        ids = self._ids(visitor)
        visitor_id = ids.use or next(iter(ids.all), None)
        for one in ids.all:
            self._transport.purge(one)
        return (visitor_id is not None or member is not None) and self._member(visitor_id, "closed", member)

    @quiet(False)
    def minor(self, visitor: Visitor, member: str | None = None) -> bool:
        """The visitor turns out to be under the age of consent (K4): nothing more is recorded."""
        ids = self._ids(visitor)
        visitor_id = ids.use or next(iter(ids.all), None)
        for one in ids.all:
            self._transport.purge(one)
        return (visitor_id is not None or member is not None) and self._member(visitor_id, "minor", member)

    # About itself.

    def stats(self) -> dict[str, Any]:
        """What was sent, recorded, refused, lost since this process began; ``mishaps``: errors of our own, by place."""
        return {**self._transport.stats(), "policy": self.knowledge.terms.version, "mishaps": dict(self._mishaps)}

    def flush(self, timeout: float = 5.0) -> bool:
        """Waits until everything queued is delivered; True when it is. For scripts and tests, not for requests."""
        return self._transport.flush(timeout)

    def close(self) -> None:
        """Delivers what it can, then ends the background work. Called by itself at the process's exit."""
        self.knowledge.stop()
        self._transport.close()
        self.forwarder.close()
        for close in self._closing:
            close()

    # For the middlewares, and for dongui.testing.

    def make_transport(self, delivery: Delivery | None) -> DeliveryQueue:
        """How this client delivers."""
        options = self.options
        return DeliveryQueue(options.site, options.collector, options.secret_key, delivery=delivery)

    def make_breakers(self) -> Breakers:
        """How this client judges the collector's health."""
        probe = Probe(self.options.collector)
        breakers = Breakers(probe)
        at_fork(probe)
        at_fork(breakers)
        return breakers

    def send_event(self, visitor: str, event: dict[str, Any]) -> bool:
        """Queues an event that was gated already and is known to be small."""
        return self._transport.send(Job(visitor, EVENTS, event))

    def send_inventory(self, names: Iterable[str]) -> bool:
        """Queues names of cookies that were seen."""
        body = encode({"site": self.options.site, "cookies": list(names)})
        return self._transport.send(Job("inventory", "/v1/inventory", body))

    def send_counts(self, at: int, counts: Mapping[str, Any]) -> bool:
        """Queues numbers of page views that were answered about ``at`` (epoch ms)."""
        body = {"site": self.options.site, "id": str(uuid.uuid4()), "at": at, "counts": counts}
        return self._transport.send(Job("counts", COUNTS, encode(body)))

    def wake(self) -> None:
        """Sees to it that the background work runs, also when nothing is queued."""
        self._transport.wake()

    def deliver(self) -> None:
        """Before an end that may skip the exit: as :meth:`close`, but the work goes on afterwards."""
        self._transport.deliver()

    def also_tell(self, tell: Callable[[], object]) -> None:
        """Has ``tell`` called about once a minute in the background, and before the end: it may queue something."""
        self._transport.also_tell(tell)

    def also_close(self, close: Callable[[], object]) -> None:
        """Has ``close`` called when the client is closed."""
        self._closing.append(close)

    def purge(self, visitor: str) -> None:
        """Forgets the waiting events of a visitor."""
        self._transport.purge(visitor)

    def _on_policy(self, policy: Mapping[str, Any]) -> None:
        self._transport.gzip = policy.get("accept_gzip") is True

    def _judged(self, visitor: Visitor) -> tuple[CompiledPolicy, frozenset[str], str | None]:
        """The terms, the purposes to gate by, the id. Of a bare id nothing is known here: at most all that is asked."""
        if isinstance(visitor, Consent):
            return visitor.terms, visitor.effective(), visitor.subject()
        self.knowledge.start()
        terms = self.knowledge.terms
        return terms, terms.asked, visitor or None

    def _member(self, visitor: str | None, event: str, member: str | None) -> bool:
        body = {"site": self.options.site, "visitor": visitor, "event": event, "id": str(uuid.uuid4())}
        if member is not None:
            body["member"] = member
        return self._transport.send(Job(visitor or member, "/v1/members", encode(body)))


def client_of(client: Client | None, given: OptionValues) -> Client:
    """The client that an application gave its middleware, or one with the options that it gave instead.

    Raises ``ConfigurationError`` where it gave both.
    """
    if client is not None and given:
        name = next(iter(given))
        raise ConfigurationError(name, "the client that was given has options of its own; give it to Client")
    return Client(options=resolve(given)) if client is None else client


def _now() -> int:
    return time.time_ns() // 1_000_000


def _milliseconds(at: datetime | int) -> int:
    """Epoch milliseconds; ``ValueError`` for a datetime that does not say its zone."""
    if isinstance(at, datetime):
        if at.tzinfo is None:
            raise ValueError("at needs a time zone")
        return int(at.timestamp() * 1000)
    return int(at)
