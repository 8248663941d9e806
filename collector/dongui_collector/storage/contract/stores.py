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

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.event_store import EventStore, IngestTransaction, iter_rows
from dongui_collector.storage.contract.folder import DataFolder
from dongui_collector.storage.contract.ledger_store import LedgerStore
from dongui_collector.storage.contract.office_stores import AccountStore, AdminStore, DisclosureStore
from dongui_collector.storage.contract.values import Record

__all__ = [
    "AccountStore",
    "AdminStore",
    "DisclosureStore",
    "EventStore",
    "IngestTransaction",
    "KeyStore",
    "LedgerStore",
    "RecordStore",
    "Storage",
    "iter_rows",
]


class RecordStore(Protocol):
    """``data/archive.db`` (what other law makes the site keep, S5.2) or ``data/records.db`` (the rest)."""

    def add(self, records: Sequence[Record]) -> list[Record]:
        """What is kept of each, on disk: the record itself, or the one that has its ``id`` already."""

    def by_id(self, id: bytes) -> Record | None: ...
    def of_group(self, site_ref: int, class_id: str, last_day: date) -> list[Record]:
        """All of one of :meth:`groups`, oldest first."""

    def of_class(self, site_ref: int, class_id: str) -> list[Record]:
        """All of a site's class, oldest first."""

    def of_subject(self, site_ref: int, subject: bytes) -> list[Record]:
        """All about one subject, oldest first."""

    def of_site(self, site_ref: int) -> list[Record]:
        """All of a site, oldest first."""

    def known_since(self, site_ref: int, subject: bytes) -> int | None:
        """When the oldest record about a subject happened (epoch ms); None where there is none."""

    def groups(self) -> list[tuple[int, str, date, int]]:
        """(site, class, last_day, number): what there is to age out."""

    def destroy(self, site_ref: int, class_id: str, last_day: date, *, except_ids: Sequence[bytes] = ()) -> int: ...
    def destroy_ids(self, ids: Sequence[bytes]) -> int: ...


class KeyStore(Protocol):
    """``keys/keys.db``: wrapped keys by name, nothing else. A name is used once: destroyed, it is never made anew."""

    @property
    def readonly(self) -> bool: ...
    @property
    def lock(self) -> AbstractContextManager[object]:
        """Held while several answers must belong together; every writer of the process holds it too. Re-entrant."""

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
    admin: AdminStore
    accounts: AccountStore
    disclosures: DisclosureStore
    keys: KeyStore
    folder: DataFolder
    close: Callable[[], None]
