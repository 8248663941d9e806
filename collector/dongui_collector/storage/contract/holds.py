"""Legal holds, as they are kept."""

from __future__ import annotations

from datetime import date

import msgspec


class Hold(msgspec.Struct, frozen=True):
    """A legal hold (보존 사유): suspends destruction of what it covers, and nothing else (S3.2).

    ``ground`` is one of S3.2a–c; ``joined`` are the visitors of the member that it names. ``v`` is the version of this
    form.
    """

    id: int
    site_ref: int | None
    reason: str
    statute: str | None
    class_id: str | None
    visitor: bytes | None
    first_day: date | None
    last_day: date | None
    at: int
    until: date | None = None  # the last day on which it holds; None: until it is released
    released_at: int | None = None
    ground: str = ""
    joined: frozenset[bytes] = frozenset()
    v: int = 1

    @property
    def whom(self) -> frozenset[bytes]:
        """Everyone that it names; empty for a hold that names nobody, and so keeps everyone's."""
        return frozenset() if self.visitor is None else self.joined | {self.visitor}

    def stands(self, today: date) -> bool:
        """Whether it suspends anything on a day."""
        return self.released_at is None and (self.until is None or today <= self.until)

    def touches(self, site_ref: int | None, class_id: str | None, day: date | None) -> bool:
        """Whether it concerns things of this site, record class and day; if it names a visitor, only that one's.

        ``None`` means that the thing has no such property or is not known; a hold that names one does not reach it.
        """
        return (
            self.site_ref in (None, site_ref)
            and self.class_id in (None, class_id)
            and (self.first_day is None or (day is not None and self.first_day <= day))
            and (self.last_day is None or (day is not None and day <= self.last_day))
        )

    def may_reach(self, site_ref: int, visitor: bytes, today: date) -> bool:
        """Whether it stands on a day and may hold something of a visitor of a site."""
        return self.stands(today) and self.site_ref in (None, site_ref) and (not self.whom or visitor in self.whom)

    def covers(self, site_ref: int | None, class_id: str | None, day: date | None, visitor: bytes | None) -> bool:
        """Whether it covers this very thing of this visitor (or subject)."""
        return self.touches(site_ref, class_id, day) and (self.visitor is None or visitor in self.whom)
