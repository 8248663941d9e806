"""A database of places for the demo: the addresses reserved for documentation, each somewhere that it is not.

In MaxMind's format (https://maxmind.github.io/MaxMind-DB/), so that the demo's places come the way all places do.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

PLACES: Mapping[str, tuple[str, str]] = {
    "192.0.2.0/26": ("KR", "Seoul"),
    "192.0.2.64/26": ("KR", "Busan"),
    "192.0.2.128/26": ("KR", "Jeju City"),
    "198.51.100.0/26": ("US", "New York"),
    "198.51.100.64/26": ("JP", "Tokyo"),
    "198.51.100.128/26": ("DE", "Berlin"),
    "198.51.100.192/26": ("AU", "Sydney"),
    "203.0.113.0/26": ("VN", "Hanoi"),
    "203.0.113.64/26": ("FR", "Paris"),
    "203.0.113.128/26": ("CA", "Toronto"),
}
_SEPARATOR = bytes(16)
_METADATA = b"\xab\xcd\xefMaxMind.com"


def write_places(path: Path, places: Mapping[str, tuple[str, str]] = PLACES) -> None:
    """Write networks and their (country code, city) as a database of IPv4 addresses."""
    nodes: list[list[int | tuple[int] | None]] = [[None, None]]  # a child: a node's number, nothing, or (data offset,)
    data = b""
    for network, (country, city) in places.items():
        found = IPv4Network(network)
        bits = f"{int(found.network_address):032b}"[: found.prefixlen]
        _insert(nodes, bits, len(data))
        data += _value({"country": {"iso_code": country}, "city": {"names": {"en": city}}})
    count = len(nodes)
    tree = b"".join(_record(child, count) for node in nodes for child in node)
    about = b"".join(
        _value(key) + value
        for key, value in {
            "node_count": _number(6, count),
            "record_size": _number(5, 24),
            "ip_version": _number(5, 4),
            "database_type": _value("dongui-demo"),
            "languages": b"\x01\x04" + _value("en"),  # a list of one
            "binary_format_major_version": _number(5, 2),
            "binary_format_minor_version": _number(5, 0),
            "build_epoch": b"\x01\x02\x01",  # a long number
            "description": _value({"en": "addresses for documentation"}),
        }.items()
    )
    path.write_bytes(tree + _SEPARATOR + data + _METADATA + bytes([7 << 5 | 9]) + about)


def _insert(nodes: list[list[int | tuple[int] | None]], bits: str, offset: int) -> None:
    at = 0
    for bit in bits[:-1]:
        child = nodes[at][int(bit)]
        if not isinstance(child, int):
            nodes.append([None, None])
            child = nodes[at][int(bit)] = len(nodes) - 1
        at = child
    nodes[at][int(bits[-1])] = (offset,)


def _record(child: int | tuple[int] | None, count: int) -> bytes:
    number = count if child is None else child if isinstance(child, int) else count + len(_SEPARATOR) + child[0]
    return number.to_bytes(3, "big")


def _value(value: Any) -> bytes:
    """A map or a text; none here has more than 28 entries or bytes."""
    if isinstance(value, dict):
        return bytes([7 << 5 | len(value)]) + b"".join(_value(key) + _value(item) for key, item in value.items())
    text: bytes = value.encode()
    return bytes([2 << 5 | len(text)]) + text


def _number(kind: int, value: int) -> bytes:
    size = (value.bit_length() + 7) // 8
    return bytes([kind << 5 | size]) + value.to_bytes(size, "big")
