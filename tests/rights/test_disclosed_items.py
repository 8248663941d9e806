"""S4.0, S4.1 for any policy: what goes to a recipient holds no row and no item that is not registered for it.

The model below knows the policies as they were drawn and nothing of the product's code.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.errors import NotAllowed
from dongui_collector.core.operations import perform, plain
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.house import House, at, policy
from tests.rights.test_disclosures import ADS, disclosures_of, hand_over, listed, party

PURPOSES = ("statistics", "personalisation", "marketing")
ITEMS_OF = {  # the default policy
    "statistics": {"cookie", "visit_time", "service_usage", "access_environment", "ip_address"},
    "personalisation": {"cookie", "service_usage"},
    "marketing": {"cookie", "visit_time", "advertising_id"},
}
SHOWS = {  # which item a field of a row belongs to
    **dict.fromkeys(("at", "day"), "visit_time"),
    **dict.fromkeys(("name", "url", "props", "search", "secure"), "service_usage"),
    **dict.fromkeys(("ip_address", "country", "city"), "ip_address"),
    **dict.fromkeys(("visitor", "cookies"), "cookie"),
    "environment": "access_environment",
    "advertising_ids": "advertising_id",
}
COOKIES = "".join(
    f'\n[[cookies]]\nname = "of_{p}"\npurpose = "{p}"\nlifetime = "P1D"\nprovider = "x"\nrecord = true\n'
    for p in PURPOSES
)

Named = list[tuple[set[str], set[str]]]  # (items, purposes), one a mention of the recipient


@st.composite
def mentions(draw: st.DrawFn) -> Named:
    """How one notice names the recipient: not at all, once, or several times."""
    found: Named = []
    for _ in range(draw(st.sampled_from([1, 2, 3, 0]))):
        purposes = draw(st.sets(st.sampled_from(PURPOSES), min_size=1))
        can = sorted(set().union(*(ITEMS_OF[p] for p in purposes)))
        found.append((draw(st.sets(st.sampled_from(can), min_size=1)), purposes))
    return found


def given_for(named: Named, purpose: str) -> set[str]:
    return set().union(*(items & ITEMS_OF[purpose] for items, purposes in named if purpose in purposes))


def written(named: Named) -> str:
    return "".join(
        party(ADS, sorted(items), sorted(purposes), kind)
        for (items, purposes), kind in zip(named, ("recipients", "processors", "recipients"), strict=False)
    )


@contextmanager
def a_shop(first: Named) -> Iterator[House]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(Path(folder), patch)
        house.add_site(policy() + written(first) + COOKIES)
        try:
            yield house
        finally:
            house.close()
            house.loop.close()


def shown(row: dict[str, Any]) -> set[str]:
    return {item for field, item in SHOWS.items() if row[field] is not None}


CHOICES = st.lists(st.sets(st.sampled_from(PURPOSES), min_size=1), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(mentions(), mentions(), CHOICES, st.sets(st.sampled_from(PURPOSES), min_size=1), st.booleans(), st.booleans())
def test_s4_1_no_row_and_no_item_outside_what_is_registered(
    then: Named, now: Named, choices: list[set[str]], asked: set[str], published: bool, fair: bool
) -> None:
    if fair:  # most questions should get an answer
        asked = set().union(*(purposes for _, purposes in (now if published else then))) or asked
    with a_shop(then) as house:
        visitors = []
        for number, granted in enumerate(choices):
            visitors.append(house.arrive(*granted))
            cookies = {f"of_{p}": p for p in PURPOSES}
            house.visit(visitors[-1], cookies=cookies, name=f"v{number}")
        if published:
            perform(house.core, "policy.publish", {"text": policy("v2", date(2025, 3, 11)) + written(now) + COOKIES})
            house.now = at("2025-03-11T12:00")
        else:
            now = then
        if not all(any(p in purposes for _, purposes in now) for p in asked):
            with pytest.raises(NotAllowed):
                hand_over(house, ADS, sorted(asked))
            assert plain(listed(house.core)) == []
            return
        rows = [json.loads(line) for line in hand_over(house, ADS, sorted(asked)).splitlines()]
        expected = []
        for granted in choices:
            by_purpose = {p: given_for(then, p) & given_for(now, p) for p in granted & asked}
            if any(by_purpose.values()):
                expected.append({p: items for p, items in by_purpose.items() if items})
        assert len(rows) == len(expected)
        for row, by_purpose in zip(rows, expected, strict=True):
            assert set(row["purposes"]) == set(by_purpose)
            items = set().union(*by_purpose.values())
            assert shown(row) - {"cookie"} == items - {"cookie"} - ({"ip_address"} - shown(row))
            assert (row["visitor"] is not None) == ("cookie" in items)
            may = {f"of_{p}" for p, some in by_purpose.items() if "cookie" in some}
            assert set(row["cookies"] or ()) == may
        told = [bool(disclosures_of(house.core, house.site.ref, [house.core.ledger.key_of(v)])) for v in visitors]
        assert told == [any(given_for(then, p) & given_for(now, p) for p in granted & asked) for granted in choices]
        assert set(plain(listed(house.core))[0]["items"]) == set().union(*(given_for(now, p) for p in asked))
