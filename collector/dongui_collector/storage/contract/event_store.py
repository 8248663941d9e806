"""What the collector needs of the store of events, one partition a day."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.values import (
    Changes,
    DayPosition,
    DayTotals,
    Ended,
    EndedRow,
    Fact,
    Mark,
    Reduce,
    Row,
    RowBasis,
    RowEnding,
    Selection,
    Visitor,
)


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
        properties: bool = False,
    ) -> list[Fact]:
        """Like :meth:`rows`, of a site's rows with ``first <= at < end``; rows without a time are in no report.

        With ``visitors`` only theirs: fast on a sealed day. ``properties``: those of every event.
        """

    def rows_at(self, day: date, positions: Sequence[int]) -> list[Row]:
        """Those rows of a day at ``positions`` (some hundred at most) that are still there, in order of ``n``."""

    def position(self, day: date) -> DayPosition:
        """How far a day has come, as of one moment. Rows that commit later lie behind it. (0, 0) for an absent day."""

    def endings(self, day: date, after: int, until: int, limit: int = 1000) -> list[EndedRow]:
        """What ended in rows of a day, by serial number: behind ``after``, up to ``until``."""

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


def iter_rows(events: EventStore, day: date, selection: Selection | None = None, *, page: int = 1000) -> Iterator[Row]:
    """All selected rows of a day in order, a page at a time, so that no snapshot outlives a page."""
    after = 0
    while rows := events.rows(day, selection, after=after, limit=page):
        yield from rows
        if len(rows) < page:
            return
        after = rows[-1].n
