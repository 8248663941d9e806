"""A copy of the keys, apart from every backup of the data, under a passphrase or the master key, with a last day.

A magic line, a line of JSON (the header, authenticated with the rest), then one sealed value: the keys by name, and the
names of those that were destroyed. ``restore_keys`` leaves out what the journal says was destroyed since.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import BinaryIO

import msgspec
from argon2.low_level import Type, hash_secret_raw

from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.errors import NotAllowed, SettingsError, StorageError
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.core.settings import Settings
from dongui_collector.keys.installation import KeyedInstallation
from dongui_collector.keys.keyring import load_master, new_master, source, write_master
from dongui_collector.keys.operations import KeyCopy
from dongui_collector.storage.contract.values import Json
from dongui_collector.storage.sqlite.files import FolderLock, sync_folder
from dongui_collector.storage.sqlite.journal import JOURNAL_FILE, Journal, adopt
from dongui_collector.storage.sqlite.journals import longest
from dongui_collector.storage.sqlite.keys import SqliteKeys

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


def restore_keys(
    settings: Settings,
    file: BinaryIO,
    *,
    passphrase: str | None = None,
    master: bytes | None = None,
    journal: Path | None = None,
    without_journal: bool = False,
) -> Json:
    """Make ``keys/keys.db`` from a copy, less what was destroyed since: those names are never used again.

    ``master`` opens a copy made under an earlier master key; the restored keys are wrapped under the present one, made
    anew where the file is missing. Raises :class:`StorageError` for a damaged or expired copy, where there are keys
    already, and without a journal (unless told to go on ``without_journal``).
    """
    target = settings.keys_path / "keys.db"
    if target.exists():
        raise StorageError(f"{target} exists; move it away before keys are restored")
    settings.keys_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = FolderLock(settings.data_path) if settings.data_path.is_dir() else None
    try:
        header, body = _opened(settings, file, passphrase, master)
        gone = {*body["gone"], *_destroyed_since(settings, header, body["keys"], journal, without_journal)}
        fresh = target.with_name("keys.db.restoring")
        for leftover in settings.keys_path.glob("keys.db.restoring*"):
            leftover.unlink()
        _fill(fresh, body["keys"], gone, _present_master(settings))
        fresh.replace(target)
        sync_folder(target.parent)
    finally:
        if lock:
            lock.release()
    return {"keys": len(body["keys"].keys() - gone), "left_out": len(gone & body["keys"].keys())}


def _opened(settings: Settings, file: BinaryIO, passphrase: str | None, master: bytes | None) -> tuple[Json, Json]:
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


def _destroyed_since(
    settings: Settings, header: Json, keys: dict[str, bytes], given: Path | None, without: bool
) -> set[str]:
    key = hmac.digest(keys["secret"], b"journal", "sha256")
    path = longest(key, settings.keys_path / JOURNAL_FILE, given=given, beside=None)
    if path is None:
        if without:
            return set()
        raise StorageError(
            "there is no journal of destructions (keys/journal.ndjson); without it the copy would bring back keys that"
            " were destroyed since. Name one with --journal, or say --without-journal"
        )
    if without:
        raise StorageError(f"{path} is a journal of this installation; leave --without-journal away")
    count, mac = header["journal"]
    since = Journal(path, key).entries((int(count), str(mac)))
    adopt(path, settings.keys_path)
    return {entry["name"] for entry in since if entry["kind"] == "key"}


def _present_master(settings: Settings) -> bytes:
    path = settings.folder / settings.master_key_file
    if source(settings) == "file" and not path.exists():
        write_master(path, new_master())
    try:
        return load_master(settings)
    except SettingsError as error:
        raise StorageError(f"the keys cannot be wrapped: {error}") from None


def _fill(path: Path, keys: dict[str, bytes], gone: set[str], master: bytes) -> None:
    store = SqliteKeys(path)
    try:
        for name, key in keys.items():
            if name not in gone:
                store.put(name, seal(master, key, name.encode()))
        for name in sorted(gone):
            store.put(name, b"\0")
            store.destroy(name)
    finally:
        store.close()
