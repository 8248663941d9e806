"""Whether the journal of destructions has every ending that the ledger certifies: a stale one brings them back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from dongui.i18n import Message

from dongui_collector.core.errors import StorageError
from dongui_collector.evidence.verify.certificates import ChainSummary
from dongui_collector.evidence.verify.findings import VerificationFinding
from dongui_collector.storage.contract.journal import EPOCH, FIRST_EPOCH

if TYPE_CHECKING:
    from dongui_collector.retention.installation import Installation

_WHERE = Message("the journal of destructions")
_REMEDY = "put the newest copy of it back (every backup leaves one beside itself) before anything is restored"


def check(core: Installation, seen: ChainSummary) -> Iterator[VerificationFinding]:
    """Compare the endings certified since the last restore with the journal's entries of the same epoch."""
    certified = {*seen.of, *(int(c["intent"]) for c in seen.certificates.values() if c.get("intent"))}
    since = max((seq for seq, _ in seen.restored), default=0)
    epoch = (core.storage.admin.setting(EPOCH) or FIRST_EPOCH)["id"]
    try:
        entries = core.ledger.journal.entries()
        compacted = core.ledger.journal.position()[0] > sum(1 for e in entries if "epoch" in e or e["kind"] == "epoch")
    except StorageError:
        yield VerificationFinding(_WHERE, "it cannot be read: it was altered, or a line of it is missing", _REMEDY)
        return
    have = {int(entry["seq"]) for entry in entries if "seq" in entry and entry.get("epoch") == epoch}
    if compacted:  # what is older than every backup that is left was forgotten on purpose
        since = max(since, min(have, default=max(certified, default=0)))
    if lacking := [seq for seq in certified if seq > since and seq not in have]:
        what = Message("it lacks {n} of the endings that the ledger certifies", n=len(lacking))
        yield VerificationFinding(_WHERE, what, _REMEDY)
