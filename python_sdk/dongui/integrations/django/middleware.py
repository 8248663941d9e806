"""The Django middleware, for WSGI and ASGI alike."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.handlers.wsgi import WSGIRequest
from django.core.signals import setting_changed
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from dongui.asgi import close_rest, in_thread
from dongui.client import Client, client_of
from dongui.integrations.django.injection import inject
from dongui.integrations.django.responses import Pieces, put_headers, response_of
from dongui.rules.body import MOST_BODY
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.consent import Consent
from dongui.web.options import OptionValues
from dongui.web.proxy_rules import TOO_SLOW, UNAVAILABLE, Local
from dongui.web.request import SiteRequest
from dongui.web.site import SiteContext
from dongui.web.site_client import LongBody
from dongui.web.wsgi_body import read_body
from dongui.web.wsgi_request import WsgiRequest, environ_key


@functools.cache
def client() -> Client:
    """The client, for ``client().track(request.consent, "purchase")``."""
    given = given_options()
    made = given.pop("client", None)
    return client_of(made, cast(OptionValues, given))


@functools.cache
def site() -> SiteContext:
    """The one site of this process, as ``settings.DONGUI`` describes it."""
    return SiteContext(client())


def given_options() -> dict[str, Any]:
    """``settings.DONGUI`` without what is Django's alone."""
    return {name: value for name, value in getattr(settings, "DONGUI", {}).items() if name != "logins"}


class ConsentMiddleware:
    """Guards a Django site: what the visitor has not consented to is neither set nor recorded.

    Views find the visitor's :class:`~dongui.Consent` as ``request.consent``. Below ``/_dongui/`` the collector
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
        visit = self._begun(request)
        if visit is None:
            return self.get_response(request)
        if self.site.claims(request.path_info):
            return response_of(*_asked(visit, request))
        return self._guarded(self.get_response(request), visit)

    async def _answer_async(self, request: HttpRequest) -> HttpResponseBase:
        visit = self._begun(request)
        if visit is None:
            answered: HttpResponseBase = await self.get_response(request)
            return answered
        if self.site.claims(request.path_info):
            answer, rest = await in_thread(lambda: _asked(visit, request), close_rest)
            return response_of(answer, None if rest is None else Pieces(rest))
        return self._guarded(await self.get_response(request), visit)

    def _begun(self, request: HttpRequest) -> SiteRequest | None:
        """The request with its consent; None where we have failed, and then stay out of the way."""
        try:
            visit = SiteRequest(self.site, DjangoRequest(request))
            request.consent = visit.consent  # type: ignore[attr-defined]
            for name, value in visit.changed_headers().items():
                _replace(request, name, value)
        except Exception:
            self.site.client.mishap("request")
            request.consent = Consent(UNKNOWN)  # type: ignore[attr-defined]
            return None
        return visit

    def _guarded(self, response: HttpResponseBase, visit: SiteRequest) -> HttpResponseBase:
        try:
            given = [(name, value) for name, value in response.items()]
            given += [("Set-Cookie", morsel.OutputString()) for morsel in response.cookies.values()]
            headers = visit.answered(str(response.status_code), given)
            if headers is not given:
                put_headers(response, headers)
            if self.site.options.inject:
                inject(response, visit)
        except Exception:
            self.site.client.mishap("answer")
        if visit.viewed:
            visit.record()
        return response


class DjangoRequest(WsgiRequest):
    """Looks at a request through ``META``, which Django fills alike under WSGI and ASGI."""

    __slots__ = ("_request",)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request.META)
        self._request = request
        self.method = request.method or ""
        self.path = latin_path(request.path)
        self.mounted_path = latin_path(request.path_info)
        self.root = self.path.removesuffix(self.mounted_path)

    @property
    def server_scheme(self) -> str:
        """What ``SECURE_PROXY_SSL_HEADER`` says, else the server's."""
        return self._request.scheme or "http"


def latin_path(path: str) -> str:
    return path if path.isascii() else path.encode("utf-8", "replace").decode("latin-1")


def _replace(request: HttpRequest, name: str, value: str) -> None:
    key = environ_key(name)
    if value or name == "cookie":
        request.META[key] = value
    else:
        request.META.pop(key, None)
    for cached in ("COOKIES", "headers"):
        request.__dict__.pop(cached, None)


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


def _asked(visit: SiteRequest, request: HttpRequest) -> tuple[Local, LongBody | None]:
    """The answer to a request below ``/_dongui/``, and its body when that is still on its way. Never raises."""
    try:
        # Under ASGI Django has read the whole body already.
        is_wsgi = isinstance(request, WSGIRequest)
        body = read_body(request.META, request) if is_wsgi else request.read(MOST_BODY + 1)
        return (TOO_SLOW, None) if body is None else visit.site.ask(visit.proxied(), body, visit.consent)
    except Exception:
        visit.site.client.mishap("mount")
        return UNAVAILABLE, None


def _forget(*, setting: str, **_: Any) -> None:
    """In tests that override the settings: the next request starts anew."""
    if setting == "DONGUI":
        site.cache_clear()
        client.cache_clear()


setting_changed.connect(_forget)
