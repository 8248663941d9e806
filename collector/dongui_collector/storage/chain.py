"""The hash chain's arithmetic: commitments, links and the head's MAC. Pure.

A record's content is committed to by ``SHA-256(salt ‖ content)`` and only that commitment is chained. Erasing salt and
content leaves the chain verifiable and the commitment, without its 16 random bytes of salt, says nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

GENESIS = bytes(32)


def content(body: dict[str, Any], site_ref: int | None, visitor: bytes | None) -> bytes:
    """The bytes that are committed to.

    Canonical JSON of everything about the record that is not public in the chain.
    """
    whole = {"body": body, "site": site_ref, "visitor": visitor.hex() if visitor else None}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, content: bytes) -> bytes:
    """32 bytes that fix ``content`` without revealing it."""
    return hashlib.sha256(salt + content).digest()


def link(previous: bytes, seq: int, kind: str, at: int, commitment: bytes) -> bytes:
    """The hash of one record: over its predecessor's hash and what of it is never erased."""
    return hashlib.sha256(previous + f"{seq}\x00{kind}\x00{at}\x00".encode() + commitment).digest()


def head_mac(key: bytes, count: int, head: bytes) -> bytes:
    """Keyed MAC over length and last hash, so that a truncated or rewritten chain is found."""
    return hmac.digest(key, count.to_bytes(8, "big") + head, "sha256")
