"""``consented``: the share of page views recorded under the reader's purposes, by the server's own counts alone."""

from __future__ import annotations

import uuid
from datetime import date
from itertools import combinations
from typing import Any

import pytest
from dongui_collector.analytics.executor import Query, report
from dongui_collector.analytics.filters import parse_filter
from dongui_collector.ledger import page_counts
from hypothesis import given
from hypothesis import strategies as st

from tests.retention.house import House

PURPOSES = ("statistics", "personalisation", "marketing")
SETS = [frozenset(some) for n in (1, 2, 3) for some in combinations(PURPOSES, n)]
FIRST, LAST = date(2025, 3, 1), date(2025, 3, 31)


def count(house: House, day: date, recorded: dict[str, int], **unrecorded: int) -> None:
    names = page_counts.names(unrecorded, recorded, PURPOSES)
    house.core.ledger.count_once(house.site.ref, uuid.uuid4().bytes, day, names)


def ask(house: House, *reader: str, name: str = "overview", filters: tuple[str, ...] = (), **days: date) -> Any:
    question = Query(name, days.get("first", FIRST), days.get("last", LAST), tuple(map(parse_filter, filters)))
    return report(house.core, house.site, reader, question)


def test_the_share_is_of_the_page_views_that_were_counted(house: House) -> None:
    unknown = ask(house, "statistics")
    assert (unknown["consented"], unknown["counted"]) == (None, None), "nothing counts: not known, and not none"
    count(house, date(2025, 3, 10), {"statistics": 20, "statistics.marketing": 5, "marketing": 3}, unasked=50, gpc=2)
    count(house, date(2025, 3, 11), {"statistics": 5}, refused=14, no_id=1)
    count(house, date(2025, 4, 1), {"statistics": 1000})
    answer = ask(house, "statistics")
    counts = {"page_views": 100, "recorded": 30, "unasked": 50, "refused": 14, "gpc": 2, "no_id": 1}
    assert (answer["consented"], answer["counted"]) == (0.3, counts)
    assert ask(house, "statistics", "marketing")["consented"] == 0.33
    assert ask(house, "statistics", last=date(2025, 3, 10))["consented"] == 0.3125
    assert ask(house, "statistics", last=date(2025, 3, 9))["consented"] is None
    assert ask(house, "statistics", name="consent")["consented"] == 0.3
    assert ask(house, "statistics", name="timeseries")["counted"] == counts
    filtered = ask(house, "statistics", filters=("page:/",))
    assert (filtered["consented"], filtered["counted"]) == (None, None), "these numbers have no pages"


def test_everybody_may_refuse(house: House) -> None:
    count(house, FIRST, {}, refused=7)
    assert ask(house, "statistics")["consented"] == 0


def test_counts_of_another_site_are_anothers(house: House) -> None:
    other = house.add_site(name="other")
    house.core.ledger.count_once(other.ref, b"1", FIRST, page_counts.names({"refused": 5}, {}, PURPOSES))
    assert ask(house, "statistics")["consented"] is None


def test_the_same_counts_again_are_counted_once(house: House) -> None:
    for _ in range(3):
        house.core.ledger.count_once(house.site.ref, b"1" * 16, FIRST, {"pages.refused": 4})
    assert ask(house, "statistics")["counted"]["refused"] == 4


sets = st.dictionaries(st.sampled_from(SETS), st.integers(0, 1000))


@given(
    st.lists(st.tuples(sets, st.dictionaries(st.sampled_from(page_counts.UNRECORDED), st.integers(0, 1000)))),
    st.sampled_from(SETS),
)
def test_whatever_is_counted_adds_up(batches: list[Any], reader: frozenset[str]) -> None:
    totals: dict[tuple[date, int, str], int] = {(FIRST, 1, "events.recorded"): 3, (FIRST, 1, "consent.given.a"): 3}
    for recorded, unrecorded in batches:
        joined = {".".join(granted): number for granted, number in recorded.items()}
        for name, number in page_counts.names(unrecorded, joined, PURPOSES).items():
            totals[FIRST, 1, name] = totals.get((FIRST, 1, name), 0) + number
    found = page_counts.between(totals, FIRST, LAST)
    assert found.page_views == sum(sum(r.values()) + sum(u.values()) for r, u in batches)
    assert found.under(reader) == sum(n for r, _ in batches for granted, n in r.items() if granted & reader)


def test_a_purpose_that_nobody_is_asked_for_has_no_total() -> None:
    with pytest.raises(ValueError, match="no notice"):
        page_counts.names({}, {"statistics.someone": 1}, PURPOSES)
