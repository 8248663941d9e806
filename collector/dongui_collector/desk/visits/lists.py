"""A whole list of the Visits screen: searched by what its rows are called, sorted by any figure, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from dongui.i18n import Words
from werkzeug.datastructures import MultiDict

from dongui_collector.analytics.executor import MOST_ROWS
from dongui_collector.analytics.filters import DIMENSIONS
from dongui_collector.analytics.reports import COMPARED
from dongui_collector.core.addresses import readable_path
from dongui_collector.desk.visits.answers import ScreenReader, is_whole, missing_days, not_known
from dongui_collector.desk.visits.panels import PanelRow, Tab, rows

PAGE = 50
_NAMES = {*DIMENSIONS, "property", "value", "previous"}  # columns that are no figures
_SEARCHED = 10_000  # rows that a search looks through


@dataclass(frozen=True, slots=True)
class ListQuery:
    """What a list is asked for, beside the screen's own state."""

    search: str = ""
    sort: str = ""
    ascending: bool = False
    page: int = 1
    property_name: str = ""
    event_name: str = ""

    @classmethod
    def of(cls, args: MultiDict[str, str]) -> ListQuery:
        page = args.get("page", "1")
        return cls(
            args.get("search", "").strip()[:200],
            args.get("sort", ""),
            args.get("order") == "asc",
            min(max(int(page), 1), 10_000) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
            args.get("property", ""),
            args.get("event", ""),
        )

    @property
    def whose(self) -> dict[str, Any]:
        """Whose values a list has, as a question says it."""
        return {"property_name": self.property_name, "event_name": self.event_name} if self.property_name else {}


@dataclass(frozen=True, slots=True)
class ListPage:
    """A page of a list. ``columns`` are (figure, address sorted by it, how it is sorted now).

    ``shortened`` is of how many days the list lacks what few had in common, ``missing`` of how many everything.
    ``compared`` is whether rows have changes since the period before, ``currency`` what its sums of money are in, and
    ``file`` the address's end for its file.
    """

    columns: list[tuple[str, str, str]]
    rows: list[PanelRow]
    total: int
    first: int
    previous: str | None
    next: str | None
    cut: bool
    not_known: bool
    shortened: int
    missing: int
    compared: bool
    currency: str
    file: str


def whole_list(reader: ScreenReader, tab: Tab, wanted: ListQuery, lang: str, words: Words) -> ListPage:
    compare = {"compare": True} if reader.asked.compare == "previous" and tab.report in COMPARED else {}
    sample = reader.ask_list(tab.report, limit=1, **compare, **wanted.whose)
    figures = tuple(name for name in (sample["rows"][0] if sample["rows"] else {}) if name not in _NAMES)
    sort = wanted.sort if wanted.sort in figures else (figures[0] if figures else "")
    order: dict[str, Any] = {"sort": sort, "ascending": wanted.ascending} if sort else {}
    order |= compare | wanted.whose
    start = (wanted.page - 1) * PAGE
    if wanted.search:
        found, cut = _searched(reader, tab, wanted, order, lang, words, figures)
        total, shown = len(found), found[start : start + PAGE]
    else:
        answer = reader.ask_list(tab.report, limit=PAGE, offset=start, **order)
        total, cut = answer["total"], False
        shown = rows(tab, answer, reader.asked, lang, words, figures, wanted.property_name)
    link = _links(reader, wanted, sort)
    columns = [
        (name, link(sort=name, order="" if wanted.ascending or name != sort else "asc"), _sorted(name, sort, wanted))
        for name in figures
    ]
    return ListPage(
        columns,
        shown,
        total,
        start,
        link(page=wanted.page - 1) if wanted.page > 1 else None,
        link(page=wanted.page + 1) if start + PAGE < total else None,
        cut,
        not_known(sample),
        sample["shortened"],
        missing_days(sample),
        "previous" in sample and is_whole(sample) and is_whole(sample["previous"]),
        sample.get("currency", ""),
        link(search=""),
    )


def _searched(
    reader: ScreenReader,
    tab: Tab,
    wanted: ListQuery,
    order: dict[str, Any],
    lang: str,
    words: Words,
    figures: tuple[str, ...],
) -> tuple[list[PanelRow], bool]:
    """The rows whose name has the text in it, without regard to case; and whether there were too many to look at.

    A page is found by its readable name and by its escaped one.
    """
    found, offset, total = list[PanelRow](), 0, 1
    texts = {text.casefold() for text in (wanted.search, readable_path(wanted.search))}
    while offset < min(total, _SEARCHED):
        answer = reader.ask_list(tab.report, limit=MOST_ROWS, offset=offset, **order)
        total, offset = answer["total"], offset + MOST_ROWS
        every = rows(tab, answer, reader.asked, lang, words, figures, wanted.property_name)
        found += [row for row in every if any(text in f"{row.label}\n{row.beside}".casefold() for text in texts)]
    return found, total > _SEARCHED


def _sorted(name: str, sort: str, wanted: ListQuery) -> str:
    return "none" if name != sort else "ascending" if wanted.ascending else "descending"


def _links(reader: ScreenReader, wanted: ListQuery, sort: str) -> Any:
    def link(**changes: Any) -> str:
        state = {
            "property": wanted.property_name,
            "event": wanted.event_name,
            "search": wanted.search,
            "sort": sort,
            "order": "asc" if wanted.ascending else "",
        }
        pairs = [(key, str(value)) for key, value in (state | changes).items() if value]
        return f"?{urlencode([*reader.asked.pairs(), *pairs])}"

    return link
