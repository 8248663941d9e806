"""The plain values that storage takes and gives: what the ledger, the days, the records and the officers' books hold.

Times are epoch milliseconds (``int``); days are :class:`datetime.date` in the installation's time zone; visitors are
the 16-byte keyed hashes of their ids (never the ids); sites, notices and purposes are small integers that the ledger
hands out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal, NamedTuple

from dongui_collector.storage.contract.holds import Hold as Hold
from dongui_collector.storage.contract.targets import Destruction as Destruction
from dongui_collector.storage.contract.targets import DestructionState as DestructionState

Json = dict[str, Any]


# --- values of the ledger -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Site:
    """A web site. ``id`` is public; of the secret key only two one-way derivations are kept."""

    ref: int
    id: str
    name: str
    origins: tuple[str, ...]
    secret_hash: bytes
    address_key: bytes


@dataclass(frozen=True, slots=True)
class NoticeVersion:
    """One published policy of a site, immutable. ``effective`` alone decides when it is in force."""

    ref: int
    site_ref: int
    version: str
    effective: date
    published_at: int
    text: str


ConsentState = Literal["given", "refused", "withdrawn"]


@dataclass(frozen=True, slots=True)
class ConsentStatus:
    """The last word of a visitor on one purpose. Expired and invalidated are judged from it, never stored."""

    bit: int
    state: ConsentState
    seq: int
    notice_ref: int
    at: int
    knowing: bool = False  # given while the browser signalled GPC (W1)


@dataclass(frozen=True, slots=True)
class Visitor:
    """What the ledger holds of a visitor: one standing a purpose bit."""

    key: bytes
    site_ref: int
    suspended: bool
    standings: Mapping[int, ConsentStatus]
    member: bytes | None = None

    @property
    def known(self) -> bool:
        """Whether the id still stands for someone: after the last withdrawal it does not, and a new one is minted."""
        return any(s.state == "given" for s in self.standings.values())


@dataclass(frozen=True, slots=True)
class LedgerRecord:
    """One link of the chain. ``body`` and ``salt`` are None once erased; ``commitment`` and ``hash`` stay for ever."""

    seq: int
    kind: str
    at: int
    site_ref: int | None
    visitor: bytes | None
    body: Json | None
    salt: bytes | None
    commitment: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class Intent:
    """A destruction that has been decided and may not be finished yet. From its commit on it masks every read.

    ``visitor`` with ``bits``: those purposes of that visitor end in rows with ``row.seq <= up_to`` (withdrawal);
    ``bits`` of -1 means every purpose (erasure). ``days`` empty means all days.
    """

    seq: int
    kind: Literal["withdrawal", "erasure"]
    site_ref: int
    visitor: bytes
    bits: int
    up_to: int


@dataclass(frozen=True, slots=True)
class FrozenNumbers:
    """Numbers of one report and day that outlive the day's rows: for which purposes, and from where."""

    day: date
    purposes: str  # dot-joined
    source: str
    body: Json


# --- values of the event store ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class Row:
    """One recorded event. ``None`` is an item that was not, or may no longer be, held.

    ``key`` is a keyed hash of the event's id (the id itself is never stored), see ``ledger/rows.py``.
    ``ip``, ``ads`` and ``cookies`` are sealed under the day's key (AES-GCM), each bound to site, day, row and column.
    ``purposes`` is the bit set of the bases the row stands on, ``seq`` the newest ledger sequence among them.
    """

    key: bytes
    site_ref: int
    visitor: bytes
    seq: int
    purposes: int
    notice_ref: int
    at: int | None = None
    name: str | None = None
    url: str | None = None
    referrer: str | None = None
    props: str | None = None
    search: str | None = None
    secure: int | None = None
    source: str | None = None
    country: str | None = None
    city: str | None = None
    browser: str | None = None
    os: str | None = None
    device: str | None = None
    language: str | None = None
    screen: str | None = None
    ip: bytes | None = None
    ads: bytes | None = None
    cookies: bytes | None = None
    received_at: int | None = None  # when it came in; with ``at``, which it tells within moments
    n: int = 0  # position in its day, given by the store; the order of rows and the cursor of pages


class Fact(NamedTuple):
    """What reports count of a row: some of :class:`Row`'s columns, under the same names, as they are stored.

    ``props`` only of events that a page reports of itself (``engagement``, ``vital``), None of others unless asked for.
    """

    n: int
    key: bytes
    visitor: bytes
    seq: int
    purposes: int
    notice_ref: int
    at: int
    name: str | None = None
    url: str | None = None
    referrer: str | None = None
    props: str | None = None
    search: str | None = None
    country: str | None = None
    city: str | None = None
    browser: str | None = None
    os: str | None = None
    device: str | None = None
    language: str | None = None
    screen: str | None = None
    ads: bytes | None = None


@dataclass(frozen=True, slots=True)
class RowBasis:
    """A distinct (site, notice, purposes) that rows of a day stand on, or once stood on."""

    site_ref: int
    notice_ref: int
    purposes: int


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a day an ending concerns. All given conditions must hold."""

    site_ref: int | None = None
    visitor: bytes | None = None
    notice_ref: int | None = None
    up_to: int | None = None  # rows with seq <= up_to
    except_visitors: frozenset[bytes] = frozenset()  # whose rows a legal hold keeps


@dataclass(frozen=True, slots=True)
class RowEnding:
    """Purposes (a bit set, -1: all) that end in the selected rows; ``of`` is the ledger number of what ended them."""

    selection: Selection
    bits: int
    of: int = 0


@dataclass
class Ended:
    """What an ending did: rows whose items shrank, rows destroyed, days touched."""

    changed: int = 0
    destroyed: int = 0
    days: set[date] = field(default_factory=set)
    held: bool = False  # a legal hold keeps part of what should end
    records: int = 0  # records of other classes destroyed
    archived: int = 0  # records that another law keeps, moved into the archive (S5.2)

    def add(self, other: Ended) -> None:
        self.changed += other.changed
        self.destroyed += other.destroyed
        self.days |= other.days
        self.held = self.held or other.held
        self.records += other.records
        self.archived += other.archived


@dataclass(frozen=True, slots=True)
class DayTotals:
    """What has ever happened to a day's rows: its last position, and how often one was destroyed or reduced."""

    top: int = 0
    destroyed: int = 0
    reduced: int = 0


# What is another one whenever a day's partition may be another; compared, never read.
Mark = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What has happened to a day's rows: its last position, and the positions that were ended since a serial number."""

    top: int = 0
    serial: int = 0  # of the last ending there was
    ended: tuple[int, ...] = ()


class DayPosition(NamedTuple):
    """How far a day has come: the position of its last row, and the serial number of its last ending."""

    n: int = 0
    serial: int = 0


class EndedRow(NamedTuple):
    """A row of which ``purposes`` ended: where it was, and on whose site. Nothing of what it held, nor whose it was."""

    serial: int
    n: int
    site_ref: int
    purposes: int


# A pure function: the row as it must be once only ``purposes`` (non-zero) remain; called in the writing transaction.
Reduce = Callable[[Row, int, date], Row]


# --- values of the record store and the books of officers ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Record:
    """A record of another class (contract, payment, complaint, abuse, logins …). ``sealed`` holds subject and data."""

    id: bytes
    site_ref: int
    class_id: str
    subject: bytes  # keyed hash of the subject, to find it again
    at: int
    day: date
    last_day: date  # the day with whose end its period ends (K17)
    source: str
    notice_ref: int
    sealed: bytes


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody signed in to the console. ``hash`` is of the session's random id, which is never stored.

    ``account`` is an account's id. ``narrow``: may only see to their own account, since a second factor is required
    and not there yet.
    """

    hash: bytes
    account: str
    started_at: int
    seen_at: int
    address: str
    narrow: bool = False
