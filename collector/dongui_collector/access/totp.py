"""The second factor: time-based one-time codes (RFC 6238: HMAC-SHA1, 6 digits, 30 seconds). Pure but for randomness."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from urllib.parse import quote, urlencode

STEP_S = 30
DIGITS = 6
DRIFT = 1  # steps that a telephone's clock may be off, either way
_SECRET_BYTES = 20
_CODES = 10


def new_secret() -> bytes:
    """160 random bits, as RFC 4226 recommends."""
    return secrets.token_bytes(_SECRET_BYTES)


def code(secret: bytes, step: int, digits: int = DIGITS) -> str:
    """The code of one step (epoch seconds // 30)."""
    mac = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = mac[-1] & 0xF
    number = int.from_bytes(mac[at : at + 4], "big") & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)


def accepted_step(secret: bytes, given: str, now: int, last: int) -> int | None:
    """The step whose code was given, or None. ``now`` in epoch seconds.

    Never a step that is not after ``last``, the newest one accepted before: a code that was watched being typed is of
    no use. Every candidate is compared, each in constant time.
    """
    given = given.replace(" ", "")
    present = now // STEP_S
    found = None
    for step in range(present - DRIFT, present + DRIFT + 1):
        if hmac.compare_digest(code(secret, step).encode(), given.encode("utf-8", "surrogatepass")) and step > last:
            found = step
    return found


def readable(secret: bytes) -> str:
    """The secret as people type it into a telephone: base32 in groups of four."""
    text = base64.b32encode(secret).decode().rstrip("=")
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def uri(secret: bytes, account: str, issuer: str) -> str:
    """The ``otpauth://`` link that authenticator programs open."""
    label = quote(f"{issuer}:{account}", safe="")
    text = base64.b32encode(secret).decode().rstrip("=")
    query = {"secret": text, "issuer": issuer, "algorithm": "SHA1", "digits": DIGITS, "period": STEP_S}
    return f"otpauth://totp/{label}?{urlencode(query, quote_via=quote)}"


def new_recovery_codes() -> list[str]:
    """Codes for the day on which the telephone is gone: 80 random bits each, good for once."""
    made = (base64.b32encode(secrets.token_bytes(10)).decode().lower() for _ in range(_CODES))
    return ["-".join(text[i : i + 4] for i in range(0, 16, 4)) for text in made]


def recovery_hash(given: str) -> str:
    """What is kept of a recovery code. It carries 80 random bits, so a fast hash is enough."""
    plain = given.replace("-", "").replace(" ", "").lower()
    return hashlib.sha256(b"dongui-recovery\0" + plain.encode("utf-8", "surrogatepass")).hexdigest()


def matching_recovery(kept: Sequence[str], given: str) -> str | None:
    """The kept hash that a recovery code opens, or None; all are compared."""
    wanted, found = recovery_hash(given), None
    for one in kept:
        if hmac.compare_digest(one, wanted):
            found = one
    return found
