"""For all tests: the same examples in every run unless it has a seed; a busy machine is no failure. One Chromium."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import engine, providers
from hypothesis.internal.constants_ast import Constants
from playwright.sync_api import Browser, sync_playwright

# A slow machine has no deadline for an example, nor for what it takes to draw one.
SLOW = HealthCheck.too_slow
settings.register_profile("hunt", deadline=None, suppress_health_check=[SLOW])
settings.register_profile("same", deadline=None, suppress_health_check=[SLOW], derandomize=True, database=None)
settings.load_profile("same")
# The literals of whatever is imported besides would make another run of it, alone and among other tests.
providers._get_local_constants = Constants
# A failure that is found is told soon, if not as short as could be: 30 seconds of shrinking instead of 300.
engine.MAX_SHRINKING_SECONDS = 30

# Folders of tests lie in memory where there is room: kill -9 takes nothing from either, and no fsync waits for a disk
# that others use too. Which bytes are there is asked all the same.
MEMORY = Path("/dev/shm")
if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 4 << 30:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Who drives a browser without a window is no person for the collector, and these journeys are of persons.
    "--user-agent=Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36",
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP *.example.co.uk 127.0.0.1, MAP example.co.kr 127.0.0.1",
]


def pytest_configure(config: pytest.Config) -> None:
    """With ``--hypothesis-seed`` the examples are drawn by it (``make hunt``): other ones than in every other run."""
    if config.getoption("--hypothesis-seed") is not None:
        settings.load_profile("hunt")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What a browser is needed for comes last: from then on Playwright has an event loop of its own run in this thread,
    beside which neither ``asyncio.run`` nor Django's asynchronous views work.
    """
    items.sort(key=lambda item: "chromium" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
        )
        yield browser
        browser.close()
