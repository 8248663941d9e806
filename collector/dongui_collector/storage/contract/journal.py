"""The journal of destructions: what the collector needs of it, and up to where two ledgers are one.

Ledger numbers mean something within one *epoch*: a restored ledger goes on from the backup's last number and gives the
numbers after it anew. An epoch is ``{id, parents: [[id, head], …]}``: the ledgers that it branched off from, and where.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from dongui_collector.storage.contract.values import Json

EPOCH = "epoch"  # the setting that says how a restored ledger branched off
FIRST_EPOCH: Json = {"id": "0", "parents": []}


class DestructionJournal(Protocol):
    """What was ended, apart from the data and from every backup of it; a restore repeats it before it serves."""

    def append(self, *entries: Json) -> None:
        """Add entries; on disk when this returns."""

    @property
    def exists(self) -> bool: ...
    def position(self) -> tuple[int, str]:
        """How many entries there are, and the last one's MAC."""

    def entries(self, after: tuple[int, str] | None = None) -> list[Json]:
        """The entries that follow a position; all there are for None."""

    def copy_to(self, target: Path) -> None:
        """Copy it as it stands now, whole or not at all, on disk when this returns."""

    def compact(self, before: str) -> int:
        """Forget what only backups made before a day (``YYYY-MM-DD``) would need. Returns how many entries went."""


def shared(epoch: Json, head: int, other: Json) -> int:
    """Up to which number two ledgers are one: the ledger of ``epoch`` up to ``head``, and that of ``other``."""
    mine, theirs = _reach(epoch, head), _reach(other, 1 << 62)
    return max((min(reach, theirs[id]) for id, reach in mine.items() if id in theirs), default=0)


def _reach(epoch: Json, head: int) -> dict[str, int]:
    """Epoch → up to which of its numbers a ledger contains it."""
    found = {epoch["id"]: head}
    for id, branched_at in epoch["parents"]:
        head = min(head, branched_at)
        found[id] = head
    return found
