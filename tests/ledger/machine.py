"""An independent, slow and obvious model of the rule (DESIGN section 1), to hold the real thing against."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

SEOUL = ZoneInfo("Asia/Seoul")
PURPOSES = ("statistics", "personalisation", "marketing", "analysis")
MEMBERS = ("m1", "m2")
LIFETIME_DAYS = 180  # the default policy's choice_lifetime, P180D
COLUMNS = {
    "visit_time": {"at", "day"},
    "service_usage": {"name", "url", "secure", "props", "search"},
    "ip_address": {"ip_address"},
    "access_environment": {"environment"},
    "advertising_id": {"advertising_ids"},
    "cookie": {"visitor"},
    "member_reference": set(),
}
# The default policy's other record classes: how many months, and which a statute keeps past their purpose.
MONTHS = {"payment": 60, "advertising": 6, "abuse": 60}
BY_LAW = {"payment", "advertising"}
NOT_BY_CONSENT = {"abuse"}  # and goes with an erasure: what moves at a withdrawal moves whatever it stands on


def day_of(at: int) -> date:
    return datetime.fromtimestamp(at / 1000, SEOUL).date()


def months_later(day: date, months: int) -> date:
    """The last day of some months counted from ``day`` (K17): written down from the statute, not from the code."""
    start = day + timedelta(days=1)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    try:
        return start.replace(year=year, month=month + 1) - timedelta(days=1)
    except ValueError:  # no such day, as on 29 February: so the end of that month
        return date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1) - timedelta(days=1)


def a_year_later(day: date) -> date:
    return months_later(day, 12)


@dataclass
class ModelVersion:
    """A notice version: which items each purpose lists, and whether earlier consents stand under it."""

    items: dict[str, set[str]]
    asks_again: bool
    effective: date


@dataclass
class ModelEvent:
    """``bases`` is what is stored, ``masked`` what of it has ended and only a hold keeps: nobody may see that."""

    marker: str
    at: int
    bases: set[str]
    items: dict[str, set[str]]
    masked: set[str] = field(default_factory=set)

    def columns(self, bases: set[str] | None = None) -> set[str]:
        listed = set().union(*(self.items[p] for p in (self.bases if bases is None else bases)))
        return set().union(*(COLUMNS[item] for item in listed))


@dataclass
class ModelRecord:
    number: int
    class_id: str
    at: int
    archived: bool = False
    over: bool = False  # its purpose has ended and only a hold keeps it where it is

    @property
    def last_day(self) -> date:
        return months_later(day_of(self.at), MONTHS[self.class_id])


@dataclass
class ModelVisitor:
    """A visitor, or a member (who has records only)."""

    id: str
    given: dict[str, tuple[int, int]] = field(default_factory=dict)  # purpose → (at, number of the version)
    suspended: bool = False
    events: list[ModelEvent] = field(default_factory=list)
    records: list[ModelRecord] = field(default_factory=list)
    member: str | None = None

    def live(self, now: int, versions: list[ModelVersion], current: int) -> set[str]:
        if self.suspended:
            return set()
        return {p for p, (at, number) in self.given.items() if self._stands(at, number, now, versions, current)}

    def _stands(self, at: int, number: int, now: int, versions: list[ModelVersion], current: int) -> bool:
        if any(v.asks_again for v in versions[number + 1 : current + 1]):
            return False
        return day_of(now) <= day_of(at) + timedelta(days=LIFETIME_DAYS)


@dataclass
class ModelHold:
    """What a legal hold names: nobody or some people, a class or all, a span of days or all."""

    id: int
    people: list[ModelVisitor] | None
    member: str | None
    class_id: str | None
    first: date | None
    last: date | None

    def covers(self, who: ModelVisitor, class_id: str, day: date) -> bool:
        named = self.people is None or any(who is one for one in self.people)
        spans = (self.first is None or self.first <= day) and (self.last is None or day <= self.last)
        return named and self.class_id in (None, class_id) and spans


@dataclass
class Holds:
    standing: list[ModelHold] = field(default_factory=list)

    def cover(self, who: ModelVisitor, class_id: str, at: int) -> bool:
        return any(hold.covers(who, class_id, day_of(at)) for hold in self.standing)


def end(who: ModelVisitor, purposes: set[str], holds: Holds) -> None:
    """A withdrawal or an erasure: what it ends goes, but for what a hold covers, which nobody sees any more."""
    for event in who.events:
        ended = purposes & event.bases
        if holds.cover(who, "access_log", event.at):
            event.masked |= ended
        else:
            event.bases -= ended
            event.masked -= ended
    who.events = [e for e in who.events if e.bases]


def end_records(who: ModelVisitor, holds: Holds, *, withdrawn: bool = False) -> None:
    """The relation has ended: what a statute names goes apart, all else goes; but no withdrawal ends what never stood
    on a consent."""
    stays = NOT_BY_CONSENT if withdrawn else set()
    for record in [r for r in who.records if not r.archived and r.class_id not in stays]:
        if holds.cover(who, record.class_id, record.at):
            record.over = True
        elif record.class_id in BY_LAW:
            record.archived, record.over = True, False
        else:
            who.records.remove(record)


def age_out(who: ModelVisitor, today: date, holds: Holds) -> None:
    """The ends of periods."""
    who.events = [e for e in who.events if a_year_later(day_of(e.at)) >= today or holds.cover(who, "access_log", e.at)]
    who.records = [r for r in who.records if r.last_day >= today or holds.cover(who, r.class_id, r.at)]


def released(who: ModelVisitor, today: date, holds: Holds) -> None:
    """A hold is gone: what ended meanwhile and no other hold covers ends now."""
    for event in who.events:
        if event.masked and not holds.cover(who, "access_log", event.at):
            event.bases -= event.masked
            event.masked = set()
    who.events = [e for e in who.events if e.bases]
    for record in [r for r in who.records if r.over and not holds.cover(who, r.class_id, r.at)]:
        if record.class_id in BY_LAW and record.last_day >= today:
            record.archived, record.over = True, False
        else:
            who.records.remove(record)
    age_out(who, today, holds)
