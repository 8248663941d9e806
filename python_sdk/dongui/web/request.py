"""One request on its way through a site: what of its answer may leave, and what of it is recorded and counted."""

from __future__ import annotations

import time

from dongui.web.incoming import IncomingRequest
from dongui.web.inject import TagInjector
from dongui.web.origin import RequestOrigin, hides_cookies
from dongui.web.page_view import RequestFacts, address_of, from_the_right, is_html_page, page_view, url_of
from dongui.web.proxy_rules import FRAMED, ProxiedRequest
from dongui.web.set_cookie import Headers, glance, hide, private, unshared
from dongui.web.site import SiteContext


class SiteRequest:
    """One request, looked at through ``incoming``. Nothing here raises: an error of our own is counted, not shown."""

    __slots__ = ("consent", "cookies", "held", "incoming", "method", "origin", "site", "viewed")

    def __init__(self, site: SiteContext, incoming: IncomingRequest) -> None:
        self.site = site
        self.incoming = incoming
        self.method = incoming.method
        header = incoming.header
        self.cookies = cookies = header("cookie")
        self.origin = origin = RequestOrigin(self._scheme(), incoming.host, header("origin"), header("sec-fetch-site"))
        if not site.diagnosis.is_over:
            site.diagnosis.look(incoming, origin)
        hidden = hides_cookies(self.method, origin.fetch_site, origin.origin, origin.host, cookies)
        # Nothing that the application finds in its request may lead back to it: only the cycle collector frees a ring.
        self.consent = site.consent(cookies, header("sec-gpc"), origin, known=not hidden)
        self.held = ""  # the ETags that the browser holds, as it sent them
        self.viewed = False

    # What the request says, as far as it is trusted.

    def _scheme(self) -> str:
        """``http`` or ``https``, as the server or the trusted proxies say."""
        if hops := self.site.options.trusted_proxies:
            said = from_the_right(self.incoming.header("x-forwarded-proto"), hops)
            if said in ("http", "https"):
                return said
        return self.incoming.server_scheme

    def address(self) -> str | None:
        """The visitor's address: the socket's, or what the trusted proxies say."""
        incoming, hops = self.incoming, self.site.options.trusted_proxies
        return address_of(incoming.remote, incoming.header("x-forwarded-for") if hops else "", hops)

    # What goes on to the application, and what of its answer leaves.

    def changed_headers(self) -> dict[str, str]:
        """The request headers that the application is to see otherwise, by name; an empty one is taken out."""
        changed: dict[str, str] = {}
        if self.site.options.hide_cookies and self.cookies and self.consent.known:
            shown = hide(self.cookies, self.consent.effective(), self.consent.terms)
            if shown != self.cookies:
                changed["cookie"] = shown
        if self.site.options.inject and self.method in ("GET", "HEAD"):
            self.held = self.incoming.header("if-none-match")
            changed.update(self.site.pages.conditions(self.incoming, self.consent.terms))
        return changed

    def answered(self, status: str, headers: Headers) -> Headers:
        """The application has begun its answer: the headers as they may leave."""
        try:
            if self.site.options.inject:
                headers = self._validated(status, headers)
            kind, sets = glance(headers)
            is_html = is_html_page(kind)
            self.viewed = is_html and self.method == "GET" and status[:1] == "2" and self.site.options.page_views
            page = is_html and bool(self.cookies)
            out = self.site.guarded(headers, self.consent, self.cookies, self.incoming.path, sets=sets, page=page)
            if self.consent.outgoing:
                out = unshared([*out, *(cookie.header() for cookie in self.consent.outgoing)])
            # A websocket has no method, and no cache keeps it.
            return private(out) if self.consent.was_read and self.method else out
        except Exception:
            self.site.client.mishap("answer")
            return headers

    def _validated(self, status: str, headers: Headers) -> Headers:
        """Headers of an answer without a body as those of the page with the tag would be."""
        site, incoming, terms = self.site, self.incoming, self.consent.terms
        if status[:3] == "304":
            return site.pages.confirmed(self.held, headers, terms)
        if self.method != "HEAD":
            return headers
        return site.pages.headed(incoming, status, headers, terms)

    def injector(self, status: str, headers: Headers) -> TagInjector | None:
        """What puts the snippet's tag into this answer, if it is a page that takes one."""
        try:
            return self.site.pages.injector(self.incoming, status, headers, self.consent.terms)
        except Exception:
            self.site.client.mishap("inject")
            return None

    def proxied(self) -> ProxiedRequest:
        """This request as the collector's proxy takes it."""
        incoming = self.incoming
        if incoming.header("x-dongui") == FRAMED:
            self.consent.frame()
        return ProxiedRequest(
            method=self.method,
            path=incoming.mounted_path,
            query=incoming.query,
            header=incoming.header,
            host=incoming.host,
            address=self.address(),
            ids=self.consent.ids(),
            naming=self.consent.naming(),
            choice=self.consent.claimed_choice(),
        )

    # What is recorded.

    def record(self) -> None:
        """Queues the page view, if a person meant it and consented to it, and counts it in any case."""
        try:
            self._record()
        except Exception:
            self.site.client.mishap("page view")

    def _record(self) -> None:
        consent, site = self.consent, self.site
        if not consent.terms.known or not self._is_meant():
            return
        rule = site.options.page_view_if
        if rule is not None and not rule(self.incoming.raw):
            return
        site.undelivered.look(consent)
        purposes = consent.effective()
        if not purposes:
            why = consent.why_nothing()
            if why != "refused" and consent.is_of_another_notice():
                site.knowledge.ask_soon()
            site.tally.add(why)
            return
        ip = self.address() if consent.terms_allow("ip_address") else None
        seen = page_view(consent, self._facts(), now_ms=time.time_ns() // 1_000_000, ip=ip, search=site.options.search)
        if seen is not None:
            site.client.send_event(*seen)
        site.tally.add("no_id" if seen is None else purposes)

    def _is_meant(self) -> bool:
        header = self.incoming.header
        purpose = header("sec-purpose") or header("purpose") or header("x-moz")
        return self.site.meant(self.incoming.path, header("user-agent"), header("sec-fetch-dest"), purpose)

    def _facts(self) -> RequestFacts:
        incoming = self.incoming
        header, query = incoming.header, incoming.query
        return RequestFacts(
            url=url_of(self.origin.scheme, self.origin.host, incoming.path, query),
            referrer=header("referer"),
            user_agent=header("user-agent"),
            language=header("accept-language"),
            query=query,
        )
