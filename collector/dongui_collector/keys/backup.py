"""A copy of the keys, apart from every backup of the data, under a passphrase or the master key, with a last day.

A magic line, a line of JSON (the header, authenticated with the rest), then one sealed value: the keys by name, and the
names of those that were destroyed. ``runtime/restore_keys.py`` leaves out what the journal says was destroyed since.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from datetime import date
from typing import BinaryIO

import msgspec
from argon2.low_level import Type, hash_secret_raw

from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.errors import NotAllowed, StorageError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.keys.installation import KeyedInstallation
from dongui_collector.keys.keyring import load_master
from dongui_collector.keys.operations import KeyCopy
from dongui_collector.storage.contract.values import Json

MAGIC = b"DONGUI-KEYS/1\n"
SHORTEST = 12
_MAX = 64 << 20


def check_passphrase(passphrase: str) -> None:
    """Raises :class:`NotAllowed` for one that is too short: whoever has the file may guess as long as they like."""
    if len(passphrase) < SHORTEST:
        raise NotAllowed(f"the passphrase of a copy of the keys has at least {SHORTEST} characters")


def write_copy(core: KeyedInstallation, out: BinaryIO, noted: KeyCopy, passphrase: str | None) -> Json:
    """Write a copy of all keys. ``noted`` is what the operation ``keys.copy`` answered; None: under the master key."""
    header = {
        "format": 1,
        "made_at": noted.made_at,
        "expires": noted.expires.isoformat(),
        "journal": list(noted.journal),
        "under": "master key" if passphrase is None else "passphrase",
        "salt": secrets.token_hex(16),
    }
    line = json.dumps(header).encode() + b"\n"
    keys = {name: key for name in core.keyring.names() if (key := core.keyring.named(name)) is not None}
    body = msgspec.msgpack.encode({"keys": keys, "gone": core.keyring.gone()})
    out.write(MAGIC + line + seal(_key(header, passphrase, lambda: core.keyring.master), body, line))
    return {"keys": len(keys), "expires": header["expires"], "under": header["under"]}


def _key(header: Json, passphrase: str | None, master: Callable[[], bytes]) -> bytes:
    salt = bytes.fromhex(header["salt"])
    if header["under"] == "master key":
        return hmac.digest(master(), b"keys copy\0" + salt, "sha256")
    if passphrase is None:
        raise NotAllowed("this copy of the keys is under a passphrase; give it with --passphrase-file")
    return hash_secret_raw(
        passphrase.encode(), salt, time_cost=4, memory_cost=64 << 10, parallelism=4, hash_len=32, type=Type.ID
    )


def opened_copy(settings: Settings, file: BinaryIO, passphrase: str | None, master: bytes | None) -> tuple[Json, Json]:
    """The header of a copy of the keys, and its keys by name with the names of those that were destroyed.

    ``master`` opens a copy made under an earlier master key. Raises :class:`StorageError` for a damaged or expired one.
    """
    if file.read(len(MAGIC)) != MAGIC:
        raise StorageError("this is no copy of dongui's keys, or one of another version")
    line = file.readline(_MAX)
    try:
        header: Json = json.loads(line)
        expires = date.fromisoformat(header["expires"])
        key = _key(header, passphrase, lambda: master or load_master(settings))
    except (ValueError, KeyError, TypeError):
        raise StorageError("the header of this copy of the keys is damaged") from None
    try:
        body: Json = msgspec.msgpack.decode(unseal(key, file.read(_MAX), line))
    except SealBroken:
        raise StorageError(
            f"this copy of the keys does not open: it was altered, or the {header['under']} is another one"
        ) from None
    today = clock_from_environment(testing=settings.testing).today(settings.zone)
    if expires < today:
        raise StorageError(
            f"this copy of the keys expired on {expires}: certificates of destruction say that no key is left after it"
        )
    return header, body
