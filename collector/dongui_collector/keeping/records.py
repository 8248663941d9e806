"""Records of the other classes (S3.1): contracts, payments, complaints, abuse, logins.

The logic of ``POST /v1/records``, over plain values. What a statute makes the site keep lies in the archive from the
start (S5.2), is kept for that obligation alone, and every reading of it is on the ledger.
"""

from __future__ import annotations

import hmac
import json
import uuid

from dongui.policy.model import Policy, RecordClass

from dongui_collector.clock import Clock, day_of
from dongui_collector.errors import NotAllowed
from dongui_collector.ledger.book import Book
from dongui_collector.ledger.ledger import Ledger
from dongui_collector.ledger.periods import class_last_day
from dongui_collector.security.keys import KeyRing, record_name, seal, unseal
from dongui_collector.storage.base import Json, Record, Site, Storage

_MIN_REASON = 5
_ALL = 1 << 40


def basis_of(record_class: RecordClass, policy: Policy) -> str | None:
    """On what a record of a class may be kept: ``"law"``, else the id of a purpose of another basis than consent.

    None where the policy names neither: such a record is not processed (S1.0).
    """
    if record_class.archive and record_class.law is not None:
        return "law"
    for purpose in policy.purposes.values():
        names_it = purpose.record == record_class.id or purpose.id in record_class.purposes
        if names_it and purpose.basis != "consent":
            return purpose.id
    return None


def bound_to(site_ref: int, class_id: str, id: bytes) -> bytes:
    """What a record's sealed content is bound to: in another place it does not open."""
    return f"record|{site_ref}|{class_id}|".encode() + id


class RecordKeeper:
    """Takes records in and reads them back."""

    def __init__(self, storage: Storage, keyring: KeyRing, book: Book, ledger: Ledger, clock: Clock) -> None:
        self._storage = storage
        self._keyring = keyring
        self._book = book
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
        notice = self._book.in_force(site.ref, now)
        record_class = notice.policy.records.get(class_id)
        basis = record_class and basis_of(record_class, notice.policy)
        if record_class is None or basis is None:
            raise NotAllowed("the notice in force names no such record class, or no basis for keeping it")
        day = day_of(min(at, now), notice.zone)
        last = class_last_day(record_class, day)
        if last < day_of(now, notice.zone):
            raise NotAllowed("the period of this record has already ended")
        key = self._keyring.named(record_name(class_id, last), create=True)
        assert key is not None  # just created
        content = json.dumps({"subject": subject, "data": data, "basis": basis}, ensure_ascii=False).encode()
        sealed = seal(key, content, bound_to(site.ref, class_id, own))
        whom = self.subject_key(site, subject)
        record = Record(own, site.ref, class_id, whom, min(at, now), day, last, source, notice.ref, sealed)
        store = self._storage.archive if record_class.archive else self._storage.records
        return _kept(store.add([record])[0])

    def _own_id(self, site: Site, id: bytes) -> bytes:
        """The id under which a site's record is kept. Not the site's own: a UUIDv7 tells the time."""
        return hmac.digest(self._ids, f"{site.ref}|".encode() + id, "sha256")[:16]

    def subject_key(self, site: Site, subject: str) -> bytes:
        """The 16 bytes under which a subject is found: a known visitor's own key, else a member's."""
        key = self._ledger.key_of(subject)
        visitor = self._storage.ledger.visitor(key)
        return key if visitor and visitor.site_ref == site.ref else self._ledger.member_key(site.ref, subject)

    def of(self, site: Site, subject: bytes) -> list[Json]:
        """What is held about a visitor, as that visitor may see it; records of the member they are joined to included.

        Of archived records only the facts: they are kept for one obligation, and their content for nothing else (S3.1).
        """
        visitor = self._storage.ledger.visitor(subject)
        keys = [subject] + ([visitor.member] if visitor and visitor.member else [])
        held = [r for key in keys for r in self._storage.records.find(site.ref, subject=key, limit=_ALL)]
        archived = [r for key in keys for r in self._storage.archive.find(site.ref, subject=key, limit=_ALL)]
        return [self._shown(r, whole=True) for r in held] + [self._shown(r, whole=False) for r in archived]

    def read_archive(
        self, site: Site, class_id: str, *, reason: str, by: str, subject: str | None = None
    ) -> list[Json]:
        """Read archived records of one class for the obligation that they are kept for; written on the ledger first.

        ``reason`` says what the obligation asks for today and ``by`` who reads. Raises :class:`NotAllowed` without a
        reason and for a class that is not archived: there is no other way to read an archive (S3.1, K12).
        """
        now = self._clock.now()
        record_class = self._book.in_force(site.ref, now).policy.records.get(class_id)
        if record_class is None or not record_class.archive:
            raise NotAllowed(f"{class_id} is not a class that the notice in force archives")
        if len(reason.strip()) < _MIN_REASON:
            raise NotAllowed("an archive is read for the obligation that it is kept for: say the reason")
        whom = None if subject is None else self.subject_key(site, subject)
        found = self._storage.archive.find(site.ref, class_id=class_id, subject=whom, limit=_ALL)
        entry = {"action": "archive.read", "class": class_id, "reason": reason, "by": by, "records": len(found)}
        with self._storage.ledger.writing():
            self._storage.ledger.append("audit", now, entry | {"subject": whom and whom.hex()}, site_ref=site.ref)
        return [self._shown(r, whole=True) for r in found]

    def _shown(self, record: Record, *, whole: bool) -> Json:
        notice = self._book.notice(record.notice_ref)
        record_class = notice.policy.records[record.class_id]
        return {
            "id": str(uuid.UUID(bytes=record.id)),
            "class": record.class_id,
            "at": record.at,
            "source": record.source,
            "kept_until": record.last_day.isoformat(),
            "archived": record_class.archive,
            "law": record_class.law and dict(record_class.law),
            "notice": notice.version,
            "data": self.opened(record)["data"] if whole else None,
        }

    def opened(self, record: Record) -> Json:
        """A record's content: ``{subject, data, basis}``. Raises :class:`NotAllowed` once its key is gone."""
        key = self._keyring.named(record_name(record.class_id, record.last_day))
        if key is None:
            raise NotAllowed("the key of this record was destroyed")
        opened: Json = json.loads(unseal(key, record.sealed, bound_to(record.site_ref, record.class_id, record.id)))
        return opened


def _kept(record: Record) -> Json:
    """The answer to whoever sent it."""
    return {
        "id": str(uuid.UUID(bytes=record.id)),
        "class": record.class_id,
        "kept_until": record.last_day.isoformat(),
    }
