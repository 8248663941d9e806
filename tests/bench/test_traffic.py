"""The year that the bench makes is a site's: sealed days, waves, people who come back, endings carried out."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

from dongui_collector.storage.contract.stores import iter_rows
from dongui_collector.storage.contract.values import Row

from bench.history import opened
from bench.installation import Installation
from bench.traffic import Made, write_year

LAST = date(2026, 3, 10)


def test_a_year_in_small(tmp_path: Path) -> None:
    installation = Installation.make(tmp_path / "site", testing=True)
    told: list[int] = []
    made = write_year(installation.config, 6000, last=LAST, days=12, advance=told.append)
    assert told == list(range(1, 13))
    with opened(installation.config) as core:
        events = core.storage.events
        days = events.days()
        assert (len(days), days[-1], events.unsealed(date(2026, 3, 11))) == (12, LAST, [])
        rows = [row for day in days for row in iter_rows(events, day)]
        assert core.storage.ledger.intents() == []
    _is_a_sites(made, rows)


def _is_a_sites(made: Made, rows: list[Row]) -> None:
    assert 4500 < made.events < 7500
    assert len(rows) >= made.events * 0.9  # what was withdrawn is gone
    names = Counter(row.name for row in rows)
    assert names["pageview"] > names["engagement"] > names["vital"] > 0
    pages = Counter(row.url.split("?")[0] for row in rows if row.url and row.name == "pageview").most_common()
    assert pages[0][1] > 5 * pages[20][1]  # Zipf
    visits = Counter(row.visitor for row in rows)
    assert max(visits.values()) > 5 * sorted(visits.values())[len(visits) // 2]
    assert len({row.purposes for row in rows}) == 3
    assert any("utm_campaign" in (row.url or "") for row in rows)
