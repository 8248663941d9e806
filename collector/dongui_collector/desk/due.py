"""What the privacy officer has to do, the soonest first: plain tasks, in the order of their deadlines. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

Level = Literal["overdue", "soon", "later", "open"]
SOON_DAYS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. ``kind`` names its words (``task_<kind>``, filled with ``said``) and the page that does it.

    ``by`` is the last day on which it is in time; None where no day is set. ``number`` is of what there is to do.
    """

    kind: str
    endpoint: str
    by: date | None = None
    number: int = 1
    said: Mapping[str, str | int] = field(default_factory=dict)
    values: Mapping[str, str | int] = field(default_factory=dict)

    def level(self, today: date) -> Level:
        """How urgent it is on a day."""
        if self.by is None:
            return "open"
        if self.by < today:
            return "overdue"
        return "soon" if self.by <= today + timedelta(days=SOON_DAYS) else "later"

    def days(self, today: date) -> int | None:
        """Days left, negative once it is late."""
        return None if self.by is None else (self.by - today).days


def ordered(tasks: Iterable[Task]) -> list[Task]:
    """The soonest first; what has no day comes after what has one, for it can wait."""
    return sorted(tasks, key=lambda task: (task.by is None, task.by or date.max, task.kind, -task.number))
