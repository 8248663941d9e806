"""Making checkpoints from an open installation, and keeping one a day in a folder of the operator's choice."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from dongui_collector.core.durable import write_whole
from dongui_collector.core.errors import CollectorError
from dongui_collector.evidence import seals
from dongui_collector.evidence.checkpoints import Checkpoint, accumulated
from dongui_collector.evidence.seals import Seal

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation


def make(core: Installation) -> Checkpoint:
    """A checkpoint of the ledger as it is now. Raises :class:`CollectorError` for one without a record."""
    ledger = core.storage.ledger
    count, hash_, _ = ledger.head()
    first = ledger.records(0, 1)
    if not first:
        raise CollectorError("the ledger holds no record yet; there is nothing to fix")
    newest = sealed(core, count)
    roots = accumulated((seal.day, seal.root) for seal in newest.values())
    number = len(newest)
    now = core.clock.now()
    return Checkpoint(first[0].hash.hex(), count, hash_.hex(), number, roots, now, version("dongui"))


def sealed(core: Installation, up_to: int) -> dict[date, Seal]:
    """The newest seal of every day that was ever sealed, from the records up to ``up_to``."""
    found: dict[date, Seal] = {}
    after = 0
    while page := core.storage.ledger.of_kind(seals.KIND, after):
        for record in page:
            if record.seq <= up_to:
                with suppress(KeyError, TypeError, ValueError):  # verify says what is wrong with it
                    found |= seals.newest(seals.seals_of(record))
        after = page[-1].seq
    return found


def keep_daily(core: Installation) -> Path | None:
    """Write today's checkpoint into ``checkpoint_folder`` unless it is there; None without the setting or where it was.

    A folder on another machine's disk is what it is meant for: never inside the data folder.
    """
    if not core.settings.checkpoint_folder:
        return None
    folder = core.settings.folder / core.settings.checkpoint_folder
    path = folder / f"checkpoint-{core.retention.today().isoformat()}.json"
    if path.exists():
        return None
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, make(core).text().encode())
    return path
