"""What goes to a recipient is coarse: times to the hour, addresses to the network. Pure.

Two consumers have no name for a visitor or an event in common, but equal times and addresses can still be matched; an
hour and a network hold more than one person (``docs/http.md`` says what can be matched all the same).
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from dongui_collector.storage.contract.values import Json

HOUR_MS = 3_600_000
_V4_BITS, _V6_BITS = 24, 48


def coarsened(row: Json) -> Json:
    """A row of the "Read back" shape with its time cut to the hour and its address to /24 (IPv6: /48)."""
    times: Json = {name: row[name] for name in ("at", "received_at") if name in row}
    address = row["ip_address"]
    return row | {
        **{name: None if at is None else at - at % HOUR_MS for name, at in times.items()},
        "ip_address": None if address is None else network_of(address),
    }


def network_of(address: str) -> str | None:
    """The first address of an address's network: ``203.0.113.7`` → ``203.0.113.0``; None for what is no address."""
    try:
        found = ip_address(address)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    bits = _V4_BITS if found.version == 4 else _V6_BITS
    return str(ip_network((int(found) if found.version == 4 else found, bits), strict=False).network_address)
