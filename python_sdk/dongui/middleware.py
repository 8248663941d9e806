"""The WSGI middleware: one line around any WSGI application."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from dongui.client import Client
from dongui.consent import Consent
from dongui.guard import Headers, hide
from dongui.mount import MOST_BODY, PREFIX, Local, Visit
from dongui.options import OptionValues
from dongui.site import Site, header_of
from dongui.visit import address_of, from_the_right, is_meant, page_view, url_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONSENT = "dongui.consent"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class ConsentMiddleware:
    """Guards a WSGI application: what the visitor has not consented to is neither set nor recorded.

    ``app.wsgi_app = ConsentMiddleware(app.wsgi_app, site="…", collector="http://127.0.0.1:8787", secret_key="…")``

    The application finds the visitor's :class:`~dongui.consent.Consent` in ``environ["dongui.consent"]``. The options
    are those of :class:`dongui.options.Options`; a ``client`` that the application has already is used as it is, with
    its options. Below ``/_dongui/`` the collector answers on the site's own origin.

    The application's answer, its ``close()``, its exceptions and the server's file wrapper pass untouched; ours is only
    what happens around ``start_response``. An error of our own is counted and logged, and then nothing is changed.

    Trusted: the server's ``REMOTE_ADDR``; of ``X-Forwarded-For`` and ``-Proto`` what ``trusted_proxies`` proxies wrote.
    """

    def __init__(self, app: WSGIApplication, *, client: Client | None = None, **options: Unpack[OptionValues]) -> None:
        self.app = app
        self.site = Site(client, options)
        self._hops = self.site.options.trusted_proxies
        self._hide = self.site.options.hide_cookies

    @property
    def client(self) -> Client:
        """The client of this site, for events of the application's own: ``client.track(consent, "purchase")``."""
        return self.site.client

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        request = None
        try:
            if environ.get("PATH_INFO", "").startswith(PREFIX):
                return self._mounted(environ, start_response)
            request = _Request(self, environ, start_response)
        except Exception:
            self.client.mishap("middleware")
        if request is None:
            return self.app(environ, start_response)
        answer = self.app(environ, request.start)
        request.returned = True
        if request.viewed:
            self.record_view(request)
        return answer

    def record_view(self, request: _Request) -> None:
        """Queues the page view of a request, if a person meant it and consented to it."""
        try:
            self._record_view(request)
        except Exception:
            self.client.mishap("page view")

    def _record_view(self, request: _Request) -> None:
        consent, environ, options = request.consent, request.environ, self.site.options
        if not consent.effective():
            return
        get = environ.get
        agent = get("HTTP_USER_AGENT", "")
        purpose = get("HTTP_SEC_PURPOSE", "") or get("HTTP_PURPOSE", "") or get("HTTP_X_MOZ", "")
        path = request.path
        if not is_meant(path, get("HTTP_SEC_FETCH_DEST", ""), purpose, agent, options.exclude):
            return
        if options.page_view_if is not None and not options.page_view_if(environ):
            return
        seen = page_view(
            consent,
            now_ms=time.time_ns() // 1_000_000,
            url=url_of(self._scheme(environ), request.host, path, get("QUERY_STRING", "")),
            referrer=get("HTTP_REFERER", ""),
            user_agent=agent,
            language=get("HTTP_ACCEPT_LANGUAGE", ""),
            cookies=request.cookies,
            ip=self._address(environ) if consent.terms_allow("ip_address") else None,
        )
        if seen is not None:
            self.client.send_event(*seen)

    def _mounted(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answers below ``/_dongui/``."""
        get = environ.get
        cookies = get("HTTP_COOKIE", "")
        consent = self.site.consent(cookies, get("HTTP_SEC_GPC", ""))
        visit = Visit(
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            query=get("QUERY_STRING", ""),
            header=lambda name: _header(environ, name),
            cookies=cookies,
            address=self._address(environ),
            secure=self._scheme(environ) == "https",
        )
        asked = self.site.route(visit, _body(environ))
        if isinstance(asked, Local):
            return _respond(asked, start_response)
        answer, rest = self.site.proxy.ask(asked, visit, consent.terms)
        self.site.after(asked, answer, consent)
        try:
            return _respond(answer, start_response, rest)
        except BaseException:
            if rest is not None:
                rest.close()
            raise

    def _address(self, environ: WSGIEnvironment) -> str | None:
        return address_of(environ.get("REMOTE_ADDR", ""), environ.get("HTTP_X_FORWARDED_FOR", ""), self._hops)

    def _scheme(self, environ: WSGIEnvironment) -> str:
        said = from_the_right(environ.get("HTTP_X_FORWARDED_PROTO", ""), self._hops) if self._hops else None
        return said if said in ("http", "https") else str(environ.get("wsgi.url_scheme", "http"))


class _Request:
    """One request on its way through: stands between the application and the server's ``start_response``."""

    __slots__ = ("_start", "consent", "cookies", "environ", "method", "middleware", "path", "returned", "viewed")

    def __init__(self, middleware: ConsentMiddleware, environ: WSGIEnvironment, start: StartResponse) -> None:
        self.middleware = middleware
        self.environ = environ
        self._start = start
        self.cookies: str = environ.get("HTTP_COOKIE", "")
        self.consent: Consent = middleware.site.consent(self.cookies, environ.get("HTTP_SEC_GPC", ""))
        # Taken now: applications that dispatch to others move the path from PATH_INFO to SCRIPT_NAME.
        self.path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
        self.method: str = environ.get("REQUEST_METHOD", "")
        self.returned = False
        self.viewed = False
        environ[CONSENT] = self.consent
        if middleware._hide and self.cookies:
            environ["HTTP_COOKIE"] = hide(self.cookies, self.consent.effective(), self.consent.terms)

    @property
    def host(self) -> str:
        environ = self.environ
        return str(environ.get("HTTP_HOST") or f"{environ.get('SERVER_NAME')}:{environ.get('SERVER_PORT')}")

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
        """``start_response`` as the application sees it. Called again with ``exc_info`` it takes back what it said."""
        try:
            site = self.middleware.site
            is_html = header_of(headers, "content-type")[:9].lower() == "text/html"
            self.viewed = is_html and site.is_page(self.method, status, header_of(headers, "content-type"))
            headers = site.guarded(headers, self.consent, cookies=self.cookies, host=self.host, is_html=is_html)
        except Exception:
            self.middleware.client.mishap("start_response")
        write = self._start(status, headers) if exc_info is None else self._start(status, headers, exc_info)
        # An application that is a generator starts its answer after it has "returned".
        if self.returned and self.viewed:
            self.middleware.record_view(self)
        return write


def _header(environ: WSGIEnvironment, name: str) -> str:
    key = name.upper().replace("-", "_")
    return str(environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))


def _body(environ: WSGIEnvironment) -> bytes:
    """The request's body, or one byte more than is allowed of a longer one."""
    stream, length = environ["wsgi.input"], environ.get("CONTENT_LENGTH", "")
    if length:
        wanted = int(length) if length.isascii() and length.isdigit() else 0
        if wanted > MOST_BODY:
            return b"\0" * (MOST_BODY + 1)
    elif environ.get("wsgi.input_terminated"):
        wanted = MOST_BODY + 1
    else:
        return b""
    parts: list[bytes] = []
    while wanted > 0 and (part := stream.read(min(wanted, 1 << 14))):
        parts.append(part)
        wanted -= len(part)
    return b"".join(parts)


def _respond(answer: Local, start_response: StartResponse, rest: Any = None) -> Iterable[bytes]:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    start_response(f"{answer.status} {phrase}", answer.headers)
    return rest if rest is not None else [answer.body]
