"""Which hosts and origins are this machine itself. Pure."""

from __future__ import annotations

import ipaddress
import re

# An origin as browsers write it (RFC 6454, 6.1): no user, no path, nothing after the port.
_ORIGIN = re.compile(r"https?://(\[[0-9a-f:]+\]|[0-9a-z.]+)(?::[1-9][0-9]{0,4})?")


def is_loopback(host: str) -> bool:
    """Whether a host is ``localhost``, 127.0.0.0/8 or ``::1``. Every other name may lead anywhere, so it is not."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_loopback_origin(origin: str) -> bool:
    """Whether an ``Origin`` header names a page that this machine itself serves, on whichever port."""
    found = _ORIGIN.fullmatch(origin)
    return found is not None and is_loopback(found[1].removeprefix("[").removesuffix("]"))
