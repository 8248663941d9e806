"""One site in one process: what all its requests share, around the pure decisions."""

from __future__ import annotations

import logging
import time
from functools import partial
from typing import Any

from dongui.errors import CollectorAway
from dongui.policy.necessary import framework_cookie
from dongui.result import Response, Result
from dongui.rules.body import MOST_BODY
from dongui.rules.decisions import classify_answer
from dongui.rules.urls import scrub_text
from dongui.web.consent import Consent
from dongui.web.counters import PageViewCounter
from dongui.web.decided_cookies import SentDecision, erased_cookies
from dongui.web.diagnosis import RequestDiagnosis
from dongui.web.expiry import SeenPlaces, expire
from dongui.web.options import unknown_variables
from dongui.web.origin import RequestOrigin
from dongui.web.own_cookies import naming_of
from dongui.web.page_injection import PageInjection
from dongui.web.page_view import Meant
from dongui.web.page_view_owner import LEARNED_FROM, told, whole
from dongui.web.proxy_rules import (
    DECISIONS,
    PREFIX,
    READING,
    TOO_LARGE,
    Forward,
    Local,
    ProxiedRequest,
    bodiless,
    decided,
    ends_cookies,
    forward,
    granted_by,
    is_erased,
    passed_back,
    problem,
)
from dongui.web.set_cookie import Headers, cookie_name, is_shared, lingering, private, sift
from dongui.web.site_client import LongBody, SiteClient
from dongui.web.static import GPC_PATH, gpc, script
from dongui.web.undelivered import UndeliveredWithdrawals

log = logging.getLogger("dongui")

_OURS = (PREFIX, GPC_PATH)
_READING = ("GET", "HEAD")
_MOST_NAMES = 200
_AGAIN_AFTER = 86_400.0  # seconds; "last seen" of a cookie is worth a day's precision


class SiteContext:
    """One site in one process, around its ``client``. Its methods decide; the shells around them speak WSGI or ASGI."""

    def __init__(self, client: SiteClient) -> None:
        self.client = client
        self.options = client.options
        self.knowledge = client.knowledge
        self.names = Names()
        self.tally = PageViewCounter(client.send_counts, client.wake)
        client.also_tell(self.tally.tell)
        self.undelivered = UndeliveredWithdrawals(client)
        client.also_close(self.undelivered.stop)
        self.pages = PageInjection(self.options)
        self.meant = Meant(self.options.exclude)
        self.diagnosis = RequestDiagnosis(self.options)
        self._decide = self.decide
        self._shared = bool(self.options.domain)
        self._places = SeenPlaces()
        self._turn = 0
        self._expires = self.options.expire_cookies and not self.options.report_only
        if not self.knowledge.terms.known:
            log.warning("dongui: no policy yet, and without one nothing is granted: %s", self.knowledge.trouble)
        for name, remedy in unknown_variables():
            log.warning("dongui: the environment variable %s is no option; %s", name, remedy)

    def consent(self, cookies: str, gpc: str, origin: RequestOrigin, *, known: bool = True) -> Consent:
        """The consent of a request. Also wakes the background work where a fork has left it behind."""
        if self.knowledge.idle:
            self.knowledge.start()
        terms, shared = self.knowledge.terms, self._shared
        naming = partial(naming_of, origin, self.options.https, self.options.domain)
        return Consent(terms, cookies, gpc, decide=self._decide, naming=naming, shared=shared, known=known)

    def decide(self, consent: Consent, **decision: Any) -> Result:
        """Passes on a decision made in the application, whose answer carries the cookies. Never raises."""
        return self.client.consent(consent, **decision)

    def guarded(
        self, headers: Headers, consent: Consent, cookies: str, path: str, *, sets: list[str], page: bool
    ) -> Headers:
        """A response's headers as they may leave: the very same object when nothing had to change.

        ``cookies`` and ``path``: the request's; ``sets``: names of the cookies that are set here; ``page``: whether it
        is one, with which lingering cookies are ended.
        """
        out = headers
        if not consent.known:
            return out  # what this visitor chose is not known, and that is no refusal
        if sets:
            if new := self.names.new(sets):
                self.client.send_inventory(new)
            if self.options.strict or any(map(consent.terms.concerns, sets)):
                out = self._sifted(headers, consent, path)
        if page and self._expires and consent.terms.may_hold(cookies):
            # Where nobody was asked yet, nobody has withdrawn.
            names = lingering(consent.pairs(), consent, consent.terms)
            if names and consent.choice() is not None and not is_shared(out):
                out = private([*out, *self._ends(names, path, consent)])
        return out

    def _ends(self, names: list[str], path: str, consent: Consent) -> Headers:
        self._turn += 1
        naming = consent.naming()
        return expire(names, naming.host, path, https=naming.https, known=self._places.places, turn=self._turn)

    def _sifted(self, headers: Headers, consent: Consent, path: str) -> Headers:
        terms = consent.terms
        sifted = sift(headers, consent, terms, strict=self.options.strict)
        for header, value in sifted.headers:
            if header.lower() == "set-cookie" and terms.purpose_of(cookie_name(value)) in terms.asked:
                self._places.add(value, path)
        if sifted.dropped and self.options.debug:
            for name, purpose in sifted.dropped:
                log.warning("dongui dropped the cookie %s: %s", name, remedy(name, purpose, consent))
        return sifted.headers if sifted.dropped and not self.options.report_only else headers

    def ask(self, visit: ProxiedRequest, body: bytes, consent: Consent) -> tuple[Local, LongBody | None]:
        """The answer to a request below ``/_dongui/``, and its body when that is still on its way, for the caller to
        close. Waits for the collector. ``body`` has been read up to one byte more than is allowed.
        """
        if len(body) > MOST_BODY:
            return TOO_LARGE, None
        if visit.method in _READING:
            local = self._own(visit, consent)
            if local is not None:
                return local, None
        options, now = self.options, int(time.time())
        asked = forward(visit, body, site=options.site, secret_key=options.secret_key, terms=consent.terms, now=now)
        if isinstance(asked, Local):
            return asked, None
        if visit.path in LEARNED_FROM and visit.method in _READING and self._counts(consent):
            asked = whole(asked, visit)
        try:
            return self._passed_on(asked, visit, consent, now)
        except CollectorAway as away:
            return problem(503, "unavailable", "The collector does not answer", retry_after=away.retry_after), None

    def _passed_on(
        self, asked: Forward, visit: ProxiedRequest, consent: Consent, now: int
    ) -> tuple[Local, LongBody | None]:
        """Makes the request, and before it those for further visitor ids. Raises ``CollectorAway``."""
        known: tuple[Response, LongBody | None] | None = None
        for one in asked.first:
            reply, rest = self._send(one)
            if asked.kind == READING and reply.status != 404:
                return Local(reply.status, bodiless(reply.status, passed_back(reply.headers)), reply.body), rest
            if one.method == "DELETE" and not is_erased(reply):
                raise CollectorAway(1)  # nor may the id leave the browser before that
            if one.decision is not None and not _settled(one.decision, reply):
                raise CollectorAway(1)  # the browser will repeat the whole
            if one.decision is None and reply.status < 300 and known is None:
                known = reply, rest
        reply, rest = self._send(asked)
        if asked.decision is not None:
            answer = decided(asked.decision, reply, visit, consent.terms)
            self._decided(asked.decision.notice, answer, consent)
            return answer, None
        if asked.counted:
            return told(reply, visit), None
        if known is not None and reply.status >= 300:
            reply, rest = known
        headers = bodiless(reply.status, passed_back(reply.headers))
        if ends_cookies(asked, reply, visit):
            headers += [cookie.header() for cookie in erased_cookies(visit.naming, consent.terms, now)]
        return Local(reply.status, headers, reply.body), rest

    def _send(self, asked: Forward) -> tuple[Response, LongBody | None]:
        is_whole = asked.kind == DECISIONS or asked.counted
        return self.client.forwarder.send(
            asked.kind, asked.method, asked.path, asked.headers, asked.body, whole=is_whole
        )

    def _counts(self, consent: Consent) -> bool:
        """Whether pages are counted here, so that the snippet need not. Not before any policy is known."""
        return self.options.page_views and consent.terms.known

    def claims(self, path: str) -> bool:
        """Whether requests for ``path`` are answered by :meth:`ask` rather than by the application."""
        if not path.startswith(_OURS):
            return False
        return path != GPC_PATH or (self.options.serve_gpc and self.knowledge.terms.known)

    def _own(self, visit: ProxiedRequest, consent: Consent) -> Local | None:
        if visit.path == GPC_PATH:
            return gpc(consent.terms)
        return script(visit.path, visit.header("if-none-match"), visit.header("accept-encoding"))

    def stub_element(self, nonce: str = "") -> str:
        """The inline stub for a page that the application puts together itself; empty where it is not wanted."""
        return self.pages.tag.stub(self.knowledge.terms, nonce).decode("ascii")

    def _decided(self, notice: str, answer: Local, consent: Consent) -> None:
        """A decision was passed on: events that still wait were gated before it; a newer notice may be out."""
        if not consent.effective() <= granted_by(answer):
            for visitor in consent.ids().all:
                self.client.purge(visitor)
        if answer.status == 409 or notice != consent.terms.version:
            self.knowledge.ask_soon()


def _settled(decision: SentDecision, reply: Response) -> bool:
    """Whether the collector has answered a decision for good, be it by refusing it."""
    return classify_answer(reply.status, reply.headers.get("content-type", ""), reply.body, decision.id) != "none"


class Names:
    """Names of cookies that this process has reported already. Bounded: an application may invent a name a request."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def new(self, names: list[str]) -> list[str]:
        """Those of ``names`` that are to be reported now. A name that holds an e-mail address or the like never is."""
        told, now = self._told, time.monotonic()
        due = [name for name in names if name and now - told.get(name, -_AGAIN_AFTER) >= _AGAIN_AFTER]
        fresh = [name for name in due if name in told or (len(told) < _MOST_NAMES and _is_tellable(name))]
        for name in fresh:
            told[name] = now
        return fresh


def _is_tellable(name: str) -> bool:
    return len(name) <= 256 and scrub_text(name) == name


def remedy(name: str, purpose: str | None, consent: Consent) -> str:
    """What a developer can do about a dropped cookie, for the log in debug mode."""
    if not consent.terms.known:
        return "no policy is known yet, and this is a well-known tracker"
    if purpose is None:
        known = framework_cookie(name)
        why = f'necessary = "{known.reason["en"]}"' if known else 'purpose = "…"'
        return f'strict mode drops what the policy does not declare; add [[cookies]] name = "{name}", {why}'
    return f"it serves [purposes.{purpose}], which this visitor has not granted; set it once that is granted"
