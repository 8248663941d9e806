"""Asking the reports in the name of who is signed in, for the site and the purposes that the screen is about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import BASE, DIMENSIONS, parse_filter
from dongui_collector.analytics.intervals import Interval, label
from dongui_collector.analytics.metrics import FIGURES_OF_GOAL
from dongui_collector.analytics.reports import OF_GOALS, OF_VALUES
from dongui_collector.analytics.saved_views import Goal, views_of
from dongui_collector.analytics.snapshot_reader import UNKNOWN_STATES
from dongui_collector.core.errors import NotAllowed
from dongui_collector.desk.turns import turn
from dongui_collector.desk.visits.periods import EARLIEST
from dongui_collector.desk.visits.screen_state import ScreenState
from dongui_collector.retention.installation import Installation
from dongui_collector.storage.contract.values import Site

Json = dict[str, Any]
FEWEST = 5  # visitors who have in common what is shown to somebody without an account (docs/decisions/023)


def first_held(core: Installation, site: Site, *, numbers: bool = False) -> date | None:
    """The first day of which rows are held; with ``numbers`` also the first of which only numbers are left."""
    found = core.storage.events.days()[:1]
    if numbers:
        kept = core.storage.ledger.frozen(site.ref, "overview", (), EARLIEST, core.clock.today(core.settings.zone))
        found += [one.day for one in kept[:1]]
    return min(found, default=None)


def not_known(answer: Json) -> bool:
    """Whether an answer is empty for days of which nothing is known, rather than for days on which nothing was."""
    return answer["visits"] is None


def is_whole(answer: Json) -> bool:
    """Whether its figures are of all its days: others rise and fall with the days that are not known."""
    return not missing_days(answer)


def missing_days(answer: Json) -> int:
    """How many of its days were not empty and are in none of its figures: their rows have aged out."""
    return sum(answer["days"][state] for state in UNKNOWN_STATES)


def figures_of_goal(answer: Json) -> tuple[str, ...]:
    """The figures that a list shows of its goal; none where it was asked without."""
    if "goal" not in answer:
        return ()
    return (*FIGURES_OF_GOAL, "revenue") if "currency" in answer else FIGURES_OF_GOAL


class ScreenReader:
    """Who reads a site's reports, and for which purposes.

    ``readable`` are all purposes that could be asked for, with their items: those of the notice in force that rest on
    consent, as for everything that is the controller's own use.
    """

    def __init__(self, core: Installation, site: Site, asked: ScreenState) -> None:
        self.core, self.site, self.asked = core, site, asked
        self.notice = core.registry.in_force(site.ref, core.clock.now())
        policy = self.notice.policy
        self.readable = {name: frozenset(policy.purposes[name].items) for name in policy.consent_purposes}
        wanted = asked.purposes or tuple(self.readable)
        if not set(wanted) <= self.readable.keys():
            raise NotAllowed(f"only these purposes may be asked for: {', '.join(self.readable)}")
        self.purposes = wanted

    def ask(self, name: str, days: tuple[date, date] | None = None, **more: Any) -> Json:
        """A report with the screen's filters, of its days unless others are given."""
        first, last = days or (self.asked.first, self.asked.last)
        question = Query(name, first, last, self.asked.parsed(), **more)
        with turn():
            return report(self.core, self.site, self.purposes, question)

    @property
    def goal(self) -> Goal | None:
        """The saved goal that the screen's lists are about; None where none is chosen, or it has been dropped."""
        if not self.asked.goal:
            return None
        return next((one for one in views_of(self.core, self.site).goals if one.id == self.asked.goal), None)

    def ask_list(self, name: str, **more: Any) -> Json:
        """A report with what each of its rows brought of the screen's goal, where its rows are visits."""
        goal = self.goal
        if goal and name in OF_GOALS:
            more["goal"] = parse_filter(goal.what)
            priced = goal.value and name in OF_VALUES and self.core.settings.currency
            more |= {"value_name": goal.value} if priced else {}
        return self.ask(name, **more)

    def ask_of_many(self, name: str, limit: int) -> Json:
        """The longest rows of a report, less those that only a few visitors have in common."""
        answer = self.ask(name, limit=limit)
        return answer | {"rows": [row for row in answer["rows"] if (row["visitors"] or 0) >= FEWEST]}

    def lacking(self, dimensions: Iterable[str] = ()) -> list[str]:
        """The items that a list by ``dimensions`` and the screen's filters rest on and the purposes do not cover."""
        covered = EntitledEvents(self.core, self.site, self.purposes).items()
        return [item for item in self._needed(dimensions) if item not in covered]

    def rests_on(self, dimensions: Iterable[str] = ()) -> list[str]:
        """The purposes that such a list rests on: those that list all of its items, else those that add any."""
        needed = set(self._needed(dimensions))
        whole = [name for name in self.purposes if self.readable[name] >= needed]
        return whole or [name for name in self.purposes if self.readable[name] & needed]

    def _needed(self, dimensions: Iterable[str]) -> list[str]:
        filtered = (name for one in self.asked.parsed() for name in one.dimensions)
        return list(
            dict.fromkeys((*BASE, *(DIMENSIONS[name] for name in (*dimensions, *filtered) if name in DIMENSIONS)))
        )

    @property
    def zone(self) -> ZoneInfo:
        return self.core.settings.zone

    def today(self) -> date:
        return self.core.clock.today(self.zone)

    def is_to_come(self, time: str) -> bool:
        """Whether an interval of a timeseries lies in the future: then nothing is known, rather than nothing was."""
        if "T" in time:
            return datetime.fromisoformat(time).timestamp() * 1000 > self.core.clock.now()
        return date.fromisoformat(time if len(time) > 7 else f"{time}-01") > self.today()

    def is_unfinished(self, time: str, interval: Interval) -> bool:
        """Whether an interval of a timeseries is going on: its figure still grows, and is no fall."""
        return time == label(interval, self.zone)(self.core.clock.now())
