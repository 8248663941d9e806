"""Group commit: those who come together are committed together, nobody waits for nobody, and one fails alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AbstractContextManager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.intake import group_commit
from dongui_collector.intake.gate import Sender
from dongui_collector.intake.group_commit import Pending
from dongui_collector.intake.schema import Event
from dongui_collector.storage.contract.stores import IngestTransaction

from tests.retention.house import CHROME, House

FOR_EVER = 60.0


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path, monkeypatch)
    made.add_site()
    yield made
    made.close()
    made.loop.close()


@pytest.fixture
def commits(house: House, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows there were after each transaction."""
    ingest, seen = house.core.storage.events.ingest, list[int]()

    def counted(day: date) -> AbstractContextManager[IngestTransaction]:
        seen.append(len(house.rows()))
        return ingest(day)

    monkeypatch.setattr(house.core.storage.events, "ingest", counted)
    return seen


def send(house: House, visitor: str, name: str = "page_view") -> asyncio.Future[Pending]:
    event = Event(id=uuid.uuid4(), name=name, at=house.now, props={"n": 1})
    sender = Sender("203.0.113.7", CHROME, "ko", False, False, "homepage")
    return house.commit.add(house.site.ref, house.core.ledger.key_of(visitor), [event], sender)


def run(house: House, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    house.loop.run_until_complete(asyncio.wait_for(work(), FOR_EVER))


def test_what_one_turn_brings_is_one_transaction(house: House, commits: list[int]) -> None:
    visitors = [house.arrive() for _ in range(3)]

    async def together() -> None:
        done = await asyncio.gather(*(send(house, visitors[n % 3]) for n in range(40)))
        assert [pending.recorded for pending in done] == [1] * 40
        assert len(house.rows()) == 40  # on disk before anybody was answered

    run(house, together)
    assert commits == [0]


def test_those_who_were_answered_together_are_waited_for(
    house: House, commits: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = house.arrive()
    run(house, lambda: all_of(send(house, visitor) for _ in range(40)))
    monkeypatch.setattr(group_commit, "_MOST_WAIT_S", FOR_EVER)
    monkeypatch.setattr(house.commit, "_took", FOR_EVER)

    async def dribble() -> None:
        waiting = []
        for _ in range(40):
            waiting.append(send(house, visitor))
            await asyncio.sleep(0.001)  # many turns of the loop
        await asyncio.gather(*waiting)

    run(house, dribble)
    assert commits == [0, 40]


def test_who_comes_alone_is_not_kept_waiting(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = house.arrive()
    monkeypatch.setattr(group_commit, "_MOST_WAIT_S", FOR_EVER)
    monkeypatch.setattr(house.commit, "_took", FOR_EVER)

    async def one_by_one() -> None:
        for _ in range(3):
            await asyncio.wait_for(send(house, visitor), FOR_EVER / 2)

    run(house, one_by_one)


def test_who_is_waited_for_in_vain_holds_nobody_up_for_long(house: House) -> None:
    visitor = house.arrive()
    run(house, lambda: all_of(send(house, visitor) for _ in range(40)))

    async def alone() -> None:
        assert (await send(house, visitor)).recorded == 1

    run(house, alone)
    assert len(house.rows()) == 41


def test_a_withdrawal_that_comes_while_events_wait_refuses_them(house: House) -> None:
    """The ledger is read in the transaction that writes, not when the request came."""
    staying, leaving = house.arrive(), house.arrive()

    async def meanwhile() -> None:
        kept, refused = send(house, staying), send(house, leaving)
        house.choose(refused=("statistics", "personalisation", "marketing"), visitor=leaving)
        assert (await kept).recorded == 1
        assert (await refused).refused == {"no_consent": 1}

    run(house, meanwhile)
    assert [row.visitor for row in house.rows()] == [house.core.ledger.key_of(staying)]


def test_one_that_cannot_be_stored_fails_alone(house: House) -> None:
    visitor = house.arrive()

    async def together() -> None:
        good = [send(house, visitor) for _ in range(5)]
        bad = send(house, visitor, name="\udc80")  # no text that a database takes
        good += [send(house, visitor) for _ in range(5)]
        done = await asyncio.gather(*good, bad, return_exceptions=True)
        assert [isinstance(one, Exception) for one in done] == [False] * 10 + [True]

    run(house, together)
    assert len(house.rows()) == 10


async def all_of(futures: Any) -> None:
    await asyncio.gather(*futures)
