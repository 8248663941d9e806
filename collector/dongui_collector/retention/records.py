"""Records of the other classes (S3.1): contracts, payments, complaints, abuse, logins.

The logic of ``POST /v1/records``, over plain values. A record is kept for the purpose of the site's own that names its
class; when that ends, what a statute names of it moves into the archive (S5.2, ``retention/archive.py``). What the law
alone keeps lies there from the start. An archive is read for its obligation alone.
"""

from __future__ import annotations

import hmac
import json
import uuid
from datetime import date
from typing import Any

import msgspec
from dongui.policy.model import Policy, RecordClass

from dongui_collector.core.clock import Clock, day_of
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.sealing import SealBroken, seal, unseal
from dongui_collector.keys.keyring import KeyRing, archive_name, record_name
from dongui_collector.ledger.notices import NoticeRegistry
from dongui_collector.ledger.periods import class_last_day
from dongui_collector.ledger.service import LedgerService
from dongui_collector.retention.archive import FROM_THE_START, bound_to, starts_live
from dongui_collector.storage.contract.stores import Storage
from dongui_collector.storage.contract.values import Json, Record, Site

_MIN_REASON = 5


class RecordDetails(msgspec.Struct):
    """A record as it is read back; ``data`` and ``reason`` are None where only its facts are shown."""

    id: str
    record_class: str = msgspec.field(name="class")
    at: int
    source: str
    kept_until: date
    archived: bool
    reason: str | None
    law: dict[str, str] | None
    notice: str
    data: Any


def basis_of(record_class: RecordClass, policy: Policy) -> str | None:
    """On what a record of a class may be kept: the id of a purpose of another basis than consent, else ``"law"``.

    None where the policy names neither: such a record is not processed (S1.0).
    """
    if record_class.archive and record_class.law is not None and not starts_live(record_class, policy):
        return "law"
    for purpose in policy.purposes.values():
        names_it = purpose.record == record_class.id or purpose.id in record_class.purposes
        if names_it and purpose.basis != "consent":
            return purpose.id
    return None


class RecordService:
    """Takes records in and reads them back."""

    def __init__(
        self, storage: Storage, keyring: KeyRing, registry: NoticeRegistry, ledger: LedgerService, clock: Clock
    ) -> None:
        self._storage = storage
        self._keyring = keyring
        self._registry = registry
        self._ledger = ledger
        self._clock = clock
        self._ids = keyring.derive(b"record id")

    def add(
        self, site: Site, class_id: str, subject: str, at: int, source: str, data: Json, *, id: bytes | None = None
    ) -> Json:
        """Keep one record; on disk when this returns ``{id, class, kept_until}``.

        ``subject`` is a visitor's id or the site's own reference of a member; ``at`` is epoch ms, a future one counts
        as now; ``source`` says where it comes from (S2.2). A record of the site that has the same ``id`` already is the
        one that is kept, and answered for. Raises :class:`NotAllowed` for a class that the notice in force does not
        know or gives no basis for, and for a record whose period has already ended.
        """
        own = uuid.uuid4().bytes if id is None else self._own_id(site, id)
        if id is not None and (kept := self._storage.records.by_id(own) or self._storage.archive.by_id(own)):
            return _kept(kept)
        now = self._clock.now()
        notice = self._registry.in_force(site.ref, now)
        record_class = notice.policy.records.get(class_id)
        basis = record_class and basis_of(record_class, notice.policy)
        if record_class is None or basis is None:
            raise NotAllowed("the notice in force names no such record class, or no basis for keeping it")
        day = day_of(min(at, now), notice.zone)
        last = class_last_day(record_class, day)
        if last < day_of(now, notice.zone):
            raise NotAllowed("the period of this record has already ended")
        apart = basis == "law"
        key = self._keyring.named((archive_name if apart else record_name)(class_id, last), create=True)
        assert key is not None  # just created
        content: Json = {"subject": subject, "data": data, "basis": basis}
        if apart:
            content |= {"law": dict(record_class.law or {}), "reason": FROM_THE_START}
        text = json.dumps(content, ensure_ascii=False).encode()
        sealed = seal(key, text, bound_to(site.ref, class_id, own))
        whom = self.subject_key(site, subject)
        record = Record(own, site.ref, class_id, whom, min(at, now), day, last, source, notice.ref, sealed)
        store = self._storage.archive if apart else self._storage.records
        return _kept(store.add([record])[0])

    def _own_id(self, site: Site, id: bytes) -> bytes:
        """The id under which a site's record is kept. Not the site's own: a UUIDv7 tells the time."""
        return hmac.digest(self._ids, f"{site.ref}|".encode() + id, "sha256")[:16]

    def subject_key(self, site: Site, subject: str) -> bytes:
        """The 16 bytes under which a subject is found: a known visitor's own key, else a member's."""
        key = self._ledger.key_of(subject)
        visitor = self._storage.ledger.visitor(key)
        return key if visitor and visitor.site_ref == site.ref else self._ledger.member_key(site.ref, subject)

    def of(self, site: Site, subject: bytes) -> list[RecordDetails]:
        """What is held about a visitor, as that visitor may see it; records of the member they are joined to included.

        Of archived records only the facts: they are kept for one obligation, and their content for nothing else (S3.1).
        """
        visitor = self._storage.ledger.visitor(subject)
        keys = [subject] + ([visitor.member] if visitor and visitor.member else [])
        held = [r for key in keys for r in self._storage.records.of_subject(site.ref, key)]
        archived = [r for key in keys for r in self._storage.archive.of_subject(site.ref, key)]
        moved = {r.id for r in archived}  # a move into the archive may just be on its way
        live = [r for r in held if r.id not in moved and not self._ended(r)]
        shown = [self._shown(r, archived=False) for r in live if self._has_key(r)]
        return shown + [self._shown(r, archived=True, whole=False) for r in archived]

    def _has_key(self, record: Record) -> bool:
        """Whether a live record can be read: a destruction that is on its way takes the key first."""
        return self._keyring.named(record_name(record.class_id, record.last_day)) is not None

    def _ended(self, record: Record) -> bool:
        """Whether an erasure or closing has ended a record that a legal hold still keeps: nobody sees it (S3.2)."""
        for intent in self._storage.ledger.intents():
            if intent.kind == "erasure" and intent.visitor == record.subject:
                decided = self._storage.ledger.records(intent.seq - 1, 1)
                return bool(decided) and record.at <= decided[0].at
        return False

    def archive_for(self, site: Site, class_id: str, reading_for: str, reason: str) -> None:
        """Whether an archive may be read for what somebody wants it for; else :class:`NotAllowed` says for what (S3.1).

        ``reading_for`` is one of the class's own reasons (``read_for`` in the policy), ``reason`` what is asked today.
        """
        record_class = self._archived_class(site, class_id)
        if reading_for not in record_class.read_for:
            allowed = ", ".join(record_class.read_for)
            raise NotAllowed(f"{class_id} is kept for its obligation and may be read for {allowed}, nothing else")
        if len(reason.strip()) < _MIN_REASON:
            raise NotAllowed("an archive is read for the obligation that it is kept for: say the reason")

    def _archived_class(self, site: Site, class_id: str) -> RecordClass:
        """The class as the newest notice that archives it says; old notices' records are read under its rules too."""
        notices = [n for n in self._registry.notices(site.ref) if n.starts_at <= self._clock.now()]
        for notice in reversed(notices or self._registry.notices(site.ref)[:1]):
            found = notice.policy.records.get(class_id)
            if found is not None and found.archive:
                return found
        raise NotAllowed(f"{class_id} is not a class that a notice archives")

    def read_archive(self, site: Site, class_id: str, *, subject: str | None = None) -> list[RecordDetails]:
        """Archived records of one class, whole. The caller has asked :meth:`archive_for` and written the look down."""
        if subject is None:
            found = self._storage.archive.of_class(site.ref, class_id)
        else:
            of_subject = self._storage.archive.of_subject(site.ref, self.subject_key(site, subject))
            found = [r for r in of_subject if r.class_id == class_id]
        return [self._shown(r, archived=True) for r in found]

    def _shown(self, record: Record, *, archived: bool, whole: bool = True) -> RecordDetails:
        notice = self._registry.notice(record.notice_ref)
        record_class = notice.policy.records[record.class_id]
        opened = self.opened(record) if whole else {}
        law = opened.get("law") or (dict(record_class.law) if record_class.law else None)
        facts = str(uuid.UUID(bytes=record.id)), record.class_id, record.at, record.source, record.last_day, archived
        return RecordDetails(*facts, opened.get("reason"), law, notice.version, opened.get("data"))

    def opened(self, record: Record) -> Json:
        """A record's content: ``{subject, data, basis}`` and, of an archived one, ``law`` and ``reason``.

        Raises :class:`NotAllowed` once its key is gone.
        """
        bound = bound_to(record.site_ref, record.class_id, record.id)
        broken: SealBroken | None = None
        for name in (record_name, archive_name):
            key = self._keyring.named(name(record.class_id, record.last_day))
            if key is None:
                continue
            try:
                opened: Json = json.loads(unseal(key, record.sealed, bound))
                return opened
            except SealBroken as error:
                broken = error
        raise broken or NotAllowed("the key of this record was destroyed")


def _kept(record: Record) -> Json:
    """The answer to whoever sent it."""
    return {"id": str(uuid.UUID(bytes=record.id)), "class": record.class_id, "kept_until": record.last_day.isoformat()}
