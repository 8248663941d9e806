"""What a legal hold reaches (S3.2): precisely what it names, on the days on which it stands, and nothing else."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import product

import pytest
from dongui_collector.storage.contract.holds import Hold

DAY = date(2026, 3, 10)
ONE = timedelta(days=1)
MEMBER, JOINED, OTHER = b"m" * 16, b"j" * 16, b"o" * 16


def hold(
    *,
    site: int | None = None,
    class_id: str | None = None,
    visitor: bytes | None = None,
    first: date | None = None,
    last: date | None = None,
    until: date | None = None,
    released: int | None = None,
) -> Hold:
    joined = frozenset({JOINED}) if visitor else frozenset()
    return Hold(1, site, "why", None, class_id, visitor, first, last, 0, until, released, joined=joined)


@pytest.mark.parametrize("site", [None, 1])
@pytest.mark.parametrize("class_id", [None, "payment"])
@pytest.mark.parametrize("visitor", [None, MEMBER])
def test_a_hold_covers_precisely_what_it_names(site: int | None, class_id: str | None, visitor: bytes | None) -> None:
    for first, last in product((None, DAY - ONE, DAY, DAY + ONE), repeat=2):
        one = hold(site=site, class_id=class_id, visitor=visitor, first=first, last=last)
        for of_site, of_class, day, whose in product(
            (None, 1, 2), (None, "payment", "contract"), (None, DAY), (None, MEMBER, JOINED, OTHER)
        ):
            touched = (site is None or of_site == 1) and (class_id is None or of_class == "payment")
            if first is not None:
                touched = touched and day is not None and not day < first
            if last is not None:
                touched = touched and day is not None and not day > last
            named = visitor is None or whose in (MEMBER, JOINED)
            assert one.touches(of_site, of_class, day) == touched
            assert one.covers(of_site, of_class, day, whose) == (touched and named)


@pytest.mark.parametrize(
    ("until", "released", "stands"),
    [
        (None, None, True),
        (DAY, None, True),
        (DAY + ONE, None, True),
        (DAY - ONE, None, False),
        (None, 5, False),
        (DAY + ONE, 5, False),
        (None, 0, False),
    ],
)
def test_it_stands_until_its_last_day_or_its_release(until: date | None, released: int | None, *, stands: bool) -> None:
    one = hold(until=until, released=released)
    assert one.stands(DAY) is stands
    assert one.may_reach(1, OTHER, DAY) is stands


def test_it_may_reach_whom_it_names_or_everyone_where_it_names_nobody() -> None:
    assert hold().whom == frozenset()
    assert hold(visitor=MEMBER).whom == {MEMBER, JOINED}
    assert [hold(visitor=MEMBER).may_reach(1, who, DAY) for who in (MEMBER, JOINED, OTHER)] == [True, True, False]
    assert [hold(site=1).may_reach(site, OTHER, DAY) for site in (1, 2)] == [True, False]
    assert not hold(site=1, visitor=MEMBER).may_reach(2, MEMBER, DAY)
