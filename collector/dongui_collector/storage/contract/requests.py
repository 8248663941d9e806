"""Privacy requests as they are stored: what may lie open, and what is sealed. Stored as they are encoded."""

from __future__ import annotations

import msgspec

VERSION = 2  # a row without a version is of the first form, whose fields are these, all but the first two optional


class IdentityCheck(msgspec.Struct, frozen=True):
    """How it was checked who asks: ``result`` is ``confirmed`` or ``failed``; ``at`` is epoch ms."""

    result: str
    how: str = ""
    at: int = 0
    by: str = ""


class GivenAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer less its reason, which is sealed. ``endings`` are the intents that it began, by their numbers."""

    outcome: str
    ground: str | None = None
    at: int = 0
    by: str = ""
    until: str | None = None
    endings: list[int] = []


class Settling(msgspec.Struct, frozen=True):
    """Whom an erasure is about until nothing of it is open any more: keyed hashes in hex."""

    member: str | None = None
    visitors: list[str] = []


class StoredRequest(msgspec.Struct, omit_defaults=True):
    """A privacy request. ``visitor`` and ``member`` are keyed hashes in hex; instants are epoch ms, days ISO 8601.

    ``key`` names the key under which ``sealed`` (base64) is; ``text`` is there only where a version that did not seal
    filed it.
    """

    site_ref: int
    kind: str
    id: int = 0
    v: int = 1
    asked: str | None = None
    channel: str | None = None
    at: int | None = None
    received: str | None = None
    due: str | None = None
    state: str = "open"
    closed_at: int | None = None
    visitor: str | None = None
    member: str | None = None
    agent: bool = False
    nothing_held: bool = False
    identity: IdentityCheck | None = None
    answers: list[GivenAnswer] = []
    settling: Settling | None = None
    correcting: bool | None = None
    key: str | None = None
    sealed: str | None = None
    text: str | None = None

    @property
    def proved(self) -> bool:
        """Whether who asks was checked and confirmed."""
        return self.identity is not None and self.identity.result == "confirmed"
