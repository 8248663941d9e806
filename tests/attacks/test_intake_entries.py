"""What one visitor can write on the ledger has an end, and nothing that takes away ever meets it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from dongui_collector.core.errors import TooManyEntries
from dongui_collector.ledger.decisions import Decision, DecisionOutcome
from dongui_collector.ledger.recorder import MOST_ENTRIES

from tests.retention.house import ALL, House


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    made = House(tmp_path, monkeypatch)
    made.add_site()
    yield made
    made.close()
    made.loop.close()


def decide(house: House, visitor: str | None, granted: tuple[str, ...], refused: tuple[str, ...]) -> DecisionOutcome:
    notice = house.core.registry.in_force(house.site.ref, house.now)
    decision = Decision(granted, refused, "banner", "ko", {}, uuid.uuid4())
    with house.core.storage.ledger.writing():
        return house.core.ledger.choose(notice, visitor, decision)


def entries(house: House, visitor: str) -> int:
    return house.core.storage.ledger.entries_of(house.core.ledger.key_of(visitor))


def test_grants_meet_a_ceiling_and_what_takes_away_does_not(house: House) -> None:
    visitor = house.arrive("statistics", "marketing")
    key = house.core.ledger.key_of(visitor)
    for _ in range(MOST_ENTRIES + 50):
        decide(house, visitor, ("statistics",), ())
    assert entries(house, visitor) == MOST_ENTRIES
    refused = decide(house, visitor, ("personalisation",), ("marketing",))
    assert refused.verdict == "too_many"
    assert refused.answer["state"]["marketing"] == "withdrawn", "of a mixed one what it takes away counts"
    assert refused.answer["state"]["personalisation"] == "unasked"
    assert refused.intent
    house.core.ledger.suspend(key, True)
    with pytest.raises(TooManyEntries):
        house.core.ledger.suspend(key, False)
    assert decide(house, visitor, (), ("statistics",)).answer["visitor"] is None
    assert decide(house, visitor, ("statistics",), ()).verdict == "recorded", "who begins anew has an id of their own"
    house.erase(visitor)


def test_saying_no_again_writes_nothing(house: House) -> None:
    visitor = house.arrive("statistics")
    decide(house, visitor, (), tuple(p for p in ALL if p != "statistics"))
    key, before = house.core.ledger.key_of(visitor), entries(house, visitor)
    for _ in range(20):
        again = decide(house, visitor, (), ("marketing",))
        assert (again.verdict, again.answer["receipt"]) == ("recorded", None)
        house.core.ledger.suspend(key, False)
    assert entries(house, visitor) == before
    for _ in range(5):
        house.core.ledger.suspend(key, True)
    assert entries(house, visitor) == before + 1
