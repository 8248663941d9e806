"""Starlette and FastAPI: the middleware, ``request.consent``, and ``requires_consent`` as decorator or dependency."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any, Unpack

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException, WebSocketException
from starlette.requests import HTTPConnection, Request

from dongui.asgi import CONSENT, ASGIApp, Receive, Scope, Send
from dongui.asgi import ConsentMiddleware as _ConsentMiddleware
from dongui.client import Client
from dongui.http.checkup import collector_findings
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.consent import Consent
from dongui.web.options import OptionValues

log = logging.getLogger("dongui")

_NAME = "consent"


class ConsentMiddleware(_ConsentMiddleware):
    """``app.add_middleware(ConsentMiddleware, site="…", collector="…", secret_key="…")``, added last, so outermost.

    Views find the visitor's consent as ``request.consent``; Starlette builds its own request objects, so this gives
    their class that one more property.
    """

    def __init__(self, app: ASGIApp, *, client: Client | None = None, **options: Unpack[OptionValues]) -> None:
        super().__init__(app, client=client, **options)
        self._order_is_known = False
        own = self.client.options
        if client is None and own.policy is None and self.client.knowledge.terms.known:
            for finding in collector_findings(own.site, own.collector, own.secret_key):
                log.warning("dongui: %s", finding)
        if not hasattr(HTTPConnection, _NAME):
            setattr(HTTPConnection, _NAME, property(consent_of))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI. The first thing that a server sends is the lifespan's start, so this comes before any request."""
        if not self._order_is_known:
            self._order_is_known = True
            for name in _unguarded(scope.get("app")):
                log.warning(
                    "dongui: %s stands outside dongui's middleware: its cookies pass unseen; call "
                    "app.add_middleware(ConsentMiddleware, …) last",
                    name,
                )
        await super().__call__(scope, receive, send)


def _unguarded(application: Any) -> list[str]:
    """Middlewares that set cookies and stand outside ours; Starlette lists the outermost first."""
    names = [getattr(one.cls, "__name__", "") for one in getattr(application, "user_middleware", ())]
    outside = names[: names.index("ConsentMiddleware")] if "ConsentMiddleware" in names else []
    return [name for name in outside if any(word in name for word in _SET_COOKIES)]


_SET_COOKIES = ("Session", "CSRF", "Csrf", "Cookie")


def consent_of(connection: HTTPConnection) -> Consent:
    """The consent of a request or websocket; where the middleware was not asked, nothing is granted.

    As a FastAPI dependency: ``consent: Annotated[Consent, Depends(consent_of)]``.
    """
    return connection.scope.get(CONSENT) or Consent(UNKNOWN)


class requires_consent:
    """A purpose that must be granted; else 403, or what ``otherwise`` answers.

    Starlette: ``@requires_consent("marketing")`` on an endpoint that takes the request first. FastAPI:
    ``Depends(requires_consent("marketing"))``, which gives the endpoint the consent; there, ``otherwise`` is not used.
    """

    def __init__(self, purpose: str, otherwise: Callable[..., Any] | None = None) -> None:
        self.purpose = purpose
        self._otherwise = otherwise
        kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
        parameter = inspect.Parameter("connection", kind, annotation=HTTPConnection)
        self.__signature__ = inspect.Signature([parameter])

    def __call__(self, connection: Any) -> Any:
        """As a dependency with a request or a websocket, as a decorator with an endpoint."""
        if not isinstance(connection, HTTPConnection):
            return self._decorated(connection)
        consent = consent_of(connection)
        if not consent.granted(self.purpose):
            raise self._refusal(connection)
        return consent

    def _refusal(self, connection: HTTPConnection) -> Exception:
        """403; a websocket that was not accepted yet is refused by it as well (RFC 6455 knows no other way)."""
        text = f"This needs the visitor's consent to the purpose {self.purpose}."
        if connection.scope["type"] == "websocket":
            return WebSocketException(1008, text)
        return HTTPException(403, text)

    def _decorated(self, endpoint: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(endpoint)
        async def guarded(connection: HTTPConnection, *args: Any, **kwargs: Any) -> Any:
            if consent_of(connection).granted(self.purpose):
                return await _called(endpoint, connection, *args, **kwargs)
            if self._otherwise is None:
                raise self._refusal(connection)
            return await _called(self._otherwise, connection, *args, **kwargs)

        return guarded


def for_templates(request: Request) -> dict[str, Any]:
    """A context processor: ``Jinja2Templates(directory=…, context_processors=[for_templates])``."""
    return {"consent": consent_of(request)}


async def _called(endpoint: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    if inspect.iscoroutinefunction(endpoint):
        return await endpoint(*args, **kwargs)
    return await run_in_threadpool(endpoint, *args, **kwargs)
