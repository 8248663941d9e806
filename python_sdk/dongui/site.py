"""One site in one process: what both middlewares, WSGI and ASGI, share around the pure decisions."""

from __future__ import annotations

import logging
import threading
import time

from dongui.client import Client
from dongui.consent import Consent
from dongui.guard import Headers, Sifted, expire, lingering, sift
from dongui.mount import MOST_BODY, TOO_LARGE, Forward, Local, Visit, forward
from dongui.options import OptionValues, resolve
from dongui.proxy import Proxy
from dongui.visit import is_page

log = logging.getLogger("dongui")

_MOST_NAMES = 200
_AGAIN_AFTER = 86_400.0  # seconds; "last seen" of a cookie is worth a day's precision


class Site:
    """Options, client and proxy of one site. Its methods decide; the shells around them speak WSGI or ASGI."""

    def __init__(self, client: Client | None, given: OptionValues) -> None:
        self.client = Client(options=resolve(given)) if client is None else client
        self.options = self.client.options
        self.knowledge = self.client.knowledge
        self.proxy = Proxy(self.options.collector, self.client.breaker)
        self.client.also_close(self.proxy.close)
        self.names = Names()
        if client is None and not self.knowledge.terms.known:
            log.warning("dongui: no policy yet from %s; until there is one, nothing is granted", self.options.collector)

    def consent(self, cookies: str, gpc: str) -> Consent:
        """The consent of a request. Also wakes the background work where a fork has left it behind."""
        if self.knowledge.idle:
            self.knowledge.start()
        return Consent(self.knowledge.terms, cookies, gpc)

    def guarded(self, headers: Headers, consent: Consent, *, cookies: str, host: str, is_html: bool) -> Headers:
        """A response's headers as they may leave: the very same object when nothing had to change."""
        out = headers
        if any(len(name) == 10 and name.lower() == "set-cookie" for name, _ in headers):
            sifted = sift(headers, consent.effective(), consent.terms, strict=self.options.strict)
            self._tell(sifted, consent)
            if sifted.dropped and not self.options.report_only:
                out = sifted.headers
        if is_html and cookies and self.options.expire_cookies and not self.options.report_only:
            out = self._expired(out, consent, cookies, host)
        if consent.was_read:
            out = private(out)
        return out

    def _expired(self, headers: Headers, consent: Consent, cookies: str, host: str) -> Headers:
        """Ends what a withdrawal or a refusal left in the browser; where nobody was asked yet, nobody has withdrawn."""
        names = lingering(cookies, consent.effective(), consent.terms)
        if not names or consent.choice() is None:
            return headers
        return [*headers, *expire(names, host)]

    def _tell(self, sifted: Sifted, consent: Consent) -> None:
        new = self.names.new(sifted.seen)
        if new:
            self.client.send_inventory(new)
        if sifted.dropped and self.options.debug:
            for name, purpose in sifted.dropped:
                log.warning("dongui dropped the cookie %s: %s", name, remedy(name, purpose, consent))

    def is_page(self, method: str, status: str, content_type: str) -> bool:
        """Whether an answer may be a page view at all."""
        return self.options.page_views and is_page(method, status, content_type)

    def route(self, visit: Visit, body: bytes) -> Forward | Local:
        """What to ask of the collector for a request below ``/_dongui/``, or the answer at once."""
        if len(body) > MOST_BODY:
            return TOO_LARGE
        return forward(visit, body, secret_key=self.options.secret_key, now=int(time.time()))

    def after(self, asked: Forward, answer: Local, consent: Consent) -> None:
        """A decision was passed on: events that still wait were gated before it; a newer notice may be out."""
        if asked.notice is None:
            return
        visitor = consent.bearer()
        if visitor is not None:
            self.client.purge(visitor)
        if answer.status == 409 or asked.notice != consent.terms.version:
            self.knowledge.ask_soon()


class Names:
    """Names of cookies that this process has reported already. Bounded: an application may invent a name a request."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}
        self._lock = threading.Lock()

    def new(self, names: list[str]) -> list[str]:
        """Those of ``names`` that are to be reported now."""
        told, now = self._told, time.monotonic()
        fresh = [name for name in names if name and now - told.get(name, -_AGAIN_AFTER) >= _AGAIN_AFTER]
        fresh = [name for name in fresh if len(name) <= 256 and (name in told or len(told) < _MOST_NAMES)]
        for name in fresh:
            told[name] = now
        return fresh


def private(headers: Headers) -> Headers:
    """Headers of an answer that depends on consent, and so on a cookie: no cache may show it to somebody else."""
    vary = ",".join(value for name, value in headers if name.lower() == "vary")
    fields = {field.strip().lower() for field in vary.split(",")}
    out = headers
    if not fields & {"cookie", "*"}:
        out = [*out, ("Vary", "Cookie")]
    if not any(name.lower() == "cache-control" for name, _ in headers):
        out = [*out, ("Cache-Control", "private")]
    return out


def remedy(name: str, purpose: str | None, consent: Consent) -> str:
    """What a developer can do about a dropped cookie, for the log in debug mode."""
    if not consent.terms.known:
        return "no policy is known yet, and this is a well-known tracker"
    if purpose is None:
        return f'strict mode drops what the policy does not declare; add [[cookies]] name = "{name}", purpose = "…"'
    return f"it serves [purposes.{purpose}], which this visitor has not granted; set it once that is granted"


def header_of(headers: Headers, name: str) -> str:
    """The first header of that name (in lower case), or an empty text."""
    for key, value in headers:
        if len(key) == len(name) and key.lower() == name:
            return value
    return ""


__all__ = ["Names", "Site", "header_of", "private", "remedy"]
