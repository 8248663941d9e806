"""From a question to a report: what is asked, whether it may be, and the answer as plain values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from dongui_collector.ledger import counted
from dongui_collector.reading.reports import tables
from dongui_collector.reading.reports.covered import Covered
from dongui_collector.reading.reports.filters import Filter, ReportError, check_covered, chosen
from dongui_collector.reading.reports.intervals import INTERVALS, Interval, label, labels, of_day
from dongui_collector.reading.reports.parts import added, ratio, rows_of
from dongui_collector.reading.reports.past import Past, State, kept_name, past, state_of, summary, together
from dongui_collector.reading.reports.tables import Breakdown, Table, ordered, table
from dongui_collector.storage.values import Site

if TYPE_CHECKING:
    from dongui_collector.core import Core

Json = dict[str, Any]
LIMIT, MOST_ROWS = 100, 1000
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)
_CONSENT = ("given", "refused", "withdrawn")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked. ``sort`` is a figure or a column of the report ("" : its first figure, the largest first)."""

    name: str
    first: date
    last: date
    filters: tuple[Filter, ...] = ()
    interval: Interval = "day"
    compare: bool = False
    sort: str = ""
    ascending: bool | None = None
    limit: int = LIMIT
    offset: int = 0

    def __post_init__(self) -> None:
        if self.name not in tables.REPORTS:
            raise ReportError(f"there are the reports {', '.join(tables.REPORTS)}")
        if not _FIRST <= self.first <= self.last <= _LAST:
            raise ReportError("from must not lie after to, and both in the years 2000 to 2999")
        if self.interval not in INTERVALS:
            raise ReportError(f"interval is one of {', '.join(INTERVALS)}")
        if not 1 <= self.limit <= MOST_ROWS or self.offset < 0:
            raise ReportError(f"limit is 1 to {MOST_ROWS}, offset 0 or more")
        if self.compare and self.name != "overview":
            raise ReportError("compare=previous is for the report overview")
        if self.filters and self.name == "consent":
            raise ReportError("consent is counted without visitors: it has no filters")

    @property
    def previous(self) -> tuple[date, date]:
        """As many days right before."""
        span = self.last - self.first
        return self.first - span - timedelta(days=1), self.first - timedelta(days=1)


def days_of(core: Core, site: Site, question: Question) -> int:
    """How many stored days a report will read; for showing progress."""
    covered = Covered(core, site, ())
    first = question.previous[0] if question.compare else question.first
    return 0 if question.name == "consent" else len(covered.days(first, question.last))


def report(
    core: Core,
    site: Site,
    purposes: tuple[str, ...],
    question: Question,
    advance: Callable[[int], object] = lambda _days: None,
) -> Json:
    """The answer to ``question`` for a reader of ``purposes``; ``advance(1)`` is called after every day that was read.

    Raises :class:`~dongui_collector.errors.NotAllowed` where a report or filter rests on an item that the purposes do
    not cover, :class:`ReportError` for what there is not.
    """
    if question.name == "consent":
        return _consent(core, site, purposes, question)
    covered = Covered(core, site, purposes)
    check_covered([*_dimensions(question.name), *(f.dimension for f in question.filters)], covered.items(), purposes)
    asked = _Asked(core, site, purposes, covered, question, advance)
    found = asked.between(question.first, question.last)
    rows = found.rows()
    told = found.told()
    if question.compare:
        before = asked.between(*question.previous)
        rows = [row | {"previous": was} for row, was in zip(rows, before.rows(), strict=True)]
        told["previous"] = before.told()
    rows = _sorted(rows, found, question)
    return _answer(core, site, purposes, question, rows, covered.zone.key) | told


class _Asked:
    """The visits that a question is about, of days whose rows are there; kept numbers of the others."""

    def __init__(
        self,
        core: Core,
        site: Site,
        purposes: tuple[str, ...],
        covered: Covered,
        question: Question,
        advance: Callable[[int], object],
    ) -> None:
        self._core, self._site, self._purposes, self._covered = core, site, purposes, covered
        self._question, self._choose, self._advance = question, chosen(question.filters), advance

    def between(self, first: date, last: date) -> _Found:
        """What there is to say of the days ``first`` to ``last``."""
        kept = kept_name(self._question.name, self._question.interval)
        gone = past(self._core, self._site, self._purposes, kept, first, last)
        found = self._table(first, last)
        visitors: set[bytes] = set()
        visits = 0
        living = [day for day in self._covered.days(first, last) if day not in gone.states]
        for day in living:
            for visit in filter(self._choose, self._covered.visits(day)):
                found.add(visit)
                visitors.add(visit.visitor)
                visits += 1
            self._advance(1)
        states = {day: state_of(self._core, self._covered.zone, day) for day in living}
        return _Found(self._question, found, len(visitors), visits, gone, states)

    def _table(self, first: date, last: date) -> Table:
        if self._question.name != "timeseries":
            return table(self._question.name)
        zone, interval = self._covered.zone, self._question.interval
        named = label(interval, zone)
        empty = labels(interval, first, last, zone)
        return Breakdown("time", key=lambda visit: (named(visit.start),), empty=empty)


class _Found:
    """The rows of some days: those that were counted and, without filters, those that were kept."""

    def __init__(
        self,
        question: Question,
        table: Table,
        visitors: int,
        visits: int,
        gone: Past,
        states: Mapping[date, State | None],
    ) -> None:
        self.names, self.figures = table.names, table.figures
        self._question, self._table, self._visitors, self._visits = question, table, visitors, visits
        self._gone = gone if not question.filters else Past()
        self._unanswered = 0 if gone is self._gone else len(gone.states)
        self._states = {day: state for day, state in states.items() if state} | dict(self._gone.states)

    def rows(self) -> list[Json]:
        series = self._question.name == "timeseries"
        kept = self._gone.series(self._question.interval) if series else self._gone.parts()
        rows = rows_of(self.names, self.figures, added(self._table.parts(), kept), self.told()["visits"])
        if series:
            days: dict[str, list[State]] = {}
            for day, state in self._states.items():
                days.setdefault(of_day(self._question.interval, day), []).append(state)
            rows = [row | {"state": together(days.get(_day(self._question.interval, row["time"]), ()))} for row in rows]
        return rows

    def told(self) -> Json:
        """What an answer says beside its rows."""
        total, bound = self._gone.total, self._gone.bound(self._visitors)
        return {
            "visitors": self._visitors + total.visitors,
            "visits": self._visits + total.visits,
            "visitors_are": "at_most" if bound else "distinct",
            "days": summary(self._states.values()) | {"unanswered": self._unanswered},
        }


def _day(interval: Interval, time: str) -> str:
    """Under which name the days of a timeseries' row are found."""
    return time[:10] if interval == "hour" else time


def _dimensions(name: str) -> tuple[str, ...]:
    return tables.BREAKDOWNS.get(name, ())


def _sorted(rows: list[Json], found: _Found, question: Question) -> list[Json]:
    """In the order asked for; a timeseries by time."""
    sort = question.sort or ("time" if question.name == "timeseries" else found.figures[0])
    if sort not in (*found.names, *found.figures):
        raise ReportError(f"sort is one of {', '.join((*found.names, *found.figures))}")
    ascending = sort in found.names if question.ascending is None else question.ascending
    return ordered(rows, found, sort, ascending=ascending)


def _answer(core: Core, site: Site, purposes: tuple[str, ...], question: Question, rows: list[Json], zone: str) -> Json:
    most = len(rows) if question.name == "timeseries" else question.limit
    return {
        "report": question.name,
        "site": site.id,
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "zone": zone,
        "purposes": list(purposes),
        **_consented(core, site, purposes, question),
        "total": len(rows),
        "rows": rows[question.offset : question.offset + most],
    }


def _consented(core: Core, site: Site, purposes: tuple[str, ...], question: Question) -> Json:
    """The share of the page views counted by the site's server that was recorded under a consent of the reader's.

    Not known where nothing was counted, nor of what filters choose: these numbers have no dimension but the day.
    """
    if question.filters:
        return {"consented": None, "counted": None}
    found = counted.between(core.storage.ledger.totals(site.ref), question.first, question.last)
    if not found.page_views:
        return {"consented": None, "counted": None}
    recorded = found.under(purposes)
    told = {"page_views": found.page_views, "recorded": recorded}
    told |= {reason: found.unrecorded.get(reason, 0) for reason in counted.UNRECORDED}
    return {"consented": ratio(recorded, found.page_views), "counted": told}


def _consent(core: Core, site: Site, purposes: tuple[str, ...], question: Question) -> Json:
    """Choices a day and purpose, from the ledger's numbers; they outlive the consents that they count."""
    counts: dict[tuple[date, str], dict[str, int]] = {}
    for (day, _site, name), number in core.storage.ledger.totals(site.ref).items():
        kind, _, rest = name.partition(".")
        state, _, purpose = rest.partition(".")
        if kind == "consent" and state in _CONSENT and purpose in purposes and question.first <= day <= question.last:
            counts.setdefault((day, purpose), dict.fromkeys(_CONSENT, 0))[state] += number
    rows: list[Json] = [
        {"day": day.isoformat(), "purpose": purpose}
        | dict(found)
        | {"chosen": found["given"] + found["refused"]}
        | {"given_rate": ratio(found["given"], found["given"] + found["refused"])}
        for (day, purpose), found in sorted(counts.items())
    ]
    zone = core.book.in_force(site.ref, core.clock.now()).zone.key
    return _answer(core, site, purposes, question, rows, zone)
