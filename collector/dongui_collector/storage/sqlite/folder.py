"""A data folder and the keys' folder beside it, open or not: locks, copies, restoring, the journals at hand."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from dongui_collector.core.durable import sync_folder
from dongui_collector.core.errors import StorageError
from dongui_collector.core.private_files import FOLDER, narrow
from dongui_collector.storage.contract.folder import Part
from dongui_collector.storage.contract.stores import KeyStore, Storage
from dongui_collector.storage.sqlite.accounts import SqliteAccounts
from dongui_collector.storage.sqlite.admin import SqliteAdmin
from dongui_collector.storage.sqlite.connect import WRITER, own_errors
from dongui_collector.storage.sqlite.damage import damage
from dongui_collector.storage.sqlite.days import SqliteDays
from dongui_collector.storage.sqlite.disclosures import SqliteDisclosures
from dongui_collector.storage.sqlite.dump import dump, load
from dongui_collector.storage.sqlite.files import FolderLock, ReserveFile, destroy_file, destroy_folder, make_leases
from dongui_collector.storage.sqlite.journal import JOURNAL_FILE, Journal
from dongui_collector.storage.sqlite.journals import longest
from dongui_collector.storage.sqlite.keys import SqliteKeys
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import LEDGER
from dongui_collector.storage.sqlite.own_file import opened
from dongui_collector.storage.sqlite.records import SqliteRecords

LEDGER_FILE = "dongui.db"
_FILES = {"ledger": LEDGER_FILE, "archive": "archive.db", "records": "records.db"}


class SqliteFolder:
    """Implements :class:`~dongui_collector.storage.contract.folder.DataFolder`, and what a start and a restore need."""

    def __init__(self, data: Path, keys: Path) -> None:
        self.data = data
        self.keys_file = keys / "keys.db"
        self.reserve = ReserveFile(data)
        self._keys = keys

    @property
    def holds_data(self) -> bool:
        """Whether there is an installation."""
        return (self.data / LEDGER_FILE).exists()

    # -- a start

    def make(self) -> None:
        """Create the folders, and take all that is in them from everybody but the installation's own user."""
        with own_errors():
            for folder in (self.data, self.data / "events", self._keys):
                folder.mkdir(mode=FOLDER, parents=True, exist_ok=True)
            os.close(make_leases(self.data / "events"))
            for folder in (self.data, self._keys):
                narrow(folder)

    def lock(self) -> FolderLock:
        """One process writes a folder. Raises :class:`FolderBusy` with the holder's pid."""
        return FolderLock(self.data)

    def open_keys(self, *, readonly: bool = False) -> KeyStore:
        """The key store, opened first: everything else needs a key."""
        return SqliteKeys(self.keys_file, readonly=readonly)

    def open(self, keys: KeyStore, mac_key: bytes, *, readonly: bool = False) -> Storage:
        """Open all stores. Raises :class:`StorageError` where there is no installation."""
        path = self.data / LEDGER_FILE
        if not self.data.is_dir() or (readonly and not path.exists()):
            raise StorageError(f"{self.data} holds no installation; make one with `dongui init DIR`")
        ledger = SqliteLedger(opened(path, LEDGER, readonly=readonly), mac_key)
        if not readonly:
            ledger.scrub_again()
        events = SqliteDays(self.data / "events", path, None if readonly else ledger)
        archive = SqliteRecords(self.data / _FILES["archive"], readonly=readonly)
        records = SqliteRecords(self.data / _FILES["records"], readonly=readonly)

        def close() -> None:
            with WRITER:  # whoever reads a connection in another thread holds it: closed under them, SQLite would crash
                for store in (events, archive, records, ledger):
                    store.close()

        beside = SqliteAdmin(ledger), SqliteAccounts(ledger), SqliteDisclosures(ledger)
        return Storage(ledger, events, archive, records, *beside, keys, self, close)

    def halt(self) -> None:
        """As the contract says."""
        WRITER.acquire()

    # -- copies

    def copies(self) -> tuple[str, ...]:
        """As the contract says."""
        return tuple(_FILES)

    def dump(self, name: str) -> Iterator[Part]:
        """As the contract says. The ledger as of one moment, since its tables belong together."""
        return dump(self.data / _FILES[name], one_moment=name == "ledger")

    def dump_day(self, day: date) -> Iterator[Part]:
        """As the contract says."""
        return dump(self._day(day), one_moment=False)

    def load(self, name: str, parts: Iterable[Part]) -> None:
        """Make one of :meth:`copies` of what :meth:`dump` gave; durable when this returns."""
        load(self.data / _FILES[name], parts)

    def load_day(self, day: date, parts: Iterable[Part]) -> None:
        """Make a day of what :meth:`dump_day` gave; durable when this returns."""
        load(self._day(day), parts)

    def _day(self, day: date) -> Path:
        return self.data / "events" / f"{day}.db"

    def damage(self) -> list[tuple[str, str]]:
        """As the contract says."""
        return damage(self.data, self.keys_file.parent)

    # -- restoring

    # ``data.restoring`` is built beside ``data``. Only when it is whole ``data`` is renamed to ``data.replaced`` and
    # ``data.restoring`` to ``data``. So where ``data`` is missing beside ``data.replaced`` the restore was decided, and
    # where it is there the others are remains, which hold data that no destruction would reach.

    @property
    def _fresh(self) -> Path:
        return self.data.with_name(self.data.name + ".restoring")

    @property
    def _replaced(self) -> Path:
        return self.data.with_name(self.data.name + ".replaced")

    def begin_restore(self) -> SqliteFolder:
        """The folder in which a restore builds, empty."""
        destroy_folder(self._fresh)
        fresh = SqliteFolder(self._fresh, self._keys)
        fresh.make()
        return fresh

    def end_restore(self) -> None:
        """Put the restored folder in place; what was there is destroyed."""
        destroy_folder(self._replaced)
        if self.data.exists():
            self.data.rename(self._replaced)
        self._fresh.rename(self.data)
        sync_folder(self.data.parent)
        destroy_folder(self._replaced)

    def resume_restore(self) -> None:
        """Before the folder is opened or made: complete the renaming that a crash came between."""
        if not self.data.exists() and self._replaced.exists():
            (self._fresh if self._fresh.exists() else self._replaced).rename(self.data)
            sync_folder(self.data.parent)

    def clear_up(self) -> None:
        """Under the folder's lock: destroy what is left of a restore, of the data or of the keys."""
        for folder in (self._fresh, self._replaced):
            destroy_folder(folder)
        for path in self._keys.glob(f"{self._fresh_keys.name}*"):
            destroy_file(path)

    def begin_keys(self) -> SqliteKeys:
        """An empty key store beside the one in use, which :meth:`end_keys` puts in place once it is closed."""
        for leftover in self._keys.glob(f"{self._fresh_keys.name}*"):
            leftover.unlink()
        return SqliteKeys(self._fresh_keys)

    def end_keys(self) -> None:
        """Put the restored key store in place."""
        self._fresh_keys.replace(self.keys_file)
        sync_folder(self._keys)

    @property
    def _fresh_keys(self) -> Path:
        return self.keys_file.with_name("keys.db.restoring")

    # -- the journal

    @property
    def journal_file(self) -> Path:
        """The journal of destructions: apart from the data and from every backup of it, beside the keys."""
        return self._keys / JOURNAL_FILE

    def longest_journal(self, key: bytes, *, given: Path | None, beside: Path | None = None) -> Journal | None:
        """The journal that a restore repeats; see :func:`~dongui_collector.storage.sqlite.journals.longest`."""
        return longest(key, self.journal_file, given=given, beside=beside)
