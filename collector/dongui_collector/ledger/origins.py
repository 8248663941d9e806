"""Origins of a site, in the form in which browsers send them (RFC 6454, 6.2; hosts as the URL Standard writes them)."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

import idna

from dongui_collector.core.errors import CollectorError

_DEFAULT_PORTS = {"http": 80, "https": 443}
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST = re.compile(rf"(?=.{{1,254}}$){_LABEL}(?:\.{_LABEL})*\.?", re.ASCII)


def checked_origin(text: str) -> str:
    """An origin exactly as browsers send it. Raises :class:`CollectorError` with the remedy."""
    try:
        return _origin(text.strip())
    except idna.IDNAError:
        raise CollectorError("the host of an origin is no name that browsers know; write its xn-- form") from None
    except ValueError:
        raise CollectorError(f"{text[:200]!r} is not an origin; write it like https://shop.example.com") from None


def is_origin(text: str) -> bool:
    """Whether a text is an origin exactly as browsers send it."""
    try:
        return len(text) < 300 and checked_origin(text) == text
    except CollectorError:
        return False


def _origin(text: str) -> str:
    """Raises :class:`ValueError`; urlsplit takes out line ends and tabs by itself, so they are looked for before."""
    if re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError
    parts = urlsplit(text)
    scheme, port = parts.scheme, parts.port
    if scheme not in _DEFAULT_PORTS or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError
    if "@" in parts.netloc or port == 0:
        raise ValueError
    host = _host(parts.hostname or "")
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")


def _host(name: str) -> str:
    if ":" in name:
        if "%" in name:
            raise ValueError
        return f"[{IPv6Address(name)}]"
    # Browsers keep ß and its like (UTS 46, non-transitional), which Python's own "idna" (2003) takes for "ss".
    ascii = name if name.isascii() else idna.encode(name, uts46=True, transitional=False).decode()
    if not _HOST.fullmatch(ascii):
        raise ValueError
    return ascii
