"""The keys' custody (K13): rotating the master key, copies of the keys and until when they may be used."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from dongui.rules.periods import Period, last_day

from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import operation
from dongui_collector.keys.installation import KeyedInstallation
from dongui_collector.keys.keyring import source
from dongui_collector.keys.rotation import rotate_master
from dongui_collector.storage.contract.values import Json

ROTATED = "keys.rotated"
COPIES = "keys.copies"


@operation("keys.rotate")
def rotate(core: KeyedInstallation, new_key: str | None = None, by: str = "command line") -> dict[str, Any]:
    """Give the installation another master key, beside everything else that goes on. See keys/rotation.py."""
    count, finished = rotate_master(core.settings, core.keyring, new_key)
    with core.storage.ledger.writing():
        now = core.clock.now()
        core.storage.office.put_setting(ROTATED, {"at": now, "by": by})
        core.storage.ledger.append("keys", now, {"rotated": count, "by": by})
    return {"rewrapped": count, "finished": finished}


@operation("keys.copy")
def note_copy(core: KeyedInstallation, by: str = "command line") -> dict[str, Any]:
    """Before a copy of the keys is made: until when it may be restored, on the ledger and in the journal.

    From here on certificates of destruction name that day. Answers ``{made_at, expires, journal}``.
    """
    now, today = core.clock.now(), core.clock.today(core.settings.zone)
    expires = last_day(today, Period.parse(core.settings.key_backup_horizon)).isoformat()
    core.journal.append({"kind": "backup", "day": today.isoformat(), "of": "keys"})
    with core.storage.ledger.writing():
        longest = max(expires, (core.storage.office.setting(COPIES) or {"expires": ""})["expires"])
        core.storage.office.put_setting(COPIES, {"at": now, "expires": longest})
        core.storage.ledger.append("keys", now, {"copied": True, "expires": expires, "by": by})
    return {"made_at": now, "expires": expires, "journal": list(core.journal.position())}


@operation("journal.compact")
def compact_journal(core: KeyedInstallation, before: str, by: str = "command line") -> dict[str, Any]:
    """Forget what only backups from before a day would need: these cannot be restored any more afterwards."""
    try:
        day = date.fromisoformat(before)
    except ValueError:
        raise CollectorError(f"{before[:20]!r} is no day such as 2026-11-23") from None
    gone = core.journal.compact(day.isoformat())
    if gone:
        with core.storage.ledger.writing():
            core.storage.ledger.append("keys", core.clock.now(), {"journal_before": day.isoformat(), "by": by})
    return {"forgotten": gone, "entries": core.journal.position()[0]}


def status(core: KeyedInstallation) -> Json:
    """Where the master key comes from, what keys there are, and how rotation and copies stand."""
    kinds = Counter(name.partition(":")[0] for name in core.keyring.names())
    rotated, copies = core.storage.office.setting(ROTATED), core.storage.office.setting(COPIES)
    return {
        "master_key": source(core.settings),
        "keys": dict(sorted(kinds.items())),
        "destroyed": len(core.keyring.gone()),
        "rotated_at": rotated and rotated["at"],
        "rotation_pending": core.keyring.pending,
        "copied_at": copies and copies["at"],
        "copies_expire": copies and copies["expires"],
        "horizon": core.settings.key_backup_horizon,
    }
