"""Every panel of the Visits screen as a CSV file: all of its rows, with the figures as the reports have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.wrappers import Response

from dongui_collector.analytics.filters import parse_filter
from dongui_collector.analytics.metrics import ratio
from dongui_collector.analytics.reports import NEIGHBOURS
from dongui_collector.analytics.saved_views import views_of
from dongui_collector.desk.table_files import as_download, table_file
from dongui_collector.desk.visits.answers import ScreenReader
from dongui_collector.desk.visits.extras import page_of, retention_days
from dongui_collector.desk.visits.lists import ListQuery
from dongui_collector.desk.visits.panels import LISTS

Json = dict[str, Any]


def _timeseries(reader: ScreenReader) -> Response:
    return as_download(reader.ask("timeseries", interval=reader.asked.interval))


def _retention(reader: ScreenReader) -> Response:
    return as_download(reader.ask("retention", retention_days(reader)))


def _vitals(reader: ScreenReader) -> Response:
    return as_download(reader.ask("vitals", every=True))


def _weekdays(reader: ScreenReader) -> Response:
    return as_download(reader.ask("weekdays", every=True))


def _flow(reader: ScreenReader) -> Response:
    page, rows = page_of(reader), list[Json]()
    for name in NEIGHBOURS if page else ():
        rows += [{"report": name} | row for row in reader.ask(name, beside=page, every=True)["rows"]]
    return _file(reader, "flow", ("report", "page", "visitors", "visits", "page_views"), rows)


def _goals(reader: ScreenReader) -> Response:
    rows: list[Json] = []
    for one in views_of(reader.core, reader.site).goals:
        answer = reader.ask("funnel", steps=(parse_filter(one.what),))
        (row,) = answer["rows"]
        rows.append(row | {"goal": one.name, "rate": ratio(row["visits"] or 0, answer["visits"] or 0)})
    return _file(reader, "goals", ("goal", "filter", "visitors", "visits", "rate"), rows)


def _funnels(reader: ScreenReader) -> Response:
    rows: list[Json] = []
    for one in views_of(reader.core, reader.site).funnels:
        answer = reader.ask("funnel", steps=tuple(map(parse_filter, one.steps)))
        rows += [row | {"funnel": one.name} for row in answer["rows"]]
    return _file(reader, "funnels", ("funnel", "step", "filter", "visitors", "visits", "share"), rows)


def _file(reader: ScreenReader, name: str, columns: tuple[str, ...], rows: Iterable[Json]) -> Response:
    return table_file(f"{name}-{reader.asked.first}-{reader.asked.last}", columns, rows)


_OTHERS: Mapping[str, Callable[[ScreenReader], Response]] = {
    "timeseries": _timeseries,
    "goals": _goals,
    "funnels": _funnels,
    "retention": _retention,
    "vitals": _vitals,
    "weekdays": _weekdays,
    "flow": _flow,
}
DOWNLOADS = (*LISTS, *_OTHERS)


def download(reader: ScreenReader, name: str, wanted: ListQuery) -> Response:
    """One of :data:`DOWNLOADS`; a list in the order in which it is shown. Raises what a report raises."""
    if name in _OTHERS:
        return _OTHERS[name](reader)
    return as_download(
        reader.ask_list(
            name, every=True, sort=wanted.sort, ascending=wanted.ascending if wanted.sort else None, **wanted.whose
        )
    )
