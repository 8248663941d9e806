from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.retention.house import House


@pytest.fixture
def new_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., House]]:
    """Opens installations, one a name; closes them at the end."""
    opened: list[House] = []

    def make(name: str = "house", **options: Any) -> House:
        (tmp_path / name).mkdir(exist_ok=True)
        opened.append(House(tmp_path / name, monkeypatch, **options))
        return opened[-1]

    yield make
    for house in opened:
        house.close()
        house.loop.close()


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    """One site under the default policy, on 2025-03-10 at noon, with a standing approval."""
    made = new_house()
    made.add_site()
    made.approve_routine()
    return made
