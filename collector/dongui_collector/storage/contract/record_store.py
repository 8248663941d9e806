"""What the collector needs of a store of other records."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from dongui_collector.storage.contract.values import Record


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
