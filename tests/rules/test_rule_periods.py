"""K17 to the letter, for every day of leap and common years, against the statute's own words walked day by day."""

from __future__ import annotations

import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from dongui.rules import Period, destroy_at, last_day
from hypothesis import given
from hypothesis import strategies as st

ONE_DAY = timedelta(days=1)
periods = st.builds(Period, st.integers(0, 20), st.integers(0, 30), st.integers(0, 60), st.integers(1, 800))
days = st.dates(date(1900, 1, 1), date(2300, 1, 1))


def walked(day: date, months: int) -> date:
    """Civil Act 157, 160: begin with the next day and walk; stop before the corresponding day or at its month's end.

    Knows no calendar arithmetic: it only turns the pages.
    """
    start = day + ONE_DAY
    today, passed = start, 0
    while True:
        tomorrow = today + ONE_DAY
        if tomorrow.month != today.month:
            if passed == months:  # the last month has no such day: the period ends with the month
                return today
            passed += 1
        if passed == months and tomorrow.day == start.day:
            return today
        today = tomorrow


def each_day(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@pytest.mark.parametrize("months", [1, 2, 3, 6, 12, 13, 36, 60])
def test_every_day_of_four_years(months: int) -> None:
    for day in each_day(date(2023, 1, 1), date(2027, 1, 1)):
        assert last_day(day, Period(months=months)) == walked(day, months), day


@pytest.mark.parametrize("years", [1, 4, 5])
def test_around_the_century_that_is_no_leap_year(years: int) -> None:
    for day in each_day(date(2095, 12, 1), date(2100, 3, 31)):
        assert last_day(day, Period(years=years)) == walked(day, years * 12), day


@given(days, periods)
def test_years_are_twelve_months_and_weeks_seven_days(day: date, period: Period) -> None:
    same = Period(months=period.years * 12 + period.months, days=period.weeks * 7 + period.days)
    assert last_day(day, period) == last_day(day, same)


@given(days, periods)
def test_a_later_day_never_ends_earlier(day: date, period: Period) -> None:
    assert last_day(day, period) <= last_day(day + ONE_DAY, period)


@given(days, st.integers(1, 5000))
def test_days_are_counted_from_the_next_one(day: date, number: int) -> None:
    assert last_day(day, Period(days=number)) == day + timedelta(days=number)


@given(days, periods, st.sampled_from(sorted(available_timezones() - {"localtime"})))
def test_destruction_is_when_the_last_day_ends(day: date, period: Period, zone: str) -> None:
    at = destroy_at(day, period, zone).astimezone(UTC)
    last = last_day(day, period)
    here = ZoneInfo(zone)
    assert at.astimezone(here).date() > last
    assert (at - timedelta(seconds=1)).astimezone(here).date() <= last


def test_the_example_of_the_law_file() -> None:
    """An event of 2025-03-10 with one year is there until 2026-03-10 ends in Seoul, and gone right after."""
    year = Period.parse("P1Y")
    assert last_day(date(2025, 3, 10), year) == date(2026, 3, 10)
    assert destroy_at(date(2025, 3, 10), year, "Asia/Seoul") == datetime(2026, 3, 11, tzinfo=ZoneInfo("Asia/Seoul"))


def test_the_calendar_has_an_end() -> None:
    assert destroy_at(date(9999, 12, 31), Period.parse("P9999Y"), "Asia/Seoul").year == 9999
    assert last_day(date(9000, 1, 1), Period.parse("P1000Y")) == date(9999, 12, 30)


@given(periods)
def test_a_period_is_read_as_it_is_written(period: Period) -> None:
    assert Period.parse(str(period)) == period


@given(st.one_of(st.text(), st.from_regex(r"P[0-9YMWDTHS]{0,8}", fullmatch=True)))
def test_any_text_is_a_period_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert Period.parse(text).seconds > 0


NO_PERIODS = ["P", "P0D", "1Y", "P1H", "PT1H", "P1Y ", "p1y", "P-1D", "P1.5Y", "P1D1Y", "P\uff11Y", "P1Y\n"]


@pytest.mark.parametrize("text", NO_PERIODS)
def test_what_looks_like_a_period_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="period"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("text", "korean", "english"),
    [
        ("P1Y", "1년", "1 year"),
        ("P6M", "6개월", "6 months"),
        ("P1Y6M", "1년 6개월", "1 year 6 months"),
        ("P2W", "2주", "2 weeks"),
        ("P180D", "180일", "180 days"),
    ],
)
def test_periods_in_words(text: str, korean: str, english: str) -> None:
    assert Period.parse(text).days_text("ko") == korean
    assert Period.parse(text).days_text("en") == english
