"""Encryption of single values, each bound to its place, and names that cannot be traced back."""

from __future__ import annotations

import os
from collections import deque
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from dongui_collector.core.errors import CollectorError

_NONCE = 12
_AT_A_TIME = 256


class SealBroken(CollectorError):
    """A sealed value does not open: another key, another place, or altered bytes."""


@lru_cache(maxsize=64)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


# Each is handed out once: popleft is atomic, and a forked child begins with none. Asking the system for every one would
# give the interpreter's lock away in the middle of a group commit.
_nonces: deque[bytes] = deque()
os.register_at_fork(after_in_child=_nonces.clear)


def forget_keys() -> None:
    """Drop what was made of keys lately, so that a destroyed one is gone from memory too."""
    _cipher.cache_clear()


def _nonce() -> bytes:
    while True:
        try:
            return _nonces.popleft()
        except IndexError:
            fresh = os.urandom(_NONCE * _AT_A_TIME)
            _nonces.extend(fresh[i : i + _NONCE] for i in range(0, len(fresh), _NONCE))


def seal(key: bytes, plaintext: bytes, aad: bytes) -> bytes:
    """Encrypt: 12 random bytes of nonce, then AES-256-GCM's output (16 bytes longer than the plaintext).

    ``aad`` binds the value to its place (site, day, row, column), so that it does not open anywhere else.
    """
    nonce = _nonce()
    return nonce + _cipher(key).encrypt(nonce, plaintext, aad)


def unseal(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    """Decrypt what :func:`seal` made. Raises :class:`SealBroken`; never returns altered bytes."""
    try:
        return _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], aad)
    except (InvalidTag, ValueError):
        raise SealBroken(
            "a sealed value does not open: it belongs to another key or place, or its bytes were altered"
        ) from None
