"""The storage contract: what the collector needs kept, in plain values, without a word of SQL.

Four kinds of places, because their data end in different ways:

* :class:`LedgerStore` — consents, the hash chain, intents, sites, notices, numeric totals. Never aged out as a whole.
* :class:`EventStore` — rows recorded under consent, one partition a calendar day; a day ends by losing its partition.
* :class:`RecordStore` — records of the other classes; used twice, for the archive (S5.2) and for what no statute keeps.
* :class:`AdminStore` — holds, destructions, approvals, accounts, tokens, requests: the officers' own books.

Times are epoch milliseconds (``int``); days are :class:`datetime.date` in the installation's time zone; visitors are
the 16-byte keyed hashes of their ids (never the ids); sites, notices and purposes are small integers that the ledger
hands out.
Implementations are used from several threads of one process; every write runs under one process-wide lock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.access import Account, Token
from dongui_collector.storage.contract.targets import SelectedTarget
from dongui_collector.storage.contract.values import (
    Changes,
    DayTotals,
    Destruction,
    DestructionState,
    Ended,
    Fact,
    FrozenNumbers,
    Hold,
    Intent,
    Json,
    LedgerRecord,
    Mark,
    NoticeVersion,
    Record,
    Reduce,
    Row,
    RowBasis,
    RowEnding,
    Selection,
    Session,
    Site,
    Visitor,
)

# --- the contract ----------------------------------------------------------------------------------------------------


class LedgerStore(Protocol):
    """``data/dongui.db``. Methods that write must be called inside ``with ledger.writing():``."""

    def writing(self) -> AbstractContextManager[None]:
        """One durable transaction (all or nothing, on disk at exit). Re-entrant in a thread; threads take turns."""

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


class IngestTransaction(Protocol):
    """One day's partition open for writing, the ledger readable in the same transaction."""

    def visitor(self, key: bytes) -> Visitor | None: ...
    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of ``keys`` under which this day or one beside it already holds an event (idempotency)."""

    def bases(self) -> frozenset[RowBasis]:
        """What rows of this day and of those beside it stand on, or once stood on."""

    def insert(self, rows: Iterable[Row]) -> None: ...


class EventStore(Protocol):
    """One partition a day. A day that ended is sealed: indexed by visitor, analysed; late rows may still come."""

    def days(self) -> list[date]: ...
    def prepare(self) -> None:
        """Do ahead what can be done for the next new partition, so that its first event does not wait. Any thread."""

    def ingest(self, day: date) -> AbstractContextManager[IngestTransaction]:
        """Durable at exit. While it is open no consent can change, so no event slips in behind a withdrawal."""

    def unsealed(self, before: date) -> list[date]: ...
    def seal(self, day: date) -> None: ...
    def bases(self, day: date) -> list[RowBasis]: ...
    def counts(self, day: date) -> dict[RowBasis, int]:
        """How many rows of a day stand on each basis now. Reads the whole day; for people, not for the hot path."""

    def count(self, day: date, selection: Selection | None = None) -> int: ...
    def size(self, day: date) -> int:
        """Bytes on disk."""

    def lost(self, day: date) -> frozenset[tuple[int, int]]:
        """Which purposes ended in some row of the day, as (site, bit set)."""

    def stamp(self, day: date) -> int:
        """Differs from an earlier one if the day's rows may differ; 0 for an absent day. Cheap."""

    def tally(self, day: date) -> DayTotals:
        """Counted in the very transactions that change rows. Cheap; an absent day's is all 0."""

    def rows(self, day: date, selection: Selection | None = None, *, after: int = 0, limit: int = 1000) -> list[Row]:
        """A page in order of ``n``, read in one short snapshot under a lease; an absent day is an empty list."""

    def facts(
        self,
        day: date,
        site_ref: int,
        *,
        first: int,
        end: int,
        after: int = 0,
        limit: int = 1000,
        visitors: Sequence[bytes] = (),
    ) -> list[Fact]:
        """Like :meth:`rows`, of a site's rows with ``first <= at < end``; rows without a time are in no report.

        With ``visitors`` only theirs: fast on a sealed day.
        """

    def marks(self) -> dict[date, Mark]:
        """Every day there is, with a value that differs from an earlier one if its rows may differ. Cheap for all."""

    def changes(self, day: date, after: int = 0) -> Changes:
        """The last position, and what was ended since the serial number ``after``; an absent day's is empty."""

    def end(self, day: date, selection: Selection, bits: int, reduce: Reduce) -> Ended:
        """Clear ``bits`` (-1: all) in the selected rows: rows left without a purpose are destroyed, the others replaced
        by ``reduce(row, remaining, day)``. Works in short transactions, idempotent, and leaves no trace in the log."""

    def end_all(self, day: date, endings: Sequence[RowEnding], reduce: Reduce) -> list[Ended]:
        """Several endings of one day in one opening of it, each with what it did; as :meth:`end` otherwise."""

    def days_of(self, visitors: Collection[bytes]) -> dict[date, frozenset[bytes]]:
        """The days that may hold rows of some of these visitors, and of which: nobody else's days are opened.

        A day that the store does not know yet is answered with all of them. Nothing that answers this outlives the
        rows: what an ending destroys is forgotten here in the same step.
        """

    def may_hold(self, visitor: bytes) -> bool:
        """Whether any day may hold rows of a visitor; one that the store does not know yet may. Opens no day."""

    def destroy(self, day: date) -> int:
        """Destroy the partition: leases awaited, renamed, overwritten, unlinked with its log. Returns its bytes.
        Idempotent; an absent day is 0. The day's key must have been destroyed before."""

    def leftovers(self) -> list[date]:
        """Days whose destruction a crash interrupted (renamed, not yet unlinked); ``destroy`` finishes them."""


class DestructionJournal(Protocol):
    """What was ended, apart from the data and from every backup of it; a restore repeats it before it serves."""

    def append(self, *entries: Json) -> None:
        """Add entries; on disk when this returns."""

    @property
    def exists(self) -> bool: ...
    def position(self) -> tuple[int, str]:
        """How many entries there are, and the last one's MAC."""

    def entries(self, after: tuple[int, str] | None = None) -> list[Json]:
        """The entries that follow a position; all there are for None."""

    def compact(self, before: str) -> int:
        """Forget what only backups made before a day (``YYYY-MM-DD``) would need. Returns how many entries went."""


class RecordStore(Protocol):
    """``data/archive.db`` (what other law makes the site keep, S5.2) or ``data/records.db`` (the rest)."""

    def add(self, records: Sequence[Record]) -> list[Record]:
        """What is kept of each, on disk: the record itself, or the one that has its ``id`` already."""

    def by_id(self, id: bytes) -> Record | None: ...
    def find(
        self,
        site_ref: int,
        *,
        class_id: str | None = None,
        subject: bytes | None = None,
        last_day: date | None = None,
        limit: int = 1000,
    ) -> list[Record]:
        """Those that meet every given condition, oldest first."""

    def groups(self) -> list[tuple[int, str, date, int]]:
        """(site, class, last_day, number): what there is to age out."""

    def destroy(self, site_ref: int, class_id: str, last_day: date, *, except_ids: Sequence[bytes] = ()) -> int: ...
    def destroy_subject(self, site_ref: int, subject: bytes, *, except_ids: Sequence[bytes] = ()) -> int: ...
    def destroy_ids(self, ids: Sequence[bytes]) -> int: ...


class AdminStore(Protocol):
    """Tables of ``data/dongui.db`` beside the ledger; writes inside ``ledger.writing()``."""

    def add_hold(self, hold: Hold) -> Hold: ...
    def release_hold(self, id: int, at: int) -> None:
        """From here on it holds nothing; whom it held is forgotten, that and why it stood is not."""

    def holds(self, *, active: bool = True) -> list[Hold]:
        """``active``: those not released; whether one still stands on a day says :meth:`Hold.stands`."""

    def join_hold(self, subject: bytes, visitor: bytes) -> None:
        """A visitor was joined to a member: holds that name the member hold the visitor's too."""

    def add_destruction(
        self, target: SelectedTarget, reason: str, at: int, *, due: date | None = None, by: str = ""
    ) -> Destruction: ...
    def update_destruction(self, destruction: Destruction) -> None: ...
    def destruction(self, id: int) -> Destruction | None: ...
    def destructions(self, states: Sequence[DestructionState] = ()) -> list[Destruction]: ...
    def setting(self, name: str) -> Json | None:
        """Small named values: the standing approval, the last retention run, …"""

    def put_setting(self, name: str, value: Json | None) -> None: ...
    def seen_cookies(self, site_ref: int, names: Iterable[str], at: int) -> None: ...
    def cookie_inventory(self, site_ref: int) -> list[Json]: ...
    def add_to_feed(self, consumer: str, at: int, entry: Json) -> None:
        """Tell a consumer (``*``: everyone) what must be destroyed downstream."""

    def feed(self, consumer: str, after: int = 0, limit: int = 1000) -> list[tuple[int, int, Json]]:
        """(cursor, at, entry) of this consumer and of everyone, in order."""

    def forget_feed(self, before: int) -> int:
        """Clear entries older than ``before`` in place."""

    def add_token(self, token: Token, token_hash: bytes) -> None:
        """``token``: {id, role, site, purposes, note, created_at}; the token itself is never stored."""

    def token(self, token_hash: bytes) -> Token | None: ...
    def tokens(self) -> list[Token]: ...
    def revoke_token(self, id: str, at: int) -> bool: ...
    def token_used(self, id: str, day: date) -> None:
        """The last day on which a token was used; ``tokens`` shows it as ``last_used``."""

    def add_request(self, request: Json) -> int: ...
    def request(self, id: int) -> Json | None: ...
    def requests(self) -> list[Json]:
        """All of them, oldest first, each with its ``id``."""

    def requests_after(self, id: int) -> list[Json]:
        """Those with a higher number, oldest first."""

    def requests_of(self, subjects: Sequence[bytes]) -> list[Json]:
        """Those about a visitor or a member under one of these keys, oldest first."""

    def request_page(self, soon: date, *, closed: bool, offset: int, limit: int) -> list[Json]:
        """A part of the list; open are those without ``closed_at``, and with ``closed`` the others follow them.

        The soonest due first; one that was filed with ``nothing_held`` of its visitor comes after the others, unless it
        is due by ``soon``. What a page costs does not grow with the requests that are not on it.
        """

    def request_count(self, *, closed: bool) -> int: ...
    def requests_due(self) -> dict[date, int]:
        """Of how many that are open each day is the last."""

    def update_request(self, id: int, changes: Json) -> None: ...
    def destroy_requests(self, ids: Sequence[int]) -> int: ...


class AccountStore(Protocol):
    """Console accounts and sessions, beside the ledger; writes inside ``ledger.writing()``."""

    def put(self, account: Account) -> None:
        """Insert or replace by ``id``. {id, name, role, password, …}: what else there is, see ``people.py``."""

    def remove(self, id: str) -> bool: ...
    def account(self, name: str) -> Account | None: ...
    def by_id(self, id: str) -> Account | None: ...
    def accounts(self) -> list[Account]:
        """By name."""

    def begin(self, session: Session) -> None: ...
    def session(self, hash: bytes) -> Session | None: ...
    def sessions(self, account: str | None = None) -> list[Session]:
        """Of one account (by its id) or of all, oldest first."""

    def seen(self, hash: bytes, at: int) -> None: ...
    def end(self, *, hash: bytes | None = None, account: str | None = None) -> int:
        """One session, all of an account, or, with neither, everybody's."""

    def end_before(self, started: int, seen: int) -> int:
        """Sessions that began or were last used before these instants."""


class DisclosureStore(Protocol):
    """What was handed to whom (S4), beside the ledger; writes inside ``ledger.writing()``.

    Whose data an entry concerns is a set of 16-byte keyed hashes, different for every entry
    (``ledger/disclosure_subjects.py``).
    """

    def add(self, entry: Json) -> int:
        """A new entry; its number, which is never used again."""

    def entry(self, id: int) -> Json | None: ...
    def entries(self) -> list[Json]:
        """By number, each with its ``id``."""

    def change(self, id: int, changes: Json) -> None: ...
    def destroy(self, ids: Sequence[int]) -> int:
        """Clear entries and their sets in place."""

    def add_people(self, id: int, hashes: Iterable[bytes]) -> int:
        """How many of them were not in the entry's set before."""

    def people(self, id: int) -> int: ...
    def known(self, hashes: Iterable[bytes]) -> set[bytes]:
        """Those that are in a set."""

    def forget(self, hashes: Iterable[bytes]) -> int: ...

    # profiles (S4.2b): members who allow others to see theirs
    def allow_profile(self, site_ref: int, member: bytes, at: int) -> bool:
        """False when it was allowed already."""

    def deny_profile(self, member: bytes) -> bool:
        """False when it was not allowed."""

    def profiles(self, site_ref: int) -> dict[bytes, int]:
        """Member → since when (epoch ms)."""


class KeyStore(Protocol):
    """``keys/keys.db``: wrapped keys by name, nothing else. A name is used once: destroyed, it is never made anew."""

    @property
    def readonly(self) -> bool: ...
    def get(self, name: str) -> bytes | None: ...
    def put(self, name: str, wrapped: bytes) -> None:
        """Durable before it returns; a name that exists or existed is a ``StorageError``."""

    def names(self, prefix: str = "") -> list[str]: ...
    def destroyed(self, name: str) -> bool:
        """Whether a key of this name was destroyed."""

    def destroy(self, name: str) -> bool:
        """Overwritten on disk, gone from the log, before it returns. Idempotent; False when there is no such key."""

    def gone(self) -> list[str]:
        """The names of all destroyed keys."""

    def replace_all(self, rewrap: Callable[[str, bytes], bytes], *, beside: tuple[str, bytes] | None = None) -> int:
        """Master-key rotation, in one transaction; ``beside`` is a new (name, wrapped) put in the same one."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Storage:
    """Everything together, as ``app.py`` composes it."""

    ledger: LedgerStore
    events: EventStore
    archive: RecordStore
    records: RecordStore
    office: AdminStore
    people: AccountStore
    disclosures: DisclosureStore
    keys: KeyStore
    close: Callable[[], None]


def iter_rows(events: EventStore, day: date, selection: Selection | None = None, *, page: int = 1000) -> Iterator[Row]:
    """All selected rows of a day in order, a page at a time, so that no snapshot outlives a page."""
    after = 0
    while rows := events.rows(day, selection, after=after, limit=page):
        yield from rows
        if len(rows) < page:
            return
        after = rows[-1].n
