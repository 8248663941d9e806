"""What an application asks of the collector and waits for: decisions and rights of visitors. Never raises into it."""

from __future__ import annotations

import functools
import logging
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Concatenate, ParamSpec, TypeVar

from dongui.http.batches import CONSENTS, Job
from dongui.http.breaker import Breakers
from dongui.http.client import TROUBLE, HttpClient
from dongui.http.delivery import DeliveryQueue, understood
from dongui.http.policy_cache import PolicyCache
from dongui.result import Response, Result
from dongui.rules.body import encode
from dongui.rules.decisions import DecisionRequest, decision_requests
from dongui.rules.own_cookies import VisitorIds
from dongui.web.consent import Consent, purpose_names
from dongui.web.options import Options

log = logging.getLogger("dongui")

Visitor = str | Consent | None

A = TypeVar("A", bound="BlockingClient")
P = ParamSpec("P")
T = TypeVar("T")

_UNKNOWN_VISITOR = Result(problem="urn:dongui:problem:unknown-visitor")
_SUPERSEDED = "urn:dongui:problem:superseded-notice"  # of a decision that also refuses: the refusals are on record
_UNAVAILABLE = Result(problem="urn:dongui:problem:unavailable")


def quiet(default: T) -> Callable[[Callable[Concatenate[A, P], T]], Callable[Concatenate[A, P], T]]:
    """Whatever goes wrong inside is ours, never the application's."""

    def decorate(method: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[A, P], T]:
        @functools.wraps(method)
        def call(self: A, /, *args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return method(self, *args, **kwargs)
            except Exception:
                self.mishap(method.__name__)
                return default

        return call

    return decorate


class BlockingClient:
    """The part of :class:`~dongui.client.Client` that waits."""

    options: Options
    breakers: Breakers
    knowledge: PolicyCache
    _transport: DeliveryQueue

    def __init__(self) -> None:
        self._mishaps: dict[str, int] = {}

    @quiet(Result())
    def consent(
        self,
        visitor: Visitor,
        *,
        granted: Iterable[str] = (),
        refused: Iterable[str] = (),
        method: str = "api",
        lang: str = "ko",
        timeout: float = 5.0,
    ) -> Result:
        """Passes on a decision that was made in the application, such as optional consents at sign-up (``signup``).

        ``answer.data`` holds ``visitor`` (the id to keep, or None), ``state`` and ``receipt``. Of a request's
        ``Consent`` the cookies go out with that request's answer, and it says at once what was decided.
        """
        granted, refused = purpose_names("granted", granted), purpose_names("refused", refused)
        terms = visitor.terms if isinstance(visitor, Consent) else self.knowledge.terms
        answer, decided_at = Result(), time.monotonic()
        for request in decision_requests(granted, refused, terms.asked, self._ids(visitor)):
            body = self._decision(terms.version, request, method=method, lang=lang)
            answer = self._decided(body, timeout, decided_at)
        if isinstance(visitor, Consent):
            if answer and isinstance(answer.data.get("state"), dict):
                visitor.recorded(answer.data, granted, refused)
            elif refused and (answer.pending or answer.problem == _SUPERSEDED):
                visitor.shrink(refused)
        return answer

    def _decision(
        self, notice: str, request: DecisionRequest, *, method: str = "api", lang: str = "ko"
    ) -> dict[str, Any]:
        return {
            "site": self.options.site,
            "notice": notice,
            **request._asdict(),
            "method": method,
            "lang": lang,
            "id": str(uuid.uuid4()),
        }

    def _decided(self, body: dict[str, Any], timeout: float, decided_at: float) -> Result:
        answer = self._ask("POST", CONSENTS, body, timeout, decided_at=decided_at)
        if answer.status == 409 and not body["granted"] and isinstance(answer.data.get("notice"), str):
            # Taking back needs no notice to have been read: it counts under whichever is in force.
            body = {**body, "notice": answer.data["notice"]}
            answer = self._ask("POST", CONSENTS, body, timeout, decided_at=decided_at)
        elif body["refused"] and not (answer or answer.pending or answer.problem):
            # Repeated later, a grant might come after its own withdrawal; what is refused beside it may not wait.
            refusal = {**body, "granted": [], "id": str(uuid.uuid4())}
            job = Job(body["visitor"], CONSENTS, encode(refusal), decided_at=decided_at)
            answer = Result(pending=self._transport.send(job))
        return answer

    @quiet(Result())
    def withdraw(self, visitor: Visitor, *purposes: str, lang: str = "ko", timeout: float = 5.0) -> Result:
        """Withdraws purposes, or all of them; what waits in the queue for this visitor is forgotten at once."""
        ids = self._ids(visitor).all
        for visitor_id in ids:
            self._transport.purge(visitor_id)
        self.knowledge.start(timeout if ids and not purposes else 0.0)
        refused = purposes or sorted(self.knowledge.terms.asked)
        if not ids:
            if isinstance(visitor, Consent):
                visitor.shrink(refused)
            return _UNKNOWN_VISITOR
        if not refused:
            return _UNAVAILABLE  # no policy is known: nobody can say which purposes "all" are
        return self.consent(visitor, refused=refused, lang=lang, timeout=timeout)

    @quiet(Result())
    def suspend(self, visitor: Visitor, *, timeout: float = 5.0) -> Result:
        """Stops recording until :meth:`resume` (처리정지); what is held stays."""
        return self._as_visitor(visitor, "POST", "/v1/me/requests", {"kind": "suspend"}, timeout, purge=True)

    @quiet(Result())
    def resume(self, visitor: Visitor, *, timeout: float = 5.0) -> Result:
        """Ends a suspension."""
        return self._as_visitor(visitor, "POST", "/v1/me/requests", {"kind": "resume"}, timeout)

    @quiet(Result())
    def erase(self, visitor: Visitor, *, timeout: float = 5.0) -> Result:
        """Destroys everything that is held about a visitor; ``answer.data`` holds the certificate."""
        answer = self._as_visitor(visitor, "DELETE", "/v1/me", None, timeout, purge=True)
        nothing_stays = answer or answer.pending or answer.problem == _UNKNOWN_VISITOR.problem
        if isinstance(visitor, Consent) and visitor.ids().all and nothing_stays:
            visitor.erased()
        return answer

    @quiet(Result())
    def access(self, visitor: Visitor, *, timeout: float = 5.0) -> Result:
        """Everything that is held about a visitor, in ``answer.data``."""
        return self._as_visitor(visitor, "GET", "/v1/me", None, timeout, repeat=False)

    def mishap(self, place: str) -> None:
        """Counts an error of our own, and logs the first of each place: it must be seen, but never by a visitor."""
        self._mishaps[place] = self._mishaps.get(place, 0) + 1
        if self._mishaps[place] == 1:
            log.exception("dongui: an error of its own in %s; the application is not affected", place)

    def withdraw_earlier(self, visitor: str, refused: list[str], given_before: int) -> Mapping[str, str] | None:
        """Withdraws what of ``refused`` was given before an instant (epoch ms), by the ledger's clock and in its own
        transaction. Returns the consents' state then, None where it was not recorded; nothing is repeated.
        """
        body = self._decision(self.knowledge.terms.version, DecisionRequest(visitor, [], refused))
        answer = self._ask("POST", CONSENTS, {**body, "given_before": given_before}, 5.0, repeat=False)
        return answer.data.get("state") or {} if answer else None

    def exchange(self, method: str, path: str, data: bytes, timeout: float, bearer: str) -> Response:
        """One call that waits for the collector; status 0 when it did not answer."""
        kind = "reading" if method == "GET" else "decisions"
        breaker = self.breakers.of(kind)
        if not breaker.allow():
            return Response(0)
        client = HttpClient(self.options.collector, timeout=timeout)
        headers = {"Authorization": f"Bearer {bearer}", "Content-Type": "application/json"}
        try:
            reply = client.exchange(method, path, headers, data or None, limit=1 << 26)
        except TROUBLE as trouble:
            self.breakers.failed(kind, trouble)
            return Response(0)
        finally:
            client.close()
        breaker.succeeded()
        return reply

    def _ids(self, visitor: Visitor) -> VisitorIds:
        """The ids alone, for what is always allowed: taking back."""
        if isinstance(visitor, Consent):
            return visitor.ids()
        return VisitorIds(visitor, [visitor]) if visitor else VisitorIds(None, [])

    def _as_visitor(
        self,
        visitor: Visitor,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        timeout: float,
        *,
        purge: bool = False,
        repeat: bool = True,
    ) -> Result:
        """A call that a visitor may make: the id is its credential. Of several ids each is served; the answer is that
        to the first which the ledger knows.
        """
        answer = _UNKNOWN_VISITOR
        for visitor_id in self._ids(visitor).all:
            if purge:
                self._transport.purge(visitor_id)
            one = self._ask(method, path, body, timeout, bearer=visitor_id, repeat=repeat)
            answer = answer if answer else one
        return answer

    def _ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        timeout: float,
        *,
        bearer: str | None = None,
        repeat: bool = True,
        decided_at: float | None = None,
    ) -> Result:
        data = b"" if body is None else encode(body)
        # What a visitor has asked for before, and what still waits, goes first: the last word counts.
        waits = repeat and bearer is not None and self._transport.holds(bearer, path)
        reply = Response(0) if waits else self.exchange(method, path, data, timeout, bearer or self.options.secret_key)
        found = understood(path, data, reply)
        if found is not None and reply.status < 500 and reply.status != 429:
            return Result(reply.status, found, problem=str(found.get("type", "")) if reply.status >= 400 else "")
        if repeat and not (body or {}).get("granted"):
            # A right must not be lost to an outage; a grant may be: nothing is recorded without it.
            key = bearer or (body or {}).get("visitor")
            job = Job(key, path, data, method=method, bearer=bearer, decided_at=decided_at)
            return Result(pending=self._transport.send(job))
        return Result(reply.status if reply.status >= 400 else 0)
