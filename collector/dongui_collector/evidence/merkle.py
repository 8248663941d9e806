"""Sealed days as arithmetic: a row's commitment, its leaf, and the root over a day's leaves. Pure.

The tree is that of RFC 6962: a leaf's hash begins with 0x00, a node's with 0x01, and a lone right half is carried up.
``verify_evidence.py`` says the same again without us.
"""

from __future__ import annotations

import hashlib
import hmac
from operator import attrgetter

import msgspec

from dongui_collector.storage.contract.values import Row

EMPTY = hashlib.sha256(b"").digest()
_COLUMNS = sorted(f for f in Row.__slots__ if f != "n")
_values = attrgetter(*_COLUMNS)
_encode = msgspec.msgpack.Encoder().encode


def commitment_key(day_key: bytes) -> bytes:
    """What the rows of a day are committed to under. It ends with the day's key."""
    return hmac.digest(day_key, b"row commitments", "sha256")


def commitment(key: bytes, row: Row) -> bytes:
    """32 bytes that fix every column of a row.

    Keyed with the day's key, and each row holds its own 128-bit key, which is a keyed hash of an id that is never
    stored and goes with the row. So what was committed to cannot be guessed at once the row is destroyed, nor, once
    the day is, by anybody at all.
    """
    held = [(name, value) for name, value in zip(_COLUMNS, _values(row), strict=True) if value is not None]
    return hashlib.blake2b(_encode(held), key=key, digest_size=32).digest()


def leaf(committed: bytes, purposes: int, seq: int) -> bytes:
    """A row's leaf as it stands in evidence: 48 bytes."""
    return committed + purposes.to_bytes(8, "big") + seq.to_bytes(8, "big")


class MerkleTree:
    """A Merkle root over leaves that come one by one; holds one hash a level."""

    def __init__(self) -> None:
        self.size = 0
        self._stack: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        node = hashlib.sha256(b"\x00" + leaf).digest()
        n = self.size
        while n & 1:
            node = hashlib.sha256(b"\x01" + self._stack.pop() + node).digest()
            n >>= 1
        self._stack.append(node)
        self.size += 1

    def root(self) -> bytes:
        """The root over what was added so far; more may follow."""
        if not self._stack:
            return EMPTY
        node = self._stack[-1]
        for left in reversed(self._stack[:-1]):
            node = hashlib.sha256(b"\x01" + left + node).digest()
        return node
