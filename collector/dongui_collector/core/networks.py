"""Connections to addresses that somebody else named, and to nowhere else (no request forgery from inside the network).

A name is resolved once and every address that it has is judged; the connection goes to an address that was judged,
whatever the name says a moment later (DNS rebinding).
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

CONNECT_S = 5.0
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


def may_reach(address: Address, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address is anybody's on the internet, or in one of the ``allowed`` networks."""
    if is_within(address, allowed):
        return True
    return all(map(_is_anybodys, {address, _inner(address)}))


def is_within(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address, or the one that it stands for, is in one of the networks."""
    inner = _inner(address)
    return any(inner in network for network in networks if inner.version == network.version)


def resolved(host: str, port: int) -> list[str]:
    """Every address of a name. Raises OSError."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(info[4][0]) for info in infos))


def connected(addresses: Sequence[str], port: int) -> socket.socket:
    """A connection to the first of some judged addresses that takes one. Raises OSError."""
    last: OSError = OSError("no address")
    for address in addresses:
        try:
            return socket.create_connection((address, port), CONNECT_S)
        except OSError as error:
            last = error
    raise last


def connection_to(
    addresses: Sequence[str], host: str, port: int, tls: ssl.SSLContext | None
) -> http.client.HTTPConnection:
    """A connection that goes to one of ``addresses``, and asks for and trusts the name's own certificate."""
    connection = http.client.HTTPConnection(host, port, timeout=CONNECT_S)

    def connect() -> None:
        plain = connected(addresses, port)
        try:
            connection.sock = tls.wrap_socket(plain, server_hostname=host) if tls else plain
        except BaseException:
            plain.close()
            raise

    connection.connect = connect  # type: ignore[method-assign]  # what http.client leaves open for this
    return connection


def _is_anybodys(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:  # fec0::/10, which Python counts as global
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for (mapped, 6to4, Teredo, NAT64), else itself."""
    if isinstance(address, IPv4Address):
        return address
    teredo = address.teredo
    found = address.ipv4_mapped or address.sixtofour or (teredo and teredo[1])
    if found is None and any(address in network for network in _NAT64):
        found = IPv4Address(int(address) & 0xFFFF_FFFF)
    return found or address
