"""A headless Chromium, or a clear word on what is missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dongui.version import how_to_install

from dongui_collector.core.errors import CollectorError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


def chromium_path() -> str:
    """Where Chromium is. Raises :class:`CollectorError` with what to install."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    raise CollectorError("there is no Chromium on the PATH; install it (Debian, Ubuntu: apt install chromium)")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running headless Chromium, closed at the end."""
    path = chromium_path()
    try:
        from playwright.sync_api import sync_playwright
    except ModuleNotFoundError:
        raise CollectorError(f"playwright is not installed: {how_to_install('collector', 'scan')}") from None
    # As root, as in most containers, Chromium's own sandbox does not start.
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else _FLAGS
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()
