"""A WSGI environment, and Django's ``META``, as an :class:`~dongui.web.incoming.IncomingRequest`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dongui.web.page_view import authority

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_KEYS = {"content-type": "CONTENT_TYPE", "content-length": "CONTENT_LENGTH"}


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
        return str(self.raw.get(environ_key(name), ""))

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


def environ_key(name: str) -> str:
    """Where the environment has a request header; ``name`` is in lower case."""
    try:
        return _KEYS[name]
    except KeyError:
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if len(_KEYS) < 256:
            _KEYS[name] = key
        return key
