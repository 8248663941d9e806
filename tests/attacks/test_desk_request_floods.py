"""Privacy requests without limit: none is refused, and none of them keeps the officer from the others (S9, K10)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from dongui_collector.desk.paging import PAGE, paged
from dongui_collector.rights import files, filing, request_list
from dongui_collector.runtime.composition import open_core
from dongui_collector.storage.contract.requests import StoredRequest
from dongui_collector.storage.sqlite.admin import SqliteAdmin
from hypothesis import given
from hypothesis import strategies as st

from tests.desk.desk_world import World, send


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
    assert len(world.core.storage.admin.requests()) == 1


def test_words_that_are_new_stand_in_the_first_ones_file(world: World) -> None:
    first, second, again = ask(world, visitor(world), ("access", "one"), ("access", "two"), ("access", "one"))
    assert first == second == again
    [request] = world.core.storage.admin.requests()
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
            core.storage.admin.add_request(
                StoredRequest(1, "access", at=n, received="2025-01-01", due=f"2099-01-{n % 28 + 1:02}")
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


# --- what a page reads -----------------------------------------------------------------------------------------------


def fill(world: World, number: int, visitor: str | None = None) -> None:
    core = open_core(world.settings, writable=True)
    with core.storage.ledger.writing():
        for n in range(number):
            due = f"2099-01-{n % 28 + 1:02}"
            core.storage.admin.add_request(
                StoredRequest(1, "access", at=n, received="2025-01-01", due=due, visitor=visitor)
            )
    core.close()


@pytest.mark.parametrize("path", ["/console/requests", "/console/requests?page=20", "/console/due", "/console/holds"])
def test_a_page_reads_no_more_requests_for_the_flood(world: World, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """What is decoded is one page, however many wait: a number that no machine's speed changes."""
    officer = world.signed_in()
    fill(world, 3 * PAGE)
    read: list[int] = []
    decode = SqliteAdmin._requests

    def counted(store: SqliteAdmin, *arguments: object) -> object:
        found = decode(store, *arguments)  # type: ignore[arg-type]
        read.append(len(found))
        return found

    monkeypatch.setattr(SqliteAdmin, "_requests", counted)
    assert officer.get(path).status_code == 200
    few, read[:] = sum(read), []
    fill(world, 20 * PAGE)
    read.clear()
    assert officer.get(path).status_code == 200
    assert sum(read) <= max(few, 2 * PAGE)  # the page's own rows, and the menu's


def test_what_one_asked_is_found_without_reading_what_others_asked(world: World) -> None:
    one = visitor(world)
    ask(world, one, ("access", "mine"))
    fill(world, 40, visitor="ab" * 32)
    key = world.core.ledger.key_of(one)
    assert [r.visitor for r in world.core.storage.admin.requests_of([key])] == [key.hex()]


def test_those_of_visitors_without_rows_come_last_until_they_are_due_soon(world: World) -> None:
    [invented] = ask(world, visitor(world), ("access", ""))
    held = world.visitor_with_events("statistics", events=1)
    [real] = ask(world, held, ("access", ""))
    letter = world.ask("requests.add", kind="access", channel="letter")["id"]
    fill(world, 1)
    order = [r.id for r in request_list.listed(world.core)]
    assert order[:2] == [real.id, letter]
    assert order[-1] == invented.id, "after what is due long after it"
    office = world.core.storage.admin
    soon = date.fromisoformat(invented.due)
    assert [r.id for r in office.request_page(soon, closed=False, offset=0, limit=1)] == [invented.id]


def test_rows_of_requests_from_before_the_list_are_listed(world: World) -> None:
    """A ledger of an earlier version has bodies alone: the migration takes the facts from them."""
    [filed] = ask(world, visitor(world), ("access", "words"))
    path = world.settings.data_path / "dongui.db"
    world.core.close()
    with closing(sqlite3.connect(path)) as db, db:
        for name in ("requests_listed", "requests_visitor", "requests_member"):
            db.execute(f"DROP INDEX {name}")
        for column in ("due", "closed", "nothing_held", "visitor", "member"):
            db.execute(f"ALTER TABLE requests DROP COLUMN {column}")
        assert db.execute("DELETE FROM _sqlite_migrations WHERE name = 'm_requests_listed'").rowcount == 1
    with World(world.installed) as later:
        open_core(later.settings, writable=True).close()
        [listed] = request_list.listed(later.core)
        assert (listed.id, listed.due.isoformat()) == (filed.id, filed.due)


# --- one answer to many ----------------------------------------------------------------------------------------------


def test_many_are_answered_at_once_and_each_by_the_law(world: World) -> None:
    officer = world.signed_in()
    erased = [world.visitor_with_events("statistics", events=2) for _ in range(3)]
    ids = [ask(world, one, ("erase", ""))[0].id for one in erased]
    letter = world.ask("requests.add", kind="access", channel="letter")["id"]  # nobody was checked yet
    page = send(
        officer, "/console/requests?lang=en", "/console/requests/answers", ids=[*ids, letter], outcome="granted"
    )
    assert page.status_code == 200
    assert "3 requests were answered" in page.text
    assert f"#{letter}: who asks has not been checked" in page.text
    assert [r.id for r in request_list.listed(world.core)] == [letter]
    assert [world.core.storage.ledger.visitor(world.core.ledger.key_of(one)) for one in erased] == [None] * 3
    refused = world.ask("requests.answer_many", ids=[letter], outcome="refused", reason="too many")
    assert [one["id"] for one in refused["not_answered"]] == [letter], "no ground, no refusal"


def test_only_who_handles_requests_answers_many(world: World) -> None:
    world.ask("accounts.put", name="audit", password="a long enough password", role="auditor")
    browser = world.signed_in("audit", "a long enough password")
    assert 'name="ids"' not in browser.get("/console/requests").text
    assert (
        send(browser, "/console/requests", "/console/requests/answers", ids=[1], outcome="granted").status_code == 403
    )
