"""From a question to a report: prepare, count, join what is frozen, compare, answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from dongui_collector.analytics import metrics
from dongui_collector.analytics.columns.conversions import with_conversion
from dongui_collector.analytics.columns.count import Figures, total
from dongui_collector.analytics.columns.engine import Engine, VisitSelection
from dongui_collector.analytics.columns.event_properties import numbers
from dongui_collector.analytics.columns.journeys import quarters, vitals
from dongui_collector.analytics.columns.measures import Measure, measure_of, parts_of, rows_of
from dongui_collector.analytics.columns.words import Glossary
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import ReportError, check_covered
from dongui_collector.analytics.intervals import Interval, of_day
from dongui_collector.analytics.metrics import COUNTS, Key, Metrics, added, ordered, ratio
from dongui_collector.analytics.query import LIMIT, MOST_ROWS, NOW_MS, Query
from dongui_collector.analytics.reports import OTHERS, SAMPLED
from dongui_collector.analytics.revenue import Conversion, conversion_of
from dongui_collector.analytics.snapshot_reader import (
    UNKNOWN_STATES,
    FrozenDays,
    State,
    past,
    snapshot_name,
    state_of,
    summary,
    together,
    unknown,
)
from dongui_collector.ledger import page_counts as counted
from dongui_collector.storage.contract.values import Site

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

__all__ = ["LIMIT", "MOST_ROWS", "NOW_MS", "Query", "days_of", "report"]

Json = dict[str, Any]
Advance = Callable[[int], object]
_CONSENT = ("given", "refused", "withdrawn")


def days_of(core: LedgerInstallation, site: Site, question: Query) -> int:
    """How many stored days a report will read; for showing progress."""
    covered = EntitledEvents(core, site, ())
    first = question.previous[0] if question.compare else question.first
    return 0 if question.name == "consent" else len(covered.days(first, question.last))


def report(
    core: LedgerInstallation,
    site: Site,
    purposes: tuple[str, ...],
    question: Query,
    advance: Advance = lambda _days: None,
) -> Json:
    """The answer to ``question`` for a reader of ``purposes``; ``advance(1)`` is called after every day that was read.

    Raises :class:`NotAllowed` where a report or filter rests on an item that the purposes do
    not cover, :class:`ReportError` for what there is not.
    """
    if question.name == "consent":
        return _consent(core, site, purposes, question)
    run = ReportRun.prepare(core, site, purposes, question, advance)
    sampled = question.name in SAMPLED
    rows, number, summary = run.sampled() if sampled else run.compared(run.count(*run.days))
    if run.conversion:
        summary |= {"goal": run.conversion.goal.text}
        summary |= {"currency": run.conversion.into} if run.conversion.value else {}
    return _answer(core, site, purposes, run.question, rows, run.events.zone.key, number) | summary


@dataclass(frozen=True, slots=True)
class ReportRun:
    """One question to the visits that its reader may see: of days whose rows are there, and frozen ones of the others.

    ``question`` is the one asked, with this site's names of pages and, for ``now``, its days.
    """

    core: LedgerInstallation
    events: EntitledEvents
    purposes: tuple[str, ...]
    question: Query
    conversion: Conversion | None
    advance: Advance

    @classmethod
    def prepare(
        cls, core: LedgerInstallation, site: Site, purposes: tuple[str, ...], question: Query, advance: Advance
    ) -> ReportRun:
        """The run of a question that its reader may ask; raises what :func:`report` raises."""
        events = EntitledEvents(core, site, purposes)
        check_covered(question.dimensions, events.items(), purposes)
        if question.name == "now":
            question = question.of_now(core.clock.now(), events.zone)
        question, conversion, asked = question.under(events.rules), None, core.settings
        if question.goal:
            names = question.value_name, question.currency_name
            conversion = conversion_of(question.goal, *names, asked.currency, asked.exchange_rates)
        return cls(core, events, purposes, question, conversion, advance)

    @property
    def days(self) -> tuple[date, date]:
        return self.question.first, self.question.last

    def count(self, first: date, last: date) -> ReportRows:
        """The rows of the days ``first`` to ``last``."""
        question = self.question
        measure = measure_of(
            question.name,
            question.interval,
            first,
            last,
            question.steps,
            self.events.zone,
            event=question.event_name,
            property=question.property_name,
            page=question.beside,
        )
        if self.conversion:
            measure = with_conversion(measure, self.conversion)
        frozen, states = self._days(first, last)
        selection = self._selection(first, last, frozen)
        figures, words = Engine.of(self.core).figures(self.events, measure, selection, self.advance)
        frozen = FrozenDays() if self._only_living else frozen
        return ReportRows(question, measure, figures, words, frozen, states)

    def compared(self, now: ReportRows) -> tuple[list[Json], int, Json]:
        """Rows, how many there are in all, and the summary; beside each those of the period before, where asked."""
        rows, number = now.rows()
        summary = now.summary()
        if self.question.compare:
            before = replace(self, question=replace(self.question, every=True)).count(*self.question.previous)
            rows, summary["previous"] = before.beside(rows), before.summary()
        return rows, number, summary

    def sampled(self) -> tuple[list[Json], int, Json]:
        """The rows of one of :data:`SAMPLED`, in order, how many there are, and the summary."""
        question = self.question
        frozen, states = self._days(*self.days)
        selection = self._selection(*self.days, frozen)
        parts, words = Engine.of(self.core).parts(self.events, selection, self.advance)
        names, figures = SAMPLED[question.name]
        sort, ascending = _sort(question, names, figures, "samples")
        if question.name == "vitals":
            found = list(quarters([vitals(part) for part in parts], words))
        else:
            found = list(numbers(parts, words, question.event_name))
        rows = ordered(found, names, sort, ascending=ascending)
        visitors, visits = np.sum([total(part) for part in parts], axis=0).tolist()
        return rows, len(rows), _summary(visitors, visits, states.values(), bound=False)

    @property
    def _only_living(self) -> bool:
        """Whether frozen numbers cannot answer: sums know nothing of what filters choose, nor of who came again."""
        return bool(self.question.filters or self.question.goal) or self.question.name in OTHERS

    def _days(self, first: date, last: date) -> tuple[FrozenDays, dict[date, State]]:
        """The frozen days, and how every day of which there is or was something is known."""
        core, events = self.core, self.events
        name = snapshot_name(self.question.name, self.question.interval)
        frozen = past(core, events, self.purposes, name, first, last)
        states: dict[date, State] = dict(frozen.states)
        if self._only_living:
            states = dict.fromkeys(states, "unanswered")
        states |= dict.fromkeys(unknown(core, events, first, last, states), "unknown")
        stored = ((day, state_of(core, events, day)) for day in events.days(first, last) if day not in states)
        return frozen, states | {day: state for day, state in stored if state}

    def _selection(self, first: date, last: date, frozen: FrozenDays) -> VisitSelection:
        question = self.question
        return VisitSelection(
            first,
            last,
            question.filters,
            question.since,
            without=frozenset(frozen.states),
            properties=question.rests_on_properties,
        )


class ReportRows:
    """The rows of some days: those that were counted, and frozen ones where these can answer.

    Figures are None where nothing was counted and some days are :data:`UNKNOWN_STATES`: that is no zero.
    """

    def __init__(
        self,
        question: Query,
        measure: Measure,
        figures: Figures,
        words: Glossary,
        frozen: FrozenDays,
        states: Mapping[date, State],
    ) -> None:
        self._question, self._measure, self._figures, self._words = question, measure, figures, words
        self._frozen, self._states = frozen, states

    def rows(self) -> tuple[list[Json], int]:
        """At least the rows that are asked for, in the order asked for, and how many there are in all."""
        question, measure = self._question, self._measure
        sort, ascending = _sort(question, measure.names, measure.figures, measure.sort)
        series = question.name == "timeseries"
        frozen = self._frozen.series(question.interval) if series else self._frozen.parts()
        joined = bool(frozen or self._frozen.shortened)
        most = self._figures.sums.shape[1] if question.whole or joined else question.offset + question.limit
        parts, number = parts_of(measure, self._figures, self._words, sort, ascending=ascending, most=most)
        if joined:
            parts = added(parts, frozen)
            number = len(parts)
        visits = self._visits
        rows = rows_of(measure, parts, visits)
        if series:
            rows = self._with_states(rows)
        elif self._frozen.shortened:
            rows = [self._known(row, key) for row, key in zip(rows, parts, strict=True)]
        if not series and _is_unknown(visits, self._states.values()):
            rows = [row | dict.fromkeys(measure.figures) for row in rows]
        return ordered(rows, measure.names, sort, ascending=ascending), number

    def beside(self, rows: list[Json]) -> list[Json]:
        """Rows of another period, each with its figures in this one: where it is not there nothing, or not known."""
        measure = self._measure
        was = {tuple(row[name] for name in measure.names): row for row in self.rows()[0]}
        (nothing,) = metrics.rows_of((), measure.figures, {(): Metrics()}, self._visits)
        if self._frozen.shortened or _is_unknown(self._visits, self._states.values()):
            nothing = dict.fromkeys(measure.figures)
        keys = (tuple(row[name] for name in measure.names) for row in rows)
        found = (was.get(key, nothing) for key in keys)
        return [
            row | {"previous": {name: then[name] for name in measure.figures}}
            for row, then in zip(rows, found, strict=True)
        ]

    def _with_states(self, rows: list[Json]) -> list[Json]:
        interval = self._question.interval
        cut_days = {day.isoformat() for day in self._frozen.shortened}
        days: dict[str, list[State]] = {}
        for day, state in self._states.items():
            days.setdefault(of_day(interval, day), []).append(state)
        found = []
        for row in rows:
            states = days.get(_day(interval, row["time"]), ())
            cut = interval == "hour" and not row["visits"] and row["time"][:10] in cut_days
            nothing = dict.fromkeys(self._measure.figures) if cut or _is_unknown(row["visits"], states) else {}
            found.append(row | nothing | {"state": together(states)})
        return found

    def _known(self, row: Json, key: Key) -> Json:
        """A row without what is worked out from parts that may be missing; counts are then at least so many."""
        worked_out = [name for name in self._measure.figures if name not in COUNTS]
        return row | dict.fromkeys(worked_out) if self._frozen.is_partial(key) else row

    @property
    def _visits(self) -> int:
        return int(self._figures.total[1]) + self._frozen.total.visits

    def summary(self) -> Json:
        """What an answer says beside its rows."""
        visitors = int(self._figures.total[0])
        bound = self._frozen.bound(visitors)
        summary = _summary(visitors + self._frozen.total.visitors, self._visits, self._states.values(), bound=bound)
        return summary | {"shortened": len(self._frozen.shortened) if self._question.name != "timeseries" else 0}


def _summary(visitors: int, visits: int, states: Collection[State], *, bound: bool) -> Json:
    nothing = _is_unknown(visits, states)
    return {
        "visitors": None if nothing else visitors,
        "visits": None if nothing else visits,
        "visitors_are": "at_most" if bound else "distinct",
        "days": summary(states),
    }


def _is_unknown(visits: int, states: Collection[State]) -> bool:
    """Whether a zero would be said of days that are not known."""
    return not visits and not UNKNOWN_STATES.isdisjoint(states)


def _day(interval: Interval, time: str) -> str:
    """Under which name the days of a timeseries' row are found."""
    return time[:10] if interval == "hour" else time


def _sort(question: Query, names: tuple[str, ...], figures: tuple[str, ...], first: str) -> tuple[str, bool]:
    """The column to sort by, and whether upwards."""
    sort = question.sort or first or figures[0]
    if sort not in (*names, *figures):
        raise ReportError(f"sort is one of {', '.join((*names, *figures))}")
    return sort, sort in names if question.ascending is None else question.ascending


def _answer(
    core: LedgerInstallation,
    site: Site,
    purposes: tuple[str, ...],
    question: Query,
    rows: list[Json],
    zone: str,
    number: int,
) -> Json:
    most = len(rows) if question.whole else question.limit
    return {
        "report": question.name,
        "site": site.id,
        "from": question.first.isoformat(),
        "to": question.last.isoformat(),
        "zone": zone,
        "purposes": list(purposes),
        **_consented(core, site, purposes, question),
        "total": number,
        "shortened": 0,
        "rows": rows[question.offset : question.offset + most],
    }


def _consented(core: LedgerInstallation, site: Site, purposes: tuple[str, ...], question: Query) -> Json:
    """The share of the page views counted by the site's server that was recorded under a consent of the reader's.

    Not known where nothing was counted, nor of what filters choose: these numbers have no dimension but the day.
    """
    if question.filters:
        return {"consented": None, "counted": None}
    totals = core.storage.ledger.totals(site.ref, question.first, counted.PREFIX)
    found = counted.between(totals, question.first, question.last)
    if not found.page_views:
        return {"consented": None, "counted": None}
    recorded = found.under(purposes)
    numbers = {"page_views": found.page_views, "recorded": recorded}
    numbers |= {reason: found.unrecorded.get(reason, 0) for reason in counted.UNRECORDED}
    return {"consented": ratio(recorded, found.page_views), "counted": numbers}


def _consent(core: LedgerInstallation, site: Site, purposes: tuple[str, ...], question: Query) -> Json:
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
    return _answer(core, site, purposes, question, rows, core.settings.timezone, len(rows))
