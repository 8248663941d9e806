"""GoatCounter's and Umami's exports: single hits, counted into days as dongui counts its own. No hit is kept.

Sources: ``export.go`` of github.com/arp242/goatcounter (a gzipped CSV whose first column is named for its version,
``1Path`` or ``2Path``), and ``src/queries/sql/export/getExportWebsiteEvents.ts`` with the route ``export`` and
``EVENT_TYPE`` of ``src/lib/constants.ts`` of github.com/umami-software/umami (a CSV of events in the order of time; an
instant without a zone is UTC, what is not known empty or ``\\N``). A session of theirs stands for a visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import IO
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

from dongui_collector.analytics.columns.making import Day, table_of
from dongui_collector.analytics.columns.measures import all_parts, measure_of
from dongui_collector.analytics.columns.table import TablePart
from dongui_collector.analytics.columns.words import Glossary, Visitors
from dongui_collector.analytics.filters import DIMENSIONS
from dongui_collector.analytics.imports.files import ForeignError, ImportRow, rows
from dongui_collector.analytics.imports.plausible import Days
from dongui_collector.analytics.metrics import Key, Metrics
from dongui_collector.analytics.site_rules import SiteRules
from dongui_collector.analytics.snapshot_rules import HOURS, KEPT
from dongui_collector.core.clock import day_of, start_of
from dongui_collector.storage.contract.values import Fact

_LATE = timedelta(days=2)  # how far back a line may lie behind the newest: exports are in order but for a zone's hours
_UMAMI_EVENT = "website_event.csv"
_PAGE_VIEW, _CUSTOM = 1, 2  # Umami's types of events; the others are no visitor's doing (5 is a page's performance)
_DEVICES = {"mobile": "Phone", "tablet": "Tablet", "desktop": "PC", "laptop": "PC"}


def goatcounter(files: Mapping[str, IO[bytes]], zone: ZoneInfo) -> Days:
    """The days of a GoatCounter export. Raises :class:`ForeignError`."""
    if len(files) != 1:
        raise ForeignError("an export of GoatCounter is one CSV file")
    ((name, file),) = files.items()
    if not name.endswith(".csv"):
        name += ".csv"
    return _counted((hit for row in _goat_rows(file, name) if (hit := _goat(row)) is not None), zone)


def umami(files: Mapping[str, IO[bytes]], zone: ZoneInfo) -> Days:
    """The days of an Umami export. Raises :class:`ForeignError`."""
    if "pages.csv" in files and _UMAMI_EVENT not in files:
        raise ForeignError(
            "this export of Umami has sums of its whole range and no days, so there is nothing to be had of it by day;"
            f" export the table {_UMAMI_EVENT.removesuffix('.csv')} instead"
        )
    name = _UMAMI_EVENT if _UMAMI_EVENT in files else next(iter(files)) if len(files) == 1 else ""
    if not name:
        raise ForeignError(f"there is no {_UMAMI_EVENT} in it: this is no export of Umami")
    found = rows(files[name], name, ("session_id", "created_at", "url_path", "event_type"))
    return _counted((hit for row in found if (hit := _umami(row)) is not None), zone)


def _goat_rows(file: IO[bytes], name: str) -> Iterator[ImportRow]:
    for row in rows(file, name, ("Event", "Bot", "Session", "Date")):
        paths = [column for column in row.values if column in ("1Path", "2Path")]
        if not paths:
            raise ForeignError(f"{name} is of a version of GoatCounter's export that is not known here (1 and 2 are)")
        yield ImportRow(row.where, row.values | {"Path": row.values[paths[0]]})


def _goat(row: ImportRow) -> Fact | None:
    """A hit; None for a bot's."""
    if row.text("Bot") not in (None, "0"):
        return None
    path, referrer, scheme = row.text("Path") or "/", row.text("Referrer"), row.text("Referrer scheme")
    event = (row.text("Event") or "").lower() in ("true", "1")
    # c: a campaign's name; g: a name that GoatCounter made of several addresses, such as Google; h: an address.
    said = {"c": "utm_campaign", "g": "utm_source"}.get(scheme or "")
    query = f"?{urlencode({said: referrer})}" if said and referrer else ""
    url = f"https://site.invalid/{quote(path.lstrip('/'))}{query}"
    size = (row.text("Screen size") or "").split(",")
    return Fact(
        *(0, b"", _visitor(row.text("Session"), row), 0, 0, 0, _instant(row.text("Date"), row, "Date")),
        path if event else "pageview",
        url,
        f"https://{referrer}" if referrer and scheme == "h" else None,
        country=(row.text("Location") or "")[:2] or None,
        browser=row.text("Browser"),
        os=row.text("System"),
        screen=f"{size[0]}x{size[1]}" if len(size) > 1 and size[0] not in ("", "0") else None,
    )


def _umami(row: ImportRow) -> Fact | None:
    """A page view or an event with a name; None for what a page reports by itself."""
    kind = row.number("event_type")
    if kind not in (_PAGE_VIEW, _CUSTOM):
        return None

    def text(column: str) -> str | None:
        found = row.text(column)
        return None if found == r"\N" else found

    query, domain, device = text("url_query"), text("referrer_domain"), text("device")
    return Fact(
        *(0, b"", _visitor(text("session_id"), row), 0, 0, 0, _instant(text("created_at"), row, "created_at")),
        "pageview" if kind == _PAGE_VIEW else text("event_name") or "event",
        f"https://site.invalid{text('url_path') or '/'}" + (f"?{query}" if query else ""),
        f"https://{domain}{text('referrer_path') or '/'}" if domain else None,
        country=text("country"),
        city=text("city"),
        browser=text("browser"),
        os=text("os"),
        device=_DEVICES.get(device.lower(), "Other") if device else None,
        language=text("language"),
        screen=text("screen"),
    )


def _visitor(session: str | None, row: ImportRow) -> bytes:
    if session is None:
        raise ForeignError(f"{row.where}: a session is missing")
    return hashlib.blake2b(session.encode(), digest_size=16).digest()


def _instant(text: str | None, row: ImportRow, column: str) -> int:
    try:
        found = datetime.fromisoformat(text or "")
        if not 1990 <= found.year <= 2999:
            raise ValueError
    except ValueError:
        raise ForeignError(f"{row.where}: {column} is no time such as 2025-03-10T09:00:00Z") from None
    return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _counted(hits: Iterator[Fact], zone: ZoneInfo) -> Days:
    """Days are counted as soon as no more of their hits can come, so that few are in memory."""
    open_: dict[date, list[Fact]] = {}
    days: Days = {}
    newest = date.min
    for hit in hits:
        day = day_of(hit.at, zone)
        if day in days:
            raise ForeignError("its lines are not in the order of time; sort it by its date and try again")
        if day not in open_ and day > newest:
            newest = day
            for done in [d for d in open_ if d < newest - _LATE]:
                days[done] = _tables(open_.pop(done), done, zone)
        open_.setdefault(day, []).append(hit)
    return days | {day: _tables(events, day, zone) for day, events in open_.items()}


def _tables(hits: list[Fact], day: date, zone: ZoneInfo) -> dict[str, dict[Key, Metrics]]:
    site = Day(day.toordinal(), start_of(day, zone), SiteRules(), clicks=lambda _fact: ())
    words, every = Glossary(), frozenset(DIMENSIONS.values())
    table = table_of([(hit, every) for hit in hits], site, words, Visitors())
    part = TablePart(table, slice(0, len(table)))
    measures = {name: measure_of("timeseries" if name == HOURS else name, "hour", day, day, (), zone) for name in KEPT}
    return {name: all_parts(measure, [part], words) for name, measure in measures.items()}
