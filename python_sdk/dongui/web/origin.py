"""Where a request comes from, as its browser says: own origin or not, over TLS or not. Pure.

``Sec-Fetch-Site`` and ``Origin`` are written by the browser and out of a page's reach (W3C Fetch Metadata, RFC 6454).
Programs without a browser write what they like; they have no visitor's cookies to misuse.
"""

from __future__ import annotations

from typing import NamedTuple

from dongui.rules.own_cookies import OWN_COOKIES

_SAFE = ("GET", "HEAD", "OPTIONS")
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")


def is_over_https(https: str, scheme: str, origin: str, fetch_site: str, host: str) -> bool:
    """Whether the visitor's page is on https, whatever stands between: it decides how our cookies are called.

    ``https``: the option; ``scheme``: as the server or a trusted proxy says. Browsers send ``Sec-Fetch-Site`` to https
    alone, but for hosts of their own machine.
    """
    if https == "always" or scheme == "https" or origin.startswith("https://"):
        return True
    if not fetch_site or origin.startswith("http://"):
        return False
    name = host_name(host)
    return not (name in _LOOPBACK or name.endswith(".localhost"))


class RequestOrigin(NamedTuple):
    """Where a request comes from and goes to: ``scheme`` as the server or a trusted proxy says, headers as they came.

    Plain values: whoever keeps them keeps no request alive.
    """

    scheme: str
    host: str
    origin: str
    fetch_site: str


def is_own_origin(fetch_site: str, origin: str, host: str, method: str) -> bool:
    """Whether a page of this very origin asks, the scheme aside; a person who types the address is no stranger.

    Without either header only programs ask, and browsers older than both; they hold no cross-site power.
    """
    if fetch_site:
        return fetch_site == "same-origin" or (fetch_site == "none" and method in _SAFE)
    return not origin or _authority_of(origin) == _without_default_port(host)


def hides_cookies(method: str, fetch_site: str, origin: str, host: str, cookies: str) -> bool:
    """Whether a request cannot show our ``Lax`` cookies: another site's page sent it by another method than GET.

    What such a visitor chose is not known, which is no refusal (DESIGN 4).
    """
    if method in _SAFE or not method:
        return False
    cross = fetch_site == "cross-site" if fetch_site else bool(origin) and not is_own_origin("", origin, host, method)
    return cross and not _holds_own(cookies)


def host_name(host: str) -> str:
    """The name of a ``Host`` header, without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _holds_own(cookies: str) -> bool:
    return "dongui" in cookies and any(
        pair.partition("=")[0].strip(" \t") in OWN_COOKIES for pair in cookies.split(";")
    )


def _authority_of(origin: str) -> str:
    scheme, separator, rest = origin.partition("://")
    return _without_default_port(rest) if separator and scheme in ("http", "https") else "\0"


def _without_default_port(authority: str) -> str:
    return authority.lower().removesuffix(":443").removesuffix(":80")
