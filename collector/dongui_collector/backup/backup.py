"""Making a backup. Each day is encrypted under its own key: destroying the key shreds it in every backup too.

A backup holds what ``data/`` holds, never the keys: those, with the journal of destructions, are copied by other hands.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

from dongui_collector.backup.format import BackupWriter, day_backup_key, own_key
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH
from dongui_collector.storage.contract.values import Json

Progress = Callable[[int], None]


# --- making ----------------------------------------------------------------------------------------------------------


def make_backup(core: Installation, out: BinaryIO, progress: Progress | None = None) -> Json:
    """Write a backup of an open installation to ``out``, also beside a running collector. Returns what is in it.

    Every day must have a key; the operation ``backup.prepare`` sees to that and starts the journal.
    """
    journal = core.ledger.journal
    # The journal's place is taken first: what ends while the backup is made is repeated after it.
    position = journal.position()
    header = {
        "format": 1,
        "id": secrets.token_hex(8),
        "made_at": core.clock.now(),
        "journal": list(position),
        "epoch": core.storage.admin.setting(EPOCH) or FIRST_EPOCH,
        "zone": core.settings.timezone,
    }
    writer = BackupWriter(out, header)
    folder, key = core.storage.folder, own_key(core.keyring)
    for name in folder.copies():
        writer.section(name, key, folder.dump(name))
    for day in core.storage.events.days():
        day_key = core.keyring.day(day)
        if day_key is not None:  # destroyed a moment ago
            with suppress(FileNotFoundError):
                writer.section(f"day:{day}", day_backup_key(day_key), folder.dump_day(day))
        if progress:
            progress(1)
    writer.finish(key)
    return {"id": header["id"], "sections": len(writer.sections), "bytes": writer.bytes}
