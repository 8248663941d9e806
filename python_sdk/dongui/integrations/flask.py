"""Flask: ``Dongui(app)``, ``g.consent``, ``@requires_consent("marketing")``, ``consent`` in templates."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, Unpack, overload

from flask import Flask, Response, abort, current_app, g, request, request_started

from dongui.client import Client
from dongui.http.checkup import SetupFinding, collector_findings
from dongui.integrations.flask_logins import connect
from dongui.middleware import CONSENT, ConsentMiddleware
from dongui.rules.compiled_policy import UNKNOWN
from dongui.web.consent import Consent
from dongui.web.options import OptionValues, known_options

log = logging.getLogger("dongui")

P = ParamSpec("P")
T = TypeVar("T")


class Dongui:
    """The extension: guards an application and hands its views the visitor's consent.

    ``Dongui(app)``, or ``dongui = Dongui()`` and later ``dongui.init_app(app)``. Options as in
    :class:`dongui.web.options.Options`; precedence: default < environment < ``app.config["DONGUI_…"]`` < argument.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        client: Client | None = None,
        logins: str | None = None,
        **options: Unpack[OptionValues],
    ) -> None:
        """``logins``: the record class under which logins of Flask-Login are recorded; none are without it."""
        self._client = client
        self._logins = logins
        self._options = options
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Wraps ``app.wsgi_app``; call it once an application, after its configuration is loaded."""
        settings = {name: app.config.get(f"DONGUI_{name.upper()}") for name in known_options()}
        configured = {name: value for name, value in settings.items() if value is not None}
        options: Any = {} if self._client is not None else {**configured, **self._options}
        middleware = ConsentMiddleware(app.wsgi_app, client=self._client, **options)
        for finding in _findings(app, middleware, asks=self._client is None):
            log.warning("dongui: %s", finding)
        app.wsgi_app = middleware  # type: ignore[method-assign]
        app.extensions["dongui"] = middleware.client
        # Not before_request: the consent is there for every function of that kind, whenever it was registered.
        request_started.connect(_started, app)
        app.context_processor(_for_templates)
        if logins := self._logins or app.config.get("DONGUI_LOGINS"):
            connect(app, logins)


def _findings(app: Flask, middleware: ConsentMiddleware, *, asks: bool) -> list[SetupFinding]:
    """What is wrong before the first request. ``asks``: whether the collector is asked as well."""
    options = middleware.client.options
    known = {f"DONGUI_{name.upper()}" for name in (*known_options(), "logins")}
    strange = sorted(name for name in app.config if name.startswith("DONGUI_") and name not in known)
    found = [SetupFinding(f'app.config["{name}"] is no option', "docs/python.md has all") for name in strange]
    if "ProxyFix" in _inner(app.wsgi_app) and not options.trusted_proxies:
        what = "ProxyFix stands inside dongui, which therefore sees the proxy's address and scheme for every visitor"
        found.append(SetupFinding(what, "set trusted_proxies, or call Dongui(app) before app.wsgi_app = ProxyFix(…)"))
    if asks and middleware.client.knowledge.terms.known and options.policy is None:
        found += collector_findings(options.site, options.collector, options.secret_key)
    return found


def _inner(application: Any) -> list[str]:
    """The names of the middlewares around an application, from the outermost inwards."""
    names: list[str] = []
    while application is not None and len(names) < 32:
        names.append(type(application).__name__)
        application = getattr(application, "app", None) or getattr(application, "wsgi_app", None)
    return names


def client() -> Client:
    """The client of the application that serves this request, for ``client().track(g.consent, "purchase")``."""
    found: Client = current_app.extensions["dongui"]
    return found


class _Decorator(Protocol):
    @overload
    def __call__(self, view: Callable[P, Coroutine[Any, Any, T]], /) -> Callable[P, T | Response]: ...
    @overload
    def __call__(self, view: Callable[P, T], /) -> Callable[P, T | Response]: ...


def requires_consent(purpose: str, otherwise: Callable[..., Any] | None = None) -> _Decorator:
    """A view that runs only once ``purpose`` is granted; else ``otherwise`` with the same arguments, or 403.

    An asynchronous view is run to its end, as Flask itself does.
    """

    def decorate(view: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Any:
            consent: Consent = g.consent
            if consent.granted(purpose):
                return current_app.ensure_sync(view)(*args, **kwargs)
            if otherwise is None:
                abort(403, f"This needs the visitor's consent to the purpose {purpose}.")
            return current_app.ensure_sync(otherwise)(*args, **kwargs)

        return guarded

    return decorate


def _started(_app: Flask) -> None:
    g.consent = request.environ.get(CONSENT) or _none()


def _for_templates() -> dict[str, Any]:
    return {"consent": g.get("consent") or _none()}


def _none() -> Consent:
    """Where the middleware was not asked (a bare request context in a test), nothing is granted."""
    return Consent(UNKNOWN)
