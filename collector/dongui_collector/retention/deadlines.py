"""How long a destruction may wait for its approval (K3). Pure: days in, words out."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Literal

from dongui_collector.storage.contract.values import Destruction

ALERT_DAYS = 3  # from the third day on whoever looks is told
LATEST_DAYS = 5  # by then it must be done; our own budget, where nothing waits, is a second

Pressing = Literal["waiting", "alert", "overdue"]


def deadline(due: date) -> date:
    """The last day on which what may not be held since ``due`` may still be there."""
    return due + timedelta(days=LATEST_DAYS - 1)


def pressing(due: date | None, today: date) -> Pressing:
    """How urgent an approval is: ``alert`` from the third day on, ``overdue`` from the fifth (K3)."""
    days = 0 if due is None else (today - due).days
    return "overdue" if days >= LATEST_DAYS else "alert" if days >= ALERT_DAYS else "waiting"


def urgencies(waiting: Iterable[Destruction], today: date) -> dict[Pressing, int]:
    """How many of the waiting destructions are how urgent."""
    counts: dict[Pressing, int] = {"waiting": 0, "alert": 0, "overdue": 0}
    for destruction in waiting:
        counts[pressing(destruction.due, today)] += 1
    return counts
