"""What the chain tells on the way through it, and the certificates against what is still there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from dongui.i18n import Message

from dongui_collector.evidence import checkpoints, seals
from dongui_collector.evidence.checkpoints import Checkpoint
from dongui_collector.evidence.replayed_state import ReplayedTables
from dongui_collector.evidence.sealing import ends_rows
from dongui_collector.evidence.seals import Seal
from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.keys.keyring import day_name
from dongui_collector.retention import ledger_retention, lifecycle
from dongui_collector.storage.contract.values import Destruction, Json, LedgerRecord

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

# Kinds whose content ends with a record class; all others keep theirs for ever (proofs.STAYS says why).
ERASABLE = frozenset(ledger_retention.CLASS_OF)
_ELSEWHERE = "keep this folder as it is, and compare with the other checkpoints and with backups of before"


class ChainMarks:
    """A set of record numbers, one bit each: a ledger of ten million records needs a megabyte."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def add(self, n: int) -> None:
        if n >> 3 >= len(self._bits):
            self._bits.extend(bytes((n >> 3) + 4096 - len(self._bits)))
        self._bits[n >> 3] |= 1 << (n & 7)

    def __contains__(self, n: int) -> bool:
        return n >> 3 < len(self._bits) and bool(self._bits[n >> 3] >> (n & 7) & 1)

    def __iter__(self) -> Iterator[int]:
        for index, byte in enumerate(self._bits):
            if byte:
                yield from (index * 8 + bit for bit in range(8) if byte >> bit & 1)


@dataclass(slots=True)
class ChainSummary:
    """What the chain says, gathered on the way through it."""

    given: Sequence[tuple[str, Checkpoint]] = ()
    books: ReplayedTables = field(default_factory=ReplayedTables)
    erased: ChainMarks = field(default_factory=ChainMarks)
    certified: ChainMarks = field(default_factory=ChainMarks)
    endings: ChainMarks = field(default_factory=ChainMarks)
    of: ChainMarks = field(default_factory=ChainMarks)
    forgotten: bool = False  # records of suspensions have aged out
    left: dict[int, int] = field(default_factory=dict)  # erasure → how many of its records keep their content
    said: dict[int, lifecycle.RecordedDestruction] = field(default_factory=dict)
    destructions: dict[int, int] = field(default_factory=dict)
    intents: dict[int, Json] = field(default_factory=dict)
    certificates: dict[int, Json] = field(default_factory=dict)
    certified_by: dict[int, tuple[int, int]] = field(default_factory=dict)  # destruction → (sequence, at)
    seals: dict[date, Seal] = field(default_factory=dict)
    row_endings: list[int] = field(default_factory=list)
    restored: list[tuple[int, int]] = field(default_factory=list)  # (sequence, when the backup was made)
    first: str = ""
    against: dict[str, str | None] = field(default_factory=dict)

    def note(self, record: LedgerRecord) -> bool:
        """Gather what a record says; False when it lacks what its kind must say."""
        if record.seq == 1:
            self.first = record.hash.hex()
        try:
            self._gather(record)
            self.books.note(record)
            lifecycle.fold(self.said, record)
            whole = True
        except (KeyError, TypeError, ValueError, AttributeError):
            whole = False
        for name, checkpoint in self.given:
            if checkpoint.records == record.seq:
                self.against[name] = self._compared(checkpoint, record.hash.hex())
        return whole

    def _compared(self, checkpoint: Checkpoint, hash: str | None, count: int = 0) -> str | None:
        roots = checkpoints.accumulated((seal.day, seal.root) for seal in self.seals.values())
        days = len(self.seals)
        return checkpoints.compare(checkpoint, first=self.first, count=count, hash=hash, days=days, roots=roots)

    def checkpoint_findings(self, count: int) -> Iterator[VerificationFinding]:
        """What the ledger has against the checkpoints that were given."""
        for name, checkpoint in self.given:
            found = self.against[name] if name in self.against else self._compared(checkpoint, None, count)
            if found and any(seq <= checkpoint.records for seq, _ in self.restored):
                found += "; the ledger says that a backup was restored at or before that record"
            if found:
                yield VerificationFinding(f"checkpoint {name}", found, _ELSEWHERE)

    def _gather(self, record: LedgerRecord) -> None:
        body: dict[str, Any] = record.body or {}
        if record.body is None:
            self.erased.add(record.seq)
            self.forgotten = self.forgotten or record.kind in ("suspension", "resumption")
        elif record.kind == "erasure":
            for seq in body["records"]:
                self.certified.add(seq)
            if left := sum(seq not in self.erased for seq in body["records"]):
                self.left[record.seq] = left
            self.endings.add(record.seq)
        elif record.kind == "destruction":
            self.destructions[body["destruction"]] = record.seq
            self.intents[body["destruction"]] = body
            for seq in ledger_retention.in_ranges(body["what"].get("records", ())):
                self.certified.add(seq)
        elif record.kind == "certificate":
            self._certificate(record, body)
        elif record.kind == seals.KIND:
            self.seals |= seals.newest(seals.seals_of(record))
        elif record.kind == "restored":
            self.restored.append((record.seq, int(body["made_at"])))

    def _certificate(self, record: LedgerRecord, body: Json) -> None:
        if ends_rows(body):
            self.row_endings.append(record.seq)
        if "destruction" in body:
            self.certificates[body["destruction"]] = body
            self.certified_by[body["destruction"]] = record.seq, record.at
        elif "of" in body:
            self.of.add(body["of"])


def check(core: Installation, seen: ChainSummary) -> Iterator[VerificationFinding]:
    """Certificates and destructions against the tables and the folder."""
    for seq in seen.erased:
        if seq not in seen.certified:
            yield VerificationFinding(
                Message("ledger record {seq}", seq=seq), "its content was erased and nothing certifies that"
            )
    open_intents = {intent.seq for intent in core.storage.ledger.intents()}
    for seq in seen.endings:
        if seq not in seen.of and seq not in open_intents:
            yield VerificationFinding(
                Message("ledger record {seq}", seq=seq), "an erasure that was neither carried out nor is on its way"
            )
    for seq, left in seen.left.items():
        if seq not in open_intents:
            yield VerificationFinding(
                Message("ledger record {seq}", seq=seq),
                Message("it certifies an erasure, but {left} records keep their content", left=left),
            )
    yield from _check_destructions(core, seen)


def _check_destructions(core: Installation, seen: ChainSummary) -> Iterator[VerificationFinding]:
    office = core.storage.admin
    for row in office.destructions(("selected", "approved", "running")):
        if not lifecycle.agrees(row, seen.said.get(row.id)):
            yield VerificationFinding(
                Message("destruction {id}", id=row.id), "the list of destructions says otherwise than the ledger"
            )
    done = {d.id: d for d in office.destructions(("done",))}
    running = {d.id for d in office.destructions(("running",))}
    for id in sorted(set(seen.destructions) - set(seen.certificates) - running):
        yield VerificationFinding(
            Message("destruction {id}", id=id), "it was begun, is not certified and does not go on"
        )
    for id in sorted(set(done) - set(seen.certificates)):
        yield VerificationFinding(
            Message("destruction {id}", id=id), "it is called done, but the ledger holds no certificate"
        )
    stored = set(core.storage.events.days()) | set(core.storage.events.leftovers())
    for id, certificate in seen.certificates.items():
        if id not in done:
            yield VerificationFinding(
                Message("destruction {id}", id=id),
                "the ledger certifies it, but the list of destructions does not know it as done",
            )
        elif not _is_certified(done[id], seen):
            yield VerificationFinding(
                Message("destruction {id}", id=id), "its certificate is not the one on the ledger"
            )
        if certificate["what"]["kind"] == "day":
            yield from _check_day(core, id, date.fromisoformat(certificate["what"]["day"]), stored)


def _is_certified(done: Destruction, seen: ChainSummary) -> bool:
    """Whether the list of destructions says what the ledger says: what, why, by whom approved, when done."""
    certificate, (seq, at) = seen.certificates[done.id], seen.certified_by[done.id]
    intent = seen.intents.get(done.id, {})
    return (
        msgspec.to_builtins(done.certificate) == certificate | {"seq": seq, "at": at}
        and done.what == certificate.get("what")
        and done.approved_by == certificate.get("approved_by")
        and done.reason == intent.get("reason")
        and done.done_at == at
    )


def _check_day(core: Installation, id: int, day: date, stored: set[date]) -> Iterator[VerificationFinding]:
    if day in stored:
        yield VerificationFinding(
            Message("destruction {id}", id=id),
            Message("day {day} is certified as destroyed, but its file exists", day=day),
        )
    if core.storage.keys.get(day_name(day)) is not None:
        yield VerificationFinding(
            Message("destruction {id}", id=id),
            Message("day {day} is certified as destroyed, but its key exists", day=day),
        )
