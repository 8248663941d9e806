"""Whether the journal of destructions has every ending that the ledger certifies: a stale one brings them back."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.core.errors import StorageError
from dongui_collector.evidence.verify.certificates import ChainSummary
from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH, DestructionJournal
from dongui_collector.storage.contract.stores import Storage

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_WHERE = Message("the journal of destructions")
_REMEDY = "put the newest copy of it back (every backup leaves one beside itself) before anything is restored"


def check(core: Installation, seen: ChainSummary) -> Iterator[VerificationFinding]:
    """Compare the endings certified since the last restore with the journal's entries of the same epoch."""
    certified = {*seen.of, *(int(c["intent"]) for c in seen.certificates.values() if c.get("intent"))}
    since = max((seq for seq, _ in seen.restored), default=0)
    try:
        lacking = _lacking(core.storage, core.ledger.journal, certified, since)
    except StorageError:
        yield VerificationFinding(_WHERE, "it cannot be read: it was altered, or a line of it is missing", _REMEDY)
        return
    if lacking:
        what = Message("it lacks {n} of the endings that the ledger certifies", n=len(lacking))
        yield VerificationFinding(_WHERE, what, _REMEDY)


def lacking_endings(storage: Storage, journal: DestructionJournal) -> list[int]:
    """The ledger numbers of the endings that a ledger certifies since its last restore and a journal does not have."""
    bodies = [record.body or {} for record in storage.ledger.of_kind("certificate")]
    certified = {int(seq) for body in bodies if (seq := body.get("of") or body.get("intent"))}
    since = max((record.seq for record in storage.ledger.of_kind("restored")), default=0)
    return _lacking(storage, journal, certified, since)


def _lacking(storage: Storage, journal: DestructionJournal, certified: Collection[int], since: int) -> list[int]:
    epoch = (storage.admin.setting(EPOCH) or FIRST_EPOCH)["id"]
    entries = journal.entries()
    compacted = journal.position()[0] > sum(1 for e in entries if "epoch" in e or e["kind"] == "epoch")
    have = {int(entry["seq"]) for entry in entries if "seq" in entry and entry.get("epoch") == epoch}
    if compacted:  # what is older than every backup that is left was forgotten on purpose
        since = max(since, min(have, default=max(certified, default=0)))
    return [seq for seq in certified if seq > since and seq not in have]
