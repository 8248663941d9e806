"""The steps of every destruction as the ledger tells them (S5.3): selected → approved → destroyed → certified.

The table of destructions is what one looks things up in; the chain is what counts. Before anything is carried out, what
the table says is compared with the chain, whose newest part is checked on the way: a state, a subject matter or an
approval that was written into the table by hand is refused, and the table is put right.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import msgspec

from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract import chain
from dongui_collector.storage.contract.stores import LedgerStore
from dongui_collector.storage.contract.targets import DestructionCertificate, target_of
from dongui_collector.storage.contract.values import Destruction, DestructionState, Json, LedgerRecord

SELECTION, APPROVAL, INTENT, CERTIFICATE, LAPSED, REFUSED = (
    "selection",
    "approval",
    "destruction",
    "certificate",
    "lapsed",
    "refused",
)
_KINDS = frozenset({SELECTION, APPROVAL, INTENT, CERTIFICATE, LAPSED})
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class RecordedDestruction:
    """What the ledger says of one destruction."""

    state: DestructionState
    what: Json
    reason: str
    selected_by: str
    seq: int
    at: int
    approved_at: int | None = None
    approved_by: str | None = None
    intent: int | None = None


def fold(recorded: dict[int, RecordedDestruction], record: LedgerRecord) -> None:
    """Add one record of the chain to what is known. A step that does not follow from the one before changes nothing."""
    body = record.body or {}
    if record.kind == SELECTION:
        for one in body.get("selected", ()):
            recorded[one["destruction"]] = RecordedDestruction(
                "selected", one["what"], one["reason"], body.get("by", ""), record.seq, record.at
            )
        return
    ids: Iterable[int] = body.get("destructions", ()) if record.kind == APPROVAL else (body.get("destruction", 0),)
    for id in ids:
        before = recorded.get(id)
        if before is None:
            continue
        if record.kind == APPROVAL and before.state == "selected":
            recorded[id] = replace(before, state="approved", approved_at=record.at, approved_by=body.get("by"))
        elif record.kind == INTENT and before.state == "approved":
            recorded[id] = replace(before, state="running", intent=record.seq)
        elif record.kind == CERTIFICATE and before.state == "running":
            recorded[id] = replace(before, state="done")
        elif record.kind == LAPSED and before.state != "done":
            recorded[id] = replace(before, state="lapsed")


def agrees(row: Destruction, recorded: RecordedDestruction | None) -> bool:
    """Whether the table's row of an open destruction is what the ledger says."""
    return (
        recorded is not None
        and (row.state, row.what, row.reason, row.selected_by, row.selected_seq)
        == (recorded.state, recorded.what, recorded.reason, recorded.selected_by, recorded.seq)
        and (row.approved_at, row.approved_by) == (recorded.approved_at, recorded.approved_by)
        and (row.state != "running" or row.intent == recorded.intent)
    )


def put_right(row: Destruction, recorded: RecordedDestruction | None) -> Destruction:
    """The row as the ledger has it; what the ledger does not know of is no destruction and lapses."""
    if recorded is None:
        return msgspec.structs.replace(row, state="lapsed")
    noted = DestructionCertificate(intent=recorded.intent or 0) if recorded.state == "running" else None
    return msgspec.structs.replace(
        row,
        state=recorded.state,
        target=row.target if row.what == recorded.what else target_of(recorded.what),
        reason=recorded.reason,
        selected_by=recorded.selected_by,
        selected_seq=recorded.seq,
        selected_at=recorded.at,
        approved_at=recorded.approved_at,
        approved_by=recorded.approved_by,
        certificate=noted,
    )


class RecordedSteps:
    """Reads the chain back to the oldest selection that is still open."""

    def __init__(self, ledger: LedgerStore, mac_key: bytes) -> None:
        self._ledger = ledger
        self._mac_key = mac_key

    def recorded(self, rows: Iterable[Destruction]) -> dict[int, RecordedDestruction]:
        """Destruction → what the ledger says, for every one in ``rows`` that it knows.

        Raises :class:`StorageError` where the part of the chain that is read was altered.
        """
        numbers = [row.selected_seq for row in rows if row.selected_seq]
        found: dict[int, RecordedDestruction] = {}
        for record in self._checked(min(numbers)) if numbers else ():
            if record.kind in _KINDS:
                fold(found, record)
        return found

    def _checked(self, first: int) -> Iterator[LedgerRecord]:
        """The records from ``first`` to the head, each link checked, and the head's own seal."""
        count, head, mac = self._ledger.head()
        if not hmac.compare_digest(mac, chain.head_mac(self._mac_key, count, head)):
            raise _altered(count)
        before = self._ledger.records(first - 2, 1) if first > 1 else []
        previous, after = (before[0].hash if before else chain.GENESIS), first - 1
        while after < count and (page := self._ledger.records(after, _PAGE)):
            for record in page:
                if record.seq > count:
                    return
                if record.hash != chain.link(previous, record.seq, record.kind, record.at, record.commitment):
                    raise _altered(record.seq)
                if record.kind in _KINDS:
                    _check_content(record)
                yield record
                previous, after = record.hash, record.seq
        if previous != head:
            raise _altered(count)


def _check_content(record: LedgerRecord) -> None:
    content = chain.content(record.body or {}, record.site_ref, record.visitor)
    if record.salt is None or record.commitment != chain.commitment(record.salt, content):
        raise _altered(record.seq)


def _altered(seq: int) -> StorageError:
    return StorageError(f"ledger record {seq} was altered: nothing is destroyed on its word; see `dongui verify`")
