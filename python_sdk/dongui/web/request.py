"""One request on its way through a site: what of its answer may leave, and what of it is recorded and counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from dongui.web.inject import TagInjector, tag, takes_tag
from dongui.web.page_view import Facts, Navigation, is_html_page, page_view
from dongui.web.set_cookie import Headers, glance, private
from dongui.web.site import SiteContext


class SiteRequest:
    """One request on its way through; the shells give it their own way to look at a request."""

    __slots__ = ("consent", "cookies", "method", "site", "viewed")

    def __init__(self, site: SiteContext, method: str, cookies: str, gpc: str) -> None:
        self.site = site
        self.method = method
        self.cookies = cookies
        self.consent = site.consent(cookies, gpc)
        self.viewed = False

    def header(self, name: str) -> str:
        """A request header, empty where it is missing."""
        raise NotImplementedError

    def asked(self) -> Navigation:
        """What tells whether a person asked to see a page."""
        raise NotImplementedError

    def facts(self) -> Facts:
        """What a page view may need."""
        raise NotImplementedError

    def address(self) -> str | None:
        """The visitor's address."""
        raise NotImplementedError

    def scheme(self) -> str:
        """``http`` or ``https``, as the visitor sees it."""
        raise NotImplementedError

    def host(self) -> str:
        """The host that the visitor asked for."""
        raise NotImplementedError

    def raw(self) -> Mapping[str, Any]:
        """``environ`` or ``scope``, for the site's own rule."""
        raise NotImplementedError

    def answered(self, status: str, headers: Headers) -> Headers:
        """The application has begun its answer: the headers as they may leave. Never raises."""
        try:
            kind, sets = glance(headers)
            is_html = is_html_page(kind)
            self.viewed = is_html and self.method == "GET" and status[:1] == "2" and self.site.options.page_views
            host = self.host() if is_html and self.cookies else None
            out = self.site.guarded(headers, self.consent, self.cookies, sets=sets, host=host)
            if self.consent.outgoing:
                secure = self.scheme() == "https"
                out = private([*out, *(cookie.header(secure=secure) for cookie in self.consent.outgoing)])
            # A websocket has no method, and no cache keeps it.
            return private(out) if self.consent.was_read and self.method else out
        except Exception:
            self.site.client.mishap("answer")
            return headers

    def weaver(self, status: str, headers: Headers, root: str) -> TagInjector | None:
        """What puts the snippet's tag into this answer, if it is a page that takes one. Never raises."""
        try:
            options = self.site.options
            if (
                not options.inject
                or self.method != "GET"
                or not takes_tag(status, headers, self.header("Sec-Fetch-Dest"))
            ):
                return None
            text = self.site.stub(headers, self.consent.terms) + tag(options.site, root, headers)
            return TagInjector(text, known_length=any(name.lower() == "content-length" for name, _ in headers))
        except Exception:
            self.site.client.mishap("inject")
            return None

    def record(self) -> None:
        """Queues the page view, if a person meant it and consented to it, and counts it in any case. Never raises."""
        try:
            self._record()
        except Exception:
            self.site.client.mishap("page view")

    def _record(self) -> None:
        consent, site = self.consent, self.site
        if not consent.terms.known or not site.meant(self.asked()):
            return
        rule = site.options.page_view_if
        if rule is not None and not rule(self.raw()):
            return
        purposes = consent.effective()
        if not purposes:
            why = consent.why_nothing()
            if why != "refused" and consent.is_of_another_notice():
                site.knowledge.ask_soon()
            site.tally.add(why)
            return
        facts = self.facts()
        ip = self.address() if consent.terms_allow("ip_address") else None
        seen = page_view(consent, facts, now_ms=time.time_ns() // 1_000_000, ip=ip, search=site.options.search)
        if seen is not None:
            site.client.send_event(*seen)
        site.tally.add("no_id" if seen is None else purposes)
