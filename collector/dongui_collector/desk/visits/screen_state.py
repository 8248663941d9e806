"""What is asked of the Visits screen: read from an address, and written back into one with something changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from dongui_collector.analytics.filters import Filter, ReportError, parse_filter
from dongui_collector.analytics.intervals import Interval
from dongui_collector.core.clock import parse_day
from dongui_collector.desk.visits.periods import (
    COMPARISONS,
    CUSTOM,
    DEFAULT,
    EARLIEST,
    PERIODS,
    compared,
    days_of,
    offered,
    usual,
)

METRICS = ("visitors", "visits", "page_views", "views_per_visit", "bounce_rate", "visit_duration")
MOST_FILTERS = 20
_TAB = "tab_"


@dataclass(frozen=True, slots=True)
class ScreenState:
    """The state of the screen, all of it in the address.

    ``filters`` are written as the reports take them (``page:/blog/*``, ``!country:KR``). ``purposes`` empty means all
    that may be read. ``tabs`` are the lists that are open, by panel. ``whole``: render everything at once, since the
    browser runs no scripts. ``site`` is named where there are several. ``goal`` is the number of the saved goal of
    which lists tell what their rows brought, 0 for none. ``fixed``: site, filters, purposes and goal are not for the
    reader to change, and not in the address.
    """

    period: str
    first: date
    last: date
    compare: str = "previous"
    interval: Interval = "day"
    metric: str = "visitors"
    filters: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    tabs: tuple[tuple[str, str], ...] = ()
    site: str = ""
    goal: int = 0
    whole: bool = False
    fixed: bool = False

    @property
    def before(self) -> tuple[date, date] | None:
        """The days to compare with."""
        return compared(self.first, self.last, self.compare)

    def parsed(self) -> tuple[Filter, ...]:
        return tuple(map(parse_filter, self.filters))

    def tab(self, panel: str, default: str) -> str:
        return dict(self.tabs).get(panel, default)

    def pairs(self) -> list[tuple[str, str]]:
        """The state as pairs of a query, without what is as usual."""
        pairs = [("site", self.site)] if self.site and not self.fixed else []
        pairs += [("period", self.period)] if self.period != DEFAULT else []
        if self.period == CUSTOM:
            pairs += [("from", self.first.isoformat()), ("to", self.last.isoformat())]
        pairs += [("compare", self.compare)] if self.compare != "previous" else []
        pairs += [("interval", self.interval)] if self.interval != usual(self.first, self.last) else []
        pairs += [("metric", self.metric)] if self.metric != "visitors" else []
        if not self.fixed:
            pairs += [("filter", one) for one in self.filters] + [("purpose", one) for one in self.purposes]
            pairs += [("goal", str(self.goal))] if self.goal else []
        pairs += [(_TAB + panel, tab) for panel, tab in self.tabs]
        return pairs + ([("whole", "1")] if self.whole and not self.fixed else [])

    def query(self, **changes: Any) -> str:
        """``?…`` for the same screen with something changed; another period also means its usual interval."""
        changed = replace(self, **changes)
        return f"?{urlencode(changed.pairs())}"

    def with_filter(self, one: str) -> str:
        return self.with_filters((one,))

    def with_filters(self, several: tuple[str, ...]) -> str:
        return self.query(filters=(*(f for f in self.filters if f not in several), *several))

    def without_filter(self, one: str) -> str:
        return self.query(filters=tuple(f for f in self.filters if f != one))

    def with_tab(self, panel: str, tab: str) -> str:
        return self.query(tabs=tuple((dict(self.tabs) | {panel: tab}).items()))

    def of_period(self, period: str, today: date, first_held: date | None) -> str:
        """The same screen for another named period."""
        first, last = days_of(period, today, first_held)
        return self.query(period=period, first=first, last=last, interval=usual(first, last))


def read(
    args: MultiDict[str, str], today: date, first_held: date | None, site: str = "", *, fixed: bool = False
) -> ScreenState:
    """The state that an address asks for. What is unknown is as usual; a filter or a day that is none is refused.

    Raises :class:`~dongui_collector.analytics.filters.ReportError`.
    """
    period = args.get("period", DEFAULT)
    if period == CUSTOM:
        first, last = _days(args)
    else:
        period = period if period in PERIODS else DEFAULT
        first, last = days_of(period, today, first_held)
    filters = tuple(dict.fromkeys(args.getlist("filter")))
    if len(filters) > MOST_FILTERS:
        raise ReportError(f"at most {MOST_FILTERS} filters")
    list(map(parse_filter, filters))
    interval = args.get("interval", "")
    return ScreenState(
        period,
        first,
        last,
        compare=_one_of(args.get("compare"), COMPARISONS),
        interval=interval if interval in offered(first, last) else usual(first, last),
        metric=_one_of(args.get("metric"), METRICS),
        filters=filters,
        purposes=tuple(dict.fromkeys(args.getlist("purpose"))),
        tabs=tuple((key.removeprefix(_TAB), args[key]) for key in args if key.startswith(_TAB)),
        site=site,
        goal=_number(args.get("goal", "")),
        fixed=fixed,
        whole=args.get("whole") == "1",
    )


def _one_of(asked: str | None, known: tuple[str, ...]) -> str:
    return asked if asked in known else known[0]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _days(args: MultiDict[str, str]) -> tuple[date, date]:
    try:
        first, last = parse_day(args.get("from", "")), parse_day(args.get("to", ""))
    except ValueError:
        raise ReportError("from and to are days such as 2026-11-23") from None
    first, last = min(first, last), max(first, last)
    if first < EARLIEST or last.year > 2999:
        raise ReportError("from and to lie in the years 2000 to 2999")
    return first, last
