"""A page of rows together with the endings that mask them, as of one moment."""

from __future__ import annotations

from datetime import date

from dongui_collector.ledger.rows import Masks
from dongui_collector.storage.base import Intent, LedgerStore, Row, Selection, Storage


def page(storage: Storage, day: date, selection: Selection, after: int, limit: int) -> tuple[list[Row], Masks] | None:
    """Rows after position ``after`` and their masks; None when there are none left.

    Endings are asked before and after the rows; one that was decided and finished in between would be in neither, so
    where any was finished meanwhile the page is read again, a smaller one.
    """
    while True:
        finished = _finished(storage.ledger)
        before, suspended = storage.ledger.intents(), storage.ledger.suspended()
        rows = storage.events.rows(day, selection, after=after, limit=limit)
        intents: dict[int, Intent] = {i.seq: i for i in (*before, *storage.ledger.intents())}
        if finished == _finished(storage.ledger):
            hidden = suspended | storage.ledger.suspended()
            return (rows, Masks.of(intents.values(), hidden)) if rows else None
        limit = max(1, limit // 2)


def _finished(ledger: LedgerStore) -> int:
    last = ledger.last_of("certificate")
    return last.seq if last else 0
