"""Restoring a backup: the folder is built beside the present one, the journal repeated on it, and then put in place."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import BinaryIO

from dongui_collector.analytics import shared_links
from dongui_collector.backup.backup import Progress
from dongui_collector.backup.format import BackupReader
from dongui_collector.core.errors import CollectorError, StorageDamaged, StorageError
from dongui_collector.core.settings import Settings
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.verify.journal import lacking_endings
from dongui_collector.keys.keyring import KeyRing, load_master
from dongui_collector.retention.installation import Installation
from dongui_collector.retention.restore_replay import Replay
from dongui_collector.runtime.composition import SqliteFolder, folder_of, open_core
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH, DestructionJournal
from dongui_collector.storage.contract.values import Json
from dongui_collector.webhooks import operations


def restore_backup(
    settings: Settings,
    file: BinaryIO,
    *,
    journal: Path | None = None,
    beside_backup: Path | None = None,
    without_journal: bool = False,
    checkpoints: Sequence[tuple[str, Checkpoint]] = (),
    replace_present: bool = False,
    progress: Progress | None = None,
) -> Json:
    """Restore a backup into ``settings``' data folder; nothing that was destroyed since is in it (invariant 5).

    ``journal`` names a copy of the journal kept elsewhere, ``beside_backup`` the one that the backup left beside it;
    the longest at hand is repeated. ``without_journal`` goes on where there is none, at the operator's word, after the
    backup's ledger was held against ``checkpoints`` that were kept elsewhere. Raises :class:`StorageError` for a
    damaged backup, a missing, shorter or forked journal, one that lacks what the present ledger certifies, a ledger
    that contradicts a checkpoint, or a folder that is not empty (unless ``replace_present``); :class:`FolderBusy`
    beside a running collector.
    """
    folder = folder_of(settings)
    folder.resume_restore()
    if folder.holds_data and not replace_present:
        raise StorageError(f"{folder.data} already holds an installation; move it away, or say --replace to destroy it")
    lock = folder.lock() if folder.data.is_dir() else None
    try:
        header, chosen, entries, known = _checked(settings, file, journal, beside_backup, without_journal)
        if chosen is not None:
            if folder.holds_data:
                _reaches_present(settings, chosen)
            chosen.copy_to(folder.journal_file)
        fresh = folder.begin_restore()
        shredded = _unpack(settings, file, fresh, progress)
        outcome = _replay(replace(settings, data=str(fresh.data)), header, entries, known, checkpoints)
        folder.end_restore()
    finally:
        if lock:
            lock.release()
    return {"restored": header["id"], "made_at": header["made_at"], "days_shredded": len(shredded), **outcome}


def _checked(
    settings: Settings, file: BinaryIO, given: Path | None, beside_backup: Path | None, without: bool
) -> tuple[Json, DestructionJournal | None, list[Json], list[Json]]:
    """The header, the journal that is repeated, its entries since the backup, and those before."""
    folder = folder_of(settings)
    keys = folder.open_keys(readonly=True)
    try:
        keyring = KeyRing(keys, load_master(settings), remember=False)
        header = BackupReader(file, keyring).header
        file.seek(0)
        chosen = folder.longest_journal(keyring.derive(b"journal"), given=given, beside=beside_backup)
        if chosen is None:
            if without:
                return header, None, [], []
            raise StorageError(
                "there is no journal of destructions (keys/journal.ndjson); without it the backup would bring back what"
                " was destroyed since. Name a copy with --journal, or say --without-journal"
            )
        if without:
            raise StorageError(
                f"{chosen.path} is a journal of this installation: without it the backup would bring back what was"
                " destroyed since. Leave --without-journal away"
            )
        count, mac = header["journal"]
        return header, chosen, chosen.entries((int(count), str(mac))), chosen.entries()
    finally:
        keys.close()


def _reaches_present(settings: Settings, chosen: DestructionJournal) -> None:
    """Raise where the ledger that is to be replaced certifies endings that the journal does not have.

    What is damaged beyond being asked says nothing.
    """
    try:
        present = open_core(settings, writable=False)
    except CollectorError:
        return
    try:
        lacking = len(lacking_endings(present.storage, chosen))
    except StorageDamaged:
        return
    finally:
        present.close()
    if lacking:
        raise StorageError(
            f"the longest journal at hand is an older copy: the ledger in {settings.data} certifies {lacking} endings"
            " that it lacks, and they would come back. Name a newer copy with --journal; where there is none, move this"
            " one away and say --without-journal"
        )


def _held_against(core: Installation, checkpoints: Sequence[tuple[str, Checkpoint]]) -> Json:
    """Hold a restored ledger against checkpoints that were kept elsewhere; how many records each knows beyond it.

    Raises :class:`StorageError` where the ledger contradicts one.
    """
    ledger = core.storage.ledger
    count, first = ledger.head()[0], ledger.records(0, 1)
    for name, checkpoint in checkpoints:
        found = ledger.records(checkpoint.records - 1, 1)
        same = bool(first) and first[0].hash.hex() == checkpoint.installation
        if not same or (found and found[0].seq == checkpoint.records and found[0].hash.hex() != checkpoint.hash):
            raise StorageError(f"the backup contradicts {name}: it is of another installation, or was rewritten")
    return {"records_lost": max((c.records - count for _, c in checkpoints), default=0)} if checkpoints else {}


def _unpack(settings: Settings, file: BinaryIO, fresh: SqliteFolder, progress: Progress | None) -> list[str]:
    keys = fresh.open_keys(readonly=True)
    try:
        reader = BackupReader(file, KeyRing(keys, load_master(settings), remember=False))
        for name, parts in reader.sections():
            if name in fresh.copies():
                fresh.load(name, parts)
            else:
                fresh.load_day(date.fromisoformat(name.removeprefix("day:")), parts)
            if progress:
                progress(1)
        return reader.shredded
    finally:
        keys.close()


def _replay(
    settings: Settings,
    header: Json,
    entries: list[Json],
    known: list[Json],
    checkpoints: Sequence[tuple[str, Checkpoint]],
) -> Json:
    """Open the restored folder, branch its ledger off, and repeat what has ended since."""
    core = open_core(settings, writable=True)
    try:
        compared = _held_against(core, checkpoints)
        head = core.storage.ledger.head()[0]
        epoch = core.storage.admin.setting(EPOCH) or FIRST_EPOCH
        own = {"id": secrets.token_hex(6), "parents": [[epoch["id"], head], *epoch["parents"]]}
        with core.storage.ledger.writing():
            core.storage.admin.put_setting(EPOCH, own)
            core.storage.ledger.append(
                "restored", core.clock.now(), {"backup": header["id"], "made_at": header["made_at"]}
            )
        epochs = [entry for entry in known if entry["kind"] == "epoch"]
        taken = {"webhook": operations.removed_since, "share": shared_links.revoked_since}
        return compared | Replay(core, epoch, head, taken).run(entries, known=epochs)
    finally:
        core.close()
