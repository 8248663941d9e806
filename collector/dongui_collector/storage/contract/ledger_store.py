"""What the collector needs of a ledger: sites, the chain, consents, intents, numbers that outlive a day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.values import (
    FrozenNumbers,
    Intent,
    Json,
    LedgerRecord,
    NoticeVersion,
    Site,
    Visitor,
)


class LedgerStore(Protocol):
    """``data/dongui.db``. Methods that write must be called inside ``with ledger.writing():``."""

    def writing(self) -> AbstractContextManager[None]:
        """One durable transaction (all or nothing, on disk at exit). Re-entrant in a thread; threads take turns."""

    def before_commit(self, work: Callable[[], object]) -> None:
        """Run ``work`` once everything else of the outermost transaction has succeeded, before it is on disk.

        For what stands apart and cannot be taken back, as a line of the journal of destructions: a transaction that
        several share may come to nothing for one of them, and its numbers are given again. What ``work`` raises ends
        the transaction.
        """

    def scrub(self) -> bool:
        """Bring the log home, so that what was cleared is gone from it too. False while a reader keeps it open."""

    def scrub_again(self) -> bool:
        """The same, without waiting, where it is owed: a reader was in the way, or a crash came before it."""

    # sites and notices
    def add_site(self, id: str, name: str, origins: Sequence[str], secret_hash: bytes, address_key: bytes) -> Site: ...
    def set_origins(self, site_ref: int, origins: Sequence[str]) -> None: ...
    def sites(self) -> list[Site]: ...
    def add_notice(self, site_ref: int, version: str, effective: date, at: int, text: str) -> NoticeVersion: ...
    def notices(self, site_ref: int) -> list[NoticeVersion]:
        """In order of publication."""

    def bits(self, site_ref: int) -> dict[str, int]:
        """Purpose id → bit position, append-only for a site."""

    def assign_bits(self, site_ref: int, purposes: Iterable[str]) -> dict[str, int]: ...

    # the chain
    def append(
        self, kind: str, at: int, body: Json, *, site_ref: int | None = None, visitor: bytes | None = None
    ) -> LedgerRecord: ...
    def records(self, after: int = 0, limit: int = 1000) -> list[LedgerRecord]: ...
    def readable_records(self, after: int = 0, limit: int = 1000) -> list[tuple[LedgerRecord, bool]]:
        """Like :meth:`records`, with whether the body could be read: None stands for one that is no JSON object."""

    def records_of(self, visitor: bytes) -> list[LedgerRecord]: ...
    def records_between(self, kind: str, first: int, end: int, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        """Records of a kind with ``first <= at < end``, in order; ``after`` is the sequence of the page before."""

    def last_of(self, kind: str) -> LedgerRecord | None: ...
    def of_kind(self, kind: str, after: int = 0, limit: int = 1000) -> list[LedgerRecord]:
        """Like :meth:`records`, of one kind only."""

    def kept(self, kind: str) -> tuple[int, int | None]:
        """How many records of a kind still have their content, and since when the oldest is there. For people."""

    def consent_record(self, id: str) -> LedgerRecord | None:
        """The consent record of this id (a receipt's ``record_id``). Reads every consent's body; for people."""

    def erase_bodies(self, seqs: Iterable[int]) -> int:
        """Remove salt, body and visitor of these records, and the decisions bound to them; what is chained stays."""

    def head(self) -> tuple[int, bytes, bytes]:
        """(number of records, hash of the last, keyed MAC over both): finds a truncated or rewritten chain."""

    # consents
    def visitor(self, key: bytes) -> Visitor | None: ...
    def put_visitor(self, visitor: Visitor) -> None:
        """Insert or replace, standings included."""

    def drop_visitor(self, key: bytes) -> None: ...
    def visitors(self, after: bytes = b"", limit: int = 1000) -> list[bytes]:
        """Keys in order, a page after ``after``."""

    def visitors_of_member(self, member: bytes) -> list[bytes]: ...
    def suspended(self) -> frozenset[bytes]:
        """Everyone whose processing is suspended (처리정지). Cheap: readers ask on every page."""

    # intents
    def add_intent(self, intent: Intent) -> None: ...
    def intents(self) -> list[Intent]:
        """The unfinished ones, oldest first. Cheap: readers ask on every page."""

    def finish_intent(self, seq: int) -> None: ...

    # decisions, found by the keyed hash of their id for as long as their consent record has its content
    def entries_of(self, visitor: bytes) -> int:
        """How many records there are about somebody."""

    def decision(self, key: bytes) -> tuple[int, bytes, bytes] | None:
        """Sequence of its record, digest, sealed visitor id."""

    def keep_decision(self, key: bytes, seq: int, digest: bytes, sealed: bytes) -> None: ...

    # what is known of a request for ten minutes
    def answer(self, key: bytes, since: int) -> bytes | None: ...
    def keep_answer(self, key: bytes, at: int, sealed: bytes) -> None: ...
    def forget_answers(self, before: int) -> int: ...

    # numbers that outlive a day
    def add_totals(self, day: date, site_ref: int, counts: Mapping[str, int]) -> None: ...
    def totals(
        self, site_ref: int | None = None, since: date | None = None, prefix: str = ""
    ) -> dict[tuple[date, int, str], int]:
        """(day, site, name) → number; of one site, from a day on, of names that begin so."""

    def freeze(self, day: date, site_ref: int, source: str, numbers: Mapping[str, Mapping[str, Json]]) -> list[str]:
        """Keep a day's numbers, purposes → report → body, for ever; those of purposes that are there already stay.

        Returns the purposes that were new."""

    def frozen(
        self, site_ref: int, report: str, purposes: Sequence[str], first: date, last: date
    ) -> list[FrozenNumbers]:
        """By day, of the days ``first`` to ``last``; ``purposes`` empty: of all."""

    def frozen_days(self, site_ref: int, source: str, first: date, last: date) -> list[date]:
        """The days from ``first`` to ``last`` of which numbers from ``source`` are kept, for whichever purposes."""
