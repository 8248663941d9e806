"""The graph of the Visits screen: what is not over yet, days of 23 and 25 hours, both hours of one name (line 35)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from desk_world import World
from dongui_collector.analytics.intervals import labels
from dongui_collector.desk.visits.graph import apart, draw
from dongui_collector.desk.visits.time_axis import align, name, names
from dongui_collector.runtime.install import install
from flask.testing import FlaskClient

from tests.collector import starting_text

NEW_YORK = ZoneInfo("America/New_York")
BACK, FORTH = date(2025, 11, 2), date(2025, 3, 9)  # the days of 25 and of 23 hours


def hours(day: date) -> list[str]:
    return labels("hour", day, day, NEW_YORK)


def walls(pairs: list[tuple[str | None, str | None]]) -> list[tuple[str, str]]:
    return [((now or "")[11:16], (before or "")[11:16]) for now, before in pairs]


@pytest.mark.parametrize(
    ("day", "steps", "odd"),
    [
        pytest.param(BACK, 25, ("01:00", ""), id="25 hours beside 24"),
        pytest.param(BACK + timedelta(days=1), 25, ("", "01:00"), id="24 hours beside 25"),
        pytest.param(FORTH, 24, ("", "02:00"), id="23 hours beside 24"),
        pytest.param(FORTH + timedelta(days=1), 24, ("02:00", ""), id="24 hours beside 23"),
    ],
)
def test_hours_line_up_by_wall_time(day: date, steps: int, odd: tuple[str, str]) -> None:
    before = day - timedelta(days=1)
    pairs = walls(align(hours(day), hours(before), "hour", "previous"))
    assert len(pairs) == steps
    assert [pair for pair in pairs if pair[0] != pair[1]] == [odd]


@pytest.mark.parametrize("day", [BACK, FORTH], ids=["25 hours", "23 hours"])
def test_hours_of_a_year_before_line_up_and_none_is_lost(day: date) -> None:
    before = day.replace(year=2024)
    pairs = align(hours(day), hours(before), "hour", "year")
    assert all(now[11:16] == other[11:16] for now, other in pairs if now and other)
    assert [now for now, _ in pairs if now] == hours(day)
    assert [other for _, other in pairs if other] == hours(before)


def test_a_29th_of_february_shifts_no_day() -> None:
    now = labels("day", date(2028, 2, 27), date(2028, 3, 2), NEW_YORK)
    before = labels("day", date(2027, 2, 27), date(2027, 3, 2), NEW_YORK)
    paired = align(now, before, "day", "year")
    assert [(one or "")[5:] for one, _ in paired] == ["02-27", "02-28", "02-29", "03-01", "03-02"]
    assert [(other or "")[5:] for _, other in paired] == ["02-27", "02-28", "", "03-01", "03-02"]
    after = labels("day", date(2029, 2, 27), date(2029, 3, 2), NEW_YORK)
    assert [(one, (other or "")[5:]) for one, other in align(after, now, "day", "year")][2] == (None, "02-29")


def test_other_steps_are_paired_by_their_order() -> None:
    assert align(["2025-02", "2025-03"], ["2025-01"], "month", "previous") == [
        ("2025-02", "2025-01"),
        ("2025-03", None),
    ]
    assert align(["2025-02-03"], [], "week", "none") == [("2025-02-03", None)]
    assert align([], [], "hour", "previous") == []


@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("lang", ["en", "ko"])
def test_both_hours_of_one_name_can_be_told_apart(lang: str, full: bool) -> None:
    found = names(hours(BACK), "hour", lang, full=full)
    assert len(set(found.values())) == 25
    marked = [text[text.index("0") :] for text in found.values() if "UTC" in text]
    assert [text[-16:] for text in marked] == ["01:00 (UTC-04:00)"[-16:], "01:00 (UTC-05:00)"[-16:]]
    assert not any("UTC" in text for text in names(hours(FORTH), "hour", lang, full=full).values())
    assert name("2026-11-26", "day", "en") == "Nov 26"


# --- what is not over yet --------------------------------------------------------------------------------------------


def test_the_line_to_what_is_not_over_is_another_line() -> None:
    assert apart([4, 6, 2, None], 2) == ([4, 6, None, None], [None, 6, 2, None])
    assert apart([4, 6], None) == ([4, 6], [None, None])
    drawn = draw([4, 6, 2, None], [], ["day"] * 4, ["0"], 2)
    assert [drawn.line.count("L"), drawn.unfinished.count("L")] == [1, 1]
    assert drawn.line.split("L")[1] == drawn.unfinished[1:].split("L")[0]  # it goes on where the other ends
    only = draw([3], [], ["day"], ["0"], 0)
    assert (only.line, only.unfinished.count("M")) == ("", 1)


@pytest.fixture
def december(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """An installation in New York at noon of 3 November 2025, a Monday: the day after the clocks were put back."""
    policy = starting_text("Shop").replace('timezone = "Asia/Seoul"', f'timezone = "{NEW_YORK.key}"')
    installed = install(tmp_path / "d", policy, name="Shop", origins=["https://shop.example.com"])
    with Path(installed.config).open("a", encoding="utf-8") as settings:
        settings.write("testing = true\n")
    monkeypatch.setenv("DONGUI_CLOCK", "2025-11-03T17:00:00Z")
    with World(installed) as world:
        yield world


def table(browser: FlaskClient, query: str) -> list[list[str]]:
    """The graph as a table: the text of each cell."""
    page = browser.get(f"/console/visits/head?lang=en&{query}").text
    body = page[page.index('class="as-table"') :]
    lines = re.findall(r"<tr>(.*?)</tr>", body[: body.index("</table>")])[1:]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", line) for line in lines]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", "", cell)).split()) for cell in line] for line in cells]


def test_a_day_of_25_hours_stands_above_one_of_24(december: World) -> None:
    browser = december.signed_in()
    rows = table(browser, "period=yesterday&compare=previous")
    assert [row[0] for row in rows[:4]] == [
        "Nov 2 00:00",
        "Nov 2 01:00 (UTC-04:00)",
        "Nov 2 01:00 (UTC-05:00)",
        "Nov 2 02:00",
    ]
    assert [row[2] for row in rows[:4]] == ["0", "0", "–", "0"]
    assert len(rows) == 25
    today = table(browser, "period=today&compare=previous")
    assert [(row[1], row[2]) for row in today[:3]] == [("0", "0"), ("0", "0"), ("–", "0")]
    assert today[2][0] == "Nov 2 01:00 (UTC-05:00)"  # an hour that only the day before had bears its own name


@pytest.mark.parametrize(
    ("query", "growing"),
    [
        pytest.param("period=7d", "Monday, November 3, 2025", id="a day"),
        pytest.param("period=today", "Nov 3 12:00", id="an hour"),
        pytest.param("period=91d&interval=week", "Nov 3", id="a week"),
        pytest.param("period=12mo&interval=month", "Nov 2025", id="a month"),
    ],
)
def test_what_is_not_over_yet_says_so(december: World, query: str, growing: str) -> None:
    rows = table(december.signed_in(), query)
    assert [row[0] for row in rows if "not over yet" in row[0]] == [f"{growing} (not over yet)"]


def test_what_is_over_says_nothing_of_it(december: World) -> None:
    page = december.signed_in().get("/console/visits/head?period=last_month&lang=en").text
    assert "not over yet" not in page
    assert '"unfinished": null' in unescape(page)


def test_cohorts_and_bars_that_still_grow_are_marked(december: World) -> None:
    december.visitor_with_events("statistics", events=1)
    december.visitor_with_events("statistics", events=1, days_ago=14)
    browser = december.signed_in()
    cohorts = browser.get("/console/visits/extra/retention?lang=en").text
    marked = re.findall(r'<td class="n[^"]* unfinished"', cohorts)
    assert len(marked) == 2  # the week's own size, and the last cell of who came two weeks ago
    assert cohorts.count("not over yet") == 3  # and what the frame means
    assert 'class="unfinished"><title>2025-11-03' in browser.get("/console/?lang=en").text
    assert 'class="chosen unfinished"' in browser.get("/console/consent?lang=en&days=7").text
