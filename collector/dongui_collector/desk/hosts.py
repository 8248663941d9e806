"""Under which names the desk answers, and how a request came: on loopback, or over TLS.

A page of a stranger can have its own name resolve to 127.0.0.1 (DNS rebinding) and then read the console as its own
origin; the ``Host`` header tells. What a proxy says is believed for as many hops as ``desk_proxies`` has.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from flask import Flask, request
from flask.sessions import SecureCookieSessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from dongui_collector.core.settings import Settings

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_FORWARDED", "HTTP_VIA")
_UNKNOWN = b"The desk does not answer under this name. Add it to the setting desk_hosts.\n"
Environ = dict[str, Any]


def set_up(app: Flask, settings: Settings) -> None:
    """Refuse other names, believe the proxies of the settings, and mark cookies that came over TLS as ``Secure``."""
    app.session_interface = _Sessions()
    app.wsgi_app = KnownHosts(app.wsgi_app, known_hosts(settings))  # type: ignore[method-assign]
    if hops := settings.desk_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]


def known_hosts(settings: Settings) -> tuple[str, ...]:
    """Loopback's names, the address that the desk listens on, and those of the setting ``desk_hosts``."""
    named = [name.strip().lower() for name in settings.desk_hosts.split(",") if name.strip(" .")]
    listening = f"[{settings.desk_host}]" if ":" in settings.desk_host else settings.desk_host
    every = [] if listening in ("0.0.0.0", "[::]", "") else [listening]  # noqa: S104 (compared, not bound)
    return (*LOOPBACK, *every, *named)


def is_known(host: str, known: Sequence[str]) -> bool:
    """Whether a ``Host`` header names one of the known hosts, whatever its port. Pure.

    A known name that begins with a dot stands for all names below it, too. No host is known by an empty header.
    """
    found = re.fullmatch(r"(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::[0-9]{1,5})?", host.lower())
    if found is None:
        return False
    name = found[1].removesuffix(".")
    return any(name == one.lstrip(".") or (one[0] == "." and name.endswith(one)) for one in known)


class KnownHosts:
    """WSGI middleware: answers 421 to a request for a name that is not one of ours, whatever its path.

    ``/healthz`` tells nothing and is asked by load balancers under addresses: it is left out.
    """

    def __init__(self, app: Callable[..., Iterable[bytes]], known: tuple[str, ...]) -> None:
        self._app = app
        self._known = known

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if environ.get("PATH_INFO") != "/healthz" and not is_known(environ.get("HTTP_HOST", ""), self._known):
            headers = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
            start_response("421 Misdirected Request", headers)
            return [_UNKNOWN]
        return self._app(environ, start_response)


def is_local(environ: Environ) -> bool:
    """Whether a request came from this very machine and through no proxy."""
    if any(name in environ for name in _FORWARDED) or not is_known(environ.get("HTTP_HOST", ""), LOOPBACK):
        return False
    try:
        return ipaddress.ip_address(environ.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


def came_over_tls() -> bool:
    """Whether the browser sent the present request over TLS: a proxy of ours says so, or the browser itself.

    Browsers send ``Sec-Fetch-Site`` to trustworthy origins alone: https, and loopback (W3C Fetch Metadata, section 3).
    """
    if request.is_secure:
        return True
    return "Sec-Fetch-Site" in request.headers and not is_known(request.host, LOOPBACK)


class _Sessions(SecureCookieSessionInterface):
    """Signed sessions, whose cookie is ``Secure`` where the browser can keep it so."""

    def get_cookie_secure(self, app: Flask) -> bool:
        return came_over_tls()
