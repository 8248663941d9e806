"""Which journal of destructions a restore repeats: the longest authentic one at hand, never a shorter or forked one."""

from __future__ import annotations

from pathlib import Path

from dongui_collector.core.errors import StorageError
from dongui_collector.storage.sqlite.journal import Journal


def longest(key: bytes, own: Path, *, given: Path | None, beside: Path | None) -> Journal | None:
    """The journal to repeat; None where none is at hand.

    ``key`` authenticates journals. ``own`` is the one beside the keys, ``given`` what the operator names, ``beside`` a
    copy that a backup leaves beside itself: that one is used where it is the longest, and no error where it is not,
    since it usually is older. Raises :class:`StorageError` for one that was altered, and for a given one that ends
    before, or forks from, another that is at hand.
    """
    found = [path for path in (own, given, beside) if path is not None and path.exists()]
    if not found:
        return None
    journals = {path: Journal(path, key) for path in found}
    best = max(found, key=lambda path: journals[path].position()[0])
    for path in found:
        _compare(path, journals[path], best, journals[best])
    if given is not None and journals[given].position() != journals[best].position():
        raise StorageError(
            f"{given} {_end(journals[given])}, {best} {_end(journals[best])}: it is an older copy, and what ended in"
            " between would come back. Leave --journal away, and the longer one is repeated"
        )
    return journals[own if own in found and journals[own].position() == journals[best].position() else best]


def _compare(path: Path, journal: Journal, best: Path, longer: Journal) -> None:
    """Raise where ``longer`` does not go on from the end of ``journal``."""
    position = journal.position()
    if path == best or position == longer.position() or longer.reaches(position):
        return
    raise StorageError(
        f"{path} {_end(journal)} and {best} {_end(longer)}, and neither goes on from the other: one of them was written"
        " by another copy of the installation. Restore with the one that belongs to this installation's keys, alone"
    )


def _end(journal: Journal) -> str:
    count, mac = journal.position()
    return f"ends with entry {count} ({mac[:12] or 'none'})"
