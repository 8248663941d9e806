"""The snippet's tag in the pages of one site: which take it, what it is, and what that changes of their validators."""

from __future__ import annotations

import logging
from collections import OrderedDict

from dongui.rules.compiled_policy import CompiledPolicy
from dongui.web.csp import inline_nonce, script_nonce
from dongui.web.incoming import IncomingRequest
from dongui.web.inject import PageTag, TagInjector, is_document, is_page, lengthened, obstacle
from dongui.web.options import Options
from dongui.web.set_cookie import Headers
from dongui.web.validators import marked, unmarked

log = logging.getLogger("dongui")

_MOST_PAGES = 1024
_OF_THE_BODY = ("content-length", "etag", "last-modified", "accept-ranges")


class PageInjection:
    """Decides over values; the shells hold answers back and change them."""

    def __init__(self, options: Options) -> None:
        self._wanted = options.inject
        self.tag = PageTag(options.site, options.domain, options.consent_mode)
        self._tagged: OrderedDict[str, None] = OrderedDict()  # paths whose pages took the tag
        self._told: set[str] = set()
        for warning in self.tag.warnings:
            log.warning("dongui: consent_mode: %s", warning)

    def injector(
        self, request: IncomingRequest, status: str, headers: Headers, terms: CompiledPolicy
    ) -> TagInjector | None:
        """What puts the tag into this answer; None where it is no page that takes one."""
        fetch_dest = request.header("sec-fetch-dest")
        if not self._wanted or request.method not in ("GET", "POST") or not is_page(status, headers, fetch_dest):
            return None
        if against := obstacle(headers):
            self._say_why_not(against)
            return None
        return TagInjector(
            self.page_text(headers, request.root, terms),
            known_length=any(name.lower() == "content-length" for name, _ in headers),
            is_document=is_document(fetch_dest),
            mark=self.tag.mark(terms),
            on_tag=lambda: self._remember(request.path),
            on_wide=lambda: self._say_why_not("first bytes that tell UTF-16 or UTF-32, which take no ASCII"),
        )

    def headed(self, request: IncomingRequest, status: str, headers: Headers, terms: CompiledPolicy) -> Headers:
        """The headers of an answer to ``HEAD`` as those of ``GET`` would be; what nobody knows yet is left out."""
        fetch_dest = request.header("sec-fetch-dest")
        if not self._wanted or not is_page(status, headers, fetch_dest) or obstacle(headers):
            return headers
        if request.path in self._tagged:
            return lengthened(headers, len(self.page_text(headers, request.root, terms)), self.tag.mark(terms))
        return [header for header in headers if header[0].lower() not in _OF_THE_BODY]

    def conditions(self, request: IncomingRequest, terms: CompiledPolicy) -> dict[str, str]:
        """The conditions of a request as the application understands them: of pages that the tag was not put into, or
        another one, none is confirmed.
        """
        changed: dict[str, str] = {}
        shows = is_document(request.header("sec-fetch-dest"))
        if held := request.header("if-none-match"):
            known = unmarked(held, self.tag.mark(terms), only_marked=shows)
            if known != held:
                changed["if-none-match"] = known
        if shows and request.header("if-modified-since"):
            changed["if-modified-since"] = ""
        return changed

    def confirmed(self, held: str, headers: Headers, terms: CompiledPolicy) -> Headers:
        """The headers of a 304 to a browser that holds a page with our tag: with the ETag that it knows.

        ``held``: its ``If-None-Match`` as it came.
        """
        mark = self.tag.mark(terms)
        return [
            (name, known) if name.lower() == "etag" and (known := marked(value, mark)) in held else (name, value)
            for name, value in headers
        ]

    def page_text(self, headers: Headers, root: str, terms: CompiledPolicy) -> bytes:
        """What goes into a page with these headers."""
        return self._stub(headers, terms) + self.tag.tag(root, script_nonce(headers))

    def _stub(self, headers: Headers, terms: CompiledPolicy) -> bytes:
        """The inline stub; empty where it is not wanted or could not run."""
        if not self.tag.has_stub:
            return b""
        nonce = inline_nonce(headers)
        if nonce is None:
            self._say(
                "dongui left out the stub of Consent Mode: this page's Content-Security-Policy lets no inline script "
                "run; add a nonce to its script-src"
            )
            return b""
        return self.tag.stub(terms, nonce)

    def _remember(self, path: str) -> None:
        self._tagged[path] = None
        self._tagged.move_to_end(path)
        if len(self._tagged) > _MOST_PAGES:
            self._tagged.popitem(last=False)

    def _say_why_not(self, against: str) -> None:
        """Whoever set ``inject`` must learn that pages go without the tag."""
        remedy = "let dongui stand inside what compresses" if "ncoding" in against else "write the tag yourself there"
        self._say(f"dongui puts no tag into pages with {against}; {remedy}")

    def _say(self, text: str) -> None:
        """Once."""
        if text not in self._told and len(self._told) < 16:
            self._told.add(text)
            log.warning("%s", text)
