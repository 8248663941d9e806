"""What the first requests tell about a wrong set-up: said in the log, once each, with the remedy."""

from __future__ import annotations

import ipaddress
import logging

from dongui.web.incoming import IncomingRequest
from dongui.web.options import Options
from dongui.web.origin import RequestOrigin, is_over_https

log = logging.getLogger("dongui")

_LOOKED_AT = 10_000  # requests; health checks come before people, and may be all that comes for hours

ONE_ADDRESS = (
    "requests come from a proxy that writes X-Forwarded-For, and trusted_proxies is 0: every visitor has the proxy's "
    "address; set trusted_proxies to the number of proxies in front of this server"
)
HTTPS_AS_HTTP = (
    "an https page arrives as http: have the proxy write X-Forwarded-Proto and set trusted_proxies to the number of "
    'proxies in front of this server, or set https="always"'
)
COUNTED_TWICE = (
    "werkzeug's ProxyFix has taken the proxies' headers off already, and trusted_proxies counts them again; put dongui "
    "outside it, or leave trusted_proxies at 0"
)


class RequestDiagnosis:
    """Looks at the first requests of a process, and says what is wrong with how they arrive."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._said: set[str] = set()
        self._left = _LOOKED_AT

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to look for."""
        return self._left <= 0

    def look(self, request: IncomingRequest, origin: RequestOrigin) -> None:
        """Looks at one request."""
        self._left -= 1
        for text in findings(request, origin, self._options):
            if text not in self._said:
                self._said.add(text)
                log.warning("dongui: %s", text)


def findings(request: IncomingRequest, origin: RequestOrigin, options: Options) -> list[str]:
    """What is wrong with how a request arrives. Pure.

    A stranger can write every header, so a proxy is believed in only where the request comes from a private address.
    """
    found = []
    if options.trusted_proxies and "werkzeug.proxy_fix.orig" in request.raw:
        found.append(COUNTED_TWICE)
    if not options.trusted_proxies and request.header("x-forwarded-for") and _is_private(request.remote):
        found.append(ONE_ADDRESS)
    looks_plain = origin.scheme == "http" and options.https == "auto" and (origin.origin or origin.fetch_site)
    is_https = looks_plain and is_over_https("auto", "http", origin.origin, origin.fetch_site, origin.host)
    if is_https and _is_private(request.remote):
        found.append(HTTPS_AS_HTTP)
    return found


def _is_private(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_private
    except ValueError:
        return not address  # a Unix socket: whoever connects is on this machine
