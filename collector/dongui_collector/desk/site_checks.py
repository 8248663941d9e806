"""Checks of a site that somebody asked for in the console: one at a time, each in a process that can be ended."""

from __future__ import annotations

import logging
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dongui_collector.core.errors import CollectorError
from dongui_collector.ledger.installation import LedgerInstallation
from dongui_collector.site_check.check import SiteCheck, check_site, state_of
from dongui_collector.site_check.devtools import chromium_path
from dongui_collector.site_check.visit import end
from dongui_collector.storage.contract.values import Site

log = logging.getLogger("dongui.desk")

MOST_ORIGINS = 4
PAUSE_S = 10.0  # from the end of one check to the start of the next


@dataclass(slots=True)
class LastCheck:
    """The last check of one site. ``at``: epoch ms of its end, None while it runs or where it could not be made."""

    looks: list[SiteCheck] = field(default_factory=list)
    at: int | None = None


class SiteChecks:
    """The checks of an installation. ``look`` and ``clock`` (seconds, monotonic) are for tests."""

    def __init__(
        self,
        core: LedgerInstallation,
        look: Callable[..., SiteCheck] = check_site,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core, self._look, self._clock = core, look, clock
        self._lock = threading.Lock()
        self._again_at = float("-inf")
        self._running: Site | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._last: dict[str, LastCheck] = {}

    @property
    def running(self) -> Site | None:
        """The site whose pages are looked at right now."""
        return self._running

    def of(self, site: Site) -> LastCheck:
        """The last check of a site; an empty one before the first."""
        return self._last.get(site.id, LastCheck())

    def start(self, site: Site) -> bool:
        """Look at the site's listed origins, in a thread. False where one runs, or has only just run."""
        with self._lock:
            if self._running is not None or self._clock() < self._again_at:
                return False
            self._running = site
        threading.Thread(target=self._check, args=(site,), name="check-site", daemon=True).start()
        return True

    def end(self) -> None:
        """End the look that runs, if one does."""
        if (process := self._process) is not None:
            end(process)

    def _check(self, site: Site) -> None:
        looks = []
        try:
            for origin in site.origins[:MOST_ORIGINS]:
                state, browser = state_of(self._core, site), chromium_path()
                looks.append(self._look(self._core, state, f"{origin}/", browser=browser, started=self._started))
            self._last[site.id] = LastCheck(looks, self._core.clock.now())
        except CollectorError:  # it was ended, or took too long
            self._last[site.id] = LastCheck(looks)
        except Exception as error:
            log.error("a site could not be checked", exc_info=error)
        finally:
            self._process = None
            self._again_at = self._clock() + PAUSE_S
            self._running = None

    def _started(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
