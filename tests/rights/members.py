"""Steps that the tests of requests, packages and minors share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from dongui_collector.core.operations import perform

from tests.retention.house import House

ASKED = {"name": "Gildong-sentinel", "contact": "gildong@example.com", "text": "please-sentinel"}


def ask(house: House, operation: str, **arguments: Any) -> Any:
    """An operation on requests, in the officer's name."""
    return perform(house.core, f"requests.{operation}", {"by": "officer", **arguments})


def add(house: House, kind: str = "access", **more: Any) -> int:
    number: int = ask(house, "add", kind=kind, **ASKED, **more)["id"]
    return number


def proved(house: House, kind: str = "access", **more: Any) -> int:
    """A request whose identity was checked."""
    id = add(house, kind, **more)
    ask(house, "identity", id=id, how="document")
    return id


def join(house: House, visitor: str, member: str) -> None:
    """What ``POST /v1/members event=identified`` does."""
    key = house.core.ledger.member_key(house.site.ref, member)
    notice = house.core.registry.in_force(house.site.ref, house.now)
    assert house.core.ledger.identify(notice, house.core.ledger.key_of(visitor), key)


@contextmanager
def a_house() -> Iterator[House]:
    """A house of one example's own, for Hypothesis."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        house = House(Path(folder), patch)
        house.add_site()
        try:
            yield house
        finally:
            house.close()
            house.loop.close()
