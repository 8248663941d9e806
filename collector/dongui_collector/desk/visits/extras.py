"""What stands below the lists: goals, funnels, who came back, web vitals. Plain values for a template."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from babel.dates import get_day_names

from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.query import MOST_ROWS
from dongui_collector.analytics.reports import NEIGHBOURS
from dongui_collector.analytics.saved_views import views_of
from dongui_collector.desk.visits import time_axis
from dongui_collector.desk.visits.answers import ScreenReader, missing_days, not_known
from dongui_collector.desk.visits.figures import Number, shown

Json = dict[str, Any]
WEEKS = 10  # of the table of who came back
_PAGES = 10
# Metric → what is good and what is poor, by web.dev: up to the first, above the second.
VITALS: Mapping[str, tuple[float, float]] = {
    "lcp": (2500, 4000),
    "inp": (200, 500),
    "cls": (0.1, 0.25),
    "fcp": (1800, 3000),
    "ttfb": (800, 1800),
}


@dataclass(frozen=True, slots=True)
class Step:
    """A goal or a step of a funnel. ``share`` is of all visits, ``kept`` of the step before; both in words."""

    name: str
    visitors: str
    visits: str
    share: str
    width: float
    kept: str
    filter: str


def _steps(reader: ScreenReader, steps: Sequence[str], names: Sequence[str], lang: str) -> tuple[list[Step], int]:
    """How many visits came to each step, in their order; and of how many days that is not known."""
    answer = reader.ask("funnel", steps=tuple(map(parse_filter, steps)))
    found: list[Step] = []
    before = answer["visits"]
    for row, step, name in zip(answer["rows"], steps, names, strict=True):
        of_all = row["visits"] / answer["visits"] if answer["visits"] else None
        of_before = row["visits"] / before if before else None
        made = Step(
            name,
            visitors=shown("visitors", row["visitors"], lang),
            visits=shown("visits", row["visits"], lang),
            share=shown("rate", of_all, lang),
            width=round(100 * (of_all or 0), 1),
            kept=shown("rate", of_before, lang),
            filter=step,
        )
        found.append(made)
        before = row["visits"]
    return found, missing_days(answer)


def goals(reader: ScreenReader, lang: str) -> Json:
    listed = views_of(reader.core, reader.site).goals
    found = [_steps(reader, (one.what,), (one.name,), lang) for one in listed]
    return {"goals": [steps[0] for steps, _ in found], "missing": max((missing for _, missing in found), default=0)}


def funnels(reader: ScreenReader, lang: str) -> Json:
    """All funnels; which of them is open is a matter of the page."""
    listed = views_of(reader.core, reader.site).funnels
    found = [(one.name, *_steps(reader, one.steps, one.steps, lang)) for one in listed]
    return {
        "funnels": [(name, steps) for name, steps, _ in found],
        "missing": max((missing for *_, missing in found), default=0),
    }


@dataclass(frozen=True, slots=True)
class Cohort:
    """Visitors who were first seen in a week. ``cells``: (step of colour 0 to 5, share in words, number in words).

    ``unfinished`` is the week after it that is not over yet, 0 the week itself; it may lie beyond the last cell.
    """

    week: str
    size: str
    cells: list[tuple[int, str, str]]
    unfinished: int


def retention_days(reader: ScreenReader) -> tuple[date, date]:
    """The weeks of the table of who came back: the last ones up to the end of the period."""
    last = reader.asked.last
    return last - timedelta(days=last.weekday(), weeks=WEEKS - 1), last


def retention(reader: ScreenReader, lang: str) -> Json:
    """The last weeks up to the end of the period: of whom each week brought, how many came back in those after it."""
    first, last = retention_days(reader)
    answer = reader.ask("retention", (first, last))
    weeks: dict[str, dict[int, int]] = {}
    for row in answer["rows"]:
        weeks.setdefault(row["week"], {})[row["after"]] = row["visitors"]
    cohorts = [
        Cohort(
            time_axis.name(week, "day", lang),
            shown("visitors", counts.get(0, 0), lang),
            [_cell(counts.get(n, 0), counts.get(0, 0), lang) for n in range(1, len(counts))],
            (reader.today() - date.fromisoformat(week)).days // 7,
        )
        for week, counts in sorted(weeks.items())
        if date.fromisoformat(week) >= first and counts.get(0)
    ]
    return {
        "cohorts": cohorts,
        "after": list(range(1, WEEKS)),
        "not_known": not_known(answer),
        "missing": missing_days(answer),
    }


def _cell(number: int, size: int, lang: str) -> tuple[int, str, str]:
    share = number / size if size else 0.0
    return min(5, -(-round(share * 100) // 20)), shown("rate", share, lang), shown("visitors", number, lang)


def vitals(reader: ScreenReader, lang: str) -> Json:
    """Pages with the value that three quarters of their samples do not exceed, and whether that is good."""
    answer = reader.ask("vitals", limit=_PAGES)
    rows = [
        (row["page"], shown("visitors", row["samples"], lang), [_vital(name, row.get(name), lang) for name in VITALS])
        for row in answer["rows"]
    ]
    return {"rows": rows, "metrics": list(VITALS), "not_known": not_known(answer), "missing": missing_days(answer)}


def _vital(name: str, value: Number, lang: str) -> tuple[str, str]:
    if value is None:
        return "–", ""
    good, poor = VITALS[name]
    said = shown(name, round(value, 3), lang) if name == "cls" else f"{shown(name, round(value), lang)} ms"
    return said, "good" if value <= good else "bad" if value > poor else "middling"


def weekdays(reader: ScreenReader, lang: str) -> Json:
    """Visits by the weekday and the hour at which they began: a row a day, each cell darker the more there were."""
    answer = reader.ask("weekdays", limit=MOST_ROWS)
    visits = {(row["weekday"], row["hour"]): row["visits"] or 0 for row in answer["rows"]}
    most = max(visits.values(), default=0)
    names = get_day_names("abbreviated", locale=lang)
    rows = [
        (names[day - 1], [_shade(visits.get((day, hour), 0), most, lang) for hour in range(24)]) for day in range(1, 8)
    ]
    return {
        "rows": rows if most else [],
        "hours": list(range(24)),
        "not_known": not_known(answer),
        "missing": missing_days(answer),
    }


def _shade(number: int, most: int, lang: str) -> tuple[int, str]:
    return -(-5 * number // most) if most else 0, shown("visits", number, lang)


def flow(reader: ScreenReader, lang: str) -> Json:
    """What was seen right before and right after the page that the screen is filtered by."""
    page = page_of(reader)
    if page is None:
        return {"page": None}
    found = {name: reader.ask(name, beside=page, limit=_PAGES) for name in NEIGHBOURS}
    lists = {name: [_beside(reader, row, lang) for row in answer["rows"]] for name, answer in found.items()}
    return {"page": page, "lists": lists, "missing": max(map(missing_days, found.values()))}


def page_of(reader: ScreenReader) -> str | None:
    """The page that the screen is filtered by; None where it is by none."""
    pages = (one.value for one in reader.asked.parsed() if one.dimension == "page" and not (one.negated or one.others))
    return next(pages, None)


def _beside(reader: ScreenReader, row: Json, lang: str) -> tuple[str | None, str, str]:
    """A page (None: the visit began or ended there), how often, and where it leads: to what was beside that page."""
    kept = tuple(one for one in reader.asked.filters if not one.startswith("page:"))
    href = reader.asked.query(filters=(*kept, f"page:{row['page']}")) if row["page"] else ""
    return row["page"], shown("page_views", row["page_views"], lang), href


EXTRAS: Mapping[str, Callable[[ScreenReader, str], Json]] = {
    "goals": goals,
    "funnels": funnels,
    "retention": retention,
    "weekdays": weekdays,
    "flow": flow,
    "vitals": vitals,
}
