"""The WSGI middleware: one line around any WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Unpack, cast

from dongui.client import Client, client_of
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.buffered_response import BufferedResponse
from dongui.web.consent import Consent
from dongui.web.options import OptionValues
from dongui.web.proxy_rules import TOO_SLOW, UNAVAILABLE, Local
from dongui.web.request import SiteRequest
from dongui.web.set_cookie import Headers
from dongui.web.site import SiteContext
from dongui.web.site_client import LongBody
from dongui.web.wsgi_body import read_body
from dongui.web.wsgi_request import WsgiRequest, drop_shadows, environ_key

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONSENT = "dongui.consent"

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


class ConsentMiddleware:
    """Guards a WSGI application: what the visitor has not consented to is neither set nor recorded.

    ``app.wsgi_app = ConsentMiddleware(app.wsgi_app, site="…", collector="http://127.0.0.1:8787", secret_key="…")``

    The application finds the visitor's :class:`~dongui.Consent` in ``environ["dongui.consent"]``. The options are those
    of :class:`dongui.web.options.Options`; a ``client`` that the application has already is used as it is, with its
    options. Below ``/_dongui/`` the collector answers on the site's own origin.

    The application's answer, its ``close()``, its exceptions and the server's file wrapper pass untouched; ours is only
    what happens around ``start_response``. An error of our own is counted and logged, and then nothing is changed.

    Trusted: the server's ``REMOTE_ADDR``; of ``X-Forwarded-For`` and ``-Proto`` what ``trusted_proxies`` proxies wrote.
    """

    def __init__(self, app: WSGIApplication, *, client: Client | None = None, **options: Unpack[OptionValues]) -> None:
        self.app = app
        self._client = client_of(client, options)
        self.site = SiteContext(self._client)
        self._inject = self.site.options.inject
        self._trusts_proxies = self.site.options.trusted_proxies > 0
        self._changes_requests = self._inject or self.site.options.hide_cookies

    @property
    def client(self) -> Client:
        """The client of this site, for events of the application's own: ``client.track(consent, "purchase")``."""
        return self._client

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        request = self._begun(environ, start_response)
        if request is None:
            return self.app(environ, start_response)
        if self.site.claims(request.incoming.mounted_path):
            answer, rest = _mounted(request, environ)
            return _respond(answer, rest, start_response, request.method)
        held = BufferedResponse(start_response, environ, request.injector) if self._inject else None
        answered = _Answer(request, start_response if held is None else held.start)
        result = self.app(environ, answered.start)
        answered.returned = True
        if request.viewed:
            request.record()
        return result if held is None else held.around(result)

    def _begun(self, environ: WSGIEnvironment, start_response: StartResponse) -> SiteRequest | None:
        """The request with its consent; None where we have failed, and then stay out of the way."""
        try:
            if self._trusts_proxies:
                drop_shadows(environ, start_response)
            request = SiteRequest(self.site, WsgiRequest(environ))
            environ[CONSENT] = request.consent
            if self._changes_requests:
                for name, value in request.changed_headers().items():
                    environ[environ_key(name)] = value
                    if not value and name != "cookie":
                        del environ[environ_key(name)]
        except Exception:
            self.client.mishap("request")
            environ[CONSENT] = Consent(UNKNOWN)
            return None
        return request


class _Answer:
    """Stands between the application and the server's ``start_response``."""

    __slots__ = ("_request", "_start", "returned")

    def __init__(self, request: SiteRequest, start: StartResponse) -> None:
        self._request = request
        self._start = start
        self.returned = False

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
        """``start_response`` as the application sees it. Called again with ``exc_info`` it takes back what it said."""
        request = self._request
        headers = request.answered(status, headers)
        write = self._start(status, headers) if exc_info is None else self._start(status, headers, exc_info)
        # An application that is a generator starts its answer after it has "returned".
        if self.returned and request.viewed:
            request.record()
        return write


def _mounted(request: SiteRequest, environ: WSGIEnvironment) -> tuple[Local, LongBody | None]:
    """The answer to a request below ``/_dongui/``, and its body when that is still on its way. Never raises."""
    try:
        body = read_body(environ, environ["wsgi.input"])
        return (TOO_SLOW, None) if body is None else request.site.ask(request.proxied(), body, request.consent)
    except Exception:
        request.site.client.mishap("mount")
        return UNAVAILABLE, None


def _respond(answer: Local, rest: LongBody | None, start_response: StartResponse, method: str) -> Iterable[bytes]:
    try:
        phrase = HTTPStatus(answer.status).phrase
    except ValueError:
        phrase = "Unknown"
    try:
        start_response(f"{answer.status} {phrase}", answer.headers)
    except BaseException:
        if rest is not None:
            rest.close()
        raise
    if rest is None:
        return [answer.body] if method != "HEAD" else []
    return cast(Iterable[bytes], rest)
