"""The hash chain's arithmetic: commitments, links and the head's MAC. Pure.

A record's content is committed to by ``SHA-256(salt ‖ content)`` and only that commitment is chained. Erasing salt and
content leaves the chain verifiable and the commitment, without its 16 random bytes of salt, says nothing.

Of a record about a person the content is committed to in two parts: what was agreed to, and a hash of who agreed and of
all else. So the first can be shown to a third party, and proved, without the second (docs/decisions/006).
"""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

GENESIS = bytes(32)
# What of a record about a person may be shown without it: what was decided, under which notice, and after which of the
# same person's records.
OPEN = ("follows", "given", "notice", "withdrawn")


def content(body: dict[str, Any], site_ref: int | None, visitor: bytes | None) -> bytes:
    """The bytes that are committed to: canonical JSON of everything about the record that is not public in the chain.

    Where the record is about a person, its :data:`OPEN` part in clear and a hash of the rest.
    """
    if visitor is None:
        return canonical({"body": body, "site": site_ref, "visitor": None})
    return open_content({k: body[k] for k in OPEN if k in body}, site_ref, rest(body, visitor))


def rest(body: dict[str, Any], visitor: bytes) -> bytes:
    """The hash that stands for what of a person's record is not shown. The visitor's key, 128 bits that nobody can
    guess, is part of it."""
    hidden = {k: v for k, v in body.items() if k not in OPEN}
    return hashlib.sha256(canonical({"body": hidden, "visitor": visitor.hex()})).digest()


def open_content(shown: dict[str, Any], site_ref: int | None, rest: bytes) -> bytes:
    """The content of a person's record, from what of it may be shown and the hash of the rest."""
    return canonical({"open": shown, "rest": rest.hex(), "site": site_ref})


def canonical(value: dict[str, Any]) -> bytes:
    """JSON in one way only: keys sorted, no spaces, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def commitment(salt: bytes, content: bytes) -> bytes:
    """32 bytes that fix ``content`` without revealing it."""
    return hashlib.sha256(salt + content).digest()


def link(previous: bytes, seq: int, kind: str, at: int, commitment: bytes) -> bytes:
    """The hash of one record: over its predecessor's hash and what of it is never erased."""
    return hashlib.sha256(previous + f"{seq}\x00{kind}\x00{at}\x00".encode() + commitment).digest()


def head_mac(key: bytes, count: int, head: bytes) -> bytes:
    """Keyed MAC over length and last hash, so that a truncated or rewritten chain is found."""
    return hmac.digest(key, count.to_bytes(8, "big") + head, "sha256")
