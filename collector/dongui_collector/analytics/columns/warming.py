"""Reading what reports will be asked about before anybody asks: the desk's own thread, newest days first."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING

from dongui_collector.analytics.columns.engine import Engine
from dongui_collector.analytics.entitled_events import EntitledEvents
from dongui_collector.analytics.filters import BASE
from dongui_collector.core.errors import CollectorError

if TYPE_CHECKING:
    from dongui_collector.ledger.installation import LedgerInstallation

log = logging.getLogger("dongui.reports")

_FULL = 0.9  # of the memory: the rest is for days to come, and for questions of other purposes
_PAUSE = 0.25  # of what a day took: visitors' requests go first
_SETTLED = 30  # days


def warm(core: LedgerInstallation, pause: Callable[[float], object] = time.sleep) -> int:
    """Bring the days of every reader there is into memory, as far as it goes; how many that were.

    What is asked meanwhile is answered all the same: whoever asks reads the days that are not there yet.
    """
    begun, number = time.monotonic(), 0
    try:
        for covered in _readers(core):
            number += _warm(core, covered, pause)
    except (CollectorError, OSError):
        log.exception("days for reports could not be read ahead; they are read when they are asked for")
    log.info("days for reports are in memory", extra={"work": f"{number} days, {time.monotonic() - begun:.0f} s"})
    return number


def _readers(core: LedgerInstallation) -> Iterator[EntitledEvents]:
    """Who may ask: the console, for all purposes of the notice in force, and every token that lives."""
    for site in core.registry.published():
        whole = core.registry.in_force(site.ref, core.clock.now()).policy.consent_purposes
        tokens = [t.purposes for t in core.storage.admin.tokens() if (t.site, t.revoked_at) == (site.id, None)]
        for purposes in dict.fromkeys(tuple(sorted(some)) for some in (whole, *tokens)):
            covered = EntitledEvents(core, site, purposes)
            if covered.items() >= frozenset(BASE):
                yield covered


def _warm(core: LedgerInstallation, covered: EntitledEvents, pause: Callable[[float], object]) -> int:
    engine = Engine.of(core)
    store, number = engine.store(covered), 0
    for day in sorted(covered.days(date.min, date.max), reverse=True):
        begun = time.monotonic()
        if engine.nbytes > _FULL * engine.limit or not engine.holds(store):
            break
        store.bring(day)
        number += 1
        if number % _SETTLED == 0:
            store.settle()
        pause(_PAUSE * (time.monotonic() - begun))
    store.settle()
    return number
