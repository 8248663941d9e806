"""A desk over an installation that holds something."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from dongui_collector.runtime.install import Installed
from flask.testing import FlaskClient

from tests.desk.desk_world import World


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return World.template(tmp_path_factory.mktemp("template") / "d")


@pytest.fixture
def world(template: Installed, tmp_path: Path) -> Iterator[World]:
    shutil.copytree(Path(template.config).parent, tmp_path / "d")
    with World(replace(template, config=str(tmp_path / "d" / "dongui.toml"))) as world:
        yield world


@pytest.fixture
def visitor(world: World) -> str:
    """The id of someone who granted statistics alone, with five events of today."""
    return world.visitor_with_events("statistics", events=5)


@pytest.fixture
def officer(world: World) -> FlaskClient:
    """A browser that is signed in to the console."""
    return world.signed_in()
