"""Day files against the ledger: is each day that was sealed still there, with its key, and as its seal fixed it?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.core.clock import day_of
from dongui_collector.evidence import merkle, seals
from dongui_collector.evidence.seals import DayState
from dongui_collector.evidence.verify.certificates import ChainSummary
from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.evidence.verify.items import ItemCheck
from dongui_collector.keys.keyring import day_name
from dongui_collector.storage.contract.values import Row

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_REMEDY = "restore the day from a backup; if none has it, say so to the privacy officer: what was there cannot be shown"
_PREFIX = "day:"


class DayCheck:
    """Checks one day after another; ``sealed`` counts those that a seal fixes."""

    def __init__(self, core: Installation, items: ItemCheck, seen: ChainSummary) -> None:
        self._core = core
        self._events = core.storage.events
        self._items = items
        self._seen = seen
        self._open = bool(core.storage.ledger.intents()) or bool(core.storage.admin.destructions(("running",)))
        self.sealed = 0

    def day(self, day: date) -> Iterator[VerificationFinding]:
        """Every row of a day, and the day as a whole."""
        key, seal = self._core.keyring.day(day), self._seen.seals.get(day)
        state = _Day(merkle.commitment_key(key) if key else None, seal.rows if seal else 0)
        try:
            before = self._events.tally(day)
        except Exception as error:  # a damaged file is a finding, whatever the storage calls it
            yield VerificationFinding(
                Message("day {day}", day=day), Message("it cannot be read ({kind})", kind=type(error).__name__), _REMEDY
            )
            return
        for where, what in self._items.day(day, state.add):
            yield VerificationFinding(where, what)
            state.whole = state.whole and "cannot be read" not in what
        if seal is None:
            return
        self.sealed += 1
        if key is None and not self._core.storage.keys.destroyed(day_name(day)):
            yield VerificationFinding(
                Message("day {day}", day=day), "it was sealed, and its key is not there", "restore the keys folder"
            )
        elif key is not None and state.whole and self._events.tally(day) == before:
            found = DayState(state.tree.root(), state.tree.size, state.earlier, before)
            if complaint := seals.complaint(seal, found, self._open or self._ended_since(seal.head)):
                yield VerificationFinding(Message("day {day}", day=day), complaint, _REMEDY)

    def _ended_since(self, head: int) -> bool:
        return bool(self._seen.row_endings) and self._seen.row_endings[-1] > head

    def missing(self, stored: Sequence[date]) -> Iterator[VerificationFinding]:
        """Days that the ledger or the keys know and the folder does not."""
        certified = {c["what"]["day"] for c in self._seen.certificates.values() if c["what"]["kind"] == "day"}
        certified |= {i["what"]["day"] for i in self._seen.intents.values() if i["what"]["kind"] == "day"}
        present = set(stored) | set(self._events.leftovers()) | set(self._events.days())
        for day in sorted(self._seen.seals.keys() - present):
            if day.isoformat() not in certified and not self._lost_to_a_restore(day):
                what = "the ledger sealed it, its file is gone, and nothing certifies its destruction"
                yield VerificationFinding(Message("day {day}", day=day), what, _REMEDY)
        for name in self._core.storage.keys.names(_PREFIX):
            day = date.fromisoformat(name.removeprefix(_PREFIX))
            if day in present or day in self._seen.seals or self._lost_to_a_restore(day):
                continue
            if day not in self._events.days():
                yield VerificationFinding(
                    Message("day {day}", day=day), "it has a key and no file: the file was taken away", _REMEDY
                )

    def _lost_to_a_restore(self, day: date) -> bool:
        """Whether the day is as young as a backup that was restored: what came after the backup is not there."""
        zone = self._core.settings.zone
        return any(day >= day_of(made_at, zone) for _, made_at in self._seen.restored)


class _Day:
    """The root over a day's rows, gathered while they are checked."""

    def __init__(self, key: bytes | None, rows: int) -> None:
        self._key = key
        self._rows = rows
        self.tree = merkle.MerkleTree()
        self.earlier = merkle.EMPTY
        self.whole = True

    def add(self, row: Row) -> None:
        if self._key is None:
            return
        try:
            self.tree.add(merkle.leaf(merkle.commitment(self._key, row), row.purposes, row.seq))
        except OverflowError:
            self.whole = False  # the row's own check has said that its purposes are none
        if self.tree.size == self._rows:
            self.earlier = self.tree.root()
