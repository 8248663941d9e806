"""One POST to an address that somebody configured, and to nowhere else (no request forgery from inside the network).

The name is resolved here and every address that it has is judged; the connection goes to an address that was judged,
whatever the name says a moment later (DNS rebinding). No redirect is followed, no proxy of the environment is used.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from urllib.parse import urlsplit

from dongui_collector.core.errors import CollectorError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_LONGEST_URL = 2048
_CONNECT_S = 5.0
_ANSWER_S = 10.0
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


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


def may_reach(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address is anybody's on the internet, or in one of the ``allowed`` networks."""
    if _within(address, allowed):
        return True
    return all(map(_is_anybodys, {address, _inner(address)}))


def _is_anybodys(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:  # fec0::/10, which Python counts as global
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _within(address: Address, networks: Sequence[Network]) -> bool:
    inner = _inner(address)
    return any(inner in network for network in networks if inner.version == network.version)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    found = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1])
    if found is None and any(address in network for network in _NAT64):
        found = IPv4Address(int(address) & 0xFFFF_FFFF)
    return found or address


def resolved(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


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
    if not target.tls and not all(_within(address, allowed) for address in found):
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
    connection = _connection(target, addresses[0], context)
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


def _connection(target: DeliveryTarget, address: str, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    """A connection that goes to ``address``, and asks for and trusts the name's own certificate."""
    connection = http.client.HTTPConnection(target.host, target.port, timeout=_CONNECT_S)
    tls = (context or ssl.create_default_context()) if target.tls else None

    def connect() -> None:
        plain = socket.create_connection((address, target.port), _CONNECT_S)
        try:
            connection.sock = tls.wrap_socket(plain, server_hostname=target.host) if tls else plain
        except BaseException:
            plain.close()
            raise

    connection.connect = connect  # type: ignore[method-assign]  # what http.client leaves open for this
    return connection
