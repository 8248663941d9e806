"""One site in one process: what all its requests share, around the pure decisions."""

from __future__ import annotations

import logging
import time
from typing import Any

from dongui.client import Client
from dongui.compiled_policy import CompiledPolicy
from dongui.consent import Consent
from dongui.counters import PageViewCounter
from dongui.errors import ConfigurationError
from dongui.options import OptionValues, resolve
from dongui.result import Result
from dongui.rules.urls import scrub_text
from dongui.web.csp import inline_nonce
from dongui.web.inject import Stub
from dongui.web.page_view import Meant
from dongui.web.page_view_owner import LEARNED_FROM, whole
from dongui.web.proxy import Proxy, Rest
from dongui.web.proxy_rules import MOST_BODY, PREFIX, TOO_LARGE, Local, ProxiedRequest, forward, granted_by, own_cookies
from dongui.web.set_cookie import FilteredCookies, Headers, expire, is_shared, lingering, private, sift
from dongui.web.static import GPC_PATH, gpc, script

log = logging.getLogger("dongui")

_OURS = (PREFIX, GPC_PATH)
_READING = ("GET", "HEAD")
_MOST_NAMES = 200
_AGAIN_AFTER = 86_400.0  # seconds; "last seen" of a cookie is worth a day's precision


class SiteContext:
    """Options, client and proxy of one site. Its methods decide; the shells around them speak WSGI or ASGI."""

    def __init__(self, client: Client | None, given: OptionValues) -> None:
        if client is not None and given:
            name = next(iter(given))
            raise ConfigurationError(name, "the client that was given has options of its own; give it to Client")
        self.client = Client(options=resolve(given)) if client is None else client
        self.options = self.client.options
        self.knowledge = self.client.knowledge
        self.proxy = Proxy(self.options.collector, self.client.breaker)
        self.client.also_close(self.proxy.close)
        self.names = Names()
        self.tally = PageViewCounter(self.client.send_counts, self.client.wake)
        self.client.also_tell(self.tally.tell)
        self._stub = Stub(self.options.consent_mode)
        for warning in self._stub.warnings:
            log.warning("dongui: consent_mode: %s", warning)
        self.meant = Meant(self.options.exclude)
        self._decide = self.decide
        self._expires = self.options.expire_cookies and not self.options.report_only
        if client is None and not self.knowledge.terms.known:
            log.warning("dongui: no policy yet from %s; until there is one, nothing is granted", self.options.collector)

    def consent(self, cookies: str, gpc: str) -> Consent:
        """The consent of a request. Also wakes the background work where a fork has left it behind."""
        if self.knowledge.idle:
            self.knowledge.start()
        return Consent(self.knowledge.terms, cookies, gpc, decide=self._decide)

    def decide(self, consent: Consent, **decision: Any) -> Result:
        """Passes on a decision made in the application, and has its answer carry the cookies. Never raises."""
        answer = self.client.consent(consent, **decision)
        if answer and isinstance(answer.data.get("state"), dict):
            terms = consent.terms
            consent.renew(own_cookies(answer.data, terms.version, terms, int(time.time())))
        return answer

    def guarded(self, headers: Headers, consent: Consent, cookies: str, *, sets: bool, host: str | None) -> Headers:
        """A response's headers as they may leave: the very same object when nothing had to change.

        ``cookies``: the request's; ``sets``: whether any is set here; ``host``: of a page, whose lingering cookies are
        ended, else None.
        """
        out = headers
        if sets:
            sifted = sift(headers, consent, consent.terms, strict=self.options.strict)
            self._tell(sifted, consent)
            if sifted.dropped and not self.options.report_only:
                out = sifted.headers
        if host is not None and self._expires and consent.terms.may_hold(cookies):
            # Where nobody was asked yet, nobody has withdrawn.
            names = lingering(consent.pairs(), consent, consent.terms)
            if names and consent.choice() is not None and not is_shared(out):
                out = private([*out, *expire(names, host)])
        return out

    def _tell(self, sifted: FilteredCookies, consent: Consent) -> None:
        new = self.names.new(sifted.seen)
        if new:
            self.client.send_inventory(new)
        if sifted.dropped and self.options.debug:
            for name, purpose in sifted.dropped:
                log.warning("dongui dropped the cookie %s: %s", name, remedy(name, purpose, consent))

    def ask(self, visit: ProxiedRequest, body: bytes, consent: Consent) -> tuple[Local, Rest | None]:
        """The answer to a request below ``/_dongui/``, and its body when that is still on its way, for the caller to
        close. Waits for the collector. ``body`` has been read up to one byte more than is allowed.
        """
        if len(body) > MOST_BODY:
            return TOO_LARGE, None
        if visit.method in _READING:
            local = self._own(visit, consent)
            if local is not None:
                return local, None
        asked = forward(visit, body, secret_key=self.options.secret_key, now=int(time.time()))
        if isinstance(asked, Local):
            return asked, None
        if visit.path in LEARNED_FROM and visit.method in _READING and self._counts(consent):
            asked = whole(asked, visit)
        answer, rest = self.proxy.ask(asked, visit, consent.terms)
        if asked.notice is not None:
            self._decided(asked.notice, answer, consent)
        return answer, rest

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
        return script(visit.path, visit.header("If-None-Match"), visit.header("Accept-Encoding"))

    def stub(self, headers: Headers, terms: CompiledPolicy) -> bytes:
        """The inline stub for a page with these headers; empty where it is not wanted or could not run."""
        if not self.options.consent_mode:
            return b""
        nonce = inline_nonce(headers)
        if nonce is None:
            if self.options.debug:
                log.warning(
                    "dongui left out the stub of Consent Mode: this page's Content-Security-Policy lets no inline "
                    "script run; add a nonce to its script-src"
                )
            return b""
        return self._stub.element(terms, nonce)

    def stub_element(self, nonce: str = "") -> str:
        """The inline stub for a page that the application puts together itself; empty where it is not wanted."""
        if not self.options.consent_mode:
            return ""
        return self._stub.element(self.knowledge.terms, nonce).decode("ascii")

    def _decided(self, notice: str, answer: Local, consent: Consent) -> None:
        """A decision was passed on: events that still wait were gated before it; a newer notice may be out."""
        visitor = consent.bearer()
        if visitor is not None and not consent.effective() <= granted_by(answer):
            self.client.purge(visitor)
        if answer.status == 409 or notice != consent.terms.version:
            self.knowledge.ask_soon()


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
        return f'strict mode drops what the policy does not declare; add [[cookies]] name = "{name}", purpose = "…"'
    return f"it serves [purposes.{purpose}], which this visitor has not granted; set it once that is granted"
