"""What only a storage in one folder of one machine has, and a cluster has nothing like: copies, damage, spare space."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any, Protocol

Part = dict[str, Any]  # {"sql": [statements]} or {"table": name, "rows": [[values]]}


class Reserve(Protocol):
    """Disk space put by, so that withdrawal and destruction still work when the disk is full."""

    @property
    def held(self) -> bool: ...
    def take(self) -> None:
        """Put the space by (again). Silently does without when there is none to spare."""

    def spend(self) -> bool:
        """Give the space back for work that must not fail. False when there was none."""


class DataFolder(Protocol):
    """The folder of the data and the folder of the keys."""

    @property
    def reserve(self) -> Reserve: ...
    def halt(self) -> None:
        """Wait for what is being written, and let nothing begin any more until the process ends."""

    def copies(self) -> tuple[str, ...]:
        """The names of what a backup holds beside the days."""

    def dump(self, name: str) -> Iterator[Part]:
        """What a backup holds of one of :meth:`copies`; no writer waits."""

    def dump_day(self, day: date) -> Iterator[Part]:
        """What a backup holds of a day. Raises FileNotFoundError for one that is destroyed."""

    def damage(self) -> list[tuple[str, str]]:
        """(place, what is wrong), reading every page of everything but the days; no value is in it."""
