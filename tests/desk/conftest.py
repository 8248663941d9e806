"""A desk over an installation that holds something."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_world import World
from flask.testing import FlaskClient


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with World(tmp_path / "d") as world:
        yield world


@pytest.fixture
def visitor(world: World) -> str:
    """The id of someone who granted statistics alone, with five events of today."""
    return world.visitor_with_events("statistics", events=5)


@pytest.fixture
def officer(world: World) -> FlaskClient:
    """A browser that is signed in to the console."""
    return world.signed_in()
