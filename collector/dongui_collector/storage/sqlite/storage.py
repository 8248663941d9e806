"""The embedded default: one data folder, SQLite throughout. Composes the stores; knows no rule."""

from __future__ import annotations

from pathlib import Path

from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract.stores import KeyStore, Storage
from dongui_collector.storage.sqlite.accounts import SqliteAccounts
from dongui_collector.storage.sqlite.admin import SqliteAdmin
from dongui_collector.storage.sqlite.connect import WRITER, connect, own_errors
from dongui_collector.storage.sqlite.days import SqliteDays
from dongui_collector.storage.sqlite.disclosures import SqliteDisclosures
from dongui_collector.storage.sqlite.keys import SqliteKeys
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER, migrate
from dongui_collector.storage.sqlite.records import SqliteRecords

LEDGER_FILE = "dongui.db"


def make_folders(data: Path, keys: Path) -> None:
    """Create the folders of an installation, readable by its own user alone."""
    with own_errors():
        for folder in (data, data / "events", keys):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def open_keys(keys: Path, *, readonly: bool = False) -> KeyStore:
    """The key store, opened first: everything else needs a key."""
    return SqliteKeys(keys / "keys.db", readonly=readonly)


def open_storage(data: Path, keys: KeyStore, mac_key: bytes, *, readonly: bool = False) -> Storage:
    """Open a data folder. Raises :class:`StorageError` when it is not there."""
    path = data / LEDGER_FILE
    if not data.is_dir() or (readonly and not path.exists()):
        raise StorageError(f"{data} holds no installation; make one with `dongui init DIR`")
    with own_errors():
        conn = connect(path, readonly=readonly)
        if not readonly:
            migrate(conn, LEDGER)
    ledger = SqliteLedger(conn, mac_key)
    if not readonly:
        ledger.scrub_again()
    events = SqliteDays(data / "events", path, None if readonly else ledger)
    archive = SqliteRecords(data / "archive.db", readonly=readonly)
    records = SqliteRecords(data / "records.db", readonly=readonly)

    def close() -> None:
        with WRITER:  # whoever reads a connection in another thread holds it: closed under them, SQLite would crash
            events.close()
            for store in (archive, records):
                store.close()
            conn.close()

    beside = SqliteAdmin(ledger), SqliteAccounts(ledger), SqliteDisclosures(ledger)
    return Storage(ledger, events, archive, records, *beside, keys, close)
