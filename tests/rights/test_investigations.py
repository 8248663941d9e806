"""Demands of investigators (S4.2c): statute, procedure and demand on record first; then exactly what was asked."""

from __future__ import annotations

from typing import Any

import pytest
from dongui_collector.core.errors import CollectorError, NotAllowed
from dongui_collector.core.operations import perform, plain
from dongui_collector.exports.export import FIELDS_OF
from dongui_collector.rights.disclosures import Handover, listed, load
from dongui_collector.rights.investigations import demanded
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.retention.house import ALL, House, at
from tests.rights.test_disclosures import call, told
from tests.rights.test_suspension import a_house

DEMAND = {
    "authority": "Example District Police",
    "statute": "형사소송법 제215조",
    "procedure": "warrant",
    "document": "2025-0001",
    "items": ["ip_address", "visit_time"],
    "first": "2025-03-10",
    "last": "2025-03-11",
}


def recorded(house: House, **said: Any) -> int:
    made: dict[str, Any] = perform(house.core, "investigations.record", {**DEMAND, **said})
    return int(made["id"])


def carried_out(house: House, id: int) -> list[dict[str, Any]]:
    """What ``dongui investigation export`` does."""
    perform(house.core, "investigations.begin", {"id": id, "by": "officer"})
    with Handover(call(house), id) as handing:
        return list(handing.counted(demanded(house.core, load(house.core, id), handing.before)))


def test_s4_2c_exactly_what_was_asked_and_no_more(house: House) -> None:
    named, other = house.arrive(), house.arrive()
    for visitor in (named, other):
        house.visit(visitor)
    house.visit(named, "2025-03-09T12:00")
    id = recorded(house, visitors=[named])
    rows = carried_out(house, id)
    assert [(row["day"], row["ip_address"]) for row in rows] == [("2025-03-10", "203.0.113.7")]
    shown = {field for row in rows for item, fields in FIELDS_OF.items() for field in fields if row[field] is not None}
    assert shown == {"at", "day", "received_at", "ip_address"}
    (entry,) = plain(listed(house.core))
    assert (entry["statute"], entry["procedure"], entry["document"]) == ("형사소송법 제215조", "warrant", "2025-0001")
    assert (entry["party"], entry["rows"], entry["people"], entry["handed_by"]) == ("authority", 1, 1, "officer")
    assert (len(told(house, named)), told(house, other)) == (1, [])


def test_s4_2c_nothing_goes_before_the_demand_is_recorded_nor_twice(house: House) -> None:
    with pytest.raises(CollectorError, match="no disclosure 1"):
        carried_out(house, 1)
    id = recorded(house, everyone=True)
    carried_out(house, id)
    with pytest.raises(NotAllowed, match="is done"):
        carried_out(house, id)


@pytest.mark.parametrize("lacking", ["authority", "statute", "procedure", "document"])
def test_s4_2c_a_demand_without_one_of_these_is_none(house: House, lacking: str) -> None:
    with pytest.raises(CollectorError, match="must be said"):
        recorded(house, everyone=True, **{lacking: " "})
    assert plain(listed(house.core)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"everyone": True, "members": ["m"]},
        {"everyone": True, "items": []},
        {"everyone": True, "items": ["everything"]},
        {"everyone": True, "last": "2025-03-09"},
        {"everyone": True, "secret_until": "2025-12-31"},
        {"everyone": True, "secret_law": "a law"},
    ],
    ids=["of nobody", "of all and some", "no items", "unknown items", "no days", "secret without law", "without end"],
)
def test_a_demand_that_is_not_whole_is_refused(house: House, wrong: dict[str, Any]) -> None:
    with pytest.raises(CollectorError):
        recorded(house, **wrong)


def test_a_secret_demand_is_told_once_it_may_be(house: House) -> None:
    visitor = house.arrive()
    house.visit(visitor)
    carried_out(house, recorded(house, visitors=[visitor], secret_until="2025-06-30", secret_law="통신비밀보호법"))
    assert told(house, visitor) == []
    house.now = at("2025-07-01T00:00")
    assert [d["recipient"] for d in told(house, visitor)] == ["Example District Police"]


def test_a_demand_of_a_member_reaches_every_browser(house: House) -> None:
    visitor = house.arrive("analysis", "statistics")
    key = house.core.ledger.member_key(house.site.ref, "m-1")
    notice = house.core.registry.in_force(house.site.ref, house.now)
    assert house.core.ledger.identify(notice, house.core.ledger.key_of(visitor), key)
    house.visit(visitor)
    assert len(carried_out(house, recorded(house, members=["m-1"]))) == 1
    assert carried_out(house, recorded(house, members=["m-2"])) == []


@settings(max_examples=10, deadline=None)
@given(
    st.sets(st.sampled_from(sorted(FIELDS_OF)), min_size=1),
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(["2025-03-09", "2025-03-10", "2025-03-12"])), max_size=6),
    st.sets(st.integers(0, 2), min_size=1),
)
def test_s4_2c_for_any_demand(items: set[str], visits: list[tuple[int, str]], asked: set[int]) -> None:
    with a_house() as house:
        people = [house.arrive(*ALL) for _ in range(3)]
        house.now = at("2025-03-12T12:00")
        for who, day in visits:
            house.visit(people[who], f"{day}T10:00")
        id = recorded(house, items=sorted(items), visitors=[people[n] for n in sorted(asked)], first="2025-03-09")
        rows = carried_out(house, id)
        assert len(rows) == len([1 for who, day in visits if who in asked and day <= "2025-03-11"])
        for row in rows:
            for item, fields in FIELDS_OF.items():
                if item not in items:
                    assert not [field for field in fields if row[field] is not None]
        seen = {who for who, day in visits if who in asked and day <= "2025-03-11"}
        assert [bool(told(house, person)) for person in people] == [n in seen for n in range(3)]
