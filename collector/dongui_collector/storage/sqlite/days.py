"""The event store on SQLite: a day is a file, ``data/events/2026-11-23.db``.

Rows are only ever appended or cleared in place, never moved or deleted one by one: SQLite's ``secure_delete`` zeroes
what is
cleared, but not the stale copies that a B-tree leaves behind when it moves rows between pages (docs/decisions/001).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from datetime import date, timedelta
from pathlib import Path

from dongui_collector.core.durable import sync_folder
from dongui_collector.core.errors import StorageError
from dongui_collector.storage.contract.values import Ended, Reduce, RowBasis, RowEnding, Selection
from dongui_collector.storage.sqlite import dayfile, ending
from dongui_collector.storage.sqlite.connect import WRITER, connect, own_errors, scrub
from dongui_collector.storage.sqlite.day_visitors import DayVisitors
from dongui_collector.storage.sqlite.dayfile import DayFile, DayTransaction
from dongui_collector.storage.sqlite.files import await_readers, destroy_file, reading
from dongui_collector.storage.sqlite.ledger import SqliteLedger
from dongui_collector.storage.sqlite.migrations import EVENTS, migrate, seal_events
from dongui_collector.storage.sqlite.stored_days import DESTROYING, SUFFIXES, StoredDays

_OPEN_FILES = 8  # files kept open for writing; late events touch older days
_BESIDE = (timedelta(days=-1), timedelta(days=1))
_CHUNK = 200  # rows changed in one transaction, so that the writers' lock is held for a few milliseconds


class SqliteDays(StoredDays):
    """Implements :class:`~dongui_collector.storage.contract.stores.EventStore`."""

    def __init__(self, folder: Path, ledger: Path, memory: SqliteLedger | None = None) -> None:
        super().__init__(folder)
        self._blank = folder / "blank"
        self._ledger = ledger
        self._memory = memory
        self._open: dict[date, DayFile] = {}
        self._turns: dict[date, threading.Lock] = {}
        self._visitors = DayVisitors()
        self._sealed: set[date] = set()  # known to be: asked every few seconds, about every day of the year
        self._current: set[date] = set()  # days whose schema is known to be today's

    # -- writing

    def prepare(self) -> None:
        with own_errors():
            self._make_blank()
        self.learn_visitors()

    def _make_blank(self) -> None:
        if self._blank.exists():
            return
        fresh = self._blank.with_suffix(".new")
        for suffix in SUFFIXES:  # what a crash left
            Path(f"{fresh}{suffix}").unlink(missing_ok=True)
        with closing(connect(fresh)) as conn:  # closing it brings its log home
            migrate(conn, EVENTS, alone=nullcontext())  # nobody else knows this file: no writer waits for it
        fresh.rename(self._blank)

    @contextmanager
    def ingest(self, day: date) -> Iterator[DayTransaction]:
        with own_errors(), WRITER:
            neighbours = [file for step in _BESIDE if (file := self._existing(day + step))]
            opened = self._opened(day)
            with opened.transaction():
                transaction = DayTransaction(opened, neighbours, self._memory)
                yield transaction
            if transaction.inserted:  # before the lock goes: no withdrawal of these can be decided until then
                self._visitors.came(day, transaction.inserted)

    def _existing(self, day: date) -> DayFile | None:
        return self._opened(day) if day in self._open or os.path.exists(f"{self._prefix}{day}.db") else None  # noqa: PTH110 (asked at every commit: a tenth of the time)

    def _opened(self, day: date) -> DayFile:
        """The day's writer; under :data:`WRITER`. What was used last is closed last: a transaction uses three."""
        if found := self._open.pop(day, None):
            self._open[day] = found
            return found
        if len(self._open) >= _OPEN_FILES:
            self._close(next(iter(self._open)))
        with self._turn(day):
            self._begin(day)
            opened = self._open[day] = DayFile(self.path(day), self._ledger)
        return opened

    def _begin(self, day: date) -> None:
        """A new day takes the file that was made ahead, if there is one."""
        if self._blank.exists() and not self.path(day).exists():
            self._blank.rename(self.path(day))
            sync_folder(self.folder)

    def _close(self, day: date) -> None:
        if opened := self._open.pop(day, None):
            opened.conn.close()

    def close(self) -> None:
        with WRITER:
            for day in list(self._open):
                self._close(day)

    # -- sealing

    def unsealed(self, before: date) -> list[date]:
        open_ = [day for day in self.days() if day < before and day not in self._sealed]
        found = [day for day in open_ if not self._read(day, dayfile.is_sealed, True)]
        self._sealed.update(set(open_) - set(found))
        return found

    def seal(self, day: date) -> None:
        """Index a finished day by visitor. On a connection of its own: today's writer does not wait for it."""
        with self._connected(day) as conn:
            seal_events(conn)
            self._scrub(conn, day)

    # -- ending

    def end(self, day: date, selection: Selection, bits: int, reduce: Reduce) -> Ended:
        (ended,) = self.end_all(day, [RowEnding(selection, bits)], reduce)
        return ended

    def end_all(self, day: date, endings: Sequence[RowEnding], reduce: Reduce) -> list[Ended]:
        outcomes = [Ended() for _ in endings]
        try:
            with self._connected(day) as conn:
                matched = ending.matching(conn, endings)
                for bits, positions in matched.positions.items():
                    for start in range(0, len(positions), _CHUNK):
                        some = positions[start : start + _CHUNK]
                        destroyed, reduced = self._end_some(conn, day, some, bits, reduce)
                        for n in destroyed:
                            outcomes[matched.first[n]].destroyed += 1
                        for n in reduced:
                            outcomes[matched.first[n]].changed += 1
                for number in set(matched.first.values()):
                    outcomes[number].days.add(day)
                self._forget_visitors(conn, day, endings)
                # Also when nothing matched: an earlier, interrupted run may have cleared rows and left the log behind.
                if (matched.first or self._log_size(day)) and not self._scrub(conn, day):
                    raise StorageError(
                        f"{day}: a reader kept the log of this day open; what was cleared is not yet gone from it"
                    )
        except FileNotFoundError:
            pass
        return outcomes

    def _forget_visitors(self, conn: sqlite3.Connection, day: date, endings: Sequence[RowEnding]) -> None:
        """Whoever has no row left in a day is not known to have been there."""
        if not self._visitors.knows(day):
            with WRITER:
                self._visitors.forget(day, ())  # what is being read of the day just now may name them still
            return
        named = {e.selection.visitor for e in endings if e.selection.visitor is not None}
        whole = [e for e in endings if e.selection.visitor is None]
        with WRITER:
            if whole:
                self._visitors.drop(day)
            else:
                # Asked under the lock: what ingest adds for one of them comes before it, or is told after.
                self._visitors.forget(day, named - ending.left_of(conn, named))

    def days_of(self, visitors: Collection[bytes]) -> dict[date, frozenset[bytes]]:
        found: dict[date, frozenset[bytes]] = {}
        for day in self.days():
            # A log that lies there may hold what an interrupted ending cleared.
            some = frozenset(visitors) if self._log_size(day) else self._visitors.among(day, visitors)
            if some:
                found[day] = some
        return found

    def may_hold(self, visitor: bytes) -> bool:
        return any(self._visitors.among(day, (visitor,)) for day in self.days())

    def learn_visitors(self, *, within: float = 1.0) -> int:
        """Read which visitors the sealed days hold, where that is not known, newest first, for some seconds.

        How many days were read. Any thread.
        """
        unknown = [day for day in reversed(self.days()) if not self._visitors.knows(day)]
        until, learned = time.monotonic() + within, 0
        for day in unknown:
            learned += self._learn(day)
            if time.monotonic() > until:
                break
        return learned

    def _learn(self, day: date) -> bool:
        turn = self._visitors.turn(day)
        visitors = self._read(day, dayfile.visitors, None)
        if visitors is None:
            return False
        with WRITER:
            return self._visitors.learn(day, turn, visitors)

    @contextmanager
    def _connected(self, day: date) -> Iterator[sqlite3.Connection]:
        """A connection of its own to a day, under a lease, so that endings of several days go on side by side.

        Raises FileNotFoundError when the day is not there (any more).
        """
        path = self.path(day)
        with own_errors(), reading(self.folder, day):
            try:
                conn = connect(path, create=False)
            except sqlite3.OperationalError:
                if path.exists():
                    raise
                raise FileNotFoundError(path) from None  # destroyed between the lease and the opening
            with closing(conn):
                conn.execute("PRAGMA wal_autocheckpoint=0")  # checkpoints only under the one lock, in scrub
                if day not in self._current:
                    migrate(conn, EVENTS)
                    self._current.add(day)
                yield conn

    def _scrub(self, conn: sqlite3.Connection, day: date) -> bool:
        """Bring a day's log home. One that ingest has open takes the common lock, any other a lock of its own."""
        return scrub(conn, alone=lambda: self._alone(day))

    @contextmanager
    def _alone(self, day: date) -> Iterator[None]:
        with self._turn(day):
            if day not in self._open:
                yield
                return
        with WRITER:
            yield

    def _turn(self, day: date) -> threading.Lock:
        """Who may checkpoint a day that ingest has not open; to open it, ingest takes its turn too."""
        return self._turns.setdefault(day, threading.Lock())

    def _end_some(
        self, conn: sqlite3.Connection, day: date, positions: Sequence[int], bits: int, reduce: Reduce
    ) -> tuple[list[int], list[int]]:
        """One short transaction: positions destroyed and reduced.

        Ingest of this very day waits for it at the common lock, of another day not at all.
        """
        with WRITER if day in self._open else nullcontext():
            destroyed, reduced, bases = ending.end_rows(conn, day, positions, bits, reduce)
        if bases:
            with WRITER:
                if opened := self._open.get(day):
                    opened.bases |= {RowBasis(*basis) for basis in bases}
        return destroyed, reduced

    def destroy(self, day: date) -> int:
        with own_errors(), WRITER:
            self._close(day)
            self._sealed.discard(day)
            self._visitors.drop(day)
            for suffix in SUFFIXES:
                path = Path(f"{self.path(day)}{suffix}")
                with suppress(FileNotFoundError):
                    path.rename(f"{path}{DESTROYING}")
            sync_folder(self.folder)
        await_readers(self.folder, day)
        size = sum(destroy_file(Path(f"{self.path(day)}{suffix}{DESTROYING}")) for suffix in SUFFIXES)
        sync_folder(self.folder)
        return size
