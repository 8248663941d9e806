"""Separate keeping (S5.2): what another law still names when its purpose ends moves into the archive, and nothing else.

Two files are never written in one transaction, so the order is what makes a crash harmless: the journal, then the
archive, then the live record is cleared. Found half-way, a move is simply made again: what is in the archive already
is not added twice, and no reader is shown the live copy of it (``retention/records.py``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from dongui.policy.model import Policy, RecordClass
from dongui.rules.periods import last_day

from dongui_collector.core.sealing import seal, unseal
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.rows import visitor_key
from dongui_collector.storage.contract.journal import DestructionJournal
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Json, Record

_CHUNK = 200  # records moved in one transaction: the writers' lock is held for a few milliseconds

# Why a record lies in the archive: what ended, by the word that the ending is decided with.
REASONS = {
    "request": "erasure",
    "closed": "membership_closed",
    "minor": "minor",
    "restore": "restore",
    "withdrawal": "withdrawal",
    "achieved": "purpose_achieved",
}
FROM_THE_START = "law_alone"  # no purpose of the site's own stood behind it at any time


def bound_to(site_ref: int, class_id: str, id: bytes) -> bytes:
    """What a record's sealed content is bound to: in another place it does not open."""
    return f"record|{site_ref}|{class_id}|".encode() + id


def starts_live(record_class: RecordClass, policy: Policy) -> bool:
    """Whether records of a class are used for a purpose of their own before the law alone keeps them."""
    if not record_class.archive:
        return True
    named = (p for p in policy.purposes.values() if p.record == record_class.id or p.id in record_class.purposes)
    return record_class.on_withdrawal == "archive" and any(p.basis != "consent" for p in named)


def outlives_consent(record_class: RecordClass, policy: Policy) -> bool:
    """Whether records of a class stand on another basis than consent, so that no withdrawal ends them (section 1).

    Where the class says that a withdrawal moves them apart (``on_withdrawal = "archive"``) it does.
    """
    named = (p for p in policy.purposes.values() if p.record == record_class.id or p.id in record_class.purposes)
    return record_class.on_withdrawal == "destroy" and any(p.basis != "consent" for p in named)


def kept_by_law(record: Record, record_class: RecordClass, today: date) -> bool:
    """Whether a statute still keeps a record whose purpose has ended."""
    return record_class.archive and record_class.law is not None and record.last_day >= today


def named_by_law(data: Any, record_class: RecordClass, items: Collection[str]) -> Any:
    """``data`` without the items that the class's statute does not name, at any depth (S3.1: minimum basic items).

    ``items`` are the ids of all items that the policy knows. What stands under another key is the record itself.
    """
    if isinstance(data, dict):
        kept = {key: value for key, value in data.items() if key not in items or key in record_class.items}
        return {key: named_by_law(value, record_class, items) for key, value in kept.items()}
    if isinstance(data, list):
        return [named_by_law(value, record_class, items) for value in data]
    return data


class Archiver:
    """Moves live records into the archive, under the archive's own key."""

    def __init__(
        self, storage: Storage, keyring: KeyRing, registry: NoticeRegistry, journal: DestructionJournal
    ) -> None:
        self._storage = storage
        self._keyring = keyring
        self._registry = registry
        self._journal = journal
        self._visitor_secret = keyring.derive(b"visitor")

    def class_of(self, record: Record) -> RecordClass:
        """The class of a record under the notice that it was taken under."""
        return self._registry.notice(record.notice_ref).policy.records[record.class_id]

    def kept(self, record: Record, today: date) -> bool:
        """See :func:`kept_by_law`."""
        return kept_by_law(record, self.class_of(record), today)

    def below_floor(self, record: Record, today: date) -> bool:
        """Whether a law's minimum (K15) still forbids the destruction of a record."""
        floor = self.class_of(record).min_keep
        return floor is not None and last_day(record.day, floor) >= today

    def move(self, records: Sequence[Record], reason: str, of: int) -> int:
        """Move live records of one site; ``reason`` is a word of :data:`REASONS`, ``of`` the ending's ledger number.

        On disk, and the live copies in no byte of the live file, when this returns. May be done twice.
        """
        for start in range(0, len(records), _CHUNK):
            some = records[start : start + _CHUNK]
            ids = [r.id for r in some]
            self._journal.append({"kind": "archived", "seq": of, "ids": [i.hex() for i in ids], "reason": reason})
            self._storage.archive.add([self._apart(r, reason) for r in some])
            self._storage.records.destroy_ids(ids)
        return len(records)

    def _apart(self, record: Record, reason: str) -> Record:
        """The record as the archive holds it: cut to what the law names, under the archive's own key."""
        policy = self._registry.notice(record.notice_ref).policy
        record_class = policy.records[record.class_id]
        bound = bound_to(record.site_ref, record.class_id, record.id)
        key = self._keyring.named(record_name(record.class_id, record.last_day))
        assert key is not None, "a live record has its key"
        opened: Json = json.loads(unseal(key, record.sealed, bound))
        # A visitor's id is a credential that no statute names; a member's reference says whose transaction it was.
        by_member = visitor_key(self._visitor_secret, opened["subject"] or "") != record.subject
        content: Json = {
            "subject": opened["subject"] if by_member else None,
            "data": named_by_law(opened["data"], record_class, policy.items),
            "basis": "law",
            "law": dict(record_class.law or {}),
            "reason": REASONS.get(reason, "erasure"),
        }
        own = self._keyring.named(archive_name(record.class_id, record.last_day), create=True)
        assert own is not None  # just created
        return replace(record, sealed=seal(own, json.dumps(content, ensure_ascii=False).encode(), bound))
