"""A page of rows together with the endings that mask them, as of one moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from dongui_collector.ledger.rows import PendingErasures
from dongui_collector.storage.contract.stores import LedgerStore, Storage
from dongui_collector.storage.contract.values import Intent, Row, Selection

T = TypeVar("T")


def page(
    storage: Storage, day: date, selection: Selection, after: int, limit: int
) -> tuple[list[Row], PendingErasures] | None:
    """Rows after position ``after`` and their masks; None when there are none left.

    Endings are asked before and after the rows; one that was decided and finished in between would be in neither, so
    where any was finished meanwhile the page is read again, a smaller one.
    """
    return masked(storage, lambda limit: storage.events.rows(day, selection, after=after, limit=limit), limit)


def masked(storage: Storage, read: Callable[[int], list[T]], limit: int) -> tuple[list[T], PendingErasures] | None:
    """What ``read(limit)`` returns of stored rows, and the masks for it; None when it returns nothing."""
    while True:
        finished = _finished(storage.ledger)
        before, suspended = storage.ledger.intents(), storage.ledger.suspended()
        rows = read(limit)
        intents: dict[int, Intent] = {i.seq: i for i in (*before, *storage.ledger.intents())}
        if finished == _finished(storage.ledger):
            hidden = suspended | storage.ledger.suspended()
            return (rows, PendingErasures.of(intents.values(), hidden)) if rows else None
        limit = max(1, limit // 2)


def _finished(ledger: LedgerStore) -> int:
    last = ledger.last_of("certificate")
    return last.seq if last else 0
