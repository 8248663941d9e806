"""What was replaced can be counted per site: numbers alone, wherever the pattern was replaced."""

from __future__ import annotations

import json
from typing import Any

import pytest
from dongui_collector.intake.replaced import replaced

from tests.retention.conftest import house, new_house
from tests.retention.house import House, policy

__all__ = ["house", "new_house"]
SHOP = "https://shop.example.com"


def counted(house: House, site: Any) -> dict[str, int]:
    names = ((name, number) for (_, ref, name), number in house.commit.counts.items() if ref == site.ref)
    return {name.rpartition(".")[2]: number for name, number in names if name.startswith("events.replaced.")}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"url": f"{SHOP}/kim@example.com"}, {"email": 1}, id="a path"),
        pytest.param({"url": SHOP, "referrer": f"{SHOP}/?q=x/kim@example.com"}, {}, id="a query that is dropped"),
        pytest.param({"search": "010-1234-5678 kim@example.com"}, {"email": 1, "phone": 1}, id="a search"),
        pytest.param({"props": {"to": "kim@example.com", "cc": ["lee@example.com"]}}, {"email": 2}, id="properties"),
        pytest.param({"url": f"{SHOP}/[email]/"}, {"email": 1}, id="replaced in the browser already"),
        pytest.param({"props": {"list": [1, 2]}, "search": "[a]"}, {}, id="other brackets"),
    ],
)
def test_what_was_replaced_is_counted(house: House, fields: dict[str, Any], expected: dict[str, int]) -> None:
    blank: dict[str, Any] = {"url": SHOP, "search": None, "props": {}}
    house.visit(house.arrive(), **blank | fields)
    assert counted(house, house.site) == expected


def test_what_a_site_never_has_searched_is_recorded_as_it_came(house: House) -> None:
    lines = 'unsearched_paths = ["/goods/*"]\nunsearched_properties = ["order"]'
    site = house.add_site(name="catalogue", text=policy().replace("query_keys = []", lines))
    props = {"order": "010-1234-5678", "memo": "010-1234-5678"}
    house.visit(house.arrive(site=site), site=site, url=f"{SHOP}/goods/01012345678", search=None, props=props)
    (row,) = house.rows()
    assert row.url == f"{SHOP}/goods/01012345678"
    assert json.loads(row.props or "{}") == {"order": "010-1234-5678", "memo": "[phone]"}
    assert counted(house, site) == {"phone": 1}


def test_each_site_has_its_own_count_and_what_is_not_stored_has_none(house: House) -> None:
    other = house.add_site(name="other")
    house.visit(house.arrive(site=other), site=other, url=f"{SHOP}/kim@example.com")
    assert (counted(house, house.site), counted(house, other)) == ({}, {"email": 1})
    visitor = house.arrive()
    house.erase(visitor)
    assert house.visit(visitor, url=f"{SHOP}/kim@example.com") == {"no_consent": 1}
    assert counted(house, house.site) == {}


def test_an_event_that_comes_twice_is_counted_once(house: House) -> None:
    import uuid

    visitor, id = house.arrive(), uuid.uuid4()
    for _ in range(2):
        house.visit(visitor, id=id, url=f"{SHOP}/kim@example.com")
    assert counted(house, house.site) == {"email": 1}


def test_nothing_to_count_in_what_is_not_covered(house: House) -> None:
    house.visit(house.arrive("marketing"), url=f"{SHOP}/kim@example.com", search="kim@example.com")
    (row,) = house.rows()
    assert list(replaced(row)) == []
