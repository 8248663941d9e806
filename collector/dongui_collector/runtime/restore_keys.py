"""Restoring the keys from a copy of them, less what was destroyed since."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import BinaryIO

from dongui_collector.core.errors import SettingsError, StorageError
from dongui_collector.core.sealing import seal
from dongui_collector.core.settings import Settings
from dongui_collector.keys.backup import opened_copy
from dongui_collector.keys.keyring import load_master, new_master, source, write_master
from dongui_collector.runtime.composition import SqliteFolder, folder_of
from dongui_collector.storage.contract.stores import KeyStore
from dongui_collector.storage.contract.values import Json


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
    folder = folder_of(settings)
    if folder.keys_file.exists():
        raise StorageError(f"{folder.keys_file} exists; move it away before keys are restored")
    settings.keys_path.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = folder.lock() if folder.data.is_dir() else None
    try:
        header, body = opened_copy(settings, file, passphrase, master)
        gone = {*body["gone"], *_destroyed_since(folder, header, body["keys"], journal, without_journal)}
        master_now = _present_master(settings)
        _fill(folder.begin_keys(), body["keys"], gone, master_now)
        folder.end_keys()
    finally:
        if lock:
            lock.release()
    return {"keys": len(body["keys"].keys() - gone), "left_out": len(gone & body["keys"].keys())}


def _destroyed_since(
    folder: SqliteFolder, header: Json, keys: dict[str, bytes], given: Path | None, without: bool
) -> set[str]:
    key = hmac.digest(keys["secret"], b"journal", "sha256")
    journal = folder.longest_journal(key, given=given)
    if journal is None:
        if without:
            return set()
        raise StorageError(
            "there is no journal of destructions (keys/journal.ndjson); without it the copy would bring back keys that"
            " were destroyed since. Name one with --journal, or say --without-journal"
        )
    if without:
        raise StorageError(f"{journal.path} is a journal of this installation; leave --without-journal away")
    count, mac = header["journal"]
    since = journal.entries((int(count), str(mac)))
    journal.copy_to(folder.journal_file)
    return {entry["name"] for entry in since if entry["kind"] == "key"}


def _present_master(settings: Settings) -> bytes:
    path = settings.folder / settings.master_key_file
    if source(settings) == "file" and not path.exists():
        write_master(path, new_master())
    try:
        return load_master(settings)
    except SettingsError as error:
        raise StorageError(f"the keys cannot be wrapped: {error}") from None


def _fill(store: KeyStore, keys: dict[str, bytes], gone: set[str], master: bytes) -> None:
    try:
        for name, key in keys.items():
            if name not in gone:
                store.put(name, seal(master, key, name.encode()))
        for name in sorted(gone):
            store.put(name, b"\0")
            store.destroy(name)
    finally:
        store.close()
