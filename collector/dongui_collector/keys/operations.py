"""The keys' custody (K13): rotating the master key, copies of the keys and until when they may be used."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Annotated

import msgspec
from dongui.rules.periods import Period, last_day

from dongui_collector.core.operations import AttributedRequest, Field, Request, operation
from dongui_collector.keys.installation import KeyedInstallation
from dongui_collector.keys.keyring import source
from dongui_collector.keys.rotation import rotate_master

ROTATED = "keys.rotated"
COPIES = "keys.copies"
_NEW_KEY = "A file with the new master key (base64 of 32 bytes); - for stdin."


class Rotated(msgspec.Struct, frozen=True):
    """How many keys were wrapped anew, and whether the rotation is finished."""

    rewrapped: int
    finished: bool


class RotateKeys(AttributedRequest[Rotated], frozen=True):
    """Rewrap all keys under another master key; serve goes on meanwhile.

    Where the master key is a file a new one is made and put in its place. Where it comes from the environment or a
    command, name the new one with --new-key, put it there, and restart serve: until then the old one still works.
    """

    new_key: Annotated[str | None, Field(_NEW_KEY, reads="first_line", metavar="FILE")] = None


class KeyCopy(msgspec.Struct, frozen=True):
    """A copy of the keys that is about to be made: when, the last day of its use, the journal's end."""

    made_at: int
    expires: date
    journal: tuple[int, str]


class NoteKeyCopy(AttributedRequest[KeyCopy], frozen=True):
    """Before a copy of the keys is made: until when it may be restored, on the ledger and in the journal."""


class JournalCompacted(msgspec.Struct, frozen=True):
    """How many entries went, and how many there are."""

    forgotten: int
    entries: int


class CompactJournal(AttributedRequest[JournalCompacted], frozen=True):
    """Shorten the journal of destructions by what only older backups would need."""

    before: Annotated[date, Field("Backups made before this day will not be restored.", metavar="DAY")]


class KeyStatus(msgspec.Struct, frozen=True):
    """Where the master key comes from, what keys there are, and how rotation and copies stand (times in epoch ms)."""

    master_key: str
    keys: dict[str, int]
    destroyed: int
    rotated_at: int | None
    rotation_pending: bool
    copied_at: int | None
    copies_expire: str | None
    horizon: str


class ShowKeyStatus(Request[KeyStatus], frozen=True):
    """Where the master key comes from, how rotation stands, until when copies of the keys may be used."""


@operation("keys.rotate", right="access", audit="keys")
def rotate(core: KeyedInstallation, request: RotateKeys) -> Rotated:
    """Give the installation another master key, beside everything else that goes on. See keys/rotation.py."""
    count, finished = rotate_master(core.settings, core.keyring, request.new_key)
    with core.storage.ledger.writing():
        now = core.clock.now()
        core.storage.admin.put_setting(ROTATED, {"at": now, "by": request.by})
        core.storage.ledger.append("keys", now, {"rotated": count, "by": request.by})
    return Rotated(count, finished)


@operation("keys.copy", right="access", audit="keys")
def note_copy(core: KeyedInstallation, request: NoteKeyCopy) -> KeyCopy:
    """From here on certificates of destruction name the day on which the copy expires."""
    now, today = core.clock.now(), core.today()
    expires = last_day(today, Period.parse(core.settings.key_backup_horizon))
    core.journal.append({"kind": "backup", "day": today.isoformat(), "of": "keys"})
    with core.storage.ledger.writing():
        longest = max(expires.isoformat(), (core.storage.admin.setting(COPIES) or {"expires": ""})["expires"])
        core.storage.admin.put_setting(COPIES, {"at": now, "expires": longest})
        facts = {"copied": True, "expires": expires.isoformat(), "by": request.by}
        core.storage.ledger.append("keys", now, facts)
    return KeyCopy(now, expires, core.journal.position())


@operation("journal.compact", right="access", audit="keys")
def compact_journal(core: KeyedInstallation, request: CompactJournal) -> JournalCompacted:
    """Forget what only backups from before a day would need: these cannot be restored any more afterwards."""
    day = request.before.isoformat()
    gone = core.journal.compact(day)
    if gone:
        with core.storage.ledger.writing():
            core.storage.ledger.append("keys", core.clock.now(), {"journal_before": day, "by": request.by})
    return JournalCompacted(gone, core.journal.position()[0])


@operation("keys.status", right="access", changes=False)
def status(core: KeyedInstallation, request: ShowKeyStatus) -> KeyStatus:
    """How the keys stand now."""
    kinds = Counter(name.partition(":")[0] for name in core.keyring.names())
    rotated, copies = (core.storage.admin.setting(name) or {} for name in (ROTATED, COPIES))
    return KeyStatus(
        source(core.settings),
        dict(sorted(kinds.items())),
        len(core.keyring.gone()),
        rotated.get("at"),
        core.keyring.pending,
        copies.get("at"),
        copies.get("expires"),
        core.settings.key_backup_horizon,
    )
