"""The panels of the Visits screen and their lists: their reports, and rows as a template takes them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dongui.i18n import Words

from dongui_collector.analytics.filters import LONGEST
from dongui_collector.analytics.sessions import PASSIVE
from dongui_collector.desk.visits.figures import FigureChange, Number, change, shown
from dongui_collector.desk.visits.names import label
from dongui_collector.desk.visits.screen_state import MOST_FILTERS, ScreenState

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tab:
    """A list of a panel: the report, the dimension that its rows filter by, and the figures shown beside a row.

    ``beside`` is a second column that tells rows apart (a city's country). The first figure is the bar's.
    """

    report: str
    dimension: str
    figures: tuple[str, ...] = ("visitors",)
    beside: str = ""


# Panel → its lists, the first of them open unless the address says otherwise.
PANELS: Mapping[str, tuple[Tab, ...]] = {
    "sources": (
        Tab("channels", "channel"),
        Tab("sources", "source", beside="channel"),
        Tab("referrers", "referrer"),
        Tab("campaigns", "campaign", beside="source"),
        Tab("mediums", "medium"),
        Tab("terms", "term"),
        Tab("contents", "content"),
        Tab("click_ids", "click_id"),
    ),
    "pages": (
        Tab("pages", "page", ("visitors", "page_views")),
        Tab("entry_pages", "entry_page", ("visits", "bounce_rate")),
        Tab("exit_pages", "exit_page", ("visits", "exit_rate")),
    ),
    "locations": (Tab("countries", "country"), Tab("locations", "city", beside="country")),
    "devices": (
        Tab("devices", "device"),
        Tab("browsers", "browser"),
        Tab("os", "os"),
        Tab("screens", "screen"),
        Tab("languages", "language"),
    ),
    "events": (
        Tab("events", "event", ("visitors", "events", "rate")),
        Tab("properties", "property", ("visitors", "events"), beside="event"),
    ),
    "searches": (Tab("searches", "search", ("visitors", "searches")),),
}
# How the panels stand beside each other on a wide screen; on a narrow one in the order of PANELS.
COLUMNS = (("sources", "locations"), ("pages", "devices", "events", "searches"))
TABS: Mapping[str, Tab] = {tab.report: tab for tabs in PANELS.values() for tab in tabs}
VALUES = Tab("property_values", "value", ("visitors", "events", "rate"))  # of one property: a list without a panel
LISTS: Mapping[str, Tab] = {**TABS, VALUES.report: VALUES}
SHOWN = 8  # rows of a panel; the whole list has its own page


@dataclass(frozen=True, slots=True)
class PanelRow:
    """A row as it is shown. ``share``: a bar's length in percent; ``href``: None where nothing filters."""

    label: str
    beside: str
    known: bool
    share: float
    of_all: str
    figures: tuple[str, ...]
    href: str | None
    change: FigureChange | None = None  # of the first figure, since the period before


def without_lead_of_technical(tab: Tab, answer: Json) -> Json:
    """The answer with the events that a browser sends by itself after those that somebody did."""
    if tab.dimension != "event":
        return answer
    return answer | {"rows": sorted(answer["rows"], key=lambda row: row["event"] in PASSIVE)}


def panel_of(report: str) -> str:
    """The panel in which a report is a list."""
    return next(panel for panel, tabs in PANELS.items() if any(tab.report == report for tab in tabs))


def open_tab(panel: str, asked: ScreenState) -> Tab:
    """The list that a panel shows."""
    wanted = asked.tab(panel, "")
    return next((tab for tab in PANELS[panel] if tab.report == wanted), PANELS[panel][0])


def rows(
    tab: Tab,
    answer: Json,
    asked: ScreenState,
    lang: str,
    words: Words,
    figures: Iterable[str] = (),
    property: str = "",
) -> list[PanelRow]:
    """The rows of an answer; ``figures`` are shown instead of the tab's own. ``property``: whose values they are."""
    wanted = tuple(figures) or tab.figures
    first = wanted[0]
    most = max((row[first] or 0 for row in answer["rows"]), default=0)
    every = answer["visitors"] if first == "visitors" else answer["visits"]
    if answer["shortened"]:  # of some days a row may be missing, and a share of all days would be too small
        every = None
    return [_row(tab, row, asked, lang, words, wanted, most, every, property) for row in answer["rows"]]


def _row(
    tab: Tab,
    row: Json,
    asked: ScreenState,
    lang: str,
    words: Words,
    figures: tuple[str, ...],
    most: float,
    every: int | None,
    property: str,
) -> PanelRow:
    column = tab.dimension.removeprefix("entry_").removeprefix("exit_")
    value: str | None = row[column]
    number: Number = row[figures[0]]
    name = label(column, value, row.get("channel"), lang, words)
    beside = label(tab.beside, row[tab.beside], None, lang, words) if tab.beside and row[tab.beside] else ""
    return PanelRow(
        label=name,
        beside=beside if beside != name else "",
        known=value is not None,
        share=round(100 * (number or 0) / most, 1) if most else 0.0,
        of_all=shown("rate", (number or 0) / every if every else None, lang),
        figures=tuple(shown(name, row[name], lang) for name in figures),
        change=change(figures[0], number, row["previous"][figures[0]], lang) if "previous" in row else None,
        href=_href(tab, row, value, asked, property),
    )


def _href(tab: Tab, row: Json, value: str | None, asked: ScreenState, property: str) -> str | None:
    """Where a row leads, behind the address of the screen: to the screen with one filter more, or to a list."""
    if tab.report == "properties":
        of = urlencode({"property": value, "event": row["event"] or ""})
        query = asked.query()
        return f"/list/{VALUES.report}{query}{'&' if len(query) > 1 else ''}{of}" if value else None
    if tab is VALUES and value is None:
        return None
    one = f"prop:{property}={value}" if tab is VALUES else f"{tab.dimension}:{value or ''}"
    if asked.fixed or len(value or "") > LONGEST or len(asked.filters) >= MOST_FILTERS or one in asked.filters:
        return None
    return asked.with_filter(one)
