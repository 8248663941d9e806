"""What a report is asked: checked when it is made. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from dongui_collector.analytics import reports
from dongui_collector.analytics.filters import Filter, ReportError
from dongui_collector.analytics.intervals import INTERVALS, Interval
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.core.clock import day_of

LIMIT, MOST_ROWS = 100, 1000
MOST_STEPS, MOST_WEEKS = 12, 106
_OF_PROPERTIES = ("properties", "property_values", "property_numbers")
STEPS = ("page", "event", "event_page", "prop")  # what a funnel's steps may say
NOW_MS = 5 * 60_000
_FIRST, _LAST = date(2000, 1, 1), date(2999, 12, 31)


@dataclass(frozen=True, slots=True)
class Query:
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
    steps: tuple[Filter, ...] = ()  # of a funnel
    since: int | None = None  # only visits with something at or after this instant (epoch ms)
    event_name: str = ""  # of properties: only of events of this name
    property_name: str = ""  # whose values
    beside: str = ""  # the page whose neighbours; stars stand for any characters
    goal: Filter | None = None  # like a step: what its rows brought of it
    value_name: str = ""  # the property with what the goal was worth
    currency_name: str = "currency"  # the property with the currency of that
    every: bool = False  # all rows, whatever the limit: of a file, which has no pages

    def __post_init__(self) -> None:
        if self.name not in reports.REPORTS:
            raise ReportError(f"there are the reports {', '.join(reports.REPORTS)}")
        if not _FIRST <= self.first <= self.last <= _LAST:
            raise ReportError("from must not lie after to, and both in the years 2000 to 2999")
        if self.interval not in INTERVALS:
            raise ReportError(f"interval is one of {', '.join(INTERVALS)}")
        if not 1 <= self.limit <= MOST_ROWS or self.offset < 0:
            raise ReportError(f"limit is 1 to {MOST_ROWS}, offset 0 or more")
        if self.compare and self.name not in reports.COMPARED:
            raise ReportError("compare=previous is for reports whose rows are the same in another period")
        if (self.name in reports.NEIGHBOURS) != bool(self.beside):
            raise ReportError(f"the reports {', '.join(reports.NEIGHBOURS)} have a page, and no other: beside=/cart")
        if self.filters and self.name == "consent":
            raise ReportError("consent is counted without visitors: it has no filters")
        self._check_steps()
        if any(one.others for one in (*self.steps, self.goal) if one):
            raise ReportError("a step or a goal is one filter, without |")
        if (self.name == "property_values") != bool(self.property_name):
            raise ReportError("the report property_values has a property, and no other: property=plan")
        if self.event_name and self.name not in _OF_PROPERTIES:
            raise ReportError(f"event is for the reports {', '.join(_OF_PROPERTIES)}; elsewhere filter=event:NAME")
        self._check_goal()
        if self.name == "retention" and (self.last - self.first).days > MOST_WEEKS * 7:
            raise ReportError(f"retention is worked out for at most {MOST_WEEKS} weeks")

    def _check_goal(self) -> None:
        if self.goal and self.name not in reports.OF_GOALS:
            raise ReportError(f"goal is for the reports {', '.join(reports.OF_GOALS)}")
        if self.goal and self.goal.dimension not in STEPS:
            raise ReportError(f"a goal is like a step, with one of {', '.join(STEPS)}: goal=event:purchase")
        if self.value_name and not (self.goal and self.name in reports.OF_VALUES):
            raise ReportError(f"value is a property of a goal's event, for the reports {', '.join(reports.OF_VALUES)}")

    def _check_steps(self) -> None:
        if (self.name == "funnel") != bool(self.steps):
            raise ReportError("the report funnel has steps, and no other: step=page:/cart&step=event:purchase")
        if len(self.steps) > MOST_STEPS or any(step.dimension not in STEPS for step in self.steps):
            raise ReportError(f"a funnel has at most {MOST_STEPS} steps, each with one of {', '.join(STEPS)}")

    @property
    def previous(self) -> tuple[date, date]:
        """As many days right before."""
        span = self.last - self.first
        return self.first - span - timedelta(days=1), self.first - timedelta(days=1)

    @property
    def whole(self) -> bool:
        """Whether all rows are given, whatever the limit says."""
        return self.every or self.name in ("timeseries", "funnel", "retention")

    @property
    def rests_on_properties(self) -> bool:
        """Whether properties of events must be read for it."""
        return bool(self.value_name) or self.name in _OF_PROPERTIES or "prop" in self.dimensions

    @property
    def dimensions(self) -> tuple[str, ...]:
        """What it tells visits apart by, in rows, filters and steps."""
        return (*reports.BREAKDOWNS.get(self.name, ()), *(d for f in self._conditions for d in f.dimensions))

    @property
    def _conditions(self) -> tuple[Filter, ...]:
        return (*self.filters, *self.steps, *((self.goal,) if self.goal else ()))

    def under(self, site: SiteRules) -> Query:
        """The same question, its pages under the names that the site's rules give them."""
        return replace(
            self,
            filters=tuple(one.under(site) for one in self.filters),
            steps=tuple(step.under(site) for step in self.steps),
            goal=self.goal.under(site) if self.goal else None,
            beside=site.named(self.beside) if self.beside else "",
        )

    def of_now(self, now: int, zone: ZoneInfo) -> Query:
        """Whoever did something within the last minutes; their visit began today, or yesterday if it is midnight."""
        today = day_of(now, zone)
        return replace(self, first=today - timedelta(days=1), last=today, since=now - NOW_MS)
