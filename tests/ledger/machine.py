"""An independent, slow and obvious model of the rule (DESIGN section 1), to hold the real thing against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
PURPOSES = ("statistics", "personalisation", "marketing")
LIFETIME_DAYS = 180  # the default policy's choice_lifetime, P180D
COLUMNS = {
    "visit_time": {"at", "day"},
    "service_usage": {"name", "url", "secure", "props", "search"},
    "ip_address": {"ip_address"},
    "access_environment": {"environment"},
    "advertising_id": {"advertising_ids"},
    "cookie": {"visitor"},
}


def day_of(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, SEOUL).date()


def a_year_later(day: date) -> date:
    """The last day of one year counted from ``day`` (K17), written down from the statute rather than from the code."""
    start = day + timedelta(days=1)
    try:
        return start.replace(year=start.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February: no such day, so the end of that month
        return date(start.year + 1, 2, 28)


@dataclass
class ModelVersion:
    """A notice version: which items each purpose lists, and whether earlier consents stand under it."""

    items: dict[str, set[str]]
    asks_again: bool
    effective: date


@dataclass
class ModelEvent:
    marker: str
    at: int
    bases: set[str]
    items: dict[str, set[str]]

    def columns(self) -> set[str]:
        listed = set().union(*(self.items[p] for p in self.bases))
        return set().union(*(COLUMNS[item] for item in listed))


@dataclass
class ModelVisitor:
    id: str
    given: dict[str, tuple[int, int]] = field(default_factory=dict)  # purpose → (at, number of the version)
    suspended: bool = False
    events: list[ModelEvent] = field(default_factory=list)

    def live(self, now: int, versions: list[ModelVersion], current: int) -> set[str]:
        if self.suspended:
            return set()
        return {p for p, (at, number) in self.given.items() if self._stands(at, number, now, versions, current)}

    def _stands(self, at: int, number: int, now: int, versions: list[ModelVersion], current: int) -> bool:
        if any(v.asks_again for v in versions[number + 1 : current + 1]):
            return False
        return day_of(now) <= day_of(at) + timedelta(days=LIFETIME_DAYS)

    def withdraw(self, purposes: set[str]) -> None:
        for purpose in purposes & self.given.keys():
            del self.given[purpose]
            for event in self.events:
                event.bases.discard(purpose)
        self.events = [e for e in self.events if e.bases]

    def age_out(self, today: date) -> None:
        self.events = [e for e in self.events if a_year_later(day_of(e.at)) >= today]
