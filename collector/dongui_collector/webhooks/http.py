"""One POST to an address that somebody configured, and to nowhere else (no request forgery from inside the network).

The name is resolved here and every address that it has is judged; the connection goes to an address that was judged,
whatever the name says a moment later (DNS rebinding). No redirect is followed, no proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.networks import Network, Resolve, connection_to, is_within, may_reach, resolved

_LONGEST_URL = 2048
_ANSWER_S = 10.0


class AddressRefused(CollectorError):
    """An address that nothing is sent to; the message says why and names no more than the configured host."""


class NotDelivered(CollectorError):
    """The other side could not be reached, or did not answer 2xx."""


@dataclass(frozen=True, slots=True)
class DeliveryTarget:
    """Where to: an https address taken apart."""

    tls: bool
    host: str
    port: int
    path: str


def target_of(url: str, *, plain: bool = False) -> DeliveryTarget:
    """Take an address apart. ``plain`` allows http. Raises :class:`AddressRefused` for what is no such address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise AddressRefused("that is no address such as https://hooks.example.com/dongui") from None
    if len(url) > _LONGEST_URL or not host or not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise AddressRefused("that is no address such as https://hooks.example.com/dongui")
    if parts.scheme not in ("https", *(("http",) if plain else ())):
        raise AddressRefused("the address must begin with https://")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise AddressRefused("the address must hold neither a name, a password nor a fragment")
    tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return DeliveryTarget(tls, host, port if port is not None else 443 if tls else 80, path)


def allowed_networks(text: str) -> tuple[Network, ...]:
    """The networks of a setting, comma-separated. Raises :class:`AddressRefused` for what is none."""
    try:
        return tuple(ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError:
        raise AddressRefused("webhook_networks are networks such as 10.1.0.0/16, separated by commas") from None


def judged(target: DeliveryTarget, allowed: Sequence[Network], resolve: Resolve = resolved) -> list[str]:
    """The addresses that a target has now. Raises :class:`AddressRefused` where one of them may not be reached."""
    try:
        found = [ip_address(text.partition("%")[0]) for text in resolve(target.host, target.port)]
    except (OSError, UnicodeError):
        raise NotDelivered(f"{target.host} has no address") from None
    except ValueError:
        raise AddressRefused(f"{target.host} has no address that is one") from None
    if not found:
        raise NotDelivered(f"{target.host} has no address")
    if not target.tls and not all(is_within(address, allowed) for address in found):
        raise AddressRefused("the address must begin with https://; http is for the networks of webhook_networks alone")
    if not all(may_reach(address, allowed) for address in found):
        raise AddressRefused(
            f"{target.host} leads into a network of one's own; nothing is sent there unless the setting"
            " webhook_networks names that network"
        )
    return [str(address) for address in found]


def post(
    target: DeliveryTarget,
    body: bytes,
    headers: Mapping[str, str],
    *,
    allowed: Sequence[Network] = (),
    resolve: Resolve = resolved,
    context: ssl.SSLContext | None = None,
) -> int:
    """Send ``body``; the status, which is 2xx. What is answered is not read.

    Raises :class:`AddressRefused`, and :class:`NotDelivered` for every other answer or none within some seconds.
    """
    addresses = judged(target, allowed, resolve)
    tls = (context or ssl.create_default_context()) if target.tls else None
    connection = connection_to(addresses[:1], target.host, target.port, tls)
    try:
        connection.connect()
        # In all, also where the answer comes a byte at a time: an answer that is shut down ends.
        watch = threading.Timer(_ANSWER_S, _shut, (connection.sock,))
        watch.start()
        try:
            connection.request("POST", target.path, body, dict(headers))
            status = connection.getresponse().status
        finally:
            watch.cancel()
    except (OSError, http.client.HTTPException) as error:
        raise NotDelivered(f"{target.host} could not be reached ({type(error).__name__})") from None
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise NotDelivered(f"{target.host} answered {status}")
    return status


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
