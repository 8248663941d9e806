"""Plausible's CSV export: a zip of tables that are daily sums already.

Source: ``lib/plausible/exports.ex`` of github.com/plausible/analytics; the tables are named ``imported_<table>`` with
the first and last day behind. Visitors are a day's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import IO

from dongui_collector.analytics.imports.files import ForeignError, ImportRow, rows
from dongui_collector.analytics.metrics import Key, Metrics, plus
from dongui_collector.analytics.reports import NAMES
from dongui_collector.analytics.snapshot_rules import outlives
from dongui_collector.core.addresses import parts_of

Days = dict[date, dict[str, dict[Key, Metrics]]]

# Table → its columns beside date and visitors.
_TABLES: Mapping[str, tuple[str, ...]] = {
    "imported_visitors": ("pageviews", "bounces", "visits", "visit_duration"),
    "imported_sources": ("source", "visits"),
    "imported_pages": ("page", "visits", "pageviews"),
    "imported_entry_pages": ("entry_page", "entrances", "bounces", "visit_duration"),
    "imported_exit_pages": ("exit_page", "exits"),
    "imported_locations": ("country", "visits"),
    "imported_devices": ("device", "visits"),
    "imported_browsers": ("browser", "visits"),
    "imported_operating_systems": ("operating_system", "visits"),
    "imported_custom_events": ("name", "events"),
}
_DEVICES = {"Mobile": "Phone", "Tablet": "Tablet", "Desktop": "PC", "Laptop": "PC", "Ultrawide": "PC"}


def read(files: Mapping[str, IO[bytes]]) -> Days:
    """The days of an export. Raises :class:`ForeignError`."""
    days: Days = {}
    sure: dict[tuple[date, str, Key], int] = {}  # visitors of the line that has most: those of several may be the same
    known = {kind: name for name in files for kind in _TABLES if name.removesuffix(".csv").startswith(kind)}
    if "imported_visitors" not in known:
        raise ForeignError("there is no imported_visitors CSV in it: this is no export of Plausible")
    for kind, name in known.items():
        for row in rows(files[name], name, ("date", "visitors", *_TABLES[kind])):
            day = row.day("date")
            reports = days.setdefault(day, {})
            for report, key, part in _said(kind, row):
                found = reports.setdefault(report, {})
                found[key] = plus(found[key], part) if key in found else part
                sure[day, report, key] = max(sure.get((day, report, key), 0), part.visitors)
    without = next((day for day, reports in days.items() if "overview" not in reports), None)
    if without is not None:
        raise ForeignError(f"{without} is in other tables, but not in imported_visitors: the export is not whole")
    for reports in days.values():  # of a page's views, the share that were a visit's last
        views = {key: part.views for key, part in reports.get("pages", {}).items()}
        exits = reports.get("exit_pages", {})
        exits.update({key: part._replace(views=views.get(key, 0)) for key, part in exits.items()})
    return {day: {name: _of_many(day, name, found, sure) for name, found in days[day].items()} for day in days}


def _of_many(
    day: date, report: str, found: Mapping[Key, Metrics], sure: Mapping[tuple[date, str, Key], int]
) -> dict[Key, Metrics]:
    """The rows that enough visitors have in common for certain."""
    names = NAMES[report]
    return {k: p for k, p in found.items() if outlives(names, p._replace(visitors=sure[day, report, k]))}


def _said(kind: str, row: ImportRow) -> Iterator[tuple[str, Key, Metrics]]:
    """(report, key, parts) that a line says."""
    visits = row.number("visits")
    part = Metrics(
        row.number("visitors"),
        visits,
        visits,
        row.number("pageviews"),
        row.number("bounces"),
        row.number("visit_duration") * 1000,
    )
    match kind:
        case "imported_visitors":
            yield "overview", (), part
        case "imported_sources":
            source, medium, campaign = row.text("source"), row.text("utm_medium"), row.text("utm_campaign")
            yield "sources", (source, None), part
            yield "campaigns", (campaign, source, medium), part
            yield "referrers", (_host(row.text("referrer")),), part
            for report, column in (("mediums", "utm_medium"), ("terms", "utm_term"), ("contents", "utm_content")):
                yield report, (row.text(column),), part
        case "imported_pages":
            yield "pages", (row.text("page"),), part
        case "imported_entry_pages":
            entrances = row.number("entrances")
            yield "entry_pages", (row.text("entry_page"),), part._replace(visits=entrances, viewed=entrances)
        case "imported_exit_pages":
            yield "exit_pages", (row.text("exit_page"),), part._replace(visits=row.number("exits"))
        case "imported_locations":  # its cities are numbers of GeoNames
            yield "countries", (row.text("country"),), part
            yield "locations", (row.text("country"), None), part
        case "imported_devices":
            yield "devices", (_DEVICES.get(row.text("device") or "", "Other"),), part
        case "imported_browsers":
            yield "browsers", (row.text("browser"),), part
        case "imported_operating_systems":
            yield "os", (row.text("operating_system"),), part
        case _:
            yield "events", (row.text("name"),), Metrics(part.visitors, part.visitors, 0, row.number("events"))


def _host(referrer: str | None) -> str | None:
    if referrer is None:
        return None
    return parts_of(referrer if "//" in referrer else f"https://{referrer}")[0]
