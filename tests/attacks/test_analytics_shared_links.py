"""Whoever has a shared link finds nobody with it: not by asking twice, nor by visitors of their own."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from itertools import pairwise
from typing import Any, get_args

import pytest
from dongui_collector.analytics import shared_links
from dongui_collector.analytics.metrics import FIGURES
from dongui_collector.analytics.public_numbers import FEWEST, STEP, PeriodKind, PublicNumbers, finished
from dongui_collector.core.errors import CollectorError
from dongui_collector.core.operations import perform
from dongui_collector.desk.app import create_desk
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House, at

SHOP = "https://shop.example.com"
NOW = "2025-03-10T12:00"
MANY = 40


class Link:
    """A link of an installation's shop, as somebody reads it who has nothing else."""

    def __init__(self, house: House, **more: Any) -> None:
        self.house = house
        self.made = perform(house.core, "shares.create", {"name": "Board", "purposes": ["statistics"], **more})
        self.browser: FlaskClient = create_desk(house.core).test_client()

    def text(self, query: str = "") -> str:
        answer = self.browser.get(f"/share/{self.made['token']}?lang=en&{query}")
        assert answer.status_code == 200, answer.text
        found = re.search(r"<main.*</main>", answer.text, re.S)
        assert found
        return " ".join(unescape(re.sub(r"<[^>]+>", " ", found[0])).split())

    def points(self) -> list[int | None]:
        """What the graph is drawn from."""
        page = self.browser.get(f"/share/{self.made['token']}?lang=en").text
        found = re.search(r'data-points="([^"]*)"', page)
        assert found
        numbers = re.search(r'"now": ?\[([^\]]*)\]', unescape(unescape(found[1])))
        assert numbers
        return [None if one.strip() == "null" else int(one) for one in numbers[1].split(",")]


def visits(house: House, number: int, when: str, path: str = "/", **more: Any) -> None:
    house.now = at(when)
    for _ in range(number):
        house.visit(house.arrive("statistics"), name="pageview", url=SHOP + path, **more)


def test_one_person_among_invented_visitors_is_not_seen(house: House) -> None:
    """Four invented visitors and a real one were five, which was enough; so were any others beside one.

    Whether ten are enough is a secret that differs by key: one key in ten shows a cell of ten.
    """
    visits(house, MANY, "2025-02-10T12:00")
    for invented in range(FEWEST - 1):
        visits(house, 1, "2025-02-11T12:00", "/clinic")
        house.now = at(NOW)
        assert "/clinic" not in Link(house).text(), f"{invented + 1} visitors were enough"


@pytest.mark.parametrize(
    "text",
    [
        *("prop:order=12345", "!prop:plan=pro", "event_page:purchase=/cart", "search:name", "click_id:x", "city:Seoul"),
        *("referrer:a.example/b", "screen:1x1", "term:x", "country:KR|prop:order=12345", "browser_version:1"),
    ],
)
def test_no_link_is_narrowed_to_what_tells_one_person_apart(house: House, text: str) -> None:
    with pytest.raises(CollectorError, match="not narrowed by"):
        Link(house, filters=[text])


def test_a_link_of_before_that_is_so_narrowed_shows_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr(shared_links, "check_public", lambda filters: None)
        made = Link(house, filters=["prop:order=12345"])
    assert made.browser.get(f"/share/{made.made['token']}").status_code == 404


@pytest.mark.parametrize("figure", sorted({*FIGURES, "a_later_one"}))
def test_no_figure_is_told_exactly(figure: str) -> None:
    """Revenue to the hundredth, or a goal's rate, says who bought; a new figure waits to be rounded."""
    numbers = PublicNumbers(b"k" * 32, ("site",))
    told = {numbers.row(("pages", "/"), {"visitors": 1000, "path": "/", figure: 1003.37 + n})[figure] for n in range(5)}
    assert told.isdisjoint({1003.37 + n for n in range(5)})


def test_what_one_more_visitor_changes_is_a_secret(house: House) -> None:
    """Whether a cell appears at the eleventh or the nineteenth visitor is another for every cell, and stays so."""
    numbers = PublicNumbers(b"k" * 32, ("site",))
    begins = {
        next(n for n in range(1000) if numbers.row(("pages", "2025-02-01", path), {"visitors": n})["visitors"])
        for path in map(str, range(200))
    }
    assert begins == set(range(FEWEST, 2 * FEWEST))
    steps = {
        next(n for n in range(100, 200) if numbers.row(("x", path), {"visitors": n + 1})["visitors"] > 100 + STEP - 1)
        for path in map(str, range(200))
        if numbers.row(("x", path), {"visitors": 100})["visitors"] == 100
    }
    assert len(steps) > STEP // 2


@given(st.integers(0, 10_000), st.text(max_size=5), st.binary(min_size=32, max_size=32))
def test_counts_are_multiples_and_never_of_few(number: int, path: str, key: bytes) -> None:
    row = PublicNumbers(key, ()).row((path,), {"visitors": number, "visits": number + 3, "bounce_rate": 0.4321})
    if row["visitors"] is None:
        assert number < 2 * FEWEST
        assert set(row.values()) == {None}
    else:
        assert number >= FEWEST
        assert row["visitors"] % STEP == row["visits"] % STEP == 0
        assert abs(row["visitors"] - number) < STEP
        assert row["bounce_rate"] in (0.45, 0.43, 0.4) or row["bounce_rate"] == pytest.approx(0.45)


@pytest.mark.parametrize("kind", get_args(PeriodKind))
@given(st.dates(date(2000, 2, 1), date(2100, 1, 1)))
def test_periods_are_finished_and_never_overlap(kind: str, today: date) -> None:
    found = finished(kind, today)  # type: ignore[arg-type]  # one of the kinds
    assert found[0][1] < today
    assert all(earlier[1] + timedelta(days=1) == later[0] for later, earlier in pairwise(found))
    next_day = finished(kind, today + timedelta(days=1))  # type: ignore[arg-type]
    assert set(next_day) - set(found) in (set(), {next_day[0]})


ADDRESSES = (
    "period=custom&from=2025-02-10&to=2025-02-10",
    "period=custom&from=2025-02-01&to=2025-02-27",
    "period=today",
    "period=yesterday",
    "period=7d",
    "period=all",
    "interval=hour",
    "interval=day",
    "compare=year",
    "compare=previous",
    "from=2025-02-02",
    "from=2025-03-01",
    "filter=page:/clinic",
    "filter=!page:/clinic&purpose=marketing",
    "site=other&limit=1&offset=1",
)


@pytest.mark.parametrize("query", ADDRESSES)
def test_nothing_in_the_address_makes_two_answers_that_can_be_subtracted(house: House, query: str) -> None:
    visits(house, MANY, "2025-02-10T12:00")
    visits(house, 1, "2025-02-28T12:00", "/clinic")
    house.now = at(NOW)
    link = Link(house)
    assert link.text(query) == link.text()


def test_days_that_are_not_over_are_in_no_answer(house: House) -> None:
    visits(house, MANY, "2025-02-10T12:00")
    house.now = at(NOW)
    link = Link(house)
    before = link.text()
    visits(house, MANY, "2025-03-10T12:01", "/today")
    assert link.text() == before


@pytest.mark.parametrize("period", get_args(PeriodKind))
def test_headline_and_graph_say_the_same_and_both_are_cut(house: House, period: str) -> None:
    visits(house, MANY, "2025-02-25T12:00")
    visits(house, 3, "2025-01-15T12:00")
    house.now = at(NOW)
    link = Link(house, period=period)
    (point,) = [point for point in link.points() if point is not None]
    assert point % STEP == 0
    assert f"Visitors {point}" in link.text()
    few = {"week": "2025-01-13", "month": "2025-01-01"}[period]
    assert "Visitors –" in link.text(f"from={few}")


def test_lists_are_rounded_like_the_headline(house: House) -> None:
    visits(house, MANY, "2025-02-10T12:00", "/common")
    visits(house, 3, "2025-02-10T13:00", "/rare")
    house.now = at(NOW)
    shown = Link(house).text()
    number = re.search(r"/common (\d+)", shown)
    assert number
    assert int(number[1]) % STEP == 0
    assert "/rare" not in shown


def test_a_withdrawal_is_not_told_by_a_mark(house: House) -> None:
    visits(house, MANY, "2025-02-10T12:00")
    visitor = house.arrive("statistics")
    house.visit(visitor, name="pageview", url=SHOP)
    house.now = at(NOW)
    link = Link(house)
    assert "withdrawn" not in link.text().lower()
    house.erase(visitor)
    text = link.text().lower()
    assert "withdrawn" not in text
    assert "since" not in text


def test_a_link_is_of_one_kind_of_period(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.add_site()
    with pytest.raises(CollectorError, match="week, month"):
        Link(house, period="day")
