"""What is stored of those who may read: console accounts and tokens. ``v`` is the version of a stored Struct.

Fields that have their default are left out of what is stored, and fields that a Struct does not know are skipped when
it is read, so that what earlier versions stored can still be read.
"""

from __future__ import annotations

import msgspec


class Attempts(msgspec.Struct, frozen=True):
    """Failures in a row to sign in to an account from one source, and until when (epoch ms) it has to wait."""

    failures: int
    wait_until: int


class Account(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A console account. ``password`` is an argon2id hash, ``factor`` a sealed TOTP secret in hexadecimal (pending
    until a code of it was given), ``recovery`` hashes of codes; ``attempts`` are by source (access/guessing.py)."""

    id: str
    name: str
    role: str
    password: str
    disabled: bool = False
    factor: str | None = None
    factor_step: int = 0
    factor_pending: str | None = None
    recovery: tuple[str, ...] = ()
    attempts: dict[str, Attempts] = {}
    v: int = 1


class Token(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A token: bound to a site and purposes, good until ``expires_at`` (epoch ms; None for ever).

    ``recipient`` is whom its exports are handed to, exact where ``precise``. ``revoked_at`` and ``last_used`` (a day)
    are kept beside what is stored of it.
    """

    id: str
    role: str
    site: str
    purposes: tuple[str, ...]
    note: str = ""
    created_at: int = 0
    expires_at: int | None = None
    recipient: str | None = None
    precise: bool = False
    revoked_at: int | None = None
    last_used: str | None = None
    v: int = 1

    def is_live(self, now: int) -> bool:
        """Whether it may be used at an instant (epoch ms)."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)
