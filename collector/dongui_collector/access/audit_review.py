"""The monthly review of the access log (K12): who did what how often, when, and what was refused. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.storage.contract.values import Json

HOURS = range(7, 21)  # a look outside of these, or on a weekend, is named one by one
DOWNLOADS = frozenset({"export", "archive.read", "request.package"})  # K12 asks for the reason of a download
REFUSED = "login.refused"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the access log. ``whose``: a name for a person within this log, ``erased`` once taken out."""

    seq: int
    at: int
    action: str
    by: str
    address: str = ""
    reason: str = ""
    site: str | None = None
    whose: str | None = None
    what: Json = field(default_factory=dict)

    def json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Person:
    """What one account, token or system user did in a month."""

    by: str
    entries: int
    people: int  # how many different persons' data, where an entry says whose
    actions: dict[str, int]
    unusual: int
    refused: int


@dataclass(frozen=True, slots=True)
class Review:
    """A month of the access log in numbers, and the entries that deserve a second look."""

    month: str
    entries: int
    last_seq: int
    persons: list[Person]
    actions: dict[str, int]
    unusual: list[AuditEntry]
    without_reason: list[AuditEntry]

    def json(self) -> dict[str, Any]:
        return {
            "month": self.month,
            "entries": self.entries,
            "persons": [{name: getattr(p, name) for name in p.__slots__} for p in self.persons],
            "actions": self.actions,
            "unusual": [entry.json() for entry in self.unusual],
            "without_reason": [entry.json() for entry in self.without_reason],
        }


def entry_of(seq: int, at: int, body: Json, *, site: str | None, whose: str | None) -> AuditEntry:
    """An entry from its record; older ones have what was done beside the other fields."""
    said = {name: str(body.get(name, "")) for name in ("action", "by", "address", "reason")}
    said["by"] = said["by"].removeprefix("console: ")  # the same person as in the console's other entries
    rest = {k: v for k, v in body.items() if k not in said and k != "what" and v is not None}
    return AuditEntry(seq, at, site=site, whose=whose, what={**rest, **body.get("what", {})}, **said)


def review(month: str, entries: Iterable[AuditEntry], zone: ZoneInfo) -> Review:
    """Sum a month up. ``month`` is ``YYYY-MM``; the entries are that month's."""
    listed = list(entries)
    by_person: dict[str, list[AuditEntry]] = {}
    for entry in listed:
        by_person.setdefault(entry.by, []).append(entry)
    persons = [_person(by, theirs, zone) for by, theirs in by_person.items()]
    return Review(
        month=month,
        entries=len(listed),
        last_seq=max((entry.seq for entry in listed), default=0),
        persons=sorted(persons, key=lambda person: (-person.entries, person.by)),
        actions=_counted(entry.action for entry in listed),
        unusual=[entry for entry in listed if is_unusual(entry.at, zone)],
        without_reason=[entry for entry in listed if entry.action in DOWNLOADS and not _has_reason(entry)],
    )


def _has_reason(entry: AuditEntry) -> bool:
    # A token's purposes are the reason of its exports.
    return bool(entry.reason.strip() or entry.what.get("recipient") or entry.by.startswith("token "))


def _person(by: str, entries: list[AuditEntry], zone: ZoneInfo) -> Person:
    return Person(
        by=by,
        entries=len(entries),
        people=len({entry.whose for entry in entries if entry.whose}),
        actions=_counted(entry.action for entry in entries),
        unusual=sum(is_unusual(entry.at, zone) for entry in entries),
        refused=sum(entry.action == REFUSED for entry in entries),
    )


def _counted(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def is_unusual(at: int, zone: ZoneInfo) -> bool:
    """Whether an instant (epoch ms) lies outside working hours in a zone."""
    local = datetime.fromtimestamp(at / 1000, zone)
    return local.weekday() >= 5 or local.hour not in HOURS


def month_days(month: str) -> tuple[date, date]:
    """The first day of a month (``YYYY-MM``) and of the next. Raises :class:`ValueError` for what is none."""
    first = date.fromisoformat(f"{month}-01")
    if first.isoformat()[:7] != month or first.year > 9000:
        raise ValueError(month)
    return first, (first + timedelta(days=32)).replace(day=1)
