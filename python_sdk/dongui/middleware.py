"""The WSGI middleware: one line around any WSGI application."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import TracebackType
from typing import TYPE_CHECKING, Any, Unpack

from dongui.client import Client
from dongui.compiled_policy import UNKNOWN
from dongui.consent import Consent
from dongui.options import OptionValues
from dongui.web.buffered_response import BufferedResponse
from dongui.web.page_view import Facts, Navigation, address_of, authority, from_the_right, url_of
from dongui.web.proxy_rules import MOST_BODY, UNAVAILABLE, Local, ProxiedRequest
from dongui.web.request import SiteRequest
from dongui.web.set_cookie import Headers, hide
from dongui.web.site import SiteContext

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
        self.site = SiteContext(client, options)
        self._hide = self.site.options.hide_cookies
        self._inject = self.site.options.inject

    @property
    def client(self) -> Client:
        """The client of this site, for events of the application's own: ``client.track(consent, "purchase")``."""
        return self.site.client

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """WSGI."""
        request = self._begun(environ, start_response)
        if request is None:
            return self.app(environ, start_response)
        if self.site.claims(environ.get("PATH_INFO", "")):
            answer, rest = _mounted(request)
            return _respond(answer, rest, start_response, request.method)
        held = request.hold() if self._inject else None
        result = self.app(environ, request.start)
        request.returned = True
        if request.viewed:
            request.record()
        return result if held is None else held.around(result)

    def _begun(self, environ: WSGIEnvironment, start_response: StartResponse) -> _Request | None:
        """The request with its consent; None where we have failed, and then stay out of the way."""
        try:
            request = _Request(self.site, environ, start_response)
            environ[CONSENT] = request.consent
            if self._hide and request.cookies:
                environ["HTTP_COOKIE"] = hide(request.cookies, request.consent.effective(), request.consent.terms)
        except Exception:
            self.client.mishap("request")
            environ[CONSENT] = Consent(UNKNOWN)
            return None
        return request


class _Request(SiteRequest):
    """Stands between the application and the server's ``start_response``."""

    __slots__ = ("_start", "environ", "path", "returned")

    def __init__(self, site: SiteContext, environ: WSGIEnvironment, start: StartResponse) -> None:
        get = environ.get
        super().__init__(site, get("REQUEST_METHOD", ""), get("HTTP_COOKIE", ""), get("HTTP_SEC_GPC", ""))
        self.environ = environ
        self._start = start
        # Taken now: applications that dispatch to others move the path from PATH_INFO to SCRIPT_NAME.
        self.path: str = get("SCRIPT_NAME", "") + get("PATH_INFO", "")
        self.returned = False

    def start(self, status: str, headers: Headers, exc_info: ExcInfo | None = None) -> Callable[[bytes], object]:
        """``start_response`` as the application sees it. Called again with ``exc_info`` it takes back what it said."""
        headers = self.answered(status, headers)
        write = self._start(status, headers) if exc_info is None else self._start(status, headers, exc_info)
        # An application that is a generator starts its answer after it has "returned".
        if self.returned and self.viewed:
            self.record()
        return write

    def hold(self) -> BufferedResponse:
        """Has the answer wait for its first part, since it may be a page that takes the snippet's tag."""
        held = BufferedResponse(
            self._start, self.environ, lambda status, headers: self.weaver(status, headers, self._root())
        )
        self._start = held.start
        return held

    def _root(self) -> str:
        return self.path.removesuffix(self.environ.get("PATH_INFO", ""))

    def header(self, name: str) -> str:
        """From the environment."""
        key = name.upper().replace("-", "_")
        return str(self.environ.get(key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}", ""))

    def asked(self) -> Navigation:
        """From the environment."""
        get = self.environ.get
        purpose = get("HTTP_SEC_PURPOSE") or get("HTTP_PURPOSE") or get("HTTP_X_MOZ", "")
        return Navigation(self.path, get("HTTP_USER_AGENT", ""), get("HTTP_SEC_FETCH_DEST", ""), purpose)

    def facts(self) -> Facts:
        """From the environment."""
        get = self.environ.get
        return Facts(
            url=url_of(self.scheme(), self.host(), self.path, get("QUERY_STRING", "")),
            referrer=get("HTTP_REFERER", ""),
            user_agent=get("HTTP_USER_AGENT", ""),
            language=get("HTTP_ACCEPT_LANGUAGE", ""),
            query=get("QUERY_STRING", ""),
        )

    def raw(self) -> WSGIEnvironment:
        """The environment."""
        return self.environ

    def host(self) -> str:
        """``Host``, or how the server calls itself."""
        get = self.environ.get
        return get("HTTP_HOST") or authority(get("SERVER_NAME", ""), get("SERVER_PORT", ""))

    def address(self) -> str | None:
        """The socket's, or what the trusted proxies say."""
        get, hops = self.environ.get, self.site.options.trusted_proxies
        return address_of(get("REMOTE_ADDR", ""), get("HTTP_X_FORWARDED_FOR", ""), hops)

    def scheme(self) -> str:
        """The server's, or what the trusted proxies say."""
        get, hops = self.environ.get, self.site.options.trusted_proxies
        said = from_the_right(get("HTTP_X_FORWARDED_PROTO", ""), hops) if hops else None
        return said if said in ("http", "https") else get("wsgi.url_scheme", "http")


def _mounted(request: _Request) -> tuple[Local, Any]:
    """The answer to a request below ``/_dongui/``, and its body when that is still on its way. Never raises."""
    try:
        return _asked(request)
    except Exception:
        request.site.client.mishap("mount")
        return UNAVAILABLE, None


def _asked(request: _Request) -> tuple[Local, Any]:
    environ, site = request.environ, request.site
    visit = ProxiedRequest(
        method=request.method,
        path=environ["PATH_INFO"],
        query=environ.get("QUERY_STRING", ""),
        header=request.header,
        cookies=request.cookies,
        address=request.address(),
        secure=request.scheme() == "https",
    )
    return site.ask(visit, _body(environ), request.consent)


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


def _respond(answer: Local, rest: Any, start_response: StartResponse, method: str) -> Iterable[bytes]:
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
    return rest  # type: ignore[no-any-return]
