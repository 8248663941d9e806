"""How far one must walk through the product to follow a destruction, a withdrawal and a report (``tests/walk.py``)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from dongui_collector.analytics.executor import Query, report
from dongui_collector.ledger.service import Decision
from dongui_collector.storage.contract.values import Intent

from tests.retention.conftest import house, new_house
from tests.retention.house import ALL, House, at
from tests.walk import Walk, walk

__all__ = ["house", "new_house"]


def within(found: Walk, files: int, returns: int) -> bool:
    """Whether a walk is no longer than it was; an empty one means that nothing was traced."""
    return 0 < len(found.files) <= files and len(found.returns) <= returns


def traced(call: Callable[[], object]) -> Walk:
    _, found = walk(call)
    print(f"\n{found}")
    return found


def test_a_destruction(house: House) -> None:
    """A day ages out under the standing approval: selected, approved, destroyed, certified."""
    house.visit(house.arrive())
    house.now = at("2026-03-11T00:00")
    found = traced(house.core.retention.run)
    assert house.core.storage.events.days() == []
    assert within(found, 19, 108)


def test_a_withdrawal(house: House) -> None:
    """One purpose of several is withdrawn: decided on the ledger, its rows reduced, certified."""
    visitor = house.arrive()
    house.visit(visitor)
    notice = house.core.registry.in_force(house.site.ref, house.now)
    choice = Decision((), ("marketing",), "banner", "ko", {}, None)
    intents: list[Intent] = []

    def decide() -> None:
        with house.core.storage.ledger.writing():
            outcome = house.core.ledger.choose(notice, visitor, choice)
        intents.extend([outcome.intent] if outcome.intent else [])

    def end() -> None:
        house.core.retention.endings.finish(intents[0])

    decided, ended = traced(decide), traced(end)
    assert house.core.storage.ledger.intents() == []
    assert within(decided, 11, 34)
    assert within(ended, 6, 13)


def test_a_report(house: House) -> None:
    """One question of the reports, the first since the start."""
    house.visit(house.arrive())
    day, site = date(2025, 3, 10), house.site
    found = traced(lambda: report(house.core, site, ALL, Query("pages", day, day)))
    assert within(found, 28, 210)
