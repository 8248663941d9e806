"""The composition root: settings → keys → storage → notices, ledger, retention. The only place that picks a storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dongui_collector.analytics.snapshots import DayFreezer
from dongui_collector.core.clock import clock_from_environment
from dongui_collector.core.control import Control
from dongui_collector.core.errors import SettingsError
from dongui_collector.core.settings import Settings
from dongui_collector.keys.keyring import KeyRing, load_master
from dongui_collector.keys.rotation import resume_rotation
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import Periods
from dongui_collector.ledger.rows import RowReader
from dongui_collector.ledger.service import LedgerService
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.service import Retention
from dongui_collector.runtime import operations
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.sqlite.folder import SqliteFolder
from dongui_collector.storage.sqlite.journal import Journal

# Who opens an installation may ask it everything.
__all__ = ["SqliteFolder", "control", "folder_of", "open_core", "open_journal", "operations"]


def open_core(settings: Settings, *, writable: bool) -> Installation:
    """Open an installation, alone (``writable``) or to read beside whoever writes it.

    Raises :class:`FolderBusy` with the holder's pid,
    :class:`SettingsError`
    for a false clock or a missing master key, :class:`StorageError` for a folder that is none.
    """
    clock = clock_from_environment(testing=settings.testing)
    folder = folder_of(settings)
    if writable:
        folder.resume_restore()
        folder.make()
    lock = folder.lock() if writable else None
    undo: list[Callable[[], None]] = [lock.release] if lock else []
    try:
        _check_keys(folder)
        if writable:
            folder.clear_up()
        master = load_master(settings)
        keys = folder.open_keys(readonly=not writable)
        undo.append(keys.close)
        keyring = KeyRing(keys, master, remember=writable, reload=lambda: load_master(settings))
        if writable:
            resume_rotation(settings, keyring)
        storage = folder.open(keys, keyring.derive(b"chain-head"), readonly=not writable)
        undo.append(storage.close)
        registry = NoticeRegistry(storage.ledger)
        journal = open_journal(folder.journal_file, keyring, storage)
        keyring.journal = journal
        ledger = LedgerService(storage, registry, keyring, clock, journal)
        retention = Retention(storage, keyring, registry, ledger, clock, settings)
    except BaseException:
        _undo(undo)
        raise
    core = Installation(
        settings=settings,
        clock=clock,
        control=control(settings),
        writable=writable,
        close=lambda: _undo(undo),
        storage=storage,
        keyring=keyring,
        journal=journal,
        registry=registry,
        ledger=ledger,
        reader=RowReader(registry, keyring, retention.today),
        periods=Periods(registry),
        retention=retention,
    )
    if writable:
        retention.before_ending = DayFreezer(core)
    return core


def control(settings: Settings) -> Control:
    """The way to change an installation, whether a ``serve`` runs or not."""
    return Control(settings, _alone)


@contextmanager
def _alone(settings: Settings) -> Iterator[Installation]:
    core = open_core(settings, writable=True)
    try:
        yield core
    finally:
        core.close()


def _check_keys(folder: SqliteFolder) -> None:
    """Where there are data there were keys: new ones would open none of them, and make every visitor a stranger."""
    if folder.holds_data and not folder.keys_file.exists():
        raise SettingsError(
            f"{folder.keys_file} is missing although {folder.data} holds data, which nothing else opens; is its volume"
            " mounted, is `keys` in dongui.toml right? If it is lost: `dongui keys restore FILE`"
        )


def folder_of(settings: Settings) -> SqliteFolder:
    """The folders of an installation, open or not. The only place that picks a storage."""
    return SqliteFolder(settings.data_path, settings.keys_path)


def open_journal(path: Path, keyring: KeyRing, storage: Storage | None = None) -> Journal:
    """The journal of destructions. Without ``storage`` only to be read: the ledger says which epoch is written."""
    admin = storage.admin if storage else None
    return Journal(path, keyring.derive(b"journal"), lambda: (admin and admin.setting(EPOCH)) or FIRST_EPOCH)


def _undo(steps: list[Callable[[], None]]) -> None:
    while steps:
        steps.pop()()
