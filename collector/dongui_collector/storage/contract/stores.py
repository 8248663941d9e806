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

from collections.abc import Callable
from dataclasses import dataclass

from dongui_collector.storage.contract.event_store import EventStore, IngestTransaction, iter_rows
from dongui_collector.storage.contract.folder import DataFolder
from dongui_collector.storage.contract.key_store import KeyStore
from dongui_collector.storage.contract.ledger_store import LedgerStore
from dongui_collector.storage.contract.office_stores import AccountStore, AdminStore, DisclosureStore
from dongui_collector.storage.contract.record_store import RecordStore

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
