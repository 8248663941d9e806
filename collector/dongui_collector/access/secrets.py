"""Bearer secrets and passwords: made here, kept only one-way (K13)."""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_PASSWORDS = PasswordHasher()
# Checked when there is no such account, so that the answer takes as long as for one that exists.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHRzb21lc2FsdA$R0Zyx1ipRW3xXl4Lyfy9Sq1wKq7mXTIS+Y2a1oTxZ6k"
LOCKED = "!"  # what stands for the hash of a password that nobody has: the account waits for a new one
_READABLE = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret_key() -> str:
    """A site's secret key: ``dgs_`` and 256 random bits. Shown once."""
    return "dgs_" + secrets.token_urlsafe(32)


def new_token() -> str:
    """A consumer's or operator's token: ``dgt_`` and 256 random bits. Shown once."""
    return "dgt_" + secrets.token_urlsafe(32)


def new_token_id() -> str:
    """The public name of a token, by which it is listed and revoked."""
    return "t_" + secrets.token_hex(6)


def new_password() -> str:
    """A password that can be read aloud: 24 letters and digits in groups of 6, 118 bits."""
    return "-".join("".join(secrets.choice(_READABLE) for _ in range(6)) for _ in range(4))


def token_hash(token: str) -> bytes:
    """What is kept of a secret key or token, 32 bytes. They carry 256 random bits, so a fast hash is enough."""
    return hashlib.sha256(b"dongui-auth\0" + token.encode("utf-8", "surrogatepass")).digest()


def address_key(secret_key: str) -> bytes:
    """The key that authenticates the ``Dongui-Address`` header of a site's own proxy, and unlocks nothing else."""
    return hashlib.sha256(b"dongui-address\0" + secret_key.encode()).digest()


def hash_password(password: str) -> str:
    """argon2id with the library's parameters, salt included."""
    return _PASSWORDS.hash(password)


def verify_password(kept: str | None, password: str) -> bool:
    """Whether ``password`` is the one of ``kept``. No such account (``None``) and a locked one take as long: False."""
    nobody = kept is None or kept == LOCKED
    try:
        return _PASSWORDS.verify(_NOBODY if kept is None or nobody else kept, password) and not nobody
    except (VerificationError, InvalidHashError):
        return False
