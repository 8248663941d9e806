"""처리정지 (K10, S9.1): from its commit on nothing is recorded and nothing is read, for anybody but the person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from dongui_collector.exports.export import Entitlement, export_events
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.house import ALL, House
from tests.rights.members import a_house

DAYS = (date(2025, 3, 1), date(2027, 1, 1))


def exported(house: House) -> list[str]:
    """The last word of every exported row's address."""
    rows = export_events(house.core, Entitlement("me", house.site, ALL), *DAYS)
    return sorted(row["url"].rsplit("/", 1)[-1].split("?")[0] for row in rows)


def own(house: House, visitor: str) -> list[str]:
    """What a person sees of their own rows."""
    key, masks = house.core.ledger.key_of(visitor), house.core.masks().own()
    seen = [house.core.reader.readable(row, date(2025, 3, 10), masks) for row in house.rows() if row.visitor == key]
    return sorted(row["url"].rsplit("/", 1)[-1].split("?")[0] for row in seen if row)


def suspend(house: House, visitor: str, suspended: bool = True) -> None:
    house.core.ledger.suspend(house.core.ledger.key_of(visitor), suspended)


def test_k10_earlier_rows_are_not_exported_while_suspended(house: House) -> None:
    silent, other = house.arrive(), house.arrive()
    house.visit(silent, marker="silent")
    house.visit(other, marker="other")
    suspend(house, silent)
    assert exported(house) == ["other"]
    assert house.visit(silent, marker="later") == {"suspended": 1}
    assert own(house, silent) == ["silent"], "the person still sees what is held"
    suspend(house, silent, False)
    assert exported(house) == ["other", "silent"]


def test_k10_a_page_of_an_export_that_began_before_is_the_last_with_the_person(house: House) -> None:
    visitor = house.arrive()
    for _ in range(600):  # more than one page
        house.visit(visitor)
    rows: Iterator[Any] = export_events(house.core, Entitlement("me", house.site, ALL), *DAYS)
    next(rows)
    suspend(house, visitor)
    assert len(list(rows)) == 499


STEPS = st.lists(st.tuples(st.sampled_from(["visit", "suspend", "resume"]), st.integers(0, 2)), max_size=25)


@settings(max_examples=30, deadline=None)
@given(STEPS)
def test_k10_what_is_exported_is_what_a_plain_model_says(steps: list[tuple[str, int]]) -> None:
    with a_house() as house:
        people = [house.arrive() for _ in range(3)]
        rows: list[list[str]] = [[], [], []]
        suspended = [False, False, False]
        for number, (step, who) in enumerate(steps):
            if step == "visit":
                refused = house.visit(people[who], marker=f"m{number}")
                assert refused == ({"suspended": 1} if suspended[who] else {})
                if not suspended[who]:
                    rows[who].append(f"m{number}")
            else:
                suspended[who] = step == "suspend"
                suspend(house, people[who], suspended[who])
            expected = [m for mine, hidden in zip(rows, suspended, strict=True) for m in mine if not hidden]
            assert exported(house) == sorted(expected)
        for who, mine in enumerate(rows):
            assert own(house, people[who]) == sorted(mine)
