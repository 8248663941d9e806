"""The packages, built twice from one source."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.packages.builds import dist, once


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with wheel, sdist and npm tarball."""
    return once(tmp_path_factory, "dist", dist)
