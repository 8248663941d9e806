"""The Django middleware, for WSGI and ASGI alike."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable
from http.cookies import Morsel, SimpleCookie
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from dongui.asgi import in_thread
from dongui.client import Client
from dongui.compiled_policy import UNKNOWN
from dongui.consent import Consent
from dongui.integrations.django.weaving import weave
from dongui.options import OptionValues
from dongui.web.page_view import Facts, Navigation, address_of, authority, from_the_right, url_of
from dongui.web.proxy_rules import MOST_BODY, UNAVAILABLE, Local, ProxiedRequest
from dongui.web.request import SiteRequest
from dongui.web.set_cookie import Headers, hide
from dongui.web.site import SiteContext


@functools.cache
def site() -> SiteContext:
    """The one site of this process, as ``settings.DONGUI`` describes it."""
    given = given_options()
    client = given.pop("client", None)
    return SiteContext(client, cast(OptionValues, given))


def given_options() -> dict[str, Any]:
    """``settings.DONGUI`` without what is Django's alone."""
    return {name: value for name, value in getattr(settings, "DONGUI", {}).items() if name != "logins"}


def client() -> Client:
    """The client, for ``client().track(request.consent, "purchase")``."""
    return site().client


class ConsentMiddleware:
    """Guards a Django site: what the visitor has not consented to is neither set nor recorded.

    Views find the visitor's :class:`~dongui.consent.Consent` as ``request.consent``. Below ``/_dongui/`` the collector
    answers. It stands first in ``MIDDLEWARE``, above all that sets cookies; ``manage.py check`` sees to that.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        self.site = site()
        self._async = iscoroutinefunction(get_response)
        if self._async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answers a request; a coroutine under ASGI."""
        if self._async:
            return self._answer_async(request)
        passage = self._begun(request)
        if passage is None:
            return self.get_response(request)
        if self.site.claims(request.path_info):
            return _response(*_asked(passage))
        return self._guarded(self.get_response(request), passage)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        passage = self._begun(request)
        if passage is None:
            answered: HttpResponseBase = await self.get_response(request)
            return answered
        if self.site.claims(request.path_info):
            answer, rest = await in_thread(lambda: _asked(passage))
            return _response(answer, None if rest is None else _pieces(rest))
        return self._guarded(await self.get_response(request), passage)

    def _begun(self, request: HttpRequest) -> _Request | None:
        """The request with its consent; None where we have failed, and then stay out of the way."""
        try:
            passage = _Request(self.site, request)
            request.consent = passage.consent  # type: ignore[attr-defined]
            if self.site.options.hide_cookies and passage.cookies:
                shown = hide(passage.cookies, passage.consent.effective(), passage.consent.terms)
                request.META["HTTP_COOKIE"] = shown
                request.__dict__.pop("COOKIES", None)
        except Exception:
            self.site.client.mishap("request")
            request.consent = Consent(UNKNOWN)  # type: ignore[attr-defined]
            return None
        return passage

    def _guarded(self, response: HttpResponseBase, passage: _Request) -> HttpResponseBase:
        try:
            given = [(name, value) for name, value in response.items()]
            given += [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
            headers = passage.answered(str(response.status_code), given)
            if headers is not given:
                _apply(response, given, headers)
            if self.site.options.inject:
                weave(response, passage, passage.request.path.removesuffix(passage.request.path_info))
        except Exception:
            self.site.client.mishap("answer")
        if passage.viewed:
            passage.record()
        return response


class _Request(SiteRequest):
    """Looks at a request through ``META``, which Django fills alike under WSGI and ASGI."""

    __slots__ = ("request",)

    def __init__(self, site: SiteContext, request: HttpRequest) -> None:
        self.request = request
        get = request.META.get
        super().__init__(site, request.method or "", get("HTTP_COOKIE", ""), get("HTTP_SEC_GPC", ""))

    def header(self, name: str) -> str:
        """From ``META``."""
        return str(self.request.headers.get(name, ""))

    def asked(self) -> Navigation:
        """From ``META``."""
        get = self.request.META.get
        purpose = get("HTTP_SEC_PURPOSE") or get("HTTP_PURPOSE") or get("HTTP_X_MOZ", "")
        return Navigation(self.request.path, get("HTTP_USER_AGENT", ""), get("HTTP_SEC_FETCH_DEST", ""), purpose)

    def facts(self) -> Facts:
        """From ``META``."""
        get, path = self.request.META.get, self.request.path
        latin = path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")
        return Facts(
            url=url_of(self.scheme(), self.host(), latin, get("QUERY_STRING", "")),
            referrer=get("HTTP_REFERER", ""),
            user_agent=get("HTTP_USER_AGENT", ""),
            language=get("HTTP_ACCEPT_LANGUAGE", ""),
            query=get("QUERY_STRING", ""),
        )

    def raw(self) -> dict[str, Any]:
        """``META``."""
        return self.request.META

    def host(self) -> str:
        """``Host``, or how the server calls itself."""
        get = self.request.META.get
        return get("HTTP_HOST") or authority(get("SERVER_NAME", ""), get("SERVER_PORT", ""))

    def address(self) -> str | None:
        """The socket's, or what the trusted proxies say."""
        get, hops = self.request.META.get, self.site.options.trusted_proxies
        return address_of(get("REMOTE_ADDR", ""), get("HTTP_X_FORWARDED_FOR", ""), hops)

    def scheme(self) -> str:
        """What ``SECURE_PROXY_SSL_HEADER`` or the trusted proxies say, else the server's."""
        hops = self.site.options.trusted_proxies
        said = from_the_right(self.request.META.get("HTTP_X_FORWARDED_PROTO", ""), hops) if hops else None
        return said if said in ("http", "https") else self.request.scheme or "http"


def requires_consent(purpose: str, otherwise: Callable[..., Any] | None = None) -> Callable[[Any], Any]:
    """A view that runs only once ``purpose`` is granted; else ``otherwise`` with the same arguments, or 403."""

    def decorate(view: Any) -> Any:
        def chosen(request: HttpRequest) -> Any:
            if request.consent.granted(purpose):  # type: ignore[attr-defined]
                return view
            if otherwise is None:
                raise PermissionDenied(f"This needs the visitor's consent to the purpose {purpose}.")
            return otherwise

        if iscoroutinefunction(view):

            @functools.wraps(view)
            async def guarded_async(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
                answer = chosen(request)(request, *args, **kwargs)
                return await answer if hasattr(answer, "__await__") else answer

            return guarded_async

        @functools.wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return chosen(request)(request, *args, **kwargs)

        return guarded

    return decorate


def _asked(passage: _Request) -> tuple[Local, Any]:
    """The answer to a request below ``/_dongui/``, and its body when that is still on its way. Never raises."""
    try:
        request, where = passage.request, passage.site
        meta = request.META
        visit = ProxiedRequest(
            method=passage.method,
            path=request.path_info,
            query=meta.get("QUERY_STRING", ""),
            header=passage.header,
            cookies=passage.cookies,
            address=passage.address(),
            secure=passage.scheme() == "https",
        )
        return where.ask(visit, request.read(MOST_BODY + 1), passage.consent)
    except Exception:
        passage.site.client.mishap("mount")
        return UNAVAILABLE, None


def _response(answer: Local, rest: Any) -> HttpResponseBase:
    response: HttpResponseBase
    if rest is None:
        response = HttpResponse(answer.body, status=answer.status)
    else:
        response = StreamingHttpResponse(rest, status=answer.status)
    del response.headers["Content-Type"]
    for name, value in answer.headers:
        if name == "Set-Cookie":
            _add_cookie(response.cookies, value)
        else:
            response.headers[name] = value
    return response


async def _pieces(rest: Any) -> AsyncIterator[bytes]:
    try:
        while data := await in_thread(lambda: next(rest, b"")):
            yield data
    finally:
        rest.close()


def _apply(response: HttpResponseBase, given: Headers, headers: Headers) -> None:
    """Makes a response say ``headers`` where it said ``given``: cookies fewer or more, other headers more."""
    kept = {value for name, value in headers if name == "Set-Cookie"}
    for key, morsel in list(response.cookies.items()):
        if morsel.OutputString() not in kept:
            del response.cookies[key]
    before = set(given)
    for name, value in headers:
        if (name, value) in before:
            continue
        if name == "Set-Cookie":
            _add_cookie(response.cookies, value)
        elif name == "Vary" and response.has_header("Vary"):
            response.headers["Vary"] += f", {value}"
        else:
            response.headers[name] = value


def _add_cookie(jar: SimpleCookie, line: str) -> None:
    """Adds a ``Set-Cookie`` line of our own. One name may be there for several domains, which a jar has no key for."""
    first, *attributes = line.split("; ")
    name, _, value = first.partition("=")
    morsel: Morsel[str] = Morsel()
    morsel.set(name, value, value)
    for attribute in attributes:
        key, equals, text = attribute.partition("=")
        morsel[key] = text if equals else True
    dict.__setitem__(jar, name if "domain" not in line.lower() else f"{name}@{morsel['domain']}", morsel)


def _forget(*, setting: str, **_: Any) -> None:
    """In tests that override the settings: the next request starts anew."""
    if setting == "DONGUI":
        site.cache_clear()


setting_changed.connect(_forget)
