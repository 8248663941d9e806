"""A WSGI environment, and Django's ``META``, as an :class:`~dongui.web.incoming.IncomingRequest`."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING

from dongui.web.page_view import authority

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

log = logging.getLogger("dongui")


class _Keys(dict[str, str]):
    """Keys of the environment by the names of headers, made when first asked for; bounded."""

    def __missing__(self, name: str) -> str:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if len(self) < 256:
            self[name] = key
        return key


_KEYS = _Keys({"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"})


class WsgiRequest:
    """Looks into the environment only when asked. The path is taken at once: applications that dispatch to others move
    it from ``PATH_INFO`` to ``SCRIPT_NAME``.
    """

    __slots__ = ("method", "mounted_path", "path", "raw", "root")

    def __init__(self, environ: WSGIEnvironment) -> None:
        get = environ.get
        self.raw = environ
        self.method: str = get("REQUEST_METHOD", "")
        self.mounted_path: str = get("PATH_INFO", "")
        self.root: str = get("SCRIPT_NAME", "")
        self.path = self.root + self.mounted_path

    def header(self, name: str) -> str:
        """As the server put it into the environment."""
        value: str = self.raw.get(_KEYS[name], "")
        return value

    @property
    def query(self) -> str:
        return str(self.raw.get("QUERY_STRING", ""))

    @property
    def remote(self) -> str:
        return str(self.raw.get("REMOTE_ADDR", ""))

    @property
    def server_scheme(self) -> str:
        return str(self.raw.get("wsgi.url_scheme", "http"))

    @property
    def host(self) -> str:
        get = self.raw.get
        return get("HTTP_HOST") or authority(get("SERVER_NAME", ""), get("SERVER_PORT", ""))


def drop_shadows(environ: WSGIEnvironment, start_response: object) -> None:
    """Takes out of the environment what a header ``X_Forwarded_For`` has put into the proxy's ``X-Forwarded-For``.

    WSGI has one key for both. wsgiref's server still knows the names, through the method that it hands over; of uWSGI
    and granian nobody learns them, which is said once. Other servers drop such names themselves.
    """
    handler = getattr(getattr(start_response, "__self__", None), "request_handler", None)
    headers = getattr(handler, "headers", None)
    if headers is None:
        if "uwsgi.version" in environ or environ.get("SERVER_SOFTWARE") == "Granian":
            _say_that_names_are_folded()
        return
    for name in _TRUSTED:
        key = environ_key(name)
        if key in environ:
            environ[key] = ",".join(headers.get_all(name, []))


@functools.cache
def _say_that_names_are_folded() -> None:
    log.warning(
        "dongui: this server takes X_Forwarded_For for X-Forwarded-For; have the proxy drop header names with _, "
        "or a visitor can write another's address"
    )


_TRUSTED = ("x-forwarded-for", "x-forwarded-proto")


def environ_key(name: str) -> str:
    """Where the environment has a request header; ``name`` is in lower case."""
    return _KEYS[name]
