"""How a request is looked at, whatever protocol brought it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class IncomingRequest(Protocol):
    """The few plain values from which everything else is decided. A shell reads them from ``environ`` or ``scope``.

    ``path`` is the whole path, ``root`` where the application is mounted and ``mounted_path`` what lies below that, in
    Latin-1 as WSGI has them; ``remote`` is the socket's address, ``server_scheme`` what the server knows, ``host`` the
    ``Host`` header or how the server calls itself, ``raw`` the ``environ`` or ``scope`` itself, for the site's own
    rule. None of these is trusted but ``remote`` and ``server_scheme``.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def mounted_path(self) -> str: ...
    @property
    def root(self) -> str: ...
    @property
    def query(self) -> str: ...
    @property
    def remote(self) -> str: ...
    @property
    def server_scheme(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def raw(self) -> Mapping[str, Any]: ...

    def header(self, name: str) -> str:
        """A request header, empty where it is missing. ``name`` is in lower case."""
