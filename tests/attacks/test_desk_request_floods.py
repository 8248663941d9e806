"""Privacy requests without limit: none is refused, and none of them keeps the officer from the others (S9, K10)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from dongui_collector.desk.paging import PAGE, paged
from dongui_collector.rights import files, filing
from dongui_collector.runtime.composition import open_core
from hypothesis import given
from hypothesis import strategies as st

from tests.desk.desk_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(World.template(tmp_path / "d")) as world:
        yield world


def ask(world: World, id: str, *asked: tuple[str, str]) -> list[filing.FiledRequest]:
    """What a visitor asks at the public door, in their order."""
    core = open_core(world.settings, writable=True)
    try:
        visitor = core.storage.ledger.visitor(core.ledger.key_of(id))
        assert visitor
        return [filing.received_online(core, visitor, kind, text) for kind, text in asked]
    finally:
        core.close()


def visitor(world: World) -> str:
    made = world.choose(None, ("statistics",))
    assert made
    return made


def test_what_is_asked_again_joins_the_first_and_keeps_its_clock(world: World) -> None:
    filed = ask(world, visitor(world), *[("access", "my data")] * 30, *[("access", "")] * 3)
    assert len({answer.id for answer in filed}) == 1
    assert len({answer.due for answer in filed}) == 1
    assert len(world.core.storage.office.requests()) == 1


def test_words_that_are_new_stand_in_the_first_ones_file(world: World) -> None:
    first, second, again = ask(world, visitor(world), ("access", "one"), ("access", "two"), ("access", "one"))
    assert first == second == again
    [request] = world.core.storage.office.requests()
    assert files.private(world.core, request)["text"] == "one\n\ntwo"


def test_words_that_do_not_fit_are_filed_and_not_refused(world: World) -> None:
    long = [("access", letter * 3000) for letter in "abc"]
    filed = ask(world, visitor(world), *long, *long)
    assert len({answer.id for answer in filed}) == 3


def test_another_kind_another_visitor_and_a_closed_one_are_requests_of_their_own(world: World) -> None:
    one, other = visitor(world), visitor(world)
    [access, correction] = ask(world, one, ("access", ""), ("correction", ""))
    [others] = ask(world, other, ("access", ""))
    world.ask("requests.answer", id=access.id, outcome="granted")
    [again] = ask(world, one, ("access", ""))
    assert len({access.id, correction.id, others.id, again.id}) == 4


def test_the_console_shows_a_flood_in_pages_by_deadline(world: World) -> None:
    officer = world.signed_in()
    core = open_core(world.settings, writable=True)
    with core.storage.ledger.writing():
        for n in range(2 * PAGE + 5):
            core.storage.office.add_request(
                {"site_ref": 1, "kind": "access", "at": n, "received": "2025-01-01", "due": f"2099-01-{n % 28 + 1:02}"}
            )
    core.close()
    found: list[str] = []
    for page, expected in (("1", PAGE), ("2", PAGE), ("3", 5)):
        ids = re.findall(r"/console/requests/(\d+)", officer.get(f"/console/requests?page={page}").text) or re.findall(
            r"<b>#(\d+)", officer.get(f"/console/requests?page={page}").text
        )
        assert len(ids) == expected
        found += ids
    assert len(set(found)) == 2 * PAGE + 5
    assert officer.get("/console/due").text.count('class="what"') <= PAGE


@given(count=st.integers(0, 230), wanted=st.text(max_size=4) | st.integers(-5, 10**6).map(str))
def test_every_row_is_on_one_page(count: int, wanted: str) -> None:
    every = list(range(count))
    page = paged(every, wanted)
    assert page.rows == every[(page.number - 1) * PAGE : page.number * PAGE]
    numbers = [1]
    while (next_ := paged(every, str(numbers[-1])).next) is not None:
        numbers.append(next_)
    assert [row for number in numbers for row in paged(every, str(number)).rows] == every
    assert page.number in numbers
