"""What the ledger says of sealed days, and which change of one it explains. Pure.

A record of kind ``sealed`` holds ``{"days": [entry, …]}``; the newest entry of a day is its seal. Rows of a sealed day
may still end, and late ones may come; the next seal says how many of each, and between which records the endings are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from dongui.i18n import Message

from dongui_collector.storage.contract.values import DayTotals, Json, LedgerRecord

KIND = "sealed"


@dataclass(frozen=True, slots=True)
class Seal:
    """A day as it was when record ``seq`` was written.

    ``rows`` are the living ones under ``root``; ``tally`` is what had happened to the day's rows by then. ``head`` is
    how long the chain was when the day was looked at: later endings may have changed what was seen.
    """

    day: date
    root: bytes
    rows: int
    tally: DayTotals
    head: int
    seq: int = 0
    at: int = 0

    def json(self, before: Seal | None, endings: Json | None) -> Json:
        """The entry on the ledger. ``endings``: ``{"first", "last", "number", "open"}`` that explain what changed."""
        entry: Json = {"day": self.day.isoformat(), "root": self.root.hex(), "rows": self.rows}
        entry |= {"top": self.tally.top, "destroyed": self.tally.destroyed, "reduced": self.tally.reduced}
        entry["head"] = self.head
        if before is not None:
            entry["before"] = before.seq
        if endings is not None:
            entry["endings"] = endings
        return entry


def seals_of(record: LedgerRecord) -> list[Seal]:
    """The seals that a record of kind ``sealed`` holds. Raises ValueError, KeyError or TypeError."""
    return [seal_of(entry, record.seq, record.at) for entry in (record.body or {})["days"]]


def seal_of(entry: Json, seq: int, at: int) -> Seal:
    """One entry of such a record."""
    tally = DayTotals(int(entry["top"]), int(entry["destroyed"]), int(entry["reduced"]))
    day, root = date.fromisoformat(entry["day"]), bytes.fromhex(entry["root"])
    return Seal(day, root, int(entry["rows"]), tally, int(entry["head"]), seq, at)


@dataclass(frozen=True, slots=True)
class DayState:
    """A day as it is now. ``earlier_root`` is the root over its first rows, as many as the seal before counted."""

    root: bytes
    rows: int
    earlier_root: bytes
    tally: DayTotals


def complaint(seal: Seal, found: DayState, endings: bool) -> str | None:
    """What about a sealed day's present state nothing on the ledger explains; None when all is explained.

    ``endings``: whether an ending that may have changed rows was carried out, or begun, since the seal.
    """
    destroyed = found.tally.destroyed - seal.tally.destroyed
    reduced = found.tally.reduced - seal.tally.reduced
    late = found.rows - seal.rows + destroyed
    if destroyed < 0 or reduced < 0:
        return "it is an older copy: fewer of its rows have ended than the ledger's seal counts"
    if late < 0:
        return Message("{n} rows are missing, and no ending on the ledger explains it", n=-late)
    if destroyed or reduced:
        return None if endings else "rows ended after its seal, and no ending on the ledger explains it"
    if found.earlier_root != seal.root:
        return "its rows are not those that the ledger's seal fixed: one was edited, exchanged or moved"
    return None


def newest(seals: Iterable[Seal]) -> dict[date, Seal]:
    """The seal of each day; the last word counts."""
    return {seal.day: seal for seal in seals}
