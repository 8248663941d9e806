"""A different name for every consumer: two of them cannot join what they hold, and none can look anyone up here."""

from __future__ import annotations

import base64
import hmac
from typing import Protocol


class Deriving(Protocol):
    """Something that derives secrets of an installation, such as its key ring."""

    def derive(self, label: bytes) -> bytes:
        """A secret of the installation's own for one use."""


class Pseudonyms:
    """The names of one consumer (a token, a recipient, or the controller's own use)."""

    def __init__(self, keyring: Deriving, consumer: str) -> None:
        self._secret = keyring.derive(b"pseudonym\x00" + consumer.encode())

    def visitor(self, key: bytes) -> str:
        """22 characters that stand for a visitor, the same for as long as the visitor is known."""
        return self._name(b"visitor\x00" + key)

    def event(self, key: bytes) -> str:
        """22 characters that stand for an event."""
        return self._name(b"event\x00" + key)

    def _name(self, value: bytes) -> str:
        return base64.urlsafe_b64encode(hmac.digest(self._secret, value, "sha256")[:16])[:22].decode()
