"""One running collector for the tests of the public door."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector import Installation


@pytest.fixture(scope="module")
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("door") / "installation").start()
    yield installation
    installation.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Installation]:
    """An installation of the test's own, not started yet; with ``testing = true``."""
    installation = Installation(tmp_path / "installation", testing=True)
    yield installation
    installation.close()
